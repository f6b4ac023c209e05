"""One result file, through OGR: made, opened, written row by row. Knows nothing of QGIS's project or of threads.

Every row is on disk when `write` returns: it survives a killed QGIS. OGR is used without its global "use exceptions"
switch, because that belongs to the whole QGIS process; both ways of failing are understood here.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import uuid
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Union

from osgeo import gdal, ogr, osr
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import LayerError
from .schema import (
    DETECTION_FIELDS,
    DETECTIONS,
    GEOMETRY_COLUMN,
    SCHEMA_VERSION,
    STYLES,
    TABLES,
    VERSIONS,
    Fields,
)

translate = QCoreApplication.translate

Value = Union[str, int, float, datetime, None]
Row = Dict[str, Value]

FORGOTTEN_S = 3600
_raised = threading.local()
"""What OGR said last on this thread, where it raised."""
STYLE_FILE = Path(__file__).parent.parent / "resources" / "detections.qml"


class ResultFile:
    """An open result file. Use it from one thread, and `close` it."""

    def __init__(self, path: str) -> None:
        """Open for writing.

        Raises:
            LayerError: if it is not a result file of this version; the code says why.
        """
        self.path = path
        with _quiet():
            self._file = _attempt(
                lambda: gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_UPDATE, ["GPKG"])
            )
        if self._file is None:
            raise _failed("open", path, code="layer-not-open")
        version = self._version()
        if version != SCHEMA_VERSION:
            self.close()
            raise _wrong_schema(path, version)

    def close(self) -> None:
        """Let go of the file."""
        self._file = None

    @property
    def crs_wkt(self) -> str:
        """WKT of the CRS of the detections; empty if they have none."""
        reference = self._file.GetLayerByName(DETECTIONS).GetSpatialRef()
        if reference is None or reference.IsLocal() or "undefined" in reference.GetName().lower():
            return ""
        return reference.ExportToWkt(["FORMAT=WKT2_2019"])

    @property
    def crs_authid(self) -> str:
        """Such as ``EPSG:32633``; empty for a custom CRS."""
        reference = self._file.GetLayerByName(DETECTIONS).GetSpatialRef()
        name = reference.GetAuthorityName(None) if reference is not None else None
        return f"{name}:{reference.GetAuthorityCode(None)}" if name else ""

    def write(self, table: str, row: Row, wkb: Optional[bytes] = None) -> int:
        """Append a row and commit it; returns its feature id.

        Raises:
            LayerError: if it could not be written; nothing of it is in the file then.
        """
        with _quiet():
            layer = self._file.GetLayerByName(table)
            feature = ogr.Feature(layer.GetLayerDefn())
            _fill(feature, row)
            if wkb is not None:
                feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(wkb))
            self._commit(lambda: layer.CreateFeature(feature))
            return feature.GetFID()

    def change(self, table: str, fid: int, row: Row) -> None:
        """Replace some values of a row and commit.

        Raises:
            LayerError: if it could not be written.
        """
        with _quiet():
            layer = self._file.GetLayerByName(table)
            feature = layer.GetFeature(fid)
            if feature is None:
                return  # the user deleted it: nothing to complete
            _fill(feature, row)
            self._commit(lambda: layer.SetFeature(feature))

    def _commit(self, action: Callable[[], object]) -> None:
        self._file.StartTransaction()
        done = _attempt(action)
        if done == ogr.OGRERR_NONE and _attempt(self._file.CommitTransaction) == ogr.OGRERR_NONE:
            return
        error = _failed("write", self.path)
        _attempt(self._file.RollbackTransaction)
        raise error

    def _version(self) -> int:
        table = self._file.GetLayerByName(VERSIONS)
        if (
            table is None
            or self._file.GetLayerByName(DETECTIONS) is None
            or table.GetFeatureCount() == 0
        ):
            return 0
        return max(feature.GetField("version") or 0 for feature in table)


def create(path: str, *, crs_wkt: str, program: str) -> None:
    """Make an empty result file; it appears under its name only when it is whole.

    Args:
        path: where; an existing file is left alone.
        crs_wkt: of the detections, any WKT; empty = they have none.
        program: name and version of who made it.

    Raises:
        LayerError: if it cannot be made there.
    """
    target = Path(path)
    half_made = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}.gpkg")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_forgotten(target)
        with _quiet():
            _create_tables(str(half_made), crs_wkt, program)
        if not target.exists():
            half_made.replace(target)
    except OSError as error:
        message = translate("ResultFile", "The folder {folder} cannot be written: {reason}.")
        values = {"folder": str(target.parent), "reason": error.strerror or str(error)}
        raise LayerError(message.format(**values), code="layer-folder", **values) from error
    finally:
        for left in target.parent.glob(f"{half_made.name}*"):
            left.unlink()


def _remove_forgotten(target: Path) -> None:
    """Sweep away what a QGIS left that was killed while it made this file, hours ago."""
    for left in target.parent.glob(f".{target.stem}-????????.gpkg*"):
        if time.time() - left.stat().st_mtime > FORGOTTEN_S:
            left.unlink()


def _create_tables(path: str, crs_wkt: str, program: str) -> None:
    file = _attempt(lambda: gdal.GetDriverByName("GPKG").Create(path, 0, 0, 0, gdal.GDT_Unknown))
    if file is None:
        raise _failed("create", path)
    reference = _reference(crs_wkt)
    options = [f"GEOMETRY_NAME={GEOMETRY_COLUMN}", "FID=fid"]
    _create_table(file, DETECTIONS, DETECTION_FIELDS, reference, ogr.wkbMultiPolygon, options)
    for name, fields in TABLES.items():
        _create_table(file, name, fields, None, ogr.wkbNone, ["FID=fid"])
    now = datetime.now(timezone.utc)
    _append(file, VERSIONS, {"version": SCHEMA_VERSION, "created": now, "program": program})
    append_style(file, DETECTIONS, GEOMETRY_COLUMN)
    if _attempt(file.FlushCache) not in (None, ogr.OGRERR_NONE):
        raise _failed("create", path)


def append_style(file: gdal.Dataset, table: str, geometry_column: str) -> None:
    """Put the plugin's style into a GeoPackage, as the table's default, where QGIS looks for it."""
    row: Row = {
        "f_table_catalog": "",
        "f_table_schema": "",
        "f_table_name": table,
        "f_geometry_column": geometry_column,
        "styleName": "Geo-R1",
        "styleQML": STYLE_FILE.read_text(encoding="utf-8"),
        "styleSLD": "",
        "useAsDefault": 1,
        "description": "Geo-R1 detections",
        "owner": "",
        "update_time": datetime.now(timezone.utc),
    }
    if file.GetLayerByName(STYLES) is None:
        _create_table(file, STYLES, TABLES[STYLES], None, ogr.wkbNone, ["FID=fid"])
    _append(file, STYLES, row)


def _create_table(
    file: gdal.Dataset,
    name: str,
    fields: Fields,
    reference: Optional[osr.SpatialReference],
    geometry_type: int,
    options: list,
) -> None:
    table = _attempt(lambda: file.CreateLayer(name, reference, geometry_type, options))
    if table is None:
        raise _failed("create", file.GetDescription())
    for field_name, field_type in fields:
        definition = ogr.FieldDefn(field_name, field_type)
        if _attempt(partial(table.CreateField, definition)) != ogr.OGRERR_NONE:
            raise _failed("create", file.GetDescription())


def _append(file: gdal.Dataset, table: str, row: Row) -> None:
    layer = file.GetLayerByName(table)
    feature = ogr.Feature(layer.GetLayerDefn())
    _fill(feature, row)
    if _attempt(lambda: layer.CreateFeature(feature)) != ogr.OGRERR_NONE:
        raise _failed("create", file.GetDescription())


def _fill(feature: ogr.Feature, row: Row) -> None:
    for name, value in row.items():
        if value is None:
            feature.SetFieldNull(name)
        elif isinstance(value, datetime):
            seconds = value.second + value.microsecond / 1e6
            utc = 100  # OGR's number for it
            feature.SetField(
                name, value.year, value.month, value.day, value.hour, value.minute, seconds, utc
            )
        elif isinstance(value, str):
            # A model may answer with a NUL or half of a surrogate pair; SQLite and OGR cannot store either.
            feature.SetField(
                name, value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
            )
        else:
            feature.SetField(name, value)


def _reference(crs_wkt: str) -> Optional[osr.SpatialReference]:
    if not crs_wkt:
        return None
    reference = osr.SpatialReference()
    code = _attempt(lambda: reference.ImportFromWkt(crs_wkt))
    return reference if code == ogr.OGRERR_NONE else None


def _attempt(action: Callable[[], Any]) -> Any:
    """Call OGR; a failure is None or an error code, also where another plugin made OGR raise exceptions."""
    gdal.ErrorReset()
    _raised.reason = ""
    try:
        return action()
    except RuntimeError as error:
        _raised.reason = str(error)
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()


def _failed(verb: str, path: str, code: str = "layer-file") -> LayerError:
    reason = (
        getattr(_raised, "reason", "")
        or gdal.GetLastErrorMsg()
        or os.strerror(errno.EIO if Path(path).exists() else errno.ENOENT)
    )
    message = {
        "open": translate("ResultFile", "{path} cannot be opened: {reason}"),
        "create": translate("ResultFile", "{path} cannot be made: {reason}"),
        "write": translate("ResultFile", "{path} cannot be written: {reason}"),
    }[verb]
    return LayerError(message.format(path=path, reason=reason), code=code, path=path, reason=reason)


def _wrong_schema(path: str, version: int) -> LayerError:
    if version <= SCHEMA_VERSION:
        message = translate("ResultFile", "{path} exists and is not a Geo-R1 result file.")
        return LayerError(message.format(path=path), code="layer-foreign", path=path)
    message = translate(
        "ResultFile",
        "{path} was written by a newer Geo-R1 (schema {version}; this one knows {known}).",
    )
    return LayerError(
        message.format(path=path, version=version, known=SCHEMA_VERSION),
        hint=translate("ResultFile", "Update the plugin to add to that file."),
        code="layer-newer-schema",
        path=path,
        version=version,
    )
