"""Stop ends a question within a second at every stage; what was found stays, and the next question works at once."""

import sqlite3
import time

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.tasks.capture_task import CaptureTask
from tests.qgis.make_rasters import make_huge
from tests.qgis.person import UTM, rows, type_question, wait_for_end
from tests.qgis.slow_tiles import SlowTiles
from tests.qgis.stub_service import GOOD_SCRIPT, HANG, StubService, detection, queued, started
from tests.qgis.test_launcher import end_process, serving_command

STOP_S = 1.0


def stop(qtbot, plugin, is_gone=lambda: True):
    """Press Esc; seconds until the question has ended and `is_gone` holds."""
    began = time.monotonic()
    QTest.keyClick(plugin.services.dock.ask_panel.query, Qt.Key.Key_Escape)
    pressed_s = time.monotonic() - began
    assert pressed_s < 0.25
    assert plugin.services.asking.state.stage is Stage.STOPPED
    assert plugin.services.dock.ask_panel.button.text() == "Ask"
    qtbot.waitUntil(is_gone, timeout=3000)
    return time.monotonic() - began


def ask_again(qtbot, plugin, stub):
    """A new question is answered at once."""
    stub.hangs_on, stub.scripts = "", [GOOD_SCRIPT]
    type_question(plugin.services.dock)
    state = wait_for_end(qtbot, plugin)
    assert state.stage is Stage.DONE, plugin.services.dock.notice.text


@pytest.mark.parametrize(
    ("hangs_on", "script", "stage"),
    [
        ("GET /v1/health", None, Stage.CONNECTING),  # the service accepts and says nothing
        ("GET /v1/chips", None, Stage.UPLOADING),  # silent when it is asked for the picture
        ("PUT /v1/chips", None, Stage.UPLOADING),  # silent when it has got the picture
        ("POST /v1/ground", None, Stage.UPLOADING),  # silent before its first event
        ("", [queued(3), HANG], Stage.QUEUED),
        ("", [started(), HANG], Stage.STREAMING),  # silent in the middle of an answer
        ("", [started(), detection(), HANG], Stage.STREAMING),
    ],
)
def test_stop_leaves_a_service_within_a_second(
    qtbot, plugin, dock, stub, tmp_path, hangs_on, script, stage
):
    """Whatever the service is waited for, the service notices within a second that nobody waits any more."""
    stub.hangs_on, stub.scripts = hangs_on, [script or GOOD_SCRIPT]
    before = len(stub.left_after_s)
    verb, path = (hangs_on or "POST /v1/ground").split()
    asked_before = len(stub.paths(verb))
    type_question(dock)

    def is_there():
        asked = any(each.startswith(path) for each in stub.paths(verb)[asked_before:])
        return asked and plugin.services.asking.state.stage is stage

    qtbot.waitUntil(is_there, timeout=5000)
    if script and detection() in script:
        qtbot.waitUntil(lambda: bool(plugin.services.asking.state.detections), timeout=5000)

    seconds = stop(qtbot, plugin, lambda: len(stub.left_after_s) > before)

    assert seconds < STOP_S
    ask_again(qtbot, plugin, stub)
    expected = 2 if script and detection() in script else 1
    assert len(rows(tmp_path)) == expected  # what was found before Stop stays


def test_stop_while_the_service_starts(qtbot, window, tmp_path, monkeypatch):
    """The service goes on starting, the question does not; asked again, it is answered as soon as the service is up."""
    monkeypatch.setenv("GEO_R1_COMMAND", serving_command(tmp_path, after_s=1.0))
    loaded = classFactory(window)
    loaded.initGui()
    asking, connection = loaded.services.asking, loaded.services.connection
    type_question(loaded.services.dock)
    qtbot.waitUntil((tmp_path / "pid").exists, timeout=5000)
    assert asking.state.stage is Stage.CONNECTING

    assert stop(qtbot, loaded) < STOP_S
    type_question(loaded.services.dock)
    state = wait_for_end(qtbot, loaded)
    end_process(tmp_path)

    assert state.stage is Stage.DONE
    assert connection.standing.kind is Kind.READY
    loaded.unload()


def stop_while_drawing(qtbot, plugin, stub, layer, view, window, has_begun):
    """Ask about a raster that takes its time, stop, and ask about the old one."""
    old = plugin.services.dock.ask_panel.layer
    old_view, old_crs = window.canvas.extent(), QgsProject.instance().crs()
    window.canvas.setLayers([])  # the canvas's own drawing of it is not what is tested
    window.show_raster(layer)
    window.canvas.freeze(True)
    window.canvas.setExtent(view)
    plugin.services.dock.ask_panel.layer_combo.setLayer(layer)
    ended = []
    plugin.services.asking.ended.connect(lambda _state: ended.append(time.monotonic()))
    type_question(plugin.services.dock)
    qtbot.waitUntil(lambda: plugin.services.asking.state.stage is Stage.CAPTURING, timeout=5000)
    task = plugin.services.asking._task
    over = []
    task.taskTerminated.connect(lambda: over.append(time.monotonic()))
    task.taskCompleted.connect(lambda: over.append(time.monotonic()))
    assert isinstance(task, CaptureTask)
    qtbot.waitUntil(has_begun, timeout=5000)
    qtbot.wait(30)

    seconds = stop(qtbot, plugin, lambda: bool(over))

    assert len(ended) == 1
    assert stub.paths("POST") == []
    window.canvas.freeze(False)
    QgsProject.instance().setCrs(old_crs)
    window.canvas.setDestinationCrs(old_crs)
    plugin.services.dock.ask_panel.layer_combo.setLayer(old)
    window.canvas.setExtent(old_view)
    ask_again(qtbot, plugin, stub)
    return seconds


def test_stop_while_slow_tiles_are_drawn(qtbot, plugin, stub, window):
    """A tile server that needs a minute does not hold the drawing for longer than a second."""
    with SlowTiles(60.0) as tiles:
        layer = QgsRasterLayer(tiles.uri, "tiles", "wms")
        view = QgsRectangle(1_500_000, 6_000_000, 1_501_000, 6_001_000)
        seconds = stop_while_drawing(
            qtbot, plugin, stub, layer, view, window, lambda: tiles.asked > 0
        )

    assert seconds < STOP_S


@pytest.mark.slow
def test_stop_while_a_huge_raster_is_read(qtbot, plugin, stub, window, tmp_path):
    """In the middle of 900 million pixels without overviews, the reading ends within a second."""
    make_huge(tmp_path / "huge.tif", UTM, 32633, overviews=False)
    layer = QgsRasterLayer(str(tmp_path / "huge.tif"), "huge")

    seconds = stop_while_drawing(qtbot, plugin, stub, layer, layer.extent(), window, lambda: True)

    assert seconds < STOP_S


def test_stop_while_the_picture_is_sent(qtbot, window, tmp_path):
    """A server that would need minutes to read the picture sees the connection closed within a second."""
    with StubService(upload_bytes_per_s=100_000) as stub:
        stub.write_server_file(tmp_path)
        make_huge(tmp_path / "noise.tif", UTM, 32633, overviews=True)
        layer = QgsRasterLayer(str(tmp_path / "noise.tif"), "noise")
        window.show_raster(layer)
        view = QgsRectangle(layer.extent())
        view.scale(0.03)
        window.canvas.setExtent(view)
        loaded = classFactory(window)
        loaded.initGui()
        connection = loaded.services.connection
        qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
        type_question(loaded.services.dock)
        qtbot.waitUntil(lambda: stub.uploaded_bytes > 5_000, timeout=8000)
        assert loaded.services.asking.state.stage is Stage.UPLOADING

        stub.upload_bytes_per_s = 0  # so that it comes at once to where the connection was closed
        seconds = stop(qtbot, loaded, lambda: len(stub.left_after_s) > 0)
        loaded.unload()

    assert seconds < STOP_S
    assert stub.paths("POST") == []


def test_stop_while_the_file_is_locked(qtbot, plugin, dock, stub, tmp_path):
    """What was found stays in the queue, that is said, and it is written when the lock is gone."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    store = plugin.services.store
    blocker = sqlite3.connect(store.path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    stub.scripts = [[started(), detection(0, "late"), HANG]]
    type_question(dock)
    qtbot.waitUntil(lambda: bool(plugin.services.asking.state.detections), timeout=5000)

    seconds = stop(qtbot, plugin, lambda: len(stub.left_after_s) > 0)
    qtbot.waitUntil(lambda: "waits" in dock.notice.text, timeout=20_000)
    blocker.execute("ROLLBACK")
    blocker.close()
    store.retry()
    qtbot.waitUntil(lambda: store.flush(0), timeout=10_000)

    assert seconds < STOP_S
    assert sorted(rows(tmp_path, "label")) == [("late",), ("storage tank",)]
