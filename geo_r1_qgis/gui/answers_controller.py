"""Joins the coordinates in the reasoning and the answers in the list to the map, and exports answers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import List, Optional, Tuple

from qgis.core import QgsApplication, QgsProject, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject

from ..core.frame import Frame
from ..layers.store import DetectionStore
from ..tasks.export_task import ExportTask
from ..tasks.outcome import Done, Failed
from .answers_panel import Answer, Question
from .ask_controller import AskController
from .dock import GeoR1Dock
from .export_dialog import ExportDialog
from .flash import CanvasFlash

log = logging.getLogger(__name__)


class AnswersController(QObject):
    """Flash, go there, show again, export."""

    def __init__(
        self,
        *,
        dock: GeoR1Dock,
        asking: AskController,
        store: DetectionStore,
        canvas: QgsMapCanvas,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._dock = dock
        self._asking = asking
        self._store = store
        self._task: Optional[ExportTask] = None
        self._adds_layer = False
        self._remark = ""
        self.flash = CanvasFlash(canvas, self)
        dock.reasoning.place_entered.connect(self._on_place_entered)
        dock.reasoning.place_chosen.connect(self._on_place_chosen)
        dock.reasoning.place_left.connect(self.flash.clear)
        dock.answers.answer_shown.connect(self._on_answer_shown)
        dock.answers.answer_chosen.connect(self._on_answer_chosen)
        dock.answers.question_shown.connect(self._on_question_shown)
        dock.answers.export_requested.connect(self.export)
        QgsProject.instance().cleared.connect(self._on_cleared)
        store.layer_ready.connect(self._on_layer_ready)
        store.remarked.connect(self._on_remarked)
        store.told.connect(dock.notice.show_remark)

    def close(self) -> None:
        """Take everything off the canvas, and stop an export that is under way."""
        self.flash.clear()
        QgsProject.instance().cleared.disconnect(self._on_cleared)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def export(self, uids: List[str]) -> None:
        """Ask where to, then write the answers."""
        dialog = ExportDialog(len(uids), QgsProject.instance().crs(), self._dock)
        dialog.accepted.connect(lambda: self._write(uids, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _write(self, uids: List[str], dialog: ExportDialog) -> None:
        self._adds_layer = dialog.add_layer.isChecked()
        self._task = ExportTask(self._store, uids, dialog.path, dialog.crs.crs(), dialog.driver)
        self._task.taskCompleted.connect(self._on_written)
        self._task.taskTerminated.connect(self._on_written)
        QgsApplication.taskManager().addTask(self._task)

    def _on_written(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        if isinstance(task.outcome, Failed):
            self._dock.notice.show_error(task.outcome.error)
        elif isinstance(task.outcome, Done):
            if self._adds_layer:
                layer = QgsVectorLayer(task.path, self.tr("Exported answers"), "ogr")
                QgsProject.instance().addMapLayer(layer)
            title = self.tr("{count} answers written").format(count=task.outcome.value)
            self._dock.notice.show_remark(title, task.path)

    def _on_cleared(self) -> None:
        """Another project: its answers are in another file, and the map shows another place."""
        self.flash.clear()
        self._asking.frame = None
        self._dock.answers.clear()
        self._dock.answers.set_place("")
        self._dock.reasoning.clear()
        self._dock.reasoning.set_stage("")
        self._dock.notice.hide()

    def _on_layer_ready(self, _layer: QgsVectorLayer) -> None:
        file = self.tr("Kept in {file}").format(file=Path(self._store.path).name)
        self._dock.answers.set_place(file, self._remark or self._store.path)
        self._remark = ""

    def _on_remarked(self, sentence: str) -> None:
        log.info(sentence)
        self._remark = sentence

    def show_frame(self, frame: Frame) -> None:
        """Coordinates of the reasoning to come are pixels of this frame: a question about a whole layer has begun."""
        self._asking.frame = frame

    def _on_place_entered(self, place_px: Tuple[float, ...]) -> None:
        if self._asking.frame is not None:
            self.flash.show_place(self._asking.frame, place_px, hold=True)

    def _on_place_chosen(self, place_px: Tuple[float, ...]) -> None:
        if self._asking.frame is not None:
            if self.flash.is_tiny(self._asking.frame, place_px):
                self.flash.zoom_to(self._asking.frame, place_px)
            else:
                self.flash.bring_into_view(self._asking.frame, place_px)
            self.flash.show_place(self._asking.frame, place_px)

    def _on_answer_shown(self, answer: Answer) -> None:
        self.flash.bring_into_view(answer.frame, answer.detection.box_px)
        self._flash(answer)

    def _on_answer_chosen(self, answer: Answer) -> None:
        self.flash.zoom_to(answer.frame, answer.detection.box_px)
        self._flash(answer)

    def _flash(self, answer: Answer) -> None:
        found = answer.detection
        polygons_px = found.polygons_px if found.kind == "mask" else None
        self.flash.show_place(answer.frame, found.box_px, polygons_px=polygons_px)

    def _on_question_shown(self, question: Question) -> None:
        if self._asking.state.is_running or not question.reasoning:
            return
        self._asking.frame = question.frame
        self._dock.reasoning.show_text(question.reasoning)
        self._dock.reasoning.set_stage(question.query)
