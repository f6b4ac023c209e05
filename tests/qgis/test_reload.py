"""Loading and unloading ten times, and opening and closing projects, leave no object, thread or file handle behind."""

import contextlib
import sqlite3

import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QEvent

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from scripts.traces import grown, native_threads, snapshot
from tests.qgis.person import type_question, wait_for_end
from tests.qgis.stub_service import HANG, detection, started, token
from tests.qgis.test_launcher import end_process, serving_command

TIMES = 10


def settled(qtbot, window):
    """A snapshot when what ends by itself has ended: deleted objects, sockets, tasks, the writer."""
    manager = QgsApplication.taskManager()
    qtbot.waitUntil(lambda: manager.countActiveTasks() == 0, timeout=5000)
    qtbot.wait(60)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.wait(10)
    return snapshot(window.window, window.canvas)


def load(qtbot, window):
    """The plugin with its dock open."""
    loaded = classFactory(window)
    loaded.initGui()
    loaded.services.dock.setUserVisible(True)
    return loaded


def wait_until_ready(qtbot, loaded):
    """Until the service has been found."""
    connection = loaded.services.connection
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=5000)


def idle(qtbot, loaded, stub):
    """Nothing is under way."""
    wait_until_ready(qtbot, loaded)


def asked(qtbot, loaded, stub):
    """A question was asked and answered, and its layer is there."""
    wait_until_ready(qtbot, loaded)
    type_question(loaded.services.dock)
    wait_for_end(qtbot, loaded)


def asking(qtbot, loaded, stub):
    """A question is being answered."""
    stub.scripts = [[started(), token("Find"), detection(), HANG]]
    wait_until_ready(qtbot, loaded)
    type_question(loaded.services.dock)
    qtbot.waitUntil(lambda: bool(loaded.services.asking.state.detections), timeout=5000)


def capturing(qtbot, loaded, stub):
    """The picture is being taken."""
    wait_until_ready(qtbot, loaded)
    with qtbot.waitSignal(loaded.services.connection.settled, timeout=5000):
        type_question(loaded.services.dock)
    assert loaded.services.asking.state.stage is Stage.CAPTURING


def drawing(qtbot, loaded, stub):
    """An area is being drawn, and a dialog is open."""
    loaded.services.preview.draw()
    loaded.services.actions.edit_server()
    loaded.services.actions.show_what_leaves()
    qtbot.wait(20)


@pytest.mark.parametrize("state", [idle, asked, asking, capturing, drawing])
def test_ten_times_leave_nothing(qtbot, window, stub, tmp_path, state):
    """In every state the plugin can be taken out; the tenth time leaves as much as the second."""
    stub.write_server_file(tmp_path)
    snapshots = []
    for _ in range(TIMES):
        loaded = load(qtbot, window)
        state(qtbot, loaded, stub)
        loaded.unload()
        del loaded
        snapshots.append(settled(qtbot, window))

    more = grown(snapshots[1], snapshots[-1])
    assert {name for name in more if not name.endswith("ortho.tif")} == set()
    assert window.added == []
    assert [name for name in snapshots[-1] if "deleted in C++" in name] == []
    assert [name for name in snapshots[-1] if name.startswith("Python object Services")] == []
    # QGIS keeps a few handles of a raster ready for drawing, and closes them with its layer
    window.canvas.setLayers([])
    QgsProject.instance().clear()
    assert [name for name in settled(qtbot, window) if name.endswith((".tif", ".gpkg"))] == []


def test_while_the_service_starts(qtbot, window, tmp_path, monkeypatch):
    """Unloaded while the launcher waits, the plugin leaves; the service goes on starting."""
    monkeypatch.setenv("GEO_R1_COMMAND", serving_command(tmp_path, after_s=30))
    snapshots = []
    for _ in range(TIMES):
        (tmp_path / "pid").unlink(missing_ok=True)
        loaded = load(qtbot, window)
        qtbot.waitUntil((tmp_path / "pid").exists, timeout=5000)
        loaded.unload()
        del loaded
        end_process(tmp_path)
        snapshots.append(settled(qtbot, window))

    assert grown(snapshots[1], snapshots[-1]) == {}


def test_while_a_write_is_pending(qtbot, window, stub, tmp_path):
    """Unloaded while detections are on their way to the disk: all arrive, thread and file are gone afterwards."""
    stub.write_server_file(tmp_path)
    before = None
    for _ in range(TIMES):
        many = [detection(rank, "tank", (rank, 10, rank + 9, 30)) for rank in range(20)]
        stub.scripts = [[started(), *many, HANG]]
        loaded = load(qtbot, window)
        wait_until_ready(qtbot, loaded)
        type_question(loaded.services.dock)
        asking = loaded.services.asking
        qtbot.waitUntil(lambda: len(asking.state.detections) == 20, timeout=5000)  # noqa: B023
        asking = None
        loaded.unload()
        del loaded
        after = settled(qtbot, window)
        before = before or after

    with contextlib.closing(sqlite3.connect(tmp_path / "project_geo-r1.gpkg")) as database:
        assert database.execute("SELECT count(*) FROM detections").fetchone() == (20 * TIMES,)
    assert grown(before, after) == {}


def test_projects_come_and_go(qtbot, plugin, dock, window, tmp_path):
    """Ten projects, each with a question, each closed: what is left is what was there after the second."""
    project = QgsProject.instance()
    raster = next(iter(project.mapLayers().values())).source()
    snapshots, threads = [], []
    for number in range(TIMES):
        project.clear()
        project.setFileName(str(tmp_path / f"p{number}.qgz"))
        window.show_raster(QgsRasterLayer(raster, "ortho"))
        qtbot.wait(150)
        type_question(dock)
        wait_for_end(qtbot, plugin)
        project.write()
        window.canvas.setLayers([])
        project.clear()
        snapshots.append(settled(qtbot, window))
        threads.append(native_threads())

    assert grown(snapshots[1], snapshots[-1]) == {}
    assert threads[-1] <= max(threads[:3]) + 2


def test_before_the_window_is_there(qtbot, window, stub, tmp_path):
    """Loaded and unloaded while QGIS is still starting, the plugin waits for the window no longer."""
    stub.write_server_file(tmp_path)
    window.window.hide()
    QgsSettings().remove("geo_r1")
    for _ in range(2):
        loaded = classFactory(window)
        loaded.initGui()
        loaded.unload()

    assert window.receivers(window.initializationCompleted) == 0
