"""A raster without CRS: says so, and offers the project's. One click sets it for the layer, one more takes it back."""

from __future__ import annotations

from typing import Optional, Set

from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..capture.ground import is_unplaced
from ..core.sentences import Mend
from ..crs.reference import name_of
from .dock import GeoR1Dock


class CrsOffer(QObject):
    """Follows the layer that is chosen; speaks in the dock's notice, once per layer, and never over an error there."""

    changed = pyqtSignal()
    """A layer lies elsewhere now."""

    def __init__(
        self, *, dock: GeoR1Dock, canvas: QgsMapCanvas, parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._dock = dock
        self._canvas = canvas
        self._layer_id = ""
        """The layer that the notice speaks of; empty while it speaks of something else."""
        self._said = ""
        """The remark without a button, as it was shown."""
        self._offered: Set[str] = set()
        self._links = (
            (dock.ask_panel.layer_combo.layerChanged, self.look),
            (canvas.destinationCrsChanged, self.look),
            (dock.notice.mend_requested, self._on_mend),
        )
        for signal, slot in self._links:
            signal.connect(slot)
        self.look()

    def close(self) -> None:
        """Let go of the canvas and the dock."""
        for signal, slot in self._links:
            signal.disconnect(slot)

    def look(self, *_: object) -> None:
        """Offer the project's CRS if the chosen raster needs it; take an offer back that speaks of another layer."""
        layer = self._dock.ask_panel.layer
        crs = self._canvas.mapSettings().destinationCrs()
        needs_it = (
            isinstance(layer, QgsRasterLayer) and layer.isValid() and not layer.crs().isValid()
        )
        notice = self._dock.notice
        if self._speaks and (not needs_it or layer.id() != self._layer_id):
            notice.hide()
        if not needs_it or not crs.isValid() or layer.id() in self._offered:
            return
        if notice.isHidden():
            self._offer(layer, crs)

    @property
    def _speaks(self) -> bool:
        notice = self._dock.notice
        mends = (Mend.USE_PROJECT_CRS, Mend.TAKE_CRS_BACK)
        return not notice.isHidden() and (notice.mend in mends or notice.text == self._said)

    def _offer(self, layer: QgsRasterLayer, crs: QgsCoordinateReferenceSystem) -> None:
        self._layer_id = layer.id()
        self._offered.add(layer.id())
        if is_unplaced(layer):  # no CRS fits its pixels
            title = self.tr("“{layer}” has no place on the map").format(layer=layer.name())
            text = self.tr(
                "It can be asked all the same; sizes are in pixels. To have metres, place it first: Georeferencer, in the "
                "menu Raster or Layer."
            )
            self._dock.notice.show_remark(title, text)
            self._said = self._dock.notice.text
            return
        title = self.tr("“{layer}” has no CRS").format(layer=layer.name())
        text = self.tr(
            "QGIS draws it as if it were in the project's, {crs}. If that is right, set it; the file is not touched."
        )
        self._dock.notice.show_remark(
            title, text.format(crs=_in_words(crs)), mend=Mend.USE_PROJECT_CRS
        )

    def _on_mend(self, mend: Mend) -> None:
        layer = QgsProject.instance().mapLayer(self._layer_id)
        if layer is None:
            return
        if mend is Mend.USE_PROJECT_CRS:
            crs = self._canvas.mapSettings().destinationCrs()
            layer.setCrs(crs)
            title = self.tr("“{layer}” is in {crs} now").format(
                layer=layer.name(), crs=name_of(crs)
            )
            text = self.tr("For this project; the file is as it was.")
            self._dock.notice.show_remark(title, text, mend=Mend.TAKE_CRS_BACK)
            self.changed.emit()
        elif mend is Mend.TAKE_CRS_BACK:
            layer.setCrs(QgsCoordinateReferenceSystem())
            self._offer(layer, self._canvas.mapSettings().destinationCrs())
            self.changed.emit()


def _in_words(crs: QgsCoordinateReferenceSystem) -> str:
    return " ".join(dict.fromkeys(filter(None, (crs.authid(), crs.description()))))
