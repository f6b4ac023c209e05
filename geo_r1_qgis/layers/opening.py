"""Find a file that can be written: the wanted one, one beside it, or one in the user's own folder. Says what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional

from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import LayerError
from . import geopackage, places
from .failures import DISK_FULL, LOCKED, MOVED, READ_ONLY
from .geopackage import ResultFile

translate = QCoreApplication.translate

FILE_IN_THE_WAY = ("layer-newer-schema", "layer-foreign", "layer-not-open", READ_ONLY)
PASSES = (LOCKED, MOVED)
"""Troubles that end by themselves: the file is the right one, and is waited for."""


def open_or_create(
    path: Path, *, other_folder: Path, crs_wkt: str, program: str, remark: Callable[[str], None]
) -> ResultFile:
    """Open the result file; make it where there is none; step aside where it cannot be used.

    Args:
        path: where it should be.
        other_folder: where to go if nothing can be made there.
        crs_wkt: of a new file.
        program: name of who makes it.
        remark: told in a sentence when it is not `path`.

    Raises:
        LayerError: if there is no place at all, or the file is only locked or its disk full for now.
    """
    obstacle: Optional[LayerError] = None
    geopackage.remove_forgotten(path)
    for folder in dict.fromkeys((path.parent, other_folder)):
        wanted = folder / path.name
        for candidate in (wanted, *places.alternatives(wanted)):
            is_there = candidate.exists()
            try:
                if not is_there:
                    geopackage.create(str(candidate), crs_wkt=crs_wkt, program=program)
                file = ResultFile(str(candidate))
            except LayerError as error:
                obstacle = obstacle or error
                if error.code in PASSES or (error.code == DISK_FULL and is_there):
                    raise
                if error.code in FILE_IN_THE_WAY and is_there:
                    continue  # it stays as it is; the next name
                break  # nothing can be made in this folder
            if obstacle is not None:
                where = translate("ResultFile", "Detections go to {path}").format(path=candidate)
                remark(f"{obstacle} {where}")
            return file
    raise obstacle or LayerError(code="layer-file", path=str(path))
