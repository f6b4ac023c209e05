"""Web map layers as a whole: a part of the map and a size are chosen, the server is asked gently, and what is missing is asked again."""

import time

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
    QgsVectorLayer,
)

from geo_r1_qgis.capture import web_reader
from geo_r1_qgis.gui.ask_panel import FEATURES, LAYER
from tests.qgis.exact_chain import answers_in
from tests.qgis.make_rasters import picture
from tests.qgis.map_server import MARK_M, MapServer
from tests.qgis.person import type_question
from tests.qgis.test_gui_scene import wait_for_end

SIZE_M = 1.2
AROUND = QgsRectangle(MARK_M[0] - 500, MARK_M[1] - 900, MARK_M[0] + 1100, MARK_M[1] + 700)
"""1.6 km of the map, 1.06 km on the ground there: eleven pictures at 1.2 m."""


def red_things(_item, image):
    """The box of the mark, if enough of it is in a picture."""
    pixels = picture(image).astype(int)
    rows, columns = np.nonzero((pixels[..., 0] > 150) & (pixels[..., 1] < 80))
    if len(rows) < 200:
        return []
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return [{"rank": 0, "label": "field", "box_px": [float(side) for side in box]}]


@pytest.fixture
def server(monkeypatch):
    """A map server; QGIS asks it once for each tile, and the plugin takes no picture twice."""
    QgsSettings().setValue("/qgis/defaultTileMaxRetry", 0)
    monkeypatch.setattr(web_reader, "TRIES_AFTER_S", (0.0,))
    with MapServer() as made:
        yield made
    QgsSettings().remove("/qgis/defaultTileMaxRetry")
    QgsSettings().remove("geo_r1/most_web_requests")


@pytest.fixture
def web(qtbot, window, dock, stub, server):
    """The map around its mark in the window, and *Whole layer* at 1.2 m chosen."""
    stub.answer_items = red_things
    layer = QgsRasterLayer(server.uri("xyz"), "web", "wms")
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    window.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    QgsProject.instance().addMapLayer(
        layer
    )  # not shown: what the canvas draws is no request of ours
    window.canvas.setExtent(AROUND)
    panel = dock.ask_panel
    panel.layer_combo.setLayer(layer)
    panel.set_area(LAYER)
    qtbot.waitUntil(lambda: "requests" in panel.sending.text())
    combo = panel.scene_form.size_combo
    combo.setCurrentIndex(combo.findData(SIZE_M))
    qtbot.waitUntil(lambda: "1.20 m/px" in panel.sending.text())
    return layer


def marks_in(store):
    """Bounds of the polygons of the result file in EPSG:3857."""
    return [each.geometry.boundingBox() for each in answers_in(store.path)]


def assert_on_mark(bounds):
    """To less than a pixel."""
    sides = (bounds.xMinimum(), bounds.yMinimum(), bounds.xMaximum(), bounds.yMaximum())
    assert sides == pytest.approx(MARK_M, abs=2.4)


def test_the_map_is_asked_as_a_whole(qtbot, plugin, dock, web, stub, server):
    """Sizes of map and models are offered, the requests said before; the object lies on its place, found once."""
    panel = dock.ask_panel
    names = [panel.scene_form.size_combo.itemText(i) for i in range(2)]
    words = panel.sending.text().replace("\N{NO-BREAK SPACE}", " ")
    before = server.asked
    type_question(dock, "all fields")
    result = wait_for_end(qtbot, plugin, timeout=40_000).value

    assert names[0].startswith("as on the map (1.33")
    assert names[1] == "as the models know best (0.3 m)"
    assert words.startswith(
        "11 tiles of 448 px at 1.20 m/px of what the map shows (up to 96 requests to its server)"
    )
    assert before == 0
    assert 0 < server.asked <= 96
    assert (result.tiles.answered, result.tiles.failed) == (11, 0)
    (bounds,) = marks_in(plugin.services.store)
    assert_on_mark(bounds)


def test_pictures_with_holes_are_counted_and_asked_again(qtbot, plugin, dock, web, stub, server):
    """Where tiles of the server are missing nothing is made up: how many is said, and Resume asks for those alone."""
    server.answer = lambda number: "missing" if number in (3, 20) else "map"
    type_question(dock, "all fields")
    first = wait_for_end(qtbot, plugin, timeout=40_000).value
    words = dock.notice.text
    asked = len(stub.items_asked)
    server.answer = lambda _number: "map"
    qtbot.waitUntil(dock.scene_status.resume.isVisible, timeout=5000)
    offer = dock.scene_status.words.text()
    dock.scene_status.resume.click()
    second = wait_for_end(qtbot, plugin, timeout=40_000).value

    assert first.tiles.failed > 0
    assert "did not come" in words
    assert (
        offer == f"“all fields” has answers for {first.tiles.answered} of {first.tiles.total} tiles"
    )
    assert second.tiles.earlier == first.tiles.answered == asked
    assert (second.tiles.failed, len(stub.items_asked)) == (0, 11)
    (bounds,) = marks_in(plugin.services.store)
    assert_on_mark(bounds)


def test_too_many_requests_are_refused_before_the_first(qtbot, plugin, dock, web, server):
    """A public server is not copied: number, limit and ways out are said, and nothing is asked."""
    QgsSettings().setValue("geo_r1/most_web_requests", 50)
    type_question(dock, "all fields")

    assert "up to 96 requests" in dock.notice.text
    assert "the limit is 50" in dock.notice.text
    assert "coarser pixels" in dock.notice.text
    assert not plugin.services.scenes.is_running
    assert server.asked == 0


def test_stop_does_not_wait_for_a_slow_server(qtbot, plugin, dock, web, server):
    """The picture that is being waited for is given up."""
    server.answer = lambda _number: "slow"
    type_question(dock, "all fields")
    qtbot.waitUntil(lambda: server.asked > 0, timeout=10_000)
    since_s = time.monotonic()
    with qtbot.waitSignal(plugin.services.scenes.ended, timeout=10_000):
        dock.ask_panel.button.click()

    assert time.monotonic() - since_s < 2


def test_features_say_which_part_of_the_map(qtbot, plugin, dock, web, window, server):
    """The map may show anything then: pictures are taken of the polygons."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:3857", "parcels", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*MARK_M).buffered(150)))
    layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    panel = dock.ask_panel
    panel.set_area(FEATURES)
    panel.scene_form.areas_combo.setLayer(layer)
    window.canvas.setExtent(QgsRectangle(0, 0, 1000, 1000))
    qtbot.waitUntil(lambda: "in 1 area" in panel.sending.text())
    type_question(dock, "all fields")
    result = wait_for_end(qtbot, plugin, timeout=40_000).value

    assert result.tiles.answered == result.tiles.total == 1
    (bounds,) = marks_in(plugin.services.store)
    assert_on_mark(bounds)
