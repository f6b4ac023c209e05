"""The tables of the result file, as data.

Plain OGC GeoPackage: tables that any GIS opens. A change of any field raises `SCHEMA_VERSION` and needs a migration
(`migration.py`) with a test.
"""

from __future__ import annotations

from typing import Dict, Tuple

from osgeo import ogr

SCHEMA_VERSION = 2
"""1: until 0.4. 2: whole rasters (`SCENES`, `SCENE_TILES`, `detections.area_id`)."""

DETECTIONS = "detections"
RUNS = "runs"
VERSIONS = "schema_version"
SCENES = "scenes"
"""What must be known, besides its row in `RUNS`, to go on with a run over a whole raster."""
SCENE_TILES = "scene_tiles"
"""The journal of such runs: what each tile was answered with."""
STYLES = "layer_styles"
"""QGIS's own name: styles in there are found by every QGIS that opens the file."""

Fields = Tuple[Tuple[str, int], ...]

_TEXT, _INTEGER, _REAL, _TIME = ogr.OFTString, ogr.OFTInteger, ogr.OFTReal, ogr.OFTDateTime
_INTEGER64 = ogr.OFTInteger64

DETECTION_FIELDS: Fields = (
    ("uid", _TEXT),
    ("run_uid", _TEXT),
    ("query", _TEXT),
    ("label", _TEXT),
    ("rank", _INTEGER),  # 0 = first in the model's answer
    ("kind", _TEXT),  # box | mask
    ("score", _REAL),  # agreement of several sampled answers; empty where it was not measured
    ("geometry_check", _TEXT),
    ("review", _TEXT),  # accepted | rejected | edited; empty = not looked at
    ("reasoning", _TEXT),
    ("model", _TEXT),
    ("adapter", _TEXT),
    ("seed", _INTEGER),
    ("created", _TIME),
    ("chip_m_per_px", _REAL),
    ("area_m2", _REAL),  # on the ellipsoid
    ("x_min_px", _REAL),  # the box as it was answered, never edited
    ("y_min_px", _REAL),
    ("x_max_px", _REAL),
    ("y_max_px", _REAL),
    ("area_id", _TEXT),  # of a run over features of a layer: which one it lies in
)

RUN_FIELDS: Fields = (
    ("run_uid", _TEXT),
    ("created", _TIME),
    ("finished", _TIME),
    ("query", _TEXT),
    ("task", _TEXT),
    # found | none | unparsable | truncated | stopped | failed | interrupted (QGIS was closed); empty = not ended yet
    ("outcome", _TEXT),
    ("model", _TEXT),
    ("engine", _TEXT),
    ("adapter", _TEXT),
    ("seed", _INTEGER),
    ("think", _INTEGER),
    ("prompt", _TEXT),
    ("reasoning", _TEXT),
    ("raw_answer", _TEXT),
    ("dropped", _TEXT),  # JSON
    ("timings", _TEXT),  # JSON, milliseconds
    ("versions", _TEXT),  # JSON, program: version; `process` is the id of the QGIS that asked
    ("layer_name", _TEXT),
    ("layer_source", _TEXT),  # without passwords
    ("layer_provider", _TEXT),
    ("layer_crs_wkt", _TEXT),  # WKT2
    ("stretch", _TEXT),  # the layer's renderer, QGIS XML
    ("chip_sha256", _TEXT),
    ("chip_width_px", _INTEGER),
    ("chip_height_px", _INTEGER),
    ("chip_affine", _TEXT),  # JSON: a, b, c, d, e, f; x_map = a*x_px + b*y_px + c
    ("chip_crs_wkt", _TEXT),  # WKT2 of what the affine leads to
    ("chip_m_per_px", _REAL),
    ("native_m_per_px", _REAL),
    ("rerun_of", _TEXT),
)

SCENE_FIELDS: Fields = (
    ("run_uid", _TEXT),
    ("session", _INTEGER),  # how often it was begun or gone on with
    ("tiles", _INTEGER64),  # looks that were planned
    ("done", _INTEGER64),  # looks that are in the journal
    ("options", _TEXT),  # JSON: what was asked and how, what goes on must be the same
    ("plan", _TEXT),  # JSON: the tiles
    ("layer_id", _TEXT),
    ("areas_layer_id", _TEXT),  # of a run over features of a layer
    ("provisional", _TEXT),  # JSON: uids of detections that more tiles may change
)

SCENE_TILE_FIELDS: Fields = (
    ("run_uid", _TEXT),
    ("session", _INTEGER),
    ("area", _INTEGER64),  # number of the area, 0 = the first or only one
    ("tile", _INTEGER64),  # number of the tile in its area
    ("level", _INTEGER),
    ("state", _TEXT),  # answered | empty (no data) | failed
    (
        "answers",
        _TEXT,
    ),  # JSON, by question: [label, [x_min, y_min, x_max, y_max] in pixels of the tile, polygons]
    ("reasoning", _TEXT),  # the model's own words, coordinates in pixels of the tile
    ("error", _TEXT),  # of a failed one: its code
)

VERSION_FIELDS: Fields = (("version", _INTEGER), ("created", _TIME), ("program", _TEXT))

STYLE_FIELDS: Fields = (
    ("f_table_catalog", _TEXT),
    ("f_table_schema", _TEXT),
    ("f_table_name", _TEXT),
    ("f_geometry_column", _TEXT),
    ("styleName", _TEXT),
    ("styleQML", _TEXT),
    ("styleSLD", _TEXT),
    ("useAsDefault", _INTEGER),
    ("description", _TEXT),
    ("owner", _TEXT),
    ("ui", _TEXT),
    ("update_time", _TIME),
)

TABLES: Dict[str, Fields] = {
    RUNS: RUN_FIELDS,
    VERSIONS: VERSION_FIELDS,
    STYLES: STYLE_FIELDS,
    SCENES: SCENE_FIELDS,
    SCENE_TILES: SCENE_TILE_FIELDS,
}
"""The tables without geometry."""

GEOMETRY_COLUMN = "geom"
