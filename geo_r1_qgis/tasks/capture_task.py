"""Take the picture that a plan describes, in the background."""

from __future__ import annotations

import logging
from typing import Optional

from qgis.core import QgsTask
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.plan import CapturePlan
from ..capture.render import ChipRender
from ..core.errors import GeoR1Error, Unexpected, without_frames
from .outcome import Cancelled, Done, Failed, Outcome

log = logging.getLogger(__name__)


class CaptureTask(QgsTask):
    """`outcome` is `Done` with a `Chip`, `Failed` or `Cancelled` when `taskCompleted`/`taskTerminated` is emitted.

    Make it on the GUI thread (that copies what is needed of the layer), give it to the task manager and keep a
    reference until it has ended.
    """

    def __init__(self, plan: CapturePlan) -> None:
        super().__init__(
            QCoreApplication.translate("CaptureTask", "Geo-R1: taking the picture"),
            QgsTask.Flag.CanCancel,
        )
        self.outcome: Optional[Outcome] = None
        self._render: Optional[ChipRender] = None
        try:
            self._render = ChipRender(plan)
        except GeoR1Error as error:
            self.outcome = Failed(without_frames(error))

    def run(self) -> bool:
        """Draw and encode off the GUI thread; never raise into QGIS."""
        if self._render is None:
            return False
        try:
            chip = self._render.render()
            self.outcome = Cancelled() if self.isCanceled() else Done(chip)
        except GeoR1Error as error:
            self.outcome = Failed(without_frames(error))
        except Exception as error:  # border: an exception here would vanish inside QgsTask
            log.exception("capture task")
            self.outcome = Failed(without_frames(Unexpected(error)))
        return isinstance(self.outcome, Done)

    def cancel(self) -> None:
        """Stop the drawing as well, not only what comes after it."""
        if self._render is not None:
            self._render.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        """Say that a task that never ran was cancelled, and let go of the picture's memory."""
        if self.outcome is None:
            self.outcome = Cancelled()
        if self._render is not None:
            self._render.close()
        self._render = None
