# ruff: noqa: F811 - fixtures of another file
"""Masks on disk: valid in every CRS, with their holes and their area on the ground; and runs in which several objects fitted."""

import math
from dataclasses import replace

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsVectorLayer

from geo_r1_qgis.core import wire
from tests.qgis.test_layers_store import (  # noqa: F401 - two are fixtures
    UTM33,
    ask,
    found,
    frame_in,
    project,
    result_of,
    rows,
    run_in,
    store,
)


def ring(radius_px, centre=(200.0, 220.0), corners=72):
    angles = [2 * math.pi * i / corners for i in range(corners)]
    x, y = centre
    points = [[x + radius_px * math.cos(a), y + radius_px * math.sin(a)] for a in angles]
    return [*points, points[0]]


def stadium():
    """A mask with a hole, and an island of 20 by 20 pixels in the hole."""
    island = [[190.0, 210.0], [190.0, 230.0], [210.0, 230.0], [210.0, 210.0], [190.0, 210.0]]
    return wire.Detection(
        rank=0,
        label="stadium",
        box_px=[120.0, 140.0, 280.0, 300.0],
        kind="mask",
        polygons_px=[[ring(80.0), ring(50.0)[::-1]], [island]],
    )


@pytest.mark.parametrize("rotation_deg", [0.0, 33.0])
@pytest.mark.parametrize("file_crs", ["EPSG:32633", "EPSG:4326", "EPSG:3857", "EPSG:3035"])
def test_masks_stay_valid_wherever_they_are_kept(project, store, qtbot, rotation_deg, file_crs):
    """A stadium with its field, seen through a turned canvas and kept in another CRS: valid, its hole in it, its area on the ground."""
    project.setCrs(QgsCoordinateReferenceSystem(file_crs))
    frame = frame_in(rotation_deg=rotation_deg)

    ask(store, qtbot, frame, (stadium(),))

    (feature,) = store.layer.getFeatures()
    geometry = feature.geometry()
    assert store.errors == []
    assert geometry.isGeosValid()
    assert [len(polygon) for polygon in geometry.asMultiPolygon()] == [2, 1]
    true_m2 = (math.pi * (80**2 - 50**2) + 400) * 0.09
    assert feature["area_m2"] == pytest.approx(
        true_m2, rel=3e-3
    )  # a polygon of 72 corners, UTM's scale
    to_frame = QgsCoordinateTransform(store.layer.crs(), UTM33, project)
    geometry.transform(to_frame)
    assert geometry.area() == pytest.approx(true_m2, rel=2e-3)


def test_a_mask_that_crosses_itself_is_mended(store, qtbot):
    """Whatever a service sends as an outline, what is kept is valid; what has no area is left out."""
    bow = [[0, 0], [90, 90], [90, 0], [0, 90], [0, 0]]
    line = [[100, 0], [200, 0], [300, 0], [100, 0]]
    mask = wire.Detection(
        rank=0, label="bow", box_px=[0, 0, 90, 90], kind="mask", polygons_px=[[bow], [line]]
    )

    ask(store, qtbot, frame_in(), (mask,))

    (feature,) = store.layer.getFeatures()
    assert feature.geometry().isGeosValid()
    assert len(feature.geometry().asMultiPolygon()) == 2
    assert feature.geometry().area() == pytest.approx(2 * 90 * 45 / 2 * 0.09, rel=1e-6)


@pytest.mark.parametrize("file_crs", ["EPSG:32633", "EPSG:3857"])
def test_a_mask_without_area_is_kept_as_its_box(project, store, qtbot, file_crs):
    """An outline of which nothing is left holds up nothing: the box is drawn in its place."""
    project.setCrs(QgsCoordinateReferenceSystem(file_crs))
    line = [[100, 0], [200, 0], [300, 0], [100, 0]]
    mask = wire.Detection(
        rank=0, label="line", box_px=[10, 10, 90, 90], kind="mask", polygons_px=[[line]]
    )

    ask(store, qtbot, frame_in(), (mask, found(rank=1)))

    flat, _ = sorted(store.layer.getFeatures(), key=lambda feature: feature["rank"])
    geometry = flat.geometry()
    assert store.errors == []
    assert geometry.isGeosValid()
    geometry.transform(QgsCoordinateTransform(store.layer.crs(), UTM33, project))
    assert geometry.area() == pytest.approx(80 * 80 * 0.09, rel=1e-3)


def test_export_keeps_masks_with_their_holes(store, qtbot, tmp_path):
    """A copy in another CRS has the same parts and holes, valid, beside boxes."""
    uids = ask(store, qtbot, frame_in(rotation_deg=20.0), (stadium(), found(rank=1)))
    for driver, name in (("GPKG", "out.gpkg"), ("GeoJSON", "out.geojson")):
        path = tmp_path / name
        assert store.export(uids, str(path), QgsCoordinateReferenceSystem("EPSG:4326"), driver) == 2

        copies = sorted(
            QgsVectorLayer(str(path), "copy", "ogr").getFeatures(), key=lambda f: f["rank"]
        )
        assert [feature["kind"] for feature in copies] == ["mask", "box"]
        assert all(feature.geometry().isGeosValid() for feature in copies)
        assert [len(polygon) for polygon in copies[0].geometry().asMultiPolygon()] == [2, 1]


@pytest.mark.parametrize(
    ("task", "count", "outcome"),
    [("rec", 1, "found"), ("rec", 3, "ambiguous"), ("ovd", 3, "found"), ("gres", 3, "found")],
)
def test_runs_say_when_several_objects_fitted(store, qtbot, tmp_path, task, count, outcome):
    """One object was asked for and three fit: the table of runs calls that ambiguous."""
    run_uid = store.begin_run(replace(run_in(frame_in()), task=task))
    detections = [found(rank=i, box=(i * 20.0, 0.0, i * 20.0 + 10.0, 9.0)) for i in range(count)]
    for detection in detections:
        store.add(run_uid, detection, frame_in(), "so far")
    store.finish_run(run_uid, result_of(detections))
    store.flush(8)
    qtbot.wait(120)

    assert [row["outcome"] for row in rows(tmp_path / "harbour_geo-r1.gpkg", "runs")] == [outcome]
