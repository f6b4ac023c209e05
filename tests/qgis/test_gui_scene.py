"""Whole layers and features of layers in the dock, driven like a person does."""

import contextlib
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt, QUrl
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.gui.ask_panel import DRAWN, FEATURES, LAYER, VIEW
from geo_r1_qgis.tasks.outcome import Done
from tests.qgis.alive import calmest
from tests.qgis.make_rasters import write_tiff
from tests.qgis.make_scene import UTM, eyes, make_scene, spread
from tests.qgis.person import type_question
from tests.qgis.stub_service import a_detection
from tests.qgis.test_scene_run import on_ground, scene_boxes

WIDTH, HEIGHT = 1600, 1300
BOXES = spread(WIDTH, HEIGHT, 40, 12, largest=150)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A raster of 20 tiles."""
    return make_scene(tmp_path_factory.mktemp("scene") / "city.tif", WIDTH, HEIGHT, BOXES)


@pytest.fixture
def scene(window, dock, stub, made):
    """The raster in the window, and a service that sees everything in it."""
    stub.answer_items = eyes(made.boxes)
    layer = QgsRasterLayer(made.path, "city")
    window.show_raster(layer)
    dock.ask_panel.layer_combo.setLayer(layer)
    return layer


def wait_for_end(qtbot, plugin, timeout=20_000):
    """Until the run has ended, and everything is on disk."""
    with qtbot.waitSignal(plugin.services.scenes.ended, timeout=timeout) as ended:
        pass
    plugin.services.store.flush(5)
    return ended.args[0]


def add_parcels(*boxes):
    """A polygon layer in the project."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633", "parcels", "memory")
    features = []
    for box in boxes:
        feature = QgsFeature()
        feature.setGeometry(on_ground(box))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_the_line_says_how_many_tiles_and_how_long(qtbot, dock, scene):
    """Before anything is sent: number, size and ground size of the tiles, and about how long they take."""
    dock.ask_panel.set_area(LAYER)
    qtbot.waitUntil(lambda: "tiles" in dock.ask_panel.sending.text())

    assert dock.ask_panel.sending.text().startswith("24 tiles of 448 px at 0.30 m/px, about ")
    dock.ask_panel.scene_form.size_combo.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "0.60 m/px" in dock.ask_panel.sending.text())


def test_a_layer_without_a_crs_is_said(qtbot, dock, window, tmp_path):
    """As for a view: what such a raster is taken to be stands below the number of tiles."""
    made = make_scene(tmp_path / "bare.tif", 500, 500, BOXES[:1], epsg=None)
    layer = QgsRasterLayer(made.path, "bare")
    window.show_raster(layer)
    dock.ask_panel.layer_combo.setLayer(layer)
    dock.ask_panel.set_area(LAYER)
    qtbot.waitUntil(lambda: "“bare” has no CRS" in dock.ask_panel.sending.text())


def test_choices_of_a_scene_are_shown_for_a_scene_only(dock, scene):
    """A view has no tiles to choose; features have a layer besides."""
    panel = dock.ask_panel
    shown = {}
    for area in (VIEW, LAYER, FEATURES, DRAWN):
        panel.set_area(area)
        form = panel.scene_form
        shown[area] = (form.isVisibleTo(panel), form.areas_combo.isVisibleTo(panel))

    assert shown == {
        VIEW: (False, False), LAYER: (True, False), FEATURES: (True, True), DRAWN: (False, False)
    }  # fmt: skip


def test_a_whole_layer_is_asked_and_shown(qtbot, plugin, dock, scene, made, tmp_path):
    """Every object is in the list, in the layer and in the file once; the bar comes and goes."""
    dock.ask_panel.set_area(LAYER)
    seen = []
    plugin.services.dock.scene_status.bar.valueChanged.connect(seen.append)
    type_question(dock, "all tanks")
    qtbot.waitUntil(dock.scene_status.isVisible)
    outcome = wait_for_end(qtbot, plugin)
    store = plugin.services.store
    qtbot.waitUntil(lambda: store.layer is not None and store.layer.featureCount() == len(BOXES))

    assert isinstance(outcome, Done)
    assert dock.answers.tree.topLevelItem(0).text(1) == f"{len(BOXES)} found"
    assert scene_boxes(store.path) == [pytest.approx(box) for box in sorted(made.boxes)]
    assert seen == sorted(seen)
    assert not dock.scene_status.isVisible()
    assert dock.ask_panel.button.text() == "Ask"


def test_one_is_compared_over_everything(qtbot, plugin, dock, scene, made):
    """The largest of all tiles is the answer, with the ranking where the reasoning stands."""
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "the largest tank")
    wait_for_end(qtbot, plugin)
    largest = max(made.boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    qtbot.waitUntil(lambda: "m²" in dock.reasoning.view.toPlainText())

    assert scene_boxes(plugin.services.store.path) == [pytest.approx(largest)]


def test_stop_then_resume(qtbot, plugin, dock, scene, stub, made):
    """Esc stops; what was found is kept; Resume asks the rest, and the offer is gone."""
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "all tanks")
    qtbot.waitUntil(lambda: len(stub.items_asked) > 2, timeout=5000)
    QTest.keyClick(dock, Qt.Key.Key_Escape)
    first = wait_for_end(qtbot, plugin).value
    qtbot.waitUntil(dock.scene_status.resume.isVisible, timeout=5000)
    words = dock.scene_status.words.text()
    QTest.mouseClick(dock.scene_status.resume, Qt.MouseButton.LeftButton)
    second = wait_for_end(qtbot, plugin).value

    assert (first.outcome, second.outcome) == ("stopped", "finished")
    assert words == f"“all tanks” was stopped at {first.tiles.done} of 24 tiles"
    assert second.tiles.earlier == first.tiles.answered
    assert scene_boxes(plugin.services.store.path) == [pytest.approx(b) for b in sorted(made.boxes)]
    qtbot.waitUntil(lambda: not plugin.services.scenes._offer.is_looking)
    assert not dock.scene_status.isVisible()


def test_a_qgis_that_was_closed_offers_to_go_on(qtbot, plugin, window, stub, scene, made, tmp_path):
    """The plugin is unloaded in the middle of a run; the next one finds the run in the project's file."""
    dock = plugin.services.dock
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "all tanks")
    qtbot.waitUntil(lambda: len(stub.items_asked) > 2, timeout=5000)
    plugin.unload()
    again = classFactory(window)
    again.initGui()
    try:
        connection, status = again.services.connection, again.services.dock.scene_status
        qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
        qtbot.waitUntil(status.resume.isVisible, timeout=5000)
        QTest.mouseClick(status.resume, Qt.MouseButton.LeftButton)
        result = wait_for_end(qtbot, again).value
        path = again.services.store.path
    finally:
        again.unload()
        plugin.initGui()  # the fixture takes it out once more

    assert result.tiles.earlier > 0
    assert scene_boxes(path) == [pytest.approx(box) for box in sorted(made.boxes)]


def test_features_are_asked_each_for_itself(qtbot, plugin, dock, scene, made):
    """The largest of each parcel, with its feature's number; selecting one leaves the others out."""
    parcels = add_parcels((0, 0, 800, 1300), (800, 0, 1600, 1300))
    panel = dock.ask_panel
    panel.set_area(FEATURES)
    panel.scene_form.areas_combo.setLayer(parcels)
    qtbot.waitUntil(lambda: "in 2 areas" in panel.sending.text())
    parcels.selectByIds([2])
    panel.scene_form.selected_only.setChecked(True)
    qtbot.waitUntil(lambda: "in 1 area" in panel.sending.text())
    panel.scene_form.selected_only.setChecked(False)
    type_question(dock, "the largest tank")
    wait_for_end(qtbot, plugin)
    halves = [
        [b for b in made.boxes if ((b[0] + b[2]) / 2 < 800) == west] for west in (True, False)
    ]
    largest = [max(half, key=lambda b: (b[2] - b[0]) * (b[3] - b[1])) for half in halves]

    assert scene_boxes(plugin.services.store.path) == [pytest.approx(b) for b in sorted(largest)]
    question = dock.answers.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: question.childCount() == 2)
    listed = sorted(question.child(index).text(0) for index in (0, 1))
    assert listed == ["feature 1: 1  tank", "feature 2: 1  tank"]


def test_a_changed_raster_is_not_gone_on_with(qtbot, plugin, dock, scene, stub, window, tmp_path):
    """Other tiles than those of the run are refused with the reason, and nothing is asked."""
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "all tanks")
    qtbot.waitUntil(lambda: len(stub.items_asked) > 2, timeout=5000)
    dock.ask_panel.button.click()
    wait_for_end(qtbot, plugin)
    qtbot.waitUntil(dock.scene_status.resume.isVisible, timeout=5000)
    QgsProject.instance().removeMapLayer(scene.id())
    other = make_scene(tmp_path / "other.tif", 900, 700, BOXES[:1])
    window.show_raster(QgsRasterLayer(other.path, "other"))
    asked = len(stub.items_asked)
    dock.scene_status.resume.click()

    assert "other" in dock.notice.text
    assert len(stub.items_asked) == asked


def stopped_run(qtbot, plugin, dock, stub):
    """A run on the whole layer that was stopped; what the service was asked until then."""
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "all tanks")
    qtbot.waitUntil(lambda: len(stub.items_asked) > 2, timeout=5000)
    dock.ask_panel.button.click()
    wait_for_end(qtbot, plugin)
    qtbot.waitUntil(dock.scene_status.resume.isVisible, timeout=5000)
    return len(stub.items_asked)


def resume_fails(qtbot, plugin, dock):
    """The code with which Resume ends."""
    with qtbot.waitSignal(plugin.services.scenes.ended, timeout=10_000) as ended:
        dock.scene_status.resume.click()
    return ended.args[0].error.code


def test_another_picture_on_the_same_grid_is_not_gone_on_with(
    qtbot, plugin, dock, window, stub, tmp_path
):
    """Last year's picture and this year's have one grid: Resume refuses, asks nothing, and keeps what was found."""
    last = make_scene(tmp_path / "year.tif", WIDTH, HEIGHT, BOXES)
    stub.answer_items = eyes(last.boxes)
    layer = QgsRasterLayer(last.path, "year")
    window.show_raster(layer)
    dock.ask_panel.layer_combo.setLayer(layer)
    asked = stopped_run(qtbot, plugin, dock, stub)
    found = scene_boxes(plugin.services.store.path)
    make_scene(tmp_path / "year.tif", WIDTH, HEIGHT, BOXES[:3])

    assert resume_fails(qtbot, plugin, dock) == "scene-changed"
    assert "year" in dock.notice.text
    assert len(stub.items_asked) == asked
    assert scene_boxes(plugin.services.store.path) == found


def test_a_run_of_an_older_plugin_is_asked_anew(qtbot, plugin, dock, scene, stub):
    """A journal that does not say which picture it was of is not gone on with: the question waits in its line."""
    asked = stopped_run(qtbot, plugin, dock, stub)
    with contextlib.closing(sqlite3.connect(plugin.services.store.path)) as file, file:
        (plan,) = file.execute("SELECT plan FROM scenes").fetchone()
        older = {key: value for key, value in json.loads(plan).items() if key != "pixels"}
        file.execute("UPDATE scenes SET plan = ?", (json.dumps(older),))
    dock.ask_panel.query.setText("")

    assert resume_fails(qtbot, plugin, dock) == "scene-old"
    assert dock.ask_panel.query.text() == "all tanks"
    assert len(stub.items_asked) == asked


def test_lines_of_a_ranking_lead_to_their_objects(qtbot, plugin, dock, window, scene, made):
    """Each value of a ranking has its place as a link; a click brings the object into view, large enough to be seen."""
    dock.ask_panel.set_area(LAYER)
    type_question(dock, "the largest tank")
    wait_for_end(qtbot, plugin)
    view = dock.reasoning.view
    qtbot.waitUntil(lambda: "2. " in view.toPlainText())
    by_size = sorted(made.boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]), reverse=True)
    x0, y0, x1, y1 = (round(side) for side in by_size[1])
    canvas = window.canvas
    canvas.zoomByFactor(40)
    view.anchorClicked.emit(QUrl(f"px:{x0},{y0},{x1},{y1}"))

    assert f"[{x0}, {y0}, {x1}, {y1}]" in view.toPlainText()
    assert f'href="px:{x0},{y0},{x1},{y1}"' in view.toHtml()
    assert plugin.services.answers.flash.is_shown
    bounds = on_ground(by_size[1]).boundingBox()
    assert canvas.extent().contains(bounds)
    assert canvas.extent().width() < 8 * max(bounds.width(), bounds.height())


@pytest.mark.parametrize(
    ("query", "area", "words"),
    [
        ("", LAYER, "the question is empty"),
        ("all tanks", FEATURES, "no polygon layer"),
    ],
)
def test_what_cannot_be_asked_is_said(qtbot, plugin, dock, scene, query, area, words):
    """A missing question or layer is said at once, and nothing begins."""
    dock.ask_panel.set_area(area)
    type_question(dock, query)

    assert words.lower() in dock.notice.text.lower()
    assert not plugin.services.scenes.is_running


def test_geometry_of_the_fixture():
    """The raster's origin is that of the parcels: the tests above speak of the same ground."""
    corner = QgsGeometry.fromPointXY(on_ground((0, 0, 1, 1)).asPolygon()[0][3])

    assert corner.asPoint().x() == UTM[0]


@pytest.mark.slow
def test_the_window_never_stands_still(qtbot, plugin, dock, scene, stub):
    """From choosing the area to the last row of the list, and with Stop and Resume between: no pause of 50 ms."""
    stub.answer_items = lambda item, _image: [
        a_detection(
            0, "tank", (int(item["chip"][:2], 16), 100, int(item["chip"][:2], 16) + 30, 130)
        )
    ]
    path = tmp_project_file(scene)

    def phase(meter):
        fresh_project_file(plugin, path)
        dock.ask_panel.set_area(VIEW)
        meter.start()
        dock.ask_panel.set_area(LAYER)
        qtbot.wait(150)
        type_question(dock, "all tanks")
        stub.items_asked.clear()
        qtbot.waitUntil(lambda: len(stub.items_asked) > 10, timeout=10_000)
        dock.ask_panel.button.click()
        if wait_for_end(qtbot, plugin).value.outcome == "stopped":
            qtbot.waitUntil(dock.scene_status.resume.isVisible, timeout=5000)
            dock.scene_status.resume.click()
            wait_for_end(qtbot, plugin)
        qtbot.wait(200)
        meter.stop()

    calmest("a whole layer, stopped and resumed", phase)


@pytest.mark.slow
def test_many_objects_do_not_hold_up_the_window(qtbot, plugin, dock, window, stub, tmp_path):
    """20,000 objects are found, listed, written and drawn without a pause of 50 ms, and all are drawn at the end."""
    side_px, across = 4_200, 12
    raster = tmp_path / "flat.tif"
    write_tiff(raster, np.full((3, side_px, side_px), 90, np.uint8), UTM, 32633)
    layer = QgsRasterLayer(str(raster), "flat")
    window.show_raster(layer)
    dock.ask_panel.layer_combo.setLayer(layer)
    corners = [100 + 20 * step for step in range(across)]
    every = [a_detection(0, "tank", (x, y, x + 12, y + 12)) for x in corners for y in corners]
    stub.answer_items = lambda _item, _image: every
    store = plugin.services.store
    shown = store.layer_ready.connect(lambda made: window.canvas.setLayers([made, layer]))

    def phase(meter):
        fresh_project_file(plugin, tmp_path)
        dock.ask_panel.set_area(LAYER)
        meter.start()
        type_question(dock, "all tanks")
        found = wait_for_end(qtbot, plugin, timeout=120_000).value.count
        qtbot.waitUntil(lambda: store.layer.featureCount() == found > 20_000, timeout=5000)
        qtbot.wait(200)
        meter.stop()

    calmest("20,000 objects", phase)
    store.layer_ready.disconnect(shown)


def tmp_project_file(scene):
    """Where projects of the tries lie."""
    return Path(scene.source()).parent


def fresh_project_file(plugin, folder):
    """As before the first run: another result file."""
    store = plugin.services.store
    if store.layer is not None:
        QgsProject.instance().removeMapLayer(store.layer.id())
    store._forget()
    count = len(list(folder.glob("*_geo-r1.gpkg")))
    QgsProject.instance().setFileName(str(folder / f"project-{count}.qgz"))
