"""Masks in the dock, from the choice to the map, the list and the file; and questions that several objects fit."""

import json
import math

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject
from qgis.PyQt.QtGui import QColor

from tests.qgis.alive import calmest, line
from tests.qgis.person import rows, type_question, wait_for_end
from tests.qgis.stub_service import (
    MODEL,
    a_detection,
    detection,
    result,
    started,
    token,
)
from tests.qgis.test_window_alive import ask_and_wait, forget_answers

CENTRE_PX, OUTER_PX, INNER_PX = (180, 200), 90, 45


def circle(x_px, y_px, radius_px, corners, step=1):
    """A ring in pixels, closed."""
    angles = [step * 2 * math.pi * i / corners for i in range(corners)]
    points = [[x_px + radius_px * math.cos(a), y_px + radius_px * math.sin(a)] for a in angles]
    return [*points, points[0]]


def ring(radius_px, step):
    """One of the two edges of the stadium."""
    return circle(*CENTRE_PX, radius_px, 60, step)


def a_mask(rank=0):
    """A stadium with its field, as the service writes it."""
    x, y = CENTRE_PX
    box = (x - OUTER_PX, y - OUTER_PX, x + OUTER_PX, y + OUTER_PX)
    polygons = [[ring(OUTER_PX, 1), ring(INNER_PX, -1)]]
    return {**a_detection(rank, "stadium", box), "kind": "mask", "polygons_px": polygons}


@pytest.fixture
def masks(qtbot, plugin, dock, stub):
    """The model makes masks, and they are asked for."""
    stub.models = [{**MODEL, "tasks": ["rec", "ovd", "gres"]}]
    plugin.services.actions._models_of = None
    plugin.services.actions._on_standing(plugin.services.connection.standing)
    combo = dock.ask_panel.task_combo
    qtbot.waitUntil(lambda: combo.count() == 3, timeout=2000)
    combo.setCurrentIndex(combo.findData("gres"))
    found = [a_mask(), a_detection(1, "ghost", (300, 300, 380, 360))]
    note = {"text": "ghost [300,300,380,360]", "reason": "nothing", "code": "no-mask"}
    stub.scripts = [
        [
            started(),
            token("The stadium [90,110,270,290], a ghost [300,300,380,360]."),
            {"event": "detection", "item": "1", "detection": found[0]},
            {"event": "detection", "item": "1", "detection": found[1]},
            result(found, dropped=[note]),
        ]
    ]
    return stub


def test_a_mask_is_asked_for_drawn_listed_and_kept(qtbot, plugin, dock, masks, tmp_path):
    """Mask is chosen: the service is asked for one, the layer has it with its hole, the list its area, and a box says why it is one."""
    type_question(dock, "the stadium")
    wait_for_end(qtbot, plugin)

    body = json.loads(next(r.body for r in masks.requests if r.verb == "POST"))
    assert body["items"][0]["task"] == "gres"
    assert rows(tmp_path, "kind, label") == [("mask", "stadium"), ("box", "ghost")]
    stadium, ghost = sorted(plugin.services.store.layer.getFeatures(), key=lambda f: f["rank"])
    assert [len(polygon) for polygon in stadium.geometry().asMultiPolygon()] == [2]
    assert stadium.geometry().isGeosValid()
    true_m2 = math.pi * (OUTER_PX**2 - INNER_PX**2) * 0.09
    assert stadium["area_m2"] == pytest.approx(true_m2, rel=5e-3)
    assert ghost["area_m2"] == pytest.approx(80 * 60 * 0.09, rel=5e-3)
    question = dock.answers.tree.topLevelItem(0)
    texts = [[question.child(i).text(c) for c in (0, 1)] for i in range(2)]
    assert texts[1] == ["2  ghost", "24 × 18 m"]
    assert texts[0] == ["1  stadium", f"{stadium['area_m2']:.0f} m²"]
    assert "Not every object has a mask" in dock.notice.text
    assert "ghost [300,300,380,360]" in dock.notice.text


def test_a_mask_flashes_as_what_it_is(qtbot, plugin, dock, masks):
    """Choosing it in the list flashes its outline with the hole, choosing the box under it four corners."""
    type_question(dock, "the stadium")
    wait_for_end(qtbot, plugin)
    flash, rows_of_it = plugin.services.answers.flash, dock.answers.tree.topLevelItem(0)

    shapes = []
    for index in (0, 1):
        dock.answers.tree.setCurrentItem(rows_of_it.child(index))
        shapes.append(flash._bands[0].asGeometry())

    (stadium,) = shapes[0].asMultiPolygon()
    assert [len(ring) for ring in stadium] == [61, 61]
    true_m2 = math.pi * (OUTER_PX**2 - INNER_PX**2) * 0.09
    assert shapes[0].area() == pytest.approx(true_m2, rel=5e-3)
    assert shapes[1].area() == pytest.approx(80 * 60 * 0.09)


def test_a_mask_is_drawn_with_its_hole_free(qtbot, plugin, dock, masks, window):
    """On the map the mask is tinted, and what lies in its hole looks as without it."""
    canvas = window.canvas
    before = _picture(qtbot, canvas)
    type_question(dock, "the stadium")
    wait_for_end(qtbot, plugin)
    canvas.setLayers(
        [plugin.services.store.layer, *canvas.layers()]
    )  # the window has no layer tree
    after = _picture(qtbot, canvas)

    frame = plugin.services.asking.frame
    to_canvas = canvas.getCoordinateTransform()

    def colour(image, x_px, y_px):
        place = to_canvas.transform(*frame.px_to_map(x_px, y_px))
        return QColor(image.pixel(round(place.x()), round(place.y()))).getRgb()

    x, y = CENTRE_PX
    in_hole, on_mask = (x, y), (x - (OUTER_PX + INNER_PX) // 2, y)
    assert colour(after, *in_hole) == colour(before, *in_hole)
    assert colour(after, *on_mask) != colour(before, *on_mask)


@pytest.mark.slow
def test_a_car_park_of_masks_does_not_hold_up_the_window(qtbot, plugin, dock, stub, tmp_path):
    """Sixty masks with 20,000 points in all, kept in another CRS than the picture's: the window never stands still for 50 ms."""
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    found = [
        {
            **a_detection(
                i, "car", (i % 10 * 40, i // 10 * 60, i % 10 * 40 + 38, i // 10 * 60 + 38)
            ),
            "kind": "mask",
            "polygons_px": [[circle(i % 10 * 40 + 19, i // 10 * 60 + 19, 19, 330)]],
        }
        for i in range(60)
    ]
    events = [line({"event": "detection", "item": "1", "detection": each}) for each in found]
    stub.scripts = [[line(started()), *events, line(result(found))]]

    def phase(meter):
        forget_answers(plugin, tmp_path)
        meter.start()
        ask_and_wait(qtbot, plugin)
        store = plugin.services.store
        qtbot.waitUntil(lambda: store.layer and store.layer.featureCount() == 60, timeout=8000)

    calmest("sixty masks", phase)


def test_several_objects_that_fit_are_said_to(qtbot, plugin, dock, stub, tmp_path):
    """“The tank” over three tanks: all are marked, the list and a message say so, and the table of runs says ambiguous."""
    boxes = [(20 + 60 * i, 40, 60 + 60 * i, 90) for i in range(3)]
    found = [a_detection(i, "tank", box) for i, box in enumerate(boxes)]
    stub.scripts = [
        [
            started(),
            token("3 match."),
            *(detection(i, "tank", box) for i, box in enumerate(boxes)),
            result(found, reasoning="3 match."),
        ]
    ]
    type_question(dock, "the tank")
    wait_for_end(qtbot, plugin)

    question = dock.answers.tree.topLevelItem(0)
    assert (question.text(1), question.childCount()) == ("3 fit: all are marked", 3)
    assert "3 objects fit: all are marked" in dock.notice.text
    assert "say more" in dock.notice.text


def _picture(qtbot, canvas):
    with qtbot.waitSignal(canvas.mapCanvasRefreshed, timeout=8000):
        canvas.refresh()
    return canvas.grab().toImage()
