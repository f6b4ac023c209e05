"""Check labels, and take the chips of a data set, in the background."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, Optional

from qgis.core import QgsCoordinateTransformContext, QgsRasterLayer, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, pyqtSignal

from ..capture.labels import LabelReader
from ..capture.training_chips import ChipSet
from ..core.errors import GeoR1Error, Unexpected, without_frames
from ..core.label_check import Check
from ..core.wire import Task
from .outcome import Cancelled, Done, Failed, Outcome

log = logging.getLogger(__name__)


class _DatasetTask(QgsTask):
    """`outcome` is `Done`, `Failed` or `Cancelled` when `taskCompleted`/`taskTerminated` is emitted."""

    def __init__(self, description: str) -> None:
        super().__init__(description, QgsTask.Flag.CanCancel)
        self.outcome: Optional[Outcome] = None

    def work(self) -> object:
        """What is done off the GUI thread."""
        raise NotImplementedError

    def run(self) -> bool:
        """Work; never raise into QGIS."""
        try:
            value = self.work()
            self.outcome = Cancelled() if self.isCanceled() else Done(value)
        except GeoR1Error as error:
            self.outcome = Failed(without_frames(error))
        except Exception as error:  # border: an exception here would vanish inside QgsTask
            log.exception("data set task")
            self.outcome = Failed(without_frames(Unexpected(error)))
        return isinstance(self.outcome, Done)

    def finished(self, result: bool) -> None:
        """Say that a task that never ran was cancelled."""
        if self.outcome is None:
            self.outcome = Cancelled()


class CheckTask(_DatasetTask):
    """The outcome's value is a `Check`."""

    def __init__(self, reader: LabelReader) -> None:
        super().__init__(QCoreApplication.translate("CheckTask", "Geo-R1: checking the labels"))
        self._reader = reader

    def work(self) -> object:
        return self._reader.read(self.isCanceled)


class CutTask(_DatasetTask):
    """The outcome's value is the list of samples; `path_of` says where each chip lies until `clean`."""

    cut = pyqtSignal(int, int)

    def __init__(
        self,
        raster: QgsRasterLayer,
        context: QgsCoordinateTransformContext,
        check: Check,
        *,
        task: Task,
        seed: int,
    ) -> None:
        super().__init__(
            QCoreApplication.translate("CutTask", "Geo-R1: taking pictures to learn from")
        )
        self._folder = TemporaryDirectory(prefix="geo-r1-chips-")
        self._chips = ChipSet(raster, context, Path(self._folder.name))
        self._check, self._task, self._seed = check, task, seed

    @property
    def path_of(self) -> Callable[[str], Path]:
        """SHA-256 to file."""
        return self._chips.path_of

    def clean(self) -> None:
        """Remove the files."""
        self._chips.close()
        self._folder.cleanup()

    def work(self) -> object:
        return self._chips.cut(
            self._check,
            task=self._task,
            seed=self._seed,
            progress=self.cut.emit,
            is_cancelled=self.isCanceled,
        )
