"""Result files of the version before this one: brought up to date, all or nothing, and nothing of them is lost."""

import contextlib
import sqlite3

import pytest
from osgeo import gdal
from qgis.core import QgsCoordinateReferenceSystem

from geo_r1_qgis.core.errors import LayerError
from geo_r1_qgis.layers import creation
from geo_r1_qgis.layers.geopackage import ResultFile, create
from geo_r1_qgis.layers.schema import DETECTIONS, RUNS, SCENE_TILES, SCENES, SCHEMA_VERSION


def as_version_1(path):
    """A file as the plugin until 0.4 made it: one that it made now, less what came since."""
    create(
        str(path), crs_wkt=QgsCoordinateReferenceSystem("EPSG:32633").toWkt(), program="Geo-R1 0.4"
    )
    file = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_UPDATE)
    for name in (SCENES, SCENE_TILES):
        file.ExecuteSQL(f"DROP TABLE {name}")
    layer = file.GetLayerByName(DETECTIONS)
    layer.DeleteField(layer.GetLayerDefn().GetFieldIndex("area_id"))
    file.ExecuteSQL("UPDATE schema_version SET version = 1")
    creation.append(
        file,
        DETECTIONS,
        {"uid": "first", "query": "old tanks", "review": "accepted", "x_min_px": 1.5},
    )
    creation.append(file, RUNS, {"run_uid": "run", "query": "old tanks", "outcome": "found"})
    file = layer = None
    return path


def tables_of(path):
    """Names of what QGIS sees in a file."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {row[0] for row in database.execute("select table_name from gpkg_contents")}


def versions(path):
    """What the table of versions says, in order."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [
            row[0] for row in database.execute("select version from schema_version order by fid")
        ]


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path):
    """Opening it adds the tables and the column of version 2; every row of before is as it was."""
    path = as_version_1(tmp_path / "old.gpkg")
    file = ResultFile(str(path))
    file.write(DETECTIONS, {"uid": "second", "area_id": "17"})
    file.write(SCENE_TILES, {"run_uid": "run", "tile": 2**40})
    kept = list(file.rows(DETECTIONS, "query = 'old tanks'"))
    file.close()

    assert versions(path) == [1, SCHEMA_VERSION]
    assert [(row["uid"], row["review"], row["x_min_px"]) for row in kept] == [
        ("first", "accepted", 1.5)
    ]
    assert {SCENES, SCENE_TILES, DETECTIONS, RUNS} <= set(tables_of(path))


def test_it_is_done_once(tmp_path):
    """A file that is up to date is opened as it is."""
    path = as_version_1(tmp_path / "old.gpkg")
    for _ in range(3):
        ResultFile(str(path)).close()

    assert versions(path) == [1, SCHEMA_VERSION]


def test_a_migration_that_breaks_off_leaves_the_file_of_before(tmp_path, monkeypatch):
    """If the last step cannot be written, no step was: the old version, without the new tables, and the rows."""
    path = as_version_1(tmp_path / "old.gpkg")

    def full(*_):
        raise LayerError(code="layer-disk-full", path=str(path))

    with monkeypatch.context() as patched:
        patched.setattr("geo_r1_qgis.layers.geopackage.append", full)
        with pytest.raises(LayerError, match="layer-disk-full"):
            ResultFile(str(path))

    assert versions(path) == [1]
    assert SCENES not in tables_of(path)
    ResultFile(str(path)).close()
    assert versions(path) == [1, SCHEMA_VERSION]


def test_a_newer_file_is_refused_and_left_alone(tmp_path):
    """What a later plugin wrote is not touched by this one."""
    path = tmp_path / "new.gpkg"
    create(str(path), crs_wkt="", program="Geo-R1 9")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("update schema_version set version = ?", (SCHEMA_VERSION + 1,))
        database.commit()
    before = path.read_bytes()

    with pytest.raises(LayerError) as refused:
        ResultFile(str(path))

    assert refused.value.code == "layer-newer-schema"
    assert path.read_bytes() == before
