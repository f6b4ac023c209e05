"""One result file, through OGR: made, opened, written row by row. Knows nothing of QGIS's project or of threads.

Every row is on disk when `write` returns: it survives a killed QGIS. Rows are found again by their uid, never by their
number in the file: the file may have been replaced by another one meanwhile.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Union

from osgeo import gdal, ogr, osr

from .failures import LOCKED, failed, folder_failed, is_read_only, read_only, wrong_schema
from .ogr_calls import attempt, has_failed, impatient, quiet
from .schema import (
    DETECTION_FIELDS,
    DETECTIONS,
    GEOMETRY_COLUMN,
    RUNS,
    SCHEMA_VERSION,
    STYLES,
    TABLES,
    VERSIONS,
    Fields,
)

Value = Union[str, int, float, datetime, None]
Row = Dict[str, Value]

FORGOTTEN_S = 3600
"""A half-made file that is so much older (or, where the clock was set back, younger) than now belongs to nobody."""
UNREAD = -1
"""In place of a version: there are rows, and they could not be read."""
STYLE_FILE = Path(__file__).parent.parent / "resources" / "detections.qml"


class ResultFile:
    """An open result file. Use it from one thread, and `close` it."""

    def __init__(self, path: str) -> None:
        """Open for writing.

        Raises:
            LayerError: if it is not a result file of this version; the code says why.
        """
        self.path = path
        self._has_new_places = False
        self.crs_wkt = ""
        """WKT of the CRS of the detections; empty if they have none."""
        self.crs_authid = ""
        """Such as ``EPSG:32633``; empty for a custom CRS."""
        if Path(path).exists() and is_read_only(Path(path)):
            raise read_only(path)
        with quiet(), impatient():
            self._file = attempt(
                lambda: gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_UPDATE, ["GPKG"])
            )
            if self._file is None:
                raise failed("open", path, code="layer-not-open")
            version = attempt(self._read_head)
            if version == UNREAD or has_failed():  # locked just now: not a wrong version
                error = failed("open", path, code=LOCKED if version == UNREAD else "layer-not-open")
                self.close()
                raise error
        if version != SCHEMA_VERSION:
            self.close()
            raise wrong_schema(path, version)

    def close(self) -> None:
        """Let go of the file; harmless when it is closed."""
        if self._file is None:
            return
        with quiet():
            if self._has_new_places:
                # OGR writes the extent that it knows at its end, without what other windows have written meanwhile
                attempt(lambda: self._file.ExecuteSQL(f"RECOMPUTE EXTENT ON {DETECTIONS}"))
            # what OGR still has to say after a failed write is heard here, not while the object is taken apart
            attempt(self._file.FlushCache)
            self._file, self._has_new_places = None, False

    def write(self, table: str, row: Row, wkb: Optional[bytes] = None) -> int:
        """Append a row and commit it; returns its feature id.

        Raises:
            LayerError: if it could not be written; nothing of it is in the file then.
        """
        with quiet():
            layer = self._file.GetLayerByName(table)
            feature = ogr.Feature(layer.GetLayerDefn())
            _fill(feature, row)
            if wkb is not None:
                feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(wkb))
            self._commit(lambda: layer.CreateFeature(feature))
            self._has_new_places = self._has_new_places or wkb is not None
            return feature.GetFID()

    def change(self, table: str, uid_field: str, uid: str, row: Row, *, fid: int = 0) -> bool:
        """Replace some values of the row whose `uid_field` is `uid`, and commit; whether there is such a row.

        Args:
            table: where to look.
            uid_field: name of the field with the uid.
            uid: of the row.
            row: the new values.
            fid: where the row probably is; looked at first.

        Raises:
            LayerError: if it could not be written.
        """
        with quiet():
            layer = self._file.GetLayerByName(table)
            feature = attempt(lambda: layer.GetFeature(fid)) if fid else None
            if feature is None or feature.GetField(uid_field) != uid:
                found = attempt(lambda: _matching(layer, f"{uid_field} = '{uuid.UUID(uid)}'"))
                if has_failed():
                    raise failed("open", self.path)
                if not found:
                    return False
                feature = found[0]
            _fill(feature, row)
            self._commit(lambda: layer.SetFeature(feature))
            return True

    def unfinished_runs(self) -> Dict[str, Row]:
        """Runs without an end, by uid, each with `created`, `query` and the `process` that began it.

        Raises:
            LayerError: if they cannot be read now.
        """
        found: Dict[str, Row] = {}
        with quiet():
            layer = self._file.GetLayerByName(RUNS)
            condition = "outcome IS NULL AND finished IS NULL"
            runs = attempt(lambda: _matching(layer, condition)) or []
            if has_failed():
                raise failed("open", self.path)
            for run in runs:
                found[run.GetField("run_uid")] = {
                    "created": run.GetField("created"),
                    "query": run.GetField("query"),
                    "process": _versions(run.GetField("versions")).get("process", ""),
                }
        return found

    def _commit(self, action: Callable[[], object]) -> None:
        attempt(self._file.StartTransaction)
        done = attempt(action)
        if done == ogr.OGRERR_NONE and attempt(self._file.CommitTransaction) == ogr.OGRERR_NONE:
            return
        error = failed("write", self.path)
        attempt(self._file.RollbackTransaction)
        raise error

    def _read_head(self) -> int:
        """Remember the CRS; the version of the schema, 0 if this is another program's file."""
        table = self._file.GetLayerByName(VERSIONS)
        layer = self._file.GetLayerByName(DETECTIONS)
        if table is None or layer is None or table.GetFeatureCount() == 0:
            return 0
        reference = layer.GetSpatialRef()
        if reference is not None:
            name = reference.GetAuthorityName(None)
            self.crs_authid = f"{name}:{reference.GetAuthorityCode(None)}" if name else ""
            if not reference.IsLocal() and "undefined" not in reference.GetName().lower():
                self.crs_wkt = reference.ExportToWkt(["FORMAT=WKT2_2019"])
        versions = [feature.GetField("version") or 0 for feature in table]
        return max(versions) if versions else UNREAD


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
        with quiet():
            _create_tables(str(half_made), crs_wkt, program)
        _name_it(half_made, target)
    except OSError as error:
        raise folder_failed(target.parent, error) from error
    finally:
        _remove(target.parent.glob(f"{half_made.name}*"))


def _name_it(half_made: Path, target: Path) -> None:
    """Give the whole file its name, unless another window was faster: its file stays, with what is in it."""
    try:
        os.link(half_made, target)  # the only way that cannot replace a file that came just now
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not target.exists():
            half_made.replace(target)


def remove_forgotten(target: Path) -> None:
    """Sweep away what a QGIS left that was killed while it made this file, an hour ago or more."""
    for left in target.parent.glob(f".{target.stem}-????????.gpkg*"):
        try:
            age_s = time.time() - left.stat().st_mtime
        except OSError:  # somebody else swept it
            continue
        if abs(age_s) > FORGOTTEN_S:
            _remove([left])


def _remove(files: Iterable[Path]) -> None:
    for left in files:
        with suppress(OSError):  # gone already, or in a folder that became read-only
            left.unlink()


def _matching(layer: ogr.Layer, condition: str) -> List[ogr.Feature]:
    layer.SetAttributeFilter(condition)
    try:
        return list(layer)
    finally:
        layer.SetAttributeFilter(None)


def _versions(text: Optional[str]) -> Dict[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _create_tables(path: str, crs_wkt: str, program: str) -> None:
    file = attempt(lambda: gdal.GetDriverByName("GPKG").Create(path, 0, 0, 0, gdal.GDT_Unknown))
    if file is None:
        raise failed("create", path)
    reference = _reference(crs_wkt)
    options = [f"GEOMETRY_NAME={GEOMETRY_COLUMN}", "FID=fid"]
    _create_table(file, DETECTIONS, DETECTION_FIELDS, reference, ogr.wkbMultiPolygon, options)
    for name, fields in TABLES.items():
        _create_table(file, name, fields, None, ogr.wkbNone, ["FID=fid"])
    now = datetime.now(timezone.utc)
    _append(file, VERSIONS, {"version": SCHEMA_VERSION, "created": now, "program": program})
    append_style(file, DETECTIONS, GEOMETRY_COLUMN)
    if attempt(file.FlushCache) not in (None, ogr.OGRERR_NONE):
        raise failed("create", path)


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
    table = attempt(lambda: file.CreateLayer(name, reference, geometry_type, options))
    if table is None:
        raise failed("create", file.GetDescription())
    for field_name, field_type in fields:
        definition = ogr.FieldDefn(field_name, field_type)
        if attempt(partial(table.CreateField, definition)) != ogr.OGRERR_NONE:
            raise failed("create", file.GetDescription())


def _append(file: gdal.Dataset, table: str, row: Row) -> None:
    layer = file.GetLayerByName(table)
    feature = ogr.Feature(layer.GetLayerDefn())
    _fill(feature, row)
    if attempt(lambda: layer.CreateFeature(feature)) != ogr.OGRERR_NONE:
        raise failed("create", file.GetDescription())


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
    code = attempt(lambda: reference.ImportFromWkt(crs_wkt))
    return reference if code == ogr.OGRERR_NONE else None
