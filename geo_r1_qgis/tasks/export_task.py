"""Copy chosen detections into another file, in the background."""

from __future__ import annotations

import logging
from typing import Optional, Sequence

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeedback,
    QgsProject,
    QgsTask,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import GeoR1Error, Unexpected, without_frames
from ..layers.export import export_detections
from ..layers.store import CLOSE_S, DetectionStore
from .outcome import Cancelled, Done, Failed, Outcome

log = logging.getLogger(__name__)


class ExportTask(QgsTask):
    """`outcome` is `Done` with the number of copies, `Failed` or `Cancelled` when the task has ended."""

    def __init__(
        self,
        store: DetectionStore,
        uids: Sequence[str],
        path: str,
        crs: QgsCoordinateReferenceSystem,
        driver: str = "GPKG",
    ) -> None:
        super().__init__(
            QCoreApplication.translate("ExportTask", "Geo-R1: exporting"), QgsTask.Flag.CanCancel
        )
        self.outcome: Optional[Outcome] = None
        self.path = path
        self._store = store
        self._uids = list(uids)
        self._crs = QgsCoordinateReferenceSystem(crs)
        self._driver = driver
        self._context = QgsCoordinateTransformContext(QgsProject.instance().transformContext())
        self._feedback = QgsFeedback()

    def run(self) -> bool:
        """Write off the GUI thread; never raise into QGIS."""
        try:
            self._store.flush(CLOSE_S)
            count = export_detections(
                self._store.path,
                self._uids,
                self.path,
                crs=self._crs,
                driver=self._driver,
                context=self._context,
                feedback=self._feedback,
            )
            self.outcome = Cancelled() if self.isCanceled() else Done(count)
        except GeoR1Error as error:
            self.outcome = Cancelled() if self.isCanceled() else Failed(without_frames(error))
        except Exception as error:  # border: an exception here would vanish inside QgsTask
            log.exception("export task")
            self.outcome = Failed(without_frames(Unexpected(error)))
        return isinstance(self.outcome, Done)

    def cancel(self) -> None:
        """Stop the writing as well."""
        self._feedback.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        """Say that a task that never ran was cancelled."""
        if self.outcome is None:
            self.outcome = Cancelled()
