"""A question in the dock, from Enter to its end: answers, faults, and what is kept."""

import json

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.gui import ask_controller
from tests.qgis.make_rasters import make_marked
from tests.qgis.person import QUERY, UTM, rows, type_question, wait_for_end
from tests.qgis.stub_service import (
    CLOSE,
    HANG,
    a_detection,
    detection,
    failure,
    queued,
    result,
    started,
    token,
)


def test_a_question_becomes_a_polygon(qtbot, plugin, dock, stub, tmp_path):
    """Type, Enter: reasoning streams in, the polygon is in the layer, in the list, and in the file."""
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.DONE
    assert "Find tanks: white [100,40,150,90]." in dock.reasoning.view.toPlainText()
    (layer,) = [
        each
        for each in QgsProject.instance().mapLayers().values()
        if isinstance(each, QgsVectorLayer)
    ]
    assert layer.featureCount() == 1
    assert rows(tmp_path) == [(QUERY, "storage tank", "Find tanks: white [100,40,150,90].", 100.0)]
    question = dock.answers.tree.topLevelItem(0)
    assert (question.text(0), question.text(1), question.childCount()) == (QUERY, "1 found", 1)
    body = json.loads(next(request.body for request in stub.requests if request.verb == "POST"))
    assert (body["items"][0]["query"], body["items"][0]["task"]) == (QUERY, "rec")


def test_a_detection_is_on_disk_before_the_answer_ends(qtbot, plugin, dock, stub, tmp_path):
    """What was found survives a killed QGIS from the moment it was found."""
    stub.scripts = [[started(), 0.2, detection(), HANG]]
    type_question(dock)
    with qtbot.waitSignal(plugin.services.store.stored, timeout=8000):
        pass

    assert plugin.services.asking.state.is_running
    assert rows(tmp_path, "label") == [("storage tank",)]
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Escape)
    assert plugin.services.asking.state.stage is Stage.STOPPED


@pytest.mark.parametrize("way", ["escape", "button"])
def test_stop_works_within_a_second(qtbot, plugin, dock, stub, way):
    """Esc and the button both end the question, and the service notices that nobody listens."""
    stub.scripts = [[started(), token("Find tanks"), HANG]]
    type_question(dock)
    qtbot.waitUntil(lambda: "Find" in dock.reasoning.view.toPlainText(), timeout=5000)
    assert dock.ask_panel.button.text() == "Stop"
    if way == "escape":
        QTest.keyClick(dock.reasoning.view, Qt.Key.Key_Escape)
    else:
        QTest.mouseClick(dock.ask_panel.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(stub.left_after_s), timeout=1000)

    assert dock.ask_panel.button.text() == "Ask"
    assert dock.reasoning.stage.text().startswith("Stopped")
    assert dock.answers.tree.topLevelItem(0).text(1) == "stopped"


def test_the_queue_is_shown(qtbot, plugin, dock, stub):
    """While others are answered, the place in the queue is said."""
    stub.scripts = [[queued(3), HANG]]
    type_question(dock)
    qtbot.waitUntil(lambda: "3 before you" in dock.reasoning.stage.text(), timeout=5000)
    plugin.services.asking.stop()


@pytest.mark.parametrize(
    ("script", "title"),
    [
        ([started(), result([], outcome="none")], "No such object here"),
        ([started(), result([], outcome="unparsable", dropped=[{"text": "x", "reason": "no box"}])], "The answer has no usable box"),
        ([started(), result(outcome="truncated")], "The answer was cut short"),
        ([started(), result(dropped=[{"text": "[1,1,1,1]", "reason": "no area"}])], "A part of the answer could not be used"),
        ([started(), failure("engine-failed")], "The model failed while it was answering"),
        ([started(), token("Fi"), CLOSE], "The service went away in the middle of the answer"),
        ([started(), b"garbage\n"], "The answer could not be understood"),
    ],
)  # fmt: skip
def test_every_other_end_is_explained(qtbot, plugin, dock, stub, script, title):
    """None, nonsense, cut short, failed, broken: each is said in its own words, and the next question can be asked."""
    stub.scripts = [script]
    type_question(dock)
    wait_for_end(qtbot, plugin)

    assert dock.notice.isVisible()
    assert dock.notice.text.splitlines()[0] == title
    assert dock.ask_panel.button.text() == "Ask"


def test_none_is_an_answer(qtbot, plugin, dock, stub, tmp_path):
    """A question that finds nothing leaves “none” in the list, no error and no file."""
    stub.scripts = [[started(), result([], outcome="none")]]
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert (state.stage, state.error) == (Stage.DONE, None)
    assert dock.answers.tree.topLevelItem(0).text(1) == "none"
    assert not list(tmp_path.glob("*.gpkg"))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("unparsable", "not usable"), ("truncated", "not usable"), ("none", "none")],
)
def test_only_none_is_called_none(qtbot, plugin, dock, stub, outcome, words):
    """An answer that could not be read is not an answer that there is nothing."""
    stub.scripts = [[started(), result([], outcome=outcome)]]
    type_question(dock)
    wait_for_end(qtbot, plugin)

    assert dock.answers.tree.topLevelItem(0).text(1) == words


def test_what_was_found_before_a_fault_is_kept(qtbot, plugin, dock, stub, tmp_path):
    """The connection breaks after the first of several: the first is in the file."""
    stub.scripts = [[started(), detection(), CLOSE]]
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.FAILED
    assert rows(tmp_path, "label") == [("storage tank",)]


def test_detections_that_come_only_with_the_result_are_kept(qtbot, plugin, dock, stub, tmp_path):
    """A service may send all of them at the end; none is written twice."""
    two = [a_detection(), a_detection(1, "gray tank", (10, 10, 40, 40))]
    stub.scripts = [[started(), detection(), result(two)]]
    type_question(dock)
    wait_for_end(qtbot, plugin)

    assert rows(tmp_path, "label") == [("storage tank",), ("gray tank",)]


@pytest.mark.parametrize("end", ["stop", "another project"])
def test_a_whole_answer_stays_whole(qtbot, plugin, dock, stub, tmp_path, monkeypatch, end):
    """Stop, or another project, while the many detections of a result are being written: all of them are in the file."""
    monkeypatch.setattr(ask_controller, "SLICE_MS", 0.0)  # one in each turn of the event loop
    many = [a_detection(rank, "tank", (rank, 10, rank + 9, 40)) for rank in range(200)]
    stub.scripts = [[started(), result(many)]]
    store, asking = plugin.services.store, plugin.services.asking
    type_question(dock)
    with qtbot.waitSignal(store.stored, timeout=8000):
        pass
    assert asking.state.stage is Stage.WRITING
    if end == "stop":
        QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Escape)
    else:
        QgsProject.instance().clear()

    assert asking.state.stage is Stage.DONE
    assert store.flush(8)
    assert len(rows(tmp_path)) == 200


def test_a_service_that_is_gone_is_said_with_a_button(qtbot, plugin, dock, stub, tmp_path):
    """The service died since the last look, and none is installed: the sentence says how to get one."""
    stub.write_server_file(tmp_path, url="http://127.0.0.1:1")
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert (state.stage, state.error.code) == (Stage.FAILED, "command-not-found")
    assert "pipx install geo-r1-backend" in dock.notice.text
    assert dock.header.button.isVisible()


def test_an_empty_question_is_not_sent(qtbot, plugin, dock, stub):
    """Enter on an empty line explains what to type."""
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Return)

    assert dock.notice.code == "query-empty"
    assert stub.paths("POST") == []


def test_without_a_raster_nothing_is_sent(qtbot, plugin, dock, stub):
    """An empty project is told what it lacks."""
    QgsProject.instance().removeAllMapLayers()
    type_question(dock)

    assert dock.notice.code == "layer-missing"
    assert stub.paths("POST") == []


def test_a_refusal_goes_when_its_cause_is_mended(qtbot, plugin, dock, stub, window, tmp_path):
    """The empty question once something is typed, the missing raster once there is one: nobody has to close what no longer holds."""
    dock.ask_panel.query.clear()
    dock.ask_panel.button.click()
    assert dock.notice.code == "query-empty"
    assert dock.notice.isVisible()
    QTest.keyClicks(dock.ask_panel.query, "a")
    assert dock.notice.isHidden()

    QgsProject.instance().removeAllMapLayers()
    dock.ask_panel.button.click()
    assert dock.notice.code == "layer-missing"
    assert dock.notice.isVisible()
    window.show_raster(
        QgsRasterLayer(make_marked(tmp_path / "new.tif", UTM, epsg=32633).path, "new")
    )
    qtbot.waitUntil(dock.notice.isHidden)
