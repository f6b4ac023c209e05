"""Detections on disk: at once, in the right place, in a file that any GIS opens."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.frame import Frame, view_affine
from geo_r1_qgis.core.records import ChipSource, RunStart
from geo_r1_qgis.layers import geopackage
from geo_r1_qgis.layers.schema import DETECTION_FIELDS, RUN_FIELDS
from geo_r1_qgis.layers.store import LAYER_NAME, DetectionStore
from geo_r1_qgis.tasks.export_task import ExportTask
from geo_r1_qgis.tasks.outcome import Done, Failed
from scripts.gap_meter import GapMeter

WKT2 = QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED
UTM33 = QgsCoordinateReferenceSystem("EPSG:32633")


def frame_in(crs=UTM33, rotation_deg=0.0, centre=(500_100.0, 5_400_100.0), units_per_px=0.3):
    affine = view_affine(
        centre_map=centre,
        units_per_px=units_per_px,
        width_px=448,
        height_px=448,
        rotation_deg=rotation_deg,
    )
    return Frame(448, 448, affine, crs_wkt=crs.toWkt(WKT2), crs_authid=crs.authid(), m_per_px=0.3)


def run_in(frame, query="the largest storage tank"):
    return RunStart(
        query=query,
        frame=frame,
        model="geo-r1-nano",
        engine="onnx",
        seed=7,
        chip_sha256="ab" * 32,
        source=ChipSource("Port", "/data/port.tif", "gdal", frame.crs_wkt, "<pipe/>"),
        versions={"plugin": "0.1.0"},
    )


def found(rank=0, label="storage tank", box=(100.0, 40.0, 150.0, 90.0)):
    return wire.Detection(rank=rank, label=label, box_px=list(box))


def result_of(detections):
    return wire.ResultEvent(
        item="1",
        outcome="found",
        detections=detections,
        reasoning="Find storage tanks: white [100,40,150,90].",
        raw_answer="<think>…</think>",
        model="geo-r1-nano",
        engine="onnx",
        prompt="Please provide …",
        dropped=[wire.Dropped("[1,2]", "two numbers")],
        timings=wire.Timings(total_ms=512.0, tokens=40),
    )


@pytest.fixture
def project(tmp_path, qgis_new_project):
    """A saved project in UTM zone 33."""
    project = QgsProject.instance()
    project.setCrs(UTM33)
    project.setFileName(str(tmp_path / "harbour.qgz"))
    yield project
    project.clear()


@pytest.fixture
def store(project):
    """Its store, with what it says."""
    store = DetectionStore(project)
    store.errors, store.remarks = [], []
    store.failed.connect(store.errors.append)
    store.remarked.connect(store.remarks.append)
    yield store
    store.close()


def rows(path, table):
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608 - names of ours


def ask(store, qtbot, frame, detections=None, query="the largest storage tank"):
    """A whole run; returns the uids."""
    detections = [found()] if detections is None else detections
    run_uid = store.begin_run(run_in(frame, query))
    uids = []
    for detection in detections:
        with qtbot.waitSignal(store.stored, timeout=8000):
            uids.append(store.add(run_uid, detection, frame, "so far"))
    store.finish_run(run_uid, result_of(list(detections)))
    store.flush(8)
    qtbot.waitUntil(lambda: store.layer is not None, timeout=8000)
    qtbot.wait(120)
    return uids


def test_no_file_is_made_for_a_question_that_found_nothing(store, qtbot, tmp_path):
    """A run without a detection leaves the project's folder as it was."""
    run_uid = store.begin_run(run_in(frame_in()))
    store.finish_run(run_uid, result_of([]))
    store.flush(5)

    assert list(tmp_path.glob("*.gpkg")) == []


def test_file_lies_beside_the_project_and_carries_everything(store, qtbot, tmp_path):
    """The first detection makes the file; its row and its run hold what product.md promises."""
    frame = frame_in()

    (uid,) = ask(store, qtbot, frame)

    path = tmp_path / "harbour_geo-r1.gpkg"
    (detection,) = rows(path, "detections")
    (run,) = rows(path, "runs")
    assert store.errors == []
    assert [name for name, _ in DETECTION_FIELDS] == [
        n for n in detection if n not in ("fid", "geom")
    ]
    assert [name for name, _ in RUN_FIELDS] == [n for n in run if n != "fid"]
    assert detection["uid"] == uid
    assert detection["run_uid"] == run["run_uid"]
    assert detection["label"] == "storage tank"
    assert detection["reasoning"].startswith(
        "Find storage tanks"
    )  # the whole, not what was known at the time
    assert [detection[f"{name}_px"] for name in ("x_min", "y_min", "x_max", "y_max")] == [
        100,
        40,
        150,
        90,
    ]
    assert detection["area_m2"] == pytest.approx(50 * 50 * 0.09, rel=2e-3)  # UTM's scale is 0.9996
    assert run["outcome"] == "found"
    assert run["layer_source"] == "/data/port.tif"
    assert run["layer_crs_wkt"].startswith("PROJCRS")
    assert json.loads(run["chip_affine"]) == list(frame.affine)
    assert json.loads(run["timings"])["total_ms"] == 512.0
    assert json.loads(run["dropped"]) == [{"text": "[1,2]", "reason": "two numbers", "code": ""}]


def test_layer_is_added_once_styled_and_on_top(store, qtbot, project):
    """Two questions, one layer with the saved style; the second one's detection is in it without reopening."""
    ask(store, qtbot, frame_in())
    ask(store, qtbot, frame_in(), (found(), found(1)))

    layers = project.mapLayersByName(LAYER_NAME)
    assert layers == [store.layer]
    assert store.layer.featureCount() == 3
    assert len(list(store.layer.getFeatures())) == 3
    assert store.layer.renderer().type() == "RuleRenderer"
    assert store.layer.labelsEnabled()
    assert project.layerTreeRoot().children()[0].name() == LAYER_NAME
    assert store.layer.crs() == UTM33


@pytest.mark.parametrize("rotation_deg", [0, 30, 213])
@pytest.mark.parametrize("frame_crs", ["EPSG:32633", "EPSG:3857", "EPSG:4326"])
def test_polygon_is_the_quadrilateral_of_the_box(store, qtbot, frame_crs, rotation_deg):
    """Four corners, each where the frame puts it, in the file's CRS, to a tenth of a millimetre."""
    crs = QgsCoordinateReferenceSystem(frame_crs)
    to_frame = QgsCoordinateTransform(UTM33, crs, QgsProject.instance())
    centre = to_frame.transform(QgsPointXY(500_100, 5_400_100))
    units = 0.3 / 111_320 if frame_crs == "EPSG:4326" else 0.3
    frame = frame_in(crs, rotation_deg, (centre.x(), centre.y()), units)

    ask(store, qtbot, frame)

    (feature,) = store.layer.getFeatures()
    (polygon,) = feature.geometry().asMultiPolygon()
    expected = [
        to_frame.transform(QgsPointXY(x, y), to_frame.ReverseTransform)
        for x, y in frame.box_px_to_ring_map((100, 40, 150, 90))
    ]
    assert len(polygon[0]) == 5
    assert max(a.distance(b) for a, b in zip(polygon[0], expected, strict=True)) < 1e-4


def test_mask_keeps_its_hole(store, qtbot):
    """A mask is a multipolygon in the same layer."""
    square = [[0, 0], [0, 90], [90, 90], [90, 0]]
    hole = [[30, 30], [30, 60], [60, 60], [60, 30]]
    mask = wire.Detection(
        rank=0, label="tank", box_px=[0, 0, 90, 90], kind="mask", polygons_px=[[square, hole]]
    )

    ask(store, qtbot, frame_in(), (mask,))

    (feature,) = store.layer.getFeatures()
    assert len(feature.geometry().asMultiPolygon()[0]) == 2
    assert feature["area_m2"] == pytest.approx((8100 - 900) * 0.09, rel=2e-3)


def test_odd_text_of_a_model_is_stored_harmlessly(store, qtbot, tmp_path):
    """Quotes, NULs, half characters and markup are text, not commands, and stop nothing."""
    odd = "tank'); DROP TABLE runs;--\0<img src=x>\ud83d"

    ask(store, qtbot, frame_in(), (found(label=odd),))

    (detection,) = rows(tmp_path / "harbour_geo-r1.gpkg", "detections")
    assert store.errors == []
    assert detection["label"].startswith("tank'); DROP TABLE runs;--<img src=x>")
    assert len(rows(tmp_path / "harbour_geo-r1.gpkg", "runs")) == 1


def test_next_session_goes_on_with_the_same_file(project, qtbot, tmp_path):
    """A file that lies beside the project is used again, with the project's CRS of the day it was made."""
    first = DetectionStore(project)
    ask(first, qtbot, frame_in())
    first.close()
    project.removeAllMapLayers()
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    second = DetectionStore(project)

    ask(second, qtbot, frame_in())

    second.close()
    assert len(rows(tmp_path / "harbour_geo-r1.gpkg", "detections")) == 2
    assert second.layer.crs() == UTM33
    assert len(list(tmp_path.glob("*.gpkg"))) == 1


@pytest.mark.parametrize("kind", ["newer", "foreign", "not a GeoPackage"])
def test_file_that_is_not_ours_is_left_alone(store, qtbot, tmp_path, kind):
    """A newer schema, another program's file or rubbish: a clear sentence and a new file beside it."""
    path = tmp_path / "harbour_geo-r1.gpkg"
    if kind == "not a GeoPackage":
        path.write_bytes(b"my holiday pictures")
    else:
        geopackage.create(str(path), crs_wkt=UTM33.toWkt(), program="test")
        with closing(sqlite3.connect(path)) as connection, connection:
            command = (
                "UPDATE schema_version SET version = 99"
                if kind == "newer"
                else "DROP TABLE schema_version"
            )
            connection.execute(command)
    before = path.read_bytes()

    ask(store, qtbot, frame_in())

    assert path.read_bytes() == before
    assert len(rows(tmp_path / "harbour-2_geo-r1.gpkg", "detections")) == 1
    assert store.path == str(tmp_path / "harbour-2_geo-r1.gpkg")
    assert str(path) in store.remarks[0]
    assert store.errors == []


def test_folder_that_cannot_be_written_is_stepped_aside(project, qtbot, tmp_path, monkeypatch):
    """Where nothing can be made beside the project, detections go to the user's own folder, and that is said."""
    own = tmp_path / "own"
    monkeypatch.setattr(DetectionStore, "_own_folder", lambda _self: own)
    (tmp_path / "file").write_text("not a folder")
    project.setFileName(str(tmp_path / "file" / "harbour.qgz"))
    store = DetectionStore(project)
    remarks = []
    store.remarked.connect(remarks.append)

    ask(store, qtbot, frame_in())

    store.close()
    assert len(rows(own / "harbour_geo-r1.gpkg", "detections")) == 1
    assert str(own) in remarks[0]


def test_unsaved_project_has_a_file_with_a_name_that_is_shown(
    project, qtbot, tmp_path, monkeypatch
):
    """Detections of a project without a name are on disk as well, and the user is told where."""
    monkeypatch.setattr(DetectionStore, "_own_folder", lambda _self: tmp_path / "own")
    project.setFileName("")
    store = DetectionStore(project)
    remarks = []
    store.remarked.connect(remarks.append)

    ask(store, qtbot, frame_in())

    store.close()
    (path,) = (tmp_path / "own").glob("untitled_*_geo-r1.gpkg")
    assert str(path) in remarks[0]
    assert len(rows(path, "detections")) == 1


def test_no_crs_anywhere_writes_plain_coordinates(store, qtbot, project):
    """Without any CRS the polygon has the map's own numbers and no area in m² is invented."""
    project.setCrs(QgsCoordinateReferenceSystem())
    affine = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)

    ask(store, qtbot, Frame(448, 448, affine))

    (feature,) = store.layer.getFeatures()
    assert feature.geometry().asMultiPolygon()[0][0][0] == QgsPointXY(100, -40)
    assert feature["area_m2"] is None or feature["area_m2"].isNull()


def test_deleted_feature_does_not_stop_the_end_of_a_run(store, qtbot):
    """What the user deletes while the model still thinks is simply not completed."""
    frame = frame_in()
    run_uid = store.begin_run(run_in(frame))
    with qtbot.waitSignal(store.stored, timeout=8000):
        store.add(run_uid, found(), frame, "")
    qtbot.waitUntil(lambda: store.layer is not None)
    store.layer.dataProvider().deleteFeatures(
        [feature.id() for feature in store.layer.getFeatures()]
    )

    store.finish_run(run_uid, result_of([]))
    store.flush(8)

    assert store.errors == []
    assert rows(store.path, "runs")[0]["outcome"] == "found"


def test_locked_file_loses_nothing(store, qtbot):
    """While another program holds the file the detection waits, and is written when the lock is gone."""
    ask(store, qtbot, frame_in())
    blocker = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN EXCLUSIVE")
    run_uid = store.begin_run(run_in(frame_in()))

    started = time.monotonic()
    store.add(run_uid, found(), frame_in(), "")
    returned_ms = (time.monotonic() - started) * 1000
    qtbot.wait(1500)
    blocker.execute("ROLLBACK")
    blocker.close()

    assert returned_ms < 50
    assert store.flush(30)
    assert len(rows(store.path, "detections")) == 2


@pytest.mark.parametrize("earlier", [0, 1])
def test_a_lock_that_comes_before_the_layer_was_read_stops_no_window(store, qtbot, earlier):
    """Another program takes the file between a write, the first or a later one, and the reading: the window goes on, the row is shown afterwards."""
    for _ in range(earlier):
        ask(store, qtbot, frame_in())
        qtbot.waitUntil(lambda: store.layer is not None and not store._shown._refresh.isActive())
    run_uid = store.begin_run(run_in(frame_in()))
    with qtbot.waitSignal(store.stored, timeout=8000):
        store.add(run_uid, found(), frame_in(), "")
    assert store.flush(8)
    blocker = sqlite3.connect(store.path, isolation_level=None, timeout=8)
    blocker.execute("BEGIN EXCLUSIVE")
    assert store._shown._refresh.isActive(), "the layer has been read before the lock came"
    with GapMeter() as meter:
        qtbot.wait(2000)
    blocker.execute("ROLLBACK")
    blocker.close()

    assert meter.longest_ms < 400, meter.worst
    qtbot.waitUntil(lambda: store.layer is not None, timeout=5000)
    qtbot.waitUntil(lambda: store.layer.featureCount() == earlier + 1, timeout=5000)


def test_run_that_ends_after_its_project_was_closed_stays_in_its_file(
    store, qtbot, project, tmp_path
):
    """The end of a question is written where its beginning is, and the next project's file is not touched."""
    frame = frame_in()
    run_uid = store.begin_run(run_in(frame, "of the first project"))
    with qtbot.waitSignal(store.stored, timeout=8000):
        store.add(run_uid, found(), frame, "")
    project.clear()
    project.setCrs(UTM33)
    project.setFileName(str(tmp_path / "second.qgz"))
    ask(store, qtbot, frame, query="of the second project")

    store.finish_run(run_uid, result_of([]))
    store.flush(8)
    qtbot.wait(150)

    first, second = (
        rows(tmp_path / f"{name}_geo-r1.gpkg", "runs") for name in ("harbour", "second")
    )
    assert [(run["query"], run["outcome"]) for run in first] == [("of the first project", "found")]
    assert [(run["query"], run["outcome"]) for run in second] == [
        ("of the second project", "found")
    ]
    assert Path(store.layer.source().split("|")[0]).name == "second_geo-r1.gpkg"


def test_closing_a_project_waits_for_no_lock(store, qtbot, project):
    """While another program holds the file a project closes at once; the detection is written later."""
    ask(store, qtbot, frame_in())
    path = store.path
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    run_uid = store.begin_run(run_in(frame_in()))
    store.add(run_uid, found(), frame_in(), "")

    started = time.monotonic()
    project.clear()
    closed_ms = (time.monotonic() - started) * 1000
    blocker.execute("ROLLBACK")
    blocker.close()

    assert closed_ms < 500
    assert store.flush(30)
    assert len(rows(path, "detections")) == 2


@pytest.mark.parametrize(("driver", "ending"), [("GPKG", "gpkg"), ("GeoJSON", "geojson")])
def test_export_copies_the_chosen_in_another_crs(store, qtbot, tmp_path, driver, ending):
    """Two of three detections, transformed, in a file that OGR reads; nothing else is left behind."""
    uids = ask(store, qtbot, frame_in(), [found(rank) for rank in range(3)])
    path = tmp_path / "out" / f"copy.{ending}"
    degrees = QgsCoordinateReferenceSystem("EPSG:4326")

    task = ExportTask(store, uids[:2], str(path), degrees, driver)
    task.run()

    copy = QgsVectorLayer(str(path), "copy", "ogr")
    assert task.outcome == Done(2)
    assert {feature["uid"] for feature in copy.getFeatures()} == set(uids[:2])
    assert copy.crs() == degrees
    assert copy.extent().xMinimum() == pytest.approx(15.0, abs=0.01)
    assert [each.name for each in path.parent.iterdir() if each.name != path.name] == []
    if driver == "GPKG":
        assert copy.renderer().type() == "RuleRenderer"


def test_export_that_fails_leaves_the_old_file(store, qtbot, tmp_path):
    """An export to where nothing can be written is one clear error, not half a file."""
    uids = ask(store, qtbot, frame_in())
    (tmp_path / "file").write_text("not a folder")

    task = ExportTask(store, uids, str(tmp_path / "file" / "copy.gpkg"), UTM33, "GPKG")
    task.run()

    assert isinstance(task.outcome, Failed)
    assert (tmp_path / "file").read_text() == "not a folder"


def longest_wait_ms(store, qtbot, count):
    """The longest that a call or a turn of the event loop took while detections were written."""
    frame = frame_in()
    run_uid = store.begin_run(run_in(frame))
    longest_ms = 0.0
    for rank in range(count):
        started = time.monotonic()
        store.add(run_uid, found(rank), frame, "because")
        longest_ms = max(longest_ms, (time.monotonic() - started) * 1000)
    while not store.flush(0.0):
        started = time.monotonic()
        qtbot.wait(1)
        longest_ms = max(longest_ms, (time.monotonic() - started) * 1000)
    store.finish_run(run_uid, result_of([]))
    store.flush(10)
    return longest_ms


def test_gui_thread_is_free_while_detections_are_written(store, qtbot):
    """Twenty detections: no call takes 50 ms, nor does the event loop stand still for as long."""
    # the calmest of four, because the machine that runs this does other things as well
    assert min(longest_wait_ms(store, qtbot, 20) for _ in range(4)) < 50

    qtbot.wait(150)
    assert store.layer.featureCount() == 80


KILLED = """
import os, sys, time
sys.path[:0] = [{plugin!r}, {tests!r}]
from qgis.core import QgsApplication, QgsProject
application = QgsApplication([], False)
application.initQgis()
from tests.qgis.test_layers_store import UTM33, found, frame_in, run_in
from geo_r1_qgis.layers.store import DetectionStore
project = QgsProject.instance()
project.setCrs(UTM33)
project.setFileName({project!r})
store = DetectionStore(project)
frame = frame_in()
run = store.begin_run(run_in(frame))
store.stored.connect(lambda uid: os.write(1, (uid + "\\n").encode()))
for rank in range(500):
    store.add(run, found(rank), frame, "thinking")
    application.processEvents()
while True:
    application.processEvents()
    time.sleep(0.002)
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 7, 40])
def test_what_was_found_survives_a_killed_qgis(tmp_path, after):
    """Kill -9 in the middle of a run: every detection that was reported as stored is in a sound file."""
    import geo_r1_qgis

    script = KILLED.format(
        plugin=str(Path(geo_r1_qgis.__file__).parent.parent),
        tests=str(Path(__file__).parent.parent.parent),
        project=str(tmp_path / "harbour.qgz"),
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=environment, cwd=tmp_path
    ) as process:
        reported = [process.stdout.readline().decode().strip() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        reported += process.stdout.read().decode().split()

    path = tmp_path / "harbour_geo-r1.gpkg"
    stored = {row["uid"] for row in rows(path, "detections")}
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    assert all(reported)
    assert {uid for uid in reported if len(uid) == 36} <= stored
    assert sound == "ok"
    assert len(rows(path, "runs")) == 1
    layer = QgsVectorLayer(f"{path}|layername=detections", "left", "ogr")
    assert layer.isValid()
    assert layer.featureCount() == len(stored)
