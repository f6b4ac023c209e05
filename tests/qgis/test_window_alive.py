"""QGIS's window never stands still for 50 ms, whatever the plugin does; `alive.py` says how that is measured."""

import json

import numpy as np
import pytest
from qgis.core import QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle, QgsSettings
from qgis.PyQt.QtCore import QBuffer, QIODevice, QPoint
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.gui.export_dialog import ExportDialog
from tests.qgis import stub_training as told
from tests.qgis.alive import calmest, line
from tests.qgis.make_rasters import make_huge
from tests.qgis.person import UTM, drag, type_question
from tests.qgis.slow_tiles import SlowTiles
from tests.qgis.stub_service import StubService, a_detection, result, started, token
from tests.qgis.test_launcher import end_process, serving_command

pytestmark = pytest.mark.slow


def many(count):
    """As many different detections."""
    return [
        a_detection(i, "tank", (i % 60, i % 50, i % 60 + 9 + i / 100, i % 50 + 9))
        for i in range(count)
    ]


def as_events(detections):
    """Bytes of their events."""
    return b"".join(
        line({"event": "detection", "item": "1", "detection": each}) for each in detections
    )


def a_picture(seed):
    """A PNG of 448 px that does not compress: as slow to decode as a photograph."""
    pixels = np.random.default_rng(seed).integers(0, 255, (448, 448, 3), np.uint8)
    image = QImage(pixels.data, 448, 448, 3 * 448, QImage.Format.Format_RGB888)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())


def forget_answers(plugin, tmp_path):
    """As before the first question: the layer is shown for the first time only once."""
    store = plugin.services.store
    if store.layer is not None:
        QgsProject.instance().removeMapLayer(store.layer.id())
    store._forget()
    count = len(list(tmp_path.glob("*_geo-r1.gpkg")))
    QgsProject.instance().setFileName(str(tmp_path / f"project-{count}.qgz"))


def ask_and_wait(qtbot, plugin, timeout=20_000):
    """A question until all of it is on the screen and on disk; waits in the event loop only."""
    asking, store, dock = plugin.services.asking, plugin.services.store, plugin.services.dock
    type_question(dock)
    qtbot.waitUntil(lambda: not asking.state.is_running, timeout=timeout)
    qtbot.waitUntil(lambda: store.flush(0), timeout=timeout)
    qtbot.waitUntil(lambda: not dock.reasoning._waiting, timeout=timeout)
    qtbot.wait(150)  # the layer reads the file 50 ms after the last write
    assert asking.state.stage is Stage.DONE, dock.notice.text


@pytest.fixture(scope="module", params=[False, True], ids=["no overviews", "overviews"])
def huge(request, tmp_path_factory):
    """A file of 30,000 × 30,000 pixels."""
    path = tmp_path_factory.mktemp("huge") / "huge.tif"
    make_huge(path, UTM, 32633, overviews=request.param)
    return str(path)


def test_opening_the_dock(qtbot, window, stub, tmp_path):
    """From loading the plugin to a dock that says what it found; and taking it out again."""
    stub.write_server_file(tmp_path)

    def phase(meter):
        QgsSettings().remove("geo_r1")
        meter.start()
        loaded = classFactory(window)
        loaded.initGui()
        connection = loaded.services.connection
        qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
        qtbot.wait(100)
        loaded.unload()
        qtbot.wait(20)

    calmest("opening and closing the dock", phase)


def test_starting_the_service(qtbot, window, tmp_path, monkeypatch):
    """While the service starts, which takes it a second, the window is free."""
    monkeypatch.setenv("GEO_R1_COMMAND", serving_command(tmp_path, after_s=0.5))

    def phase(meter):
        (tmp_path / "server.json").unlink(missing_ok=True)
        QgsSettings().remove("geo_r1")
        loaded = classFactory(window)
        meter.start()
        loaded.initGui()
        connection = loaded.services.connection
        qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=8000)
        meter.stop()
        end_process(tmp_path)
        loaded.unload()

    calmest("starting the service", phase)


def test_moving_over_a_huge_raster(qtbot, plugin, dock, window, huge):
    """What will be sent is worked out at each rest of the map, and no pixel is read for it."""
    layer = QgsRasterLayer(huge, "huge")
    window.show_raster(layer)
    centre = layer.extent().center()

    def phase(meter):
        meter.start()
        for zoom in (1, 8, 40):
            view = QgsRectangle(layer.extent())
            view.scale(1 / zoom)
            window.canvas.setExtent(view)
            for step in range(4):
                window.canvas.setCenter(QgsPointXY(centre.x() + 50 * step, centre.y()))
                qtbot.wait(130)  # the line is rewritten after 120 ms
        assert dock.ask_panel.sending.text().startswith("1 chip")

    calmest("moving the map over 900 Mpx", phase)


@pytest.mark.parametrize("zoom", [1, 20])
def test_asking_about_a_huge_raster(qtbot, plugin, window, huge, tmp_path, zoom):
    """From Enter to the polygon on the map: capture, encoding, upload, stream, write, layer."""
    layer = QgsRasterLayer(huge, "huge")
    window.show_raster(layer)
    view = QgsRectangle(layer.extent())
    view.scale(1 / zoom)
    window.canvas.setExtent(view)
    qtbot.wait(100)

    def phase(meter):
        forget_answers(plugin, tmp_path)
        meter.start()
        ask_and_wait(qtbot, plugin)

    calmest("asking about 900 Mpx", phase)


def test_slow_tiles_do_not_hold_up_the_window(qtbot, plugin, window):
    """A tile server that needs 0.3 s for each tile is waited for in the background."""
    with SlowTiles(0.3) as tiles:
        layer = QgsRasterLayer(tiles.uri, "tiles", "wms")
        window.show_raster(layer)
        window.canvas.setExtent(QgsRectangle(1_500_000, 6_000_000, 1_501_000, 6_001_000))
        qtbot.wait(100)

        def phase(meter):
            meter.start()
            ask_and_wait(qtbot, plugin)

        calmest("drawing slow tiles", phase)
        assert tiles.asked


def test_slow_upload(qtbot, window, tmp_path):
    """A server that reads slowly takes time, and none of the window's."""
    with StubService(upload_bytes_per_s=300_000) as stub:
        stub.write_server_file(tmp_path)
        make_huge(tmp_path / "noise.tif", UTM, 32633, overviews=True)
        layer = QgsRasterLayer(str(tmp_path / "noise.tif"), "noise")
        window.show_raster(layer)
        view = QgsRectangle(layer.extent())
        view.scale(0.012)  # 360 px of noise: 400 kB of PNG
        window.canvas.setExtent(view)
        loaded = classFactory(window)
        loaded.initGui()
        connection = loaded.services.connection
        qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)

        def phase(meter):
            stub.chips.clear()
            meter.start()
            ask_and_wait(qtbot, loaded)

        calmest("uploading to a slow server", phase)
        assert stub.uploaded_bytes > 300_000
        loaded.unload()


def test_a_flood_of_tokens_and_detections(qtbot, plugin, dock, stub, tmp_path):
    """Five thousand tokens in a second, then three hundred detections, written and shown."""
    pieces = [f"tank {i} at [{i % 90},{i % 80},99,99], " for i in range(5000)]
    script = [started()]
    for begin in range(0, 5000, 250):
        script += [b"".join(line(token(piece)) for piece in pieces[begin : begin + 250]), 0.05]
    script += [as_events(many(300)), line(result(many(300)))]
    stub.scripts = [script]

    def phase(meter):
        forget_answers(plugin, tmp_path)
        meter.start()
        ask_and_wait(qtbot, plugin)

    calmest("5,000 tokens in a second, 300 detections", phase)
    assert dock.answers.tree.topLevelItem(0).childCount() == 300


@pytest.mark.parametrize(
    "text",
    ["word " * 9_000, "w" * 49_000, "[1,2,30,40] " * 4_000, "((((" * 12_000],
    ids=["words", "one word", "links", "brackets"],
)
def test_very_long_reasoning(qtbot, plugin, dock, stub, text):
    """Nearly fifty thousand characters at once: in words, in one word, all of it links, or never ending brackets."""
    stub.scripts = [[started(), line(token(text)), result()]]

    def phase(meter):
        meter.start()
        ask_and_wait(qtbot, plugin)

    calmest("very long reasoning", phase)
    shown = "".join(dock.reasoning.view.toPlainText().split())
    assert shown == "".join(text.split())


def test_an_earlier_long_reasoning(qtbot, plugin, dock, stub):
    """Going back in the list to a long reasoning shows it piece by piece."""
    long = "tank at [10,20,30,40], " * 2_000
    stub.scripts = [[started(), line(token(long)), result([], "none", long)]]
    ask_and_wait(qtbot, plugin)
    stub.scripts = [[started(), token("Find"), result([], "none", "Find")]]
    ask_and_wait(qtbot, plugin)
    tree = dock.answers.tree

    def phase(meter):
        meter.start()
        for row in (1, 0, 1):
            tree.setCurrentItem(tree.topLevelItem(row))
            qtbot.waitUntil(lambda: not dock.reasoning._waiting, timeout=8000)
        assert dock.reasoning.view.toPlainText().count("tank") == 2000

    calmest("going back to a long reasoning", phase)


@pytest.mark.parametrize("way", ["one by one", "with the result"])
def test_a_thousand_answers(qtbot, plugin, dock, stub, tmp_path, way):
    """They come, are listed, walked through, chosen, exported and forgotten."""
    streamed = as_events(many(1000)) if way == "one by one" else b""
    stub.scripts = [[started(), streamed, line(result(many(1000)))]]

    def arrive(meter):
        forget_answers(plugin, tmp_path)
        meter.start()
        ask_and_wait(qtbot, plugin)

    calmest("1,000 answers", arrive, tries=3)
    tree, answers = dock.answers.tree, plugin.services.answers
    assert tree.topLevelItem(0).childCount() == 1000

    def use(meter):
        meter.start()
        for row in range(0, 1000, 100):
            tree.setCurrentItem(tree.topLevelItem(0).child(row))
            qtbot.wait(5)
        tree.selectAll()
        qtbot.wait(5)
        answers.export(dock.answers.chosen_uids()[:1000])
        qtbot.wait(50)
        dialog = dock.findChild(ExportDialog)
        dialog.file.setFilePath(str(tmp_path / "out.gpkg"))
        dialog.accept()
        qtbot.waitUntil(lambda: "1000 answers written" in dock.notice.text, timeout=20_000)
        qtbot.wait(150)
        dock.notice.hide()

    calmest("list, walk, export 1,000 answers", use)

    def forget(meter):
        meter.start()
        dock.answers.clear()
        qtbot.wait(50)

    calmest("forgetting 1,000 answers", forget)


def test_opening_and_closing_projects(qtbot, plugin, dock, stub, tmp_path):
    """A project with a layer of answers is closed and opened; what is longer than 50 ms would be QGIS's own."""
    stub.scripts = [[started(), as_events(many(50)), line(result(many(50)))]]
    ask_and_wait(qtbot, plugin)
    project = QgsProject.instance()
    path = str(tmp_path / "project.qgz")
    qtbot.waitUntil(lambda: len(project.mapLayers()) == 2, timeout=8000)

    def phase(meter):
        meter.start()
        project.write(path)
        qtbot.wait(20)
        project.clear()
        qtbot.wait(20)
        project.read(path)
        qtbot.wait(200)
        qtbot.waitUntil(lambda: len(project.mapLayers()) == 2, timeout=8000)

    calmest("writing, closing, opening a project", phase)


def test_drawing_an_area(qtbot, plugin, dock, window):
    """Press, drag, release on the map."""

    def phase(meter):
        meter.start()
        plugin.services.preview.draw()
        drag(window.canvas, QPoint(100, 100), QPoint(300, 260))
        QTest.qWait(150)
        assert dock.ask_panel.area == "drawn"

    calmest("drawing an area", phase)


def test_events_of_a_training(qtbot, plugin, dock, stub):
    """A run of 400 steps that comes all at once, and twenty looks at six pictures of full size each: what a reopened QGIS catches up with."""
    chips = []
    for shade in range(6):
        chips.append(f"{shade:064x}")
        stub.chips[chips[-1]] = a_picture(shade)
    looks = {
        at: told.look(
            at, 0.4, [told.preview(chip, (50, 50, 120, 120), (60, 55, 130, 120)) for chip in chips]
        )
        for at in range(0, 400, 20)
    }
    events = [told.state("running")]
    for at in range(400):
        events += [looks[at]] if at in looks else []
        events.append(told.step(at + 1, 400, 0.5))
    stub.training.events = [*events, told.verdict(), told.state("finished")]
    training = plugin.services.training
    dock.tabs.setCurrentIndex(1)

    def phase(meter):
        stub.training.runs.clear()
        stub.training.make_run(json.dumps({"dataset": "d", "name": "roofs", "seed": 0}).encode())
        dock.train.strip._images.clear()
        training.state.run = None
        meter.start()
        training.on_tab(1)
        qtbot.waitUntil(lambda: len(training.state.steps) == 400, timeout=20_000)
        qtbot.waitUntil(lambda: training.state.verdict is not None, timeout=5000)
        qtbot.waitUntil(lambda: len(dock.train.strip._images) == 6, timeout=5000)
        qtbot.wait(150)

    calmest("a training of 400 steps catches up", phase)
