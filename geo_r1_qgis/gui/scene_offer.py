"""Offers to go on with a run over a whole raster that did not come to its end. Starts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject

from ..layers.scene_resume import Unfinished, find_unfinished
from ..tasks.function_task import FunctionTask
from ..tasks.outcome import Done
from .scene_status import SceneStatus
from .scene_words import offer_words


class UnfinishedOffer(QObject):
    """`left` is the run that is offered, if there is one."""

    def __init__(
        self, status: SceneStatus, is_running: Callable[[], bool], parent: Optional[QObject] = None
    ) -> None:
        super().__init__(parent)
        self._status = status
        self._is_running = is_running
        self._looking: Optional[FunctionTask] = None
        self.left: Optional[Unfinished] = None
        status.dismissed.connect(self.dismiss)

    @property
    def is_looking(self) -> bool:
        """Whether the file is being read."""
        return self._looking is not None

    def look(self, path: str) -> None:
        """See in the background whether a file has a run to go on with."""
        if self._looking is not None or not path:
            return
        name = self.tr("Geo-R1: looking for runs")
        task = self._looking = FunctionTask(name, lambda: find_unfinished(Path(path)))
        task.taskCompleted.connect(self._on_looked)
        task.taskTerminated.connect(self._on_looked)
        QgsApplication.taskManager().addTask(task)

    def dismiss(self) -> None:
        """Offer nothing."""
        self.left = None
        self._status.hide()

    def close(self) -> None:
        """Wait for nothing more."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()

    def _on_looked(self) -> None:
        task = self._looking
        if task is None or task.outcome is None:
            return
        self._looking = None
        if self._is_running() or not isinstance(task.outcome, Done):
            return
        left = self.left = task.outcome.value
        if left is None:
            self._status.hide()
            return
        words = offer_words(left.query, left.done, left.tiles, is_over=left.is_over)
        self._status.offer(left.done, left.tiles, words)
