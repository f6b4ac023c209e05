"""One result file that is being written, with what must be known to make it. Outlives its project until it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from qgis.core import QgsCoordinateTransformContext

from ..core.errors import GeoR1Error
from .geopackage import ResultFile
from .opening import open_or_create
from .writer import Job, Writer

PROGRAM = "Geo-R1 for QGIS"


class Target:
    """A file, a writer, and the datum shifts of the project that it belongs to."""

    def __init__(
        self,
        path: Path,
        *,
        other_folder: Path,
        crs_wkt: str,
        context: QgsCoordinateTransformContext,
        on_failed: Callable[[GeoR1Error, int], None],
        remark: Callable[[str], None],
    ) -> None:
        """Choose; nothing is made yet.

        Args:
            path: where the file is wanted; `path` tells later where it is.
            other_folder: where to go if it cannot be there.
            crs_wkt: of a new file.
            context: the project's choice of datum shifts.
            on_failed: told the error and how many jobs wait, on the writer's thread.
            remark: told in a sentence when the file lies elsewhere.
        """
        self.path = path
        self.context = QgsCoordinateTransformContext(context)
        self._other_folder = other_folder
        self._crs_wkt = crs_wkt
        self._remark = remark
        self.writer = Writer(self._open, on_failed)

    def submit(self, job: Job) -> None:
        """Write in the background."""
        self.writer.submit(job)

    def go_elsewhere(self) -> bool:
        """Give up the wanted place, for what still waits; whether there is another one."""
        elsewhere = self._other_folder / self.path.name
        if elsewhere == self.path:
            return False
        self.path = elsewhere
        return True

    def _open(self) -> ResultFile:
        file = open_or_create(
            self.path,
            other_folder=self._other_folder,
            crs_wkt=self._crs_wkt,
            program=PROGRAM,
            remark=self._remark,
        )
        self.path = Path(file.path)
        return file
