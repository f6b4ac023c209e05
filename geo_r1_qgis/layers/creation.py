"""A new, empty result file, and how a row gets into a table of OGR's."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Dict, Iterable, Optional, Union

from osgeo import gdal, ogr, osr

from .failures import failed, folder_failed
from .ogr_calls import attempt, quiet
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

Value = Union[str, int, float, datetime, None]
Row = Dict[str, Value]

FORGOTTEN_S = 3600
"""A half-made file that is so much older (or, where the clock was set back, younger) than now belongs to nobody."""
STYLE_FILE = Path(__file__).parent.parent / "resources" / "detections.qml"


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


def _create_tables(path: str, crs_wkt: str, program: str) -> None:
    file = attempt(lambda: gdal.GetDriverByName("GPKG").Create(path, 0, 0, 0, gdal.GDT_Unknown))
    if file is None:
        raise failed("create", path)
    reference = _reference(crs_wkt)
    options = [f"GEOMETRY_NAME={GEOMETRY_COLUMN}", "FID=fid"]
    _create_table(file, DETECTIONS, DETECTION_FIELDS, reference, ogr.wkbMultiPolygon, options)
    for name in TABLES:
        make_table(file, name)
    now = datetime.now(timezone.utc)
    append(file, VERSIONS, {"version": SCHEMA_VERSION, "created": now, "program": program})
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
        make_table(file, STYLES)
    append(file, STYLES, row)


def make_table(file: gdal.Dataset, name: str) -> None:
    """One of the tables without geometry.

    Raises:
        LayerError: if it cannot be made.
    """
    _create_table(file, name, TABLES[name], None, ogr.wkbNone, ["FID=fid"])


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


def append(file: gdal.Dataset, table: str, row: Row) -> None:
    """Add a row, in whatever transaction there is.

    Raises:
        LayerError: if it could not be written.
    """
    layer = file.GetLayerByName(table)
    feature = ogr.Feature(layer.GetLayerDefn())
    fill(feature, row)
    if attempt(lambda: layer.CreateFeature(feature)) != ogr.OGRERR_NONE:
        raise failed("create", file.GetDescription())


def fill(feature: ogr.Feature, row: Row) -> None:
    """Put the values of a row into a feature."""
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
