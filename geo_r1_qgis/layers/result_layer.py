"""The layer of the project that shows the result file: added once, read anew when something was written. GUI thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Optional

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import LayerError
from .ogr_calls import is_locked
from .schema import DETECTIONS
from .writer import Writer

LAYER_NAME = "Geo-R1 detections"
REFRESH_MS = 50
LOCKED_MS = 300
"""Until a file that another program holds is looked at again."""
MS_PER_FEATURE = 0.25
"""Rest between two readings: each draws all of them again, on every core, and so takes the window its turns (0.1 to 0.4 s
each with 20,000 of them, on two cores)."""
MAX_REST_MS = 10_000


class ResultLayer(QObject):
    """Keeps the layer in step with the file at `path`."""

    ready = pyqtSignal(object)
    """The QgsVectorLayer, when it was added to the project."""
    failed = pyqtSignal(object)

    def __init__(self, project: QgsProject, parent: QObject) -> None:
        super().__init__(parent)
        self.path = ""
        """The file that is shown; empty = none."""
        self._project = project
        self._layer_id = ""
        self._shown_s = 0.0
        self._writer: Writer = None
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(REFRESH_MS)
        self._refresh.timeout.connect(self._show)

    @property
    def layer(self) -> Optional[QgsVectorLayer]:
        """The layer in the project; none before the first detection."""
        layer = self._project.mapLayer(self._layer_id) if self._layer_id else None
        return layer if isinstance(layer, QgsVectorLayer) else None

    def refresh(self, path: str, writer: Writer) -> None:
        """Show the file, and what came since, as soon as `writer` rests."""
        self.path, self._writer = path, writer
        if not self._refresh.isActive():
            self._refresh.start(self._rest_ms())

    def hurry(self) -> None:
        """Nothing more comes for now: what waits to be shown need not rest."""
        if self._refresh.isActive():
            self._refresh.start(REFRESH_MS)

    def forget(self) -> None:
        """Another project."""
        self.path = self._layer_id = ""

    def stop(self) -> None:
        """Show nothing more."""
        self._refresh.stop()

    def _show(self) -> None:
        """Add the layer if the project has none on this file, and let it read the file anew."""
        if not self.path or not Path(self.path).exists():
            return  # what was stored belongs to a project that was closed
        if not self._writer.is_idle:
            self._refresh.start(
                REFRESH_MS
            )  # reading now would wait for SQLite's lock, up to a quarter of a second
            return
        layer = self._layer_on(self.path)
        if layer is None:
            if is_locked(self.path):
                self._refresh.start(LOCKED_MS)  # QGIS would wait for it here, for 5 s
            else:
                QTimer.singleShot(0, self._add)  # a turn of its own: asking has taken some
            return
        self._layer_id = layer.id()
        layer.dataProvider().reloadData()
        layer.updateExtents()
        layer.triggerRepaint()
        self._shown_s = time.monotonic()

    def _rest_ms(self) -> int:
        """Until the file may be read again: the more there is to draw, the longer."""
        layer = self.layer
        if layer is None:
            return REFRESH_MS
        rest_ms = min(MAX_REST_MS, MS_PER_FEATURE * layer.featureCount())
        since_ms = (time.monotonic() - self._shown_s) * 1000
        return max(REFRESH_MS, int(rest_ms - since_ms))

    def _add(self) -> None:
        """Open the file now, if it is still to be shown, read the style and add the layer in the next turn: each is 10 to 30 ms."""
        if sip.isdeleted(self) or not self.path or self._layer_on(self.path) is not None:
            return
        options = QgsVectorLayer.LayerOptions(self._project.transformContext())
        options.loadDefaultStyle = False
        source = f"{self.path}|layername={DETECTIONS}"
        layer = QgsVectorLayer(source, LAYER_NAME, "ogr", options)
        if not layer.isValid():
            message = self.tr("{path} cannot be shown.").format(path=self.path)
            self.failed.emit(LayerError(message, code="layer-unreadable", path=self.path))
            return

        def add() -> None:
            if sip.isdeleted(self) or self._layer_on(self.path) is not None:
                return  # the plugin was unloaded, or somebody was faster
            if not self.path or not source.startswith(self.path):
                return  # another project was opened
            layer.loadDefaultStyle()
            self._project.addMapLayer(layer, False)
            self._project.layerTreeRoot().insertLayer(0, layer)
            self._layer_id = layer.id()
            self.ready.emit(layer)

        QTimer.singleShot(0, add)

    def _layer_on(self, path: str) -> Optional[QgsVectorLayer]:
        for layer in self._project.mapLayers().values():
            if not isinstance(layer, QgsVectorLayer) or layer.providerType() != "ogr":
                continue
            source, _, rest = layer.source().partition("|")
            if f"layername={DETECTIONS}" in rest and Path(source) == Path(path):
                return layer
        return None
