"""The keys A, R and E in Results: accept, reject, edit the outline. The next training learns from them."""

from __future__ import annotations

from typing import Dict, List, Optional

from qgis.core import QgsFeatureRequest, QgsGeometry, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..layers.reviews import EDITED, write_review
from ..layers.store import DetectionStore
from .answers_panel import AnswersPanel


class ReviewController(QObject):
    """Writes judgements; `edit_begun` comes when the layer is open for editing with the outline selected."""

    edit_begun = pyqtSignal(object)

    def __init__(
        self,
        *,
        panel: AnswersPanel,
        store: DetectionStore,
        canvas: QgsMapCanvas,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._panel, self._store, self._canvas = panel, store, canvas
        self._followed = ""
        panel.review_requested.connect(self._review)
        panel.edit_requested.connect(self._edit)

    def _review(self, uids: List[str], review: str) -> None:
        write_review(self._store, uids, review)
        self._panel.mark(uids, review)

    def _edit(self, uids: List[str]) -> None:
        layer = self._store.layer
        if layer is None or not uids:
            return
        quoted = ", ".join(f"'{uid}'" for uid in uids)  # ids of our own making
        request = QgsFeatureRequest().setFilterExpression(f'"uid" in ({quoted})')
        layer.selectByIds([feature.id() for feature in layer.getFeatures(request)])
        if layer.id() != self._followed:
            self._followed = layer.id()
            layer.committedGeometriesChanges.connect(self._on_committed)
        layer.startEditing()
        self._canvas.zoomToSelected(layer)
        self.edit_begun.emit(layer)

    def _on_committed(self, layer_id: str, changed: Dict[int, QgsGeometry]) -> None:
        layer = self._store.layer
        if not isinstance(layer, QgsVectorLayer) or layer.id() != layer_id:
            return
        request = QgsFeatureRequest().setFilterFids(list(changed))
        uids = [str(feature["uid"]) for feature in layer.getFeatures(request)]
        self._review(uids, EDITED)
