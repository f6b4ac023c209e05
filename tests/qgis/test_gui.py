"""The dock, driven like a person drives it, with a true canvas, a true raster and a service that plays a part."""

import contextlib
import gc
import json
import sqlite3
import time
import weakref

import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsSettings, QgsVectorLayer
from qgis.PyQt.QtCore import QPoint, Qt, QThread, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialog,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
)

from geo_r1_qgis import classFactory
from geo_r1_qgis.core import wire
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.errors import CommandNotFound, GeoR1Error, LaunchFailed, ServiceUnreachable
from geo_r1_qgis.core.sentences import Mend
from geo_r1_qgis.core.standing import Endpoint, Kind, Standing
from geo_r1_qgis.gui.header import HeaderPanel
from tests.qgis.make_rasters import make_marked
from tests.qgis.stub_service import (
    CLOSE,
    HANG,
    StubService,
    a_detection,
    detection,
    failure,
    queued,
    result,
    started,
    token,
)
from tests.qgis.window import Window

UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
QUERY = "the largest storage tank"


@pytest.fixture
def stub():
    """A service that answers well until told otherwise."""
    with StubService() as service:
        yield service


@pytest.fixture
def window(qtbot, tmp_path, monkeypatch):
    """An empty project in an empty folder, and a window with the raster that the tests ask about."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path))
    monkeypatch.setenv("GEO_R1_COMMAND", "/nowhere/geo-r1")
    QgsSettings().remove("geo_r1")
    project = QgsProject.instance()
    project.clear()
    project.setFileName(str(tmp_path / "project.qgz"))
    made = Window()
    marked = make_marked(tmp_path / "ortho.tif", UTM, epsg=32633)
    made.show_raster(QgsRasterLayer(marked.path, "ortho"))
    made.window.show()
    yield made
    project.clear()
    made.window.close()
    made.window.deleteLater()


@pytest.fixture
def plugin(qtbot, window, stub, tmp_path):
    """The plugin in the window, connected to the stub."""
    stub.write_server_file(tmp_path)
    loaded = classFactory(window)
    loaded.initGui()
    connection = loaded.services.connection
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
    yield loaded
    loaded.unload()


@pytest.fixture
def dock(plugin):
    """The dock of the plugin."""
    return plugin.services.dock


def type_question(dock, text=QUERY):
    """Type into the query line and press Enter."""
    dock.ask_panel.query.clear()
    QTest.keyClicks(dock.ask_panel.query, text)
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Return)


def wait_for_end(qtbot, plugin, timeout=8000):
    """Until the question has ended, and what it wrote is on disk."""
    asking, store = plugin.services.asking, plugin.services.store
    qtbot.waitUntil(
        lambda: asking.state.stage is not Stage.IDLE and not asking.state.is_running,
        timeout=timeout,
    )
    store.flush(5)
    if asking.state.detections:
        qtbot.waitUntil(lambda: store.layer is not None, timeout=5000)
    qtbot.wait(100)  # text is appended every 50 ms
    return asking.state


def rows(tmp_path, columns="query, label, reasoning, x_min_px"):
    """What stands in the GeoPackage beside the project."""
    (path,) = tmp_path.glob("*.gpkg")
    with contextlib.closing(sqlite3.connect(path)) as database:
        table = database.execute(
            "select table_name from gpkg_contents where data_type='features'"
        ).fetchone()[0]
        return database.execute(f"select {columns} from {table} order by rank").fetchall()  # noqa: S608 - names of our own


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


def test_what_will_be_sent_follows_the_map(qtbot, plugin, dock, window):
    """Size and metres per pixel are right before anything is sent, and change with the view."""
    qtbot.waitUntil(
        lambda: "0.30 m/px (native\N{NO-BREAK SPACE}0.30)" in dock.ask_panel.sending.text(),
        timeout=2000,
    )
    before = dock.ask_panel.sending.text()
    window.canvas.zoomByFactor(0.25)
    qtbot.waitUntil(lambda: dock.ask_panel.sending.text() != before, timeout=2000)

    assert dock.ask_panel.sending.text().startswith("1 chip ")


def test_the_topmost_visible_raster_is_chosen(qtbot, plugin, dock, window, tmp_path):
    """A raster that is added on top becomes the chosen one; one that was chosen by hand stays."""
    panel = dock.ask_panel
    second = QgsRasterLayer(make_marked(tmp_path / "second.tif", UTM, epsg=32633).path, "second")
    QgsProject.instance().addMapLayer(second)
    window.canvas.setLayers([second])
    assert panel.layer.name() == "second"
    panel.layer_combo.setCurrentIndex(panel.layer_combo.findText("ortho"))
    panel.layer_combo.activated.emit(panel.layer_combo.currentIndex())
    third = QgsRasterLayer(make_marked(tmp_path / "third.tif", UTM, epsg=32633).path, "third")
    QgsProject.instance().addMapLayer(third)
    window.canvas.setLayers([third])

    assert panel.layer.name() == "ortho"
    QgsProject.instance().removeMapLayer(panel.layer.id())
    assert panel.layer.name() == "third"


def drag(canvas, begin, end):
    """Draw with the mouse on the canvas."""
    view = canvas.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, begin)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


@pytest.mark.parametrize("rotation_deg", [0.0, 30.0])
def test_a_drawn_rectangle_is_what_is_sent(qtbot, plugin, dock, window, stub, rotation_deg):
    """Draw, and the chip has the rectangle's shape, on a turned map too."""
    window.canvas.setRotation(rotation_deg)
    QTest.mouseClick(dock.ask_panel.draw, Qt.MouseButton.LeftButton)
    drag(window.canvas, QPoint(150, 180), QPoint(310, 260))
    plan = plugin.services.preview.plan()

    assert dock.ask_panel.area == "drawn"
    assert plan.frame.width_px / plan.frame.height_px == pytest.approx(2.0, rel=0.05)
    assert dock.ask_panel.sending.text().startswith("1 chip")


def test_giving_up_the_drawing_returns_to_the_view(qtbot, plugin, dock, window):
    """Esc while drawing leaves the current view chosen and the old tool active."""
    plugin.services.preview.draw()
    dock.ask_panel.set_area("drawn")
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)

    assert dock.ask_panel.area == "view"


def test_up_and_down_bring_questions_back(qtbot, plugin, dock, stub, tmp_path):
    """The history is walked with the arrow keys and is kept in the project."""
    for query in ("first", "second"):
        type_question(dock, query)
        wait_for_end(qtbot, plugin)
    line = dock.ask_panel.query
    line.clear()
    QTest.keyClicks(line, "draft")
    for key, shown in (
        (Qt.Key.Key_Up, "second"),
        (Qt.Key.Key_Up, "first"),
        (Qt.Key.Key_Down, "second"),
        (Qt.Key.Key_Down, "draft"),
    ):
        QTest.keyClick(line, key)
        assert line.text() == shown

    assert json.loads(QgsProject.instance().readEntry("geo_r1", "/query_history")[0]) == [
        "first",
        "second",
    ]


def test_a_coordinate_flashes_its_place(qtbot, plugin, dock, window):
    """Resting on a link shows the place until it is left; a click shows it for a moment; Enter works as well."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    flash, view = plugin.services.answers.flash, dock.reasoning.view
    flash.clear()
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Tab)

    assert view.textCursor().selectedText() == "[100,40,150,90]"
    assert flash.is_shown
    flash.clear()
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert flash.is_shown
    bounds = flash._bands[0].asGeometry().boundingBox()
    frame = plugin.services.asking.frame
    assert frame.map_to_px(bounds.xMinimum(), bounds.yMaximum()) == pytest.approx(
        (100, 40), abs=1e-6
    )
    qtbot.waitUntil(lambda: not flash.is_shown, timeout=4000)


def test_the_list_leads_to_the_map(qtbot, plugin, dock, window):
    """Down flashes an answer, Enter zooms to it."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    tree = dock.answers.tree
    before = window.canvas.extent()
    tree.setFocus()
    tree.setCurrentItem(tree.topLevelItem(0))
    QTest.keyClick(tree, Qt.Key.Key_Down)
    assert plugin.services.answers.flash.is_shown
    QTest.keyClick(tree, Qt.Key.Key_Return)

    assert window.canvas.extent().width() < before.width()


def test_an_earlier_reasoning_comes_back(qtbot, plugin, dock, stub):
    """Choosing an earlier question shows its reasoning again, with links into its own picture."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    first_frame = plugin.services.asking.frame
    stub.scripts = [
        [
            started(),
            token("All ships: none."),
            result([], outcome="none", reasoning="All ships: none."),
        ]
    ]
    type_question(dock, "ships")
    wait_for_end(qtbot, plugin)
    tree = dock.answers.tree
    tree.setCurrentItem(tree.topLevelItem(1))
    qtbot.wait(80)

    assert "Find tanks" in dock.reasoning.view.toPlainText()
    assert plugin.services.asking.frame is first_frame


@pytest.mark.parametrize(("name", "driver"), [("out.gpkg", "GPKG"), ("out.geojson", "GeoJSON")])
def test_answers_are_exported(qtbot, plugin, dock, tmp_path, name, driver):
    """Export writes the chosen answers into a file of their own, in the CRS of choice."""
    from qgis.core import QgsCoordinateReferenceSystem

    type_question(dock)
    wait_for_end(qtbot, plugin)
    QTest.mouseClick(dock.answers.export, Qt.MouseButton.LeftButton)
    from geo_r1_qgis.gui.export_dialog import ExportDialog

    dialog = dock.findChild(ExportDialog)
    dialog.file.setFilePath(str(tmp_path / name))
    dialog.crs.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    assert dialog.driver == driver
    dialog.accept()
    qtbot.waitUntil(lambda: "1 answers written" in dock.notice.text, timeout=5000)
    layer = QgsVectorLayer(str(tmp_path / name), "out", "ogr")

    assert layer.featureCount() == 1
    assert layer.crs().authid() in ("EPSG:4326", "OGC:CRS84")


def test_another_project_ends_the_question_and_empties_the_dock(
    qtbot, plugin, dock, stub, tmp_path
):
    """An answer belongs to the project that it was asked in; nothing of it is written into the next one."""
    stub.scripts = [[started(), token("Find"), detection(), 0.5, detection(1, "late"), HANG]]
    type_question(dock)
    qtbot.waitUntil(lambda: bool(plugin.services.asking.state.detections), timeout=5000)
    QgsProject.instance().clear()
    qtbot.wait(700)

    assert plugin.services.asking.state.stage is Stage.STOPPED
    assert dock.answers.tree.topLevelItemCount() == 0
    assert dock.reasoning.view.toPlainText() == ""
    assert rows(tmp_path, "label") == [("storage tank",)]


def test_the_list_can_be_emptied_in_the_middle_of_an_answer(qtbot, plugin, dock, stub):
    """What comes after that is listed anew."""
    stub.scripts = [
        [
            started(),
            detection(),
            0.4,
            detection(1, "late"),
            result([a_detection(), a_detection(1, "late")]),
        ]
    ]
    type_question(dock)
    qtbot.waitUntil(lambda: bool(plugin.services.asking.state.detections), timeout=5000)
    dock.answers.clear()
    wait_for_end(qtbot, plugin)

    assert dock.answers.tree.topLevelItem(0).childCount() == 1


def test_a_service_that_moves_does_not_disturb_an_answer(qtbot, plugin, dock, stub, tmp_path):
    """The connection may find a service at another address; the answer under way comes from the old one."""
    stub.scripts = [[started(), token("Find"), 0.6, detection(), result()]]
    type_question(dock)
    qtbot.waitUntil(lambda: "Find" in dock.reasoning.view.toPlainText(), timeout=5000)
    with StubService() as other:
        other.write_server_file(tmp_path)
        plugin.services.actions.look_again()
        state = wait_for_end(qtbot, plugin)
        assert plugin.services.connection.standing.endpoint.url == other.url

    assert state.stage is Stage.DONE


def test_the_mask_is_offered_only_by_models_that_make_one(qtbot, plugin, dock, stub, tmp_path):
    """What is sought follows what the model can do."""
    combo = dock.ask_panel.task_combo
    qtbot.wait(100)
    assert [combo.itemData(i) for i in range(combo.count())] == ["rec", "ovd"]
    stub.models = [{**stub.models[0], "tasks": ["rec", "ovd", "gres"]}]
    plugin.services.actions._models_of = None
    plugin.services.actions._on_standing(plugin.services.connection.standing)
    qtbot.waitUntil(lambda: combo.count() == 3, timeout=2000)

    assert combo.itemText(2) == "Mask"


LOCAL, REMOTE = (
    Endpoint("http://127.0.0.1:40123", "t"),
    Endpoint("https://gpu.office:8443", "t", is_local=False),
)
READY = wire.Health(
    "geo-r1", "0.1.0", "1.0", "ready", 1, "geo-r1-nano", "Geo-R1 Nano", "onnx", "cpu", 0.9
)
BUSY = wire.Health(
    "geo-r1", "0.1.0", "1.0", "busy", 1, "geo-r1-nano", "Geo-R1 Nano", "onnx", "cpu", 0.9, 2
)
VERSIONS = GeoR1Error(code="wire-version", given="1.0", expected="2.0")


@pytest.mark.parametrize(
    ("standing", "words", "mend"),
    [
        (Standing(Kind.UNKNOWN), "Looking for", Mend.NONE),
        (Standing(Kind.READY, LOCAL, READY), "Geo-R1 Nano · CPU · ready in 0.9 s", Mend.NONE),
        (Standing(Kind.BUSY, LOCAL, BUSY), "Geo-R1 Nano · CPU · busy, 2 waiting", Mend.RECONNECT),
        (Standing(Kind.STARTING, elapsed_s=2.2), "starting… 2 s", Mend.NONE),
        (Standing(Kind.STARTING, elapsed_s=20), "starting… 20 s", Mend.OPEN_LOG),
        (Standing(Kind.ABSENT), "is not running", Mend.START),
        (
            Standing(Kind.ABSENT, error=CommandNotFound(["/a"])),
            "is not installed",
            Mend.HOW_TO_INSTALL,
        ),
        (
            Standing(Kind.ABSENT, REMOTE, error=ServiceUnreachable("u", "r")),
            "server does not answer",
            Mend.RECONNECT,
        ),
        (Standing(Kind.REFUSED, LOCAL), "does not accept the token", Mend.RECONNECT),
        (Standing(Kind.REFUSED, REMOTE), "does not accept the token", Mend.SET_ACCESS),
        (Standing(Kind.TOO_OLD, LOCAL, error=VERSIONS), "service is too old", Mend.HOW_TO_UPDATE),
        (
            Standing(Kind.TOO_NEW, LOCAL, error=VERSIONS),
            "plugin is too old",
            Mend.OPEN_PLUGIN_MANAGER,
        ),
        (Standing(Kind.NOT_OURS, LOCAL), "Another program answers", Mend.START),
        (Standing(Kind.NOT_OURS, REMOTE), "Another program answers", Mend.SET_ADDRESS),
        (Standing(Kind.FAILED, LOCAL), "has a fault", Mend.OPEN_LOG),
        (
            Standing(Kind.FAILED, error=LaunchFailed("/x/geo-r1", "boom")),
            "did not start",
            Mend.OPEN_LOG,
        ),
    ],
)
def test_every_state_has_its_sentence_and_its_button(qtbot, standing, words, mend):
    """Each state of the header says something of its own and offers what mends it."""
    header = HeaderPanel(QMenu())
    qtbot.addWidget(header)
    header.show()
    header.show_standing(standing)
    pressed = []
    header.mend_requested.connect(pressed.append)
    header.button.click()

    assert words in header.line.text().replace("\N{NO-BREAK SPACE}", " ")
    assert header.button.isVisible() is (mend is not Mend.NONE)
    assert pressed == [mend]
    assert header.line.accessibleName().startswith("Status of the service")


def test_everything_has_a_name_for_screen_readers(qtbot, dock):
    """Each control that takes the focus says what it is."""
    controls = (
        dock.findChildren(QAbstractButton)
        + dock.findChildren(QComboBox)
        + dock.findChildren(QLineEdit)
    )
    own = [each for each in controls if each.isVisible() and each.objectName().startswith("geoR1")]

    assert len(own) >= 6
    for control in [*own, dock.ask_panel.draw, dock.reasoning.view, dock.answers.tree]:
        text = control.text() if isinstance(control, QAbstractButton) else ""
        assert control.accessibleName() or text, control


def test_tab_goes_from_top_to_bottom(qtbot, plugin, dock, window):
    """The keyboard reaches query, choices, Ask, reasoning and answers, in the order of the eye."""
    window.window.activateWindow()
    dock.ask_panel.query.setFocus()
    panel = dock.ask_panel
    order = [
        panel.task_combo,
        panel.layer_combo,
        panel.area_combo,
        panel.draw,
        panel.button,
        dock.reasoning.view,
    ]
    widget = panel.query
    for expected in order:
        widget = widget.nextInFocusChain()
        while not (
            widget.isVisible()
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and widget.isEnabled()
        ):
            widget = widget.nextInFocusChain()
        assert widget is expected


def test_the_dock_fits_a_small_screen(qtbot, dock):
    """On a 1280-wide screen the dock leaves more than two thirds to the map, and nothing is cut off."""
    assert dock.minimumSizeHint().width() <= 400
    assert dock.minimumSizeHint().height() <= 640


def test_the_gui_is_never_held_up_by_a_stream(qtbot, plugin, dock, stub):
    """Long reasoning with hundreds of links and many detections: no 50 ms without a turn of the event loop."""
    words = [token(f"tank {i} at [{i % 90},{i % 80},99,99], ") for i in range(1500)]
    many = [a_detection(i, "tank", (i % 60, i % 50, i % 60 + 9, i % 50 + 9)) for i in range(60)]
    events = [{"event": "detection", "item": "1", "detection": each} for each in many]
    stub.scripts = [[started(), *words, *events, result(many)]]
    gaps_s, last_s = [], [time.thread_time()]

    def tick():
        now_s = time.thread_time()
        gaps_s.append(now_s - last_s[0])
        last_s[0] = now_s

    type_question(dock)
    qtbot.waitUntil(lambda: plugin.services.asking.state.stage is Stage.STREAMING, timeout=5000)
    timer = QTimer()
    timer.timeout.connect(tick)
    last_s[0] = time.thread_time()
    timer.start(1)
    qtbot.waitUntil(lambda: not plugin.services.asking.state.is_running, timeout=20_000)
    qtbot.waitUntil(lambda: "tank 1499" in dock.reasoning.view.toPlainText(), timeout=3000)
    timer.stop()

    assert dock.answers.tree.topLevelItem(0).childCount() == 60
    assert max(gaps_s) < 0.05


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


def test_the_service_can_be_checked(qtbot, plugin, dock, tmp_path):
    """The menu runs the doctor and shows what it says; without a command it says that."""
    actions = plugin.services.actions
    actions.examine()
    assert dock.notice.code == "command-not-found"
    command = tmp_path / "geo-r1"
    command.write_text('#!/bin/sh\necho "$1: all is well"\n')
    command.chmod(0o755)
    plugin.services.connection.settings = plugin.services.connection.settings.with_changes(
        service_command=str(command)
    )
    actions.examine()
    qtbot.waitUntil(lambda: dock.findChild(QDialog, "geoR1Text") is not None, timeout=5000)

    shown = dock.findChild(QDialog, "geoR1Text").findChild(QPlainTextEdit).toPlainText()
    assert shown == "doctor: all is well"
    assert not dock.notice.isVisible()


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
