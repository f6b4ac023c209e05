"""The plugin in the window: alive while it streams, and gone without a trace."""

import gc
import weakref

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QThread

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from tests.qgis.alive import calmest
from tests.qgis.person import type_question
from tests.qgis.stub_service import (
    HANG,
    a_detection,
    detection,
    result,
    started,
    token,
)


def test_the_gui_is_never_held_up_by_a_stream(qtbot, plugin, dock, stub):
    """Long reasoning with hundreds of links and many detections: no 50 ms without a turn of the event loop."""
    words = [token(f"tank {i} at [{i % 90},{i % 80},99,99], ") for i in range(1500)]
    many = [a_detection(i, "tank", (i % 60, i % 50, i % 60 + 9, i % 50 + 9)) for i in range(60)]
    events = [{"event": "detection", "item": "1", "detection": each} for each in many]
    stub.scripts = [[started(), *words, *events, result(many)]]

    def phase(meter):
        type_question(dock)
        asking = plugin.services.asking
        qtbot.waitUntil(lambda: asking.state.stage is Stage.STREAMING, timeout=5000)
        meter.start()
        qtbot.waitUntil(lambda: not asking.state.is_running, timeout=20_000)
        qtbot.waitUntil(lambda: "tank 1499" in dock.reasoning.view.toPlainText(), timeout=3000)
        meter.stop()
        tree = dock.answers.tree
        assert tree.topLevelItem(0).childCount() == 60

    calmest("1,500 tokens and 60 detections at once", phase)


def ask_and_watch(qtbot, loaded):
    """Ask, and note which objects are destroyed later; returns that list and a weak look at the services."""
    services, gone = loaded.services, []
    ready, found = services.connection, services.asking.state
    qtbot.waitUntil(lambda: ready.standing.kind is Kind.READY, timeout=3000)
    type_question(services.dock)
    qtbot.waitUntil(lambda: bool(found.detections), timeout=5000)
    for thing in (services.dock, services.connection, services.asking, services.preview):
        thing.destroyed.connect(lambda *_: gone.append(1))
    return gone, weakref.ref(services)


def test_unloading_leaves_nothing_behind(qtbot, window, stub, tmp_path):
    """Load, ask, unload in the middle of the answer: no object, no thread, no item on the canvas, no menu."""
    stub.write_server_file(tmp_path)
    stub.scripts = [[started(), token("Find"), detection(), HANG]]
    items_before = len(window.canvas.scene().items())
    threads_before = len(window.window.findChildren(QThread))
    loaded = classFactory(window)
    loaded.initGui()
    gone, watched = ask_and_watch(qtbot, loaded)
    loaded.unload()
    loaded.unload()  # twice does no harm
    assert len(gone) == 4
    qtbot.wait(50)
    gc.collect()

    assert watched() is None
    assert window.added == []
    assert len(window.canvas.scene().items()) == items_before
    assert len(window.window.findChildren(QThread)) == threads_before
    assert QgsApplication.taskManager().countActiveTasks() == 0


def test_the_dock_opens_by_itself_once(qtbot, window, stub, tmp_path):
    """After installing it is there; closed by the user it stays closed at the next start."""
    stub.write_server_file(tmp_path)
    seen = []
    for _ in range(2):
        loaded = classFactory(window)
        loaded.initGui()
        seen.append(loaded.services.dock.isVisible())
        loaded.unload()

    assert seen == [True, False]
