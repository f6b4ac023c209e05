"""Bring a result file of an earlier version up to this one, all or nothing. Knows no thread and no project.

A migration only adds: what was written stays as it was, and every program that read the file reads it on. It is one
transaction, so that a QGIS that is killed in the middle leaves the file of before.
"""

from __future__ import annotations

from functools import partial
from typing import Callable

from osgeo import gdal, ogr

from ..core.errors import LayerError
from .failures import failed
from .ogr_calls import attempt
from .schema import DETECTION_FIELDS, DETECTIONS, SCENE_TILES, SCENES, SCHEMA_VERSION, Fields

MakeTable = Callable[[gdal.Dataset, str], None]
Append = Callable[[gdal.Dataset, int], None]


def migrate(file: gdal.Dataset, version: int, make_table: MakeTable, append: Append) -> None:
    """Bring an open file from `version` to `SCHEMA_VERSION`.

    Args:
        file: open for writing.
        version: what it is.
        make_table: makes a table without geometry by its name.
        append: writes the row that says the new version.

    Raises:
        LayerError: if it could not be written; the file is as it was then.
    """
    attempt(file.StartTransaction)
    try:
        if version < 2:
            _add_missing(file, DETECTIONS, DETECTION_FIELDS)
            for name in (SCENES, SCENE_TILES):
                make_table(file, name)
        append(file, SCHEMA_VERSION)
    except LayerError:
        attempt(file.RollbackTransaction)
        raise
    if attempt(file.CommitTransaction) != ogr.OGRERR_NONE:
        error = failed("write", file.GetDescription())
        attempt(file.RollbackTransaction)
        raise error


def _add_missing(file: gdal.Dataset, table: str, fields: Fields) -> None:
    layer = file.GetLayerByName(table)
    known = layer.GetLayerDefn()
    for name, kind in fields:
        if known.GetFieldIndex(name) >= 0:
            continue
        field = ogr.FieldDefn(name, kind)
        if attempt(partial(layer.CreateField, field)) != ogr.OGRERR_NONE:
            raise failed("write", file.GetDescription())
