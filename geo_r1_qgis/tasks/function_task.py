"""Run one function in the background."""

from __future__ import annotations

import logging
from typing import Any, Callable, Optional

from qgis.core import QgsTask

from ..core.errors import GeoR1Error, Unexpected, without_frames
from .outcome import Cancelled, Done, Failed, Outcome

log = logging.getLogger(__name__)


class FunctionTask(QgsTask):
    """`outcome` is `Done` with what the function returned, `Failed` or `Cancelled` when the task has ended."""

    def __init__(self, description: str, function: Callable[[], Any]) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self.outcome: Optional[Outcome] = None
        self._function = function

    def run(self) -> bool:
        """Call it off the GUI thread; never raise into QGIS."""
        try:
            self.outcome = Done(self._function())
        except GeoR1Error as error:
            self.outcome = Failed(without_frames(error))
        except Exception as error:  # border: an exception here would vanish inside QgsTask
            log.exception("task")
            self.outcome = Failed(without_frames(Unexpected(error)))
        return isinstance(self.outcome, Done)

    def finished(self, result: bool) -> None:
        """Say that a task that never ran was cancelled."""
        if self.outcome is None:
            self.outcome = Cancelled()
