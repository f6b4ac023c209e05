"""Find a file that can be written: the wanted one, one beside it, or one in the user's own folder. Says what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import LayerError
from . import geopackage, places
from .geopackage import ResultFile

translate = QCoreApplication.translate

FILE_IN_THE_WAY = ("layer-newer-schema", "layer-foreign", "layer-not-open")


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
        LayerError: if there is no place at all.
    """
    for candidate in (path, *places.alternatives(path)):
        try:
            if candidate.exists():
                return ResultFile(str(candidate))
            return _create(candidate, other_folder, crs_wkt, program, remark)
        except LayerError as error:
            if error.code not in FILE_IN_THE_WAY:
                raise
            remark(f"{error} " + translate("ResultFile", "A new file is made beside it."))
    message = translate("ResultFile", "No free name was found beside {path}.")
    raise LayerError(message.format(path=path), code="layer-file", path=str(path))


def _create(
    path: Path, other_folder: Path, crs_wkt: str, program: str, remark: Callable[[str], None]
) -> ResultFile:
    try:
        geopackage.create(str(path), crs_wkt=crs_wkt, program=program)
    except LayerError as error:
        fallback = other_folder / path.name
        if fallback == path:
            raise
        remark(
            f"{error} " + translate("ResultFile", "Detections go to {path}").format(path=fallback)
        )
        if not fallback.exists():
            geopackage.create(str(fallback), crs_wkt=crs_wkt, program=program)
        return ResultFile(str(fallback))
    return ResultFile(str(path))
