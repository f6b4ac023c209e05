"""One result file, through OGR: made, opened, written row by row. Knows nothing of QGIS's project or of threads.

Every row is on disk when `write` returns: it survives a killed QGIS. Rows are found again by their uid, never by their
number in the file: the file may have been replaced by another one meanwhile.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from osgeo import gdal, ogr

from ..core.errors import LayerError
from .creation import Row, Value, append, append_style, create, fill, make_table, remove_forgotten
from .failures import LOCKED, failed, is_read_only, read_only, wrong_schema
from .migration import migrate
from .ogr_calls import attempt, become_impatient, has_failed, impatient, quiet
from .schema import DETECTIONS, RUNS, SCHEMA_VERSION, VERSIONS

__all__ = ["ResultFile", "Row", "Value", "append_style", "create", "remove_forgotten"]

PAGE_ROWS = 256
UNREAD = -1
"""In place of a version: there are rows, and they could not be read."""


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
            become_impatient(self._file)
            version = attempt(self._read_head)
            if version == UNREAD or has_failed():  # locked just now: not a wrong version
                error = failed("open", path, code=LOCKED if version == UNREAD else "layer-not-open")
                self.close()
                raise error
        if 0 < version < SCHEMA_VERSION:
            self._migrate(version)
        elif version != SCHEMA_VERSION:
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
            fill(feature, row)
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
            fill(feature, row)
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

    def write_all(self, rows: Sequence[Tuple[str, Row, Optional[bytes]]]) -> None:
        """Append rows (table, values, WKB or none) in one transaction.

        Raises:
            LayerError: if they could not be written; nothing of them is in the file then.
        """

        def create_all() -> int:
            for table, row, wkb in rows:
                layer = self._file.GetLayerByName(table)
                feature = ogr.Feature(layer.GetLayerDefn())
                fill(feature, row)
                if wkb is not None:
                    feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(wkb))
                if layer.CreateFeature(feature) != ogr.OGRERR_NONE:
                    return ogr.OGRERR_FAILURE
            return ogr.OGRERR_NONE

        with quiet():
            self._commit(create_all)
        self._has_new_places = self._has_new_places or any(wkb is not None for *_, wkb in rows)

    def remove(self, table: str, condition: str) -> None:
        """Delete the rows that meet a condition of OGR's, in one transaction.

        Raises:
            LayerError: if they could not be deleted; all of them are in the file then.
        """

        def delete_all() -> int:
            layer = self._file.GetLayerByName(table)
            for fid in [feature.GetFID() for feature in _matching(layer, condition)]:
                if layer.DeleteFeature(fid) != ogr.OGRERR_NONE:
                    return ogr.OGRERR_FAILURE
            return ogr.OGRERR_NONE

        with quiet():
            self._commit(delete_all)

    def rows(self, table: str, condition: str) -> Iterator[Row]:
        """Rows that meet a condition of OGR's, in the order in which they were written; few in memory, no lock kept.

        Raises:
            LayerError: if they cannot be read now.
        """
        last = -1
        while True:
            with quiet():
                layer = self._file.GetLayerByName(table)
                page = attempt(lambda: _page(layer, condition, last))  # noqa: B023 - called at once
                if page is None or has_failed():
                    raise failed("open", self.path)
            yield from (row for _, row in page)
            if len(page) < PAGE_ROWS:
                return
            last = page[-1][0]

    def _migrate(self, version: int) -> None:
        def append_version(file: gdal.Dataset, new: int) -> None:
            now = datetime.now(timezone.utc)
            append(file, VERSIONS, {"version": new, "created": now, "program": "Geo-R1 for QGIS"})

        try:
            with quiet(), impatient():
                migrate(self._file, version, make_table, append_version)
        except LayerError:
            self.close()
            raise

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


def _page(layer: ogr.Layer, condition: str, last: int) -> List[Tuple[int, Row]]:
    """The next rows after a feature id."""
    found: List[Tuple[int, Row]] = []
    layer.SetAttributeFilter(f"({condition}) AND fid > {last}")
    try:
        for feature in layer:
            found.append((feature.GetFID(), feature.items()))
            if len(found) == PAGE_ROWS:
                break
    finally:
        layer.SetAttributeFilter(None)
        layer.ResetReading()
    return found
