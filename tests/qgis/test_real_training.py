"""The Train tab with the true service and true runs: ten polygons teach a new kind; masks are learned."""

import hashlib
import json
import urllib.request

import numpy as np
import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QBuffer, QIODevice, Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.label_check import iou
from geo_r1_qgis.core.train_state import FINAL, Stage
from tests.qgis.make_rasters import BACKGROUND, COLOURS, SQUARE_PX, write_tiff
from tests.qgis.make_tiles import draw_tiles
from tests.qgis.person import UTM, rows, type_question, wait_for_end
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_service import COMMAND, EMBEDDED, home, plugin  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not (COMMAND.exists() and EMBEDDED.exists()), reason="needs the service and its model"
    ),
]


SPREAD = [(800 * column + 300, 800 * row + 300) for column in range(4) for row in range(2)]


def add_wide_raster(folder):
    """Eight red squares, far enough apart for eight places."""
    pixels = np.full((3, 1600, 3200), BACKGROUND, np.uint8)
    for x, y in SPREAD:
        pixels[:, y : y + SQUARE_PX, x : x + SQUARE_PX] = np.array(COLOURS["red"])[:, None, None]
    write_tiff(folder / "wide.tif", pixels, UTM, 32633)
    layer = QgsRasterLayer(str(folder / "wide.tif"), "wide")
    QgsProject.instance().addMapLayer(layer)
    return layer


LABELLED, COLUMNS, ROWS = 10, 5, 4
QUERY = "the garden tile"


def open_tab(services, raster, labels, query, **choices):
    """The Train tab with everything chosen that a run needs; `choices` are what stands under “More”."""
    services.dock.tabs.setCurrentIndex(1)
    form = services.dock.train.form
    form.raster.setLayer(raster)
    form.labels.setLayer(labels)
    form.expression.setText(query)
    form.task.setCurrentIndex(form.task.findData(choices.get("task", "rec")))
    form.method.setCurrentIndex(form.method.findData(choices["method"]))
    form.steps.setValue(choices["steps"])


def look_at(services, raster, x_px, y_px, side_px=300):
    """The canvas shows a square of the raster, and the next question is about it."""
    canvas, half = services.training._canvas, side_px / 2 * UTM[1]
    x, y = UTM[0] + x_px * UTM[1], UTM[3] + y_px * UTM[5]
    canvas.setLayers([raster])
    canvas.setExtent(QgsRectangle(x - half, y - half, x + half, y + half))
    services.dock.ask_panel.layer_combo.setLayer(raster)


def train(qtbot, services):
    """Check, start, and wait for the end; the state that the run ended in."""
    panel, training = services.dock.train, services.training
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.check is not None, timeout=10_000)
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.state.stage in FINAL, timeout=380_000)
    assert training.state.stage is Stage.FINISHED, panel.notice.text
    return training.state


class Asked:
    """Objects that were not labelled, asked about over HTTP."""

    def __init__(self, data_folder, pixels, boxes):
        server = json.loads((data_folder / "server.json").read_text())
        self.url, self.token = server["url"], server["token"]
        self.items, self.truth = [], []
        for number, (left, top, right, bottom) in enumerate(boxes):
            side = 3 * max(right - left, bottom - top)
            x = max(0, min(left - side // (2 + number % 3), pixels.shape[2] - side))
            y = max(0, min(top - side // (2 + number % 2), pixels.shape[1] - side))
            cut = np.ascontiguousarray(pixels[:, y : y + side, x : x + side].transpose(1, 2, 0))
            image = QImage(cut.data, side, side, 3 * side, QImage.Format.Format_RGB888)
            buffer = QBuffer()
            buffer.open(QIODevice.OpenModeFlag.WriteOnly)
            image.save(buffer, "PNG")
            encoded = bytes(buffer.data())
            chip = hashlib.sha256(encoded).hexdigest()
            self._send("PUT", f"/v1/chips/{chip}", encoded)
            self.items.append({"item": str(number), "chip": chip, "query": QUERY, "task": "rec"})
            self.truth.append((left - x, top - y, right - x, bottom - y))

    def right(self, model=None):
        """For each object whether the first box of the answer has an IoU of a half or more."""
        body = {"items": self.items, **({"model": model} if model else {})}
        lines = self._send("POST", "/v1/ground", json.dumps(body).encode()).splitlines()
        found = [False] * len(self.items)
        for event in map(json.loads, lines):
            assert event["event"] != "error", event
            if event["event"] == "result" and event["detections"]:
                at = int(event["item"])
                found[at] = iou(event["detections"][0]["box_px"], self.truth[at]) >= 0.5
        return found

    def _send(self, verb, path, body):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers, method=verb)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=120) as reply:  # noqa: S310
            return reply.read()


def test_a_new_kind_is_learned_from_the_dock(qtbot, plugin, home, tmp_path):  # noqa: F811 - fixtures
    """Ten polygons of a kind that the model does not know: ten other objects are answered far better, the model is used, its answer is kept."""
    pixels, boxes = draw_tiles(COLUMNS, ROWS)
    write_tiff(tmp_path / "tiles.tif", pixels, UTM, 32633)
    raster = QgsRasterLayer(str(tmp_path / "tiles.tif"), "tiles")
    QgsProject.instance().addMapLayer(raster)
    drawn = [polygon(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes[:LABELLED]]
    asked = Asked(home, pixels, boxes[LABELLED:])
    before = asked.right()
    open_tab(plugin.services, raster, make_labels(drawn), QUERY, method="sft", steps=6)
    state = train(qtbot, plugin.services)
    after = asked.right(state.adapter)

    gained = sum(after) - sum(before)
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    assert gained >= 6, (before, after)  # by a sign test p < 0.04
    assert lost == 0, (before, after)
    assert state.verdict is not None
    panel = plugin.services.dock.train
    qtbot.waitUntil(lambda: bool(panel.strip._images), timeout=10_000)
    QTest.mouseClick(panel.use, Qt.MouseButton.LeftButton)
    plugin.services.dock.tabs.setCurrentIndex(0)
    left, top, right, bottom = boxes[-1]
    look_at(plugin.services, raster, (left + right) / 2, (top + bottom) / 2)
    type_question(plugin.services.dock, QUERY)
    answered = wait_for_end(qtbot, plugin, 60_000)
    assert answered.result.model == state.adapter
    assert rows(tmp_path, "query, model") == [(QUERY, state.adapter)]


def test_masks_are_learned_from_the_dock(qtbot, plugin, tmp_path):  # noqa: F811 - a fixture
    """Find: Mask goes one step by rewards to a verdict about masks that were cut out."""
    labels = make_labels([polygon(*place) for place in SPREAD])
    raster = add_wide_raster(tmp_path)
    open_tab(
        plugin.services, raster, labels, "the coloured square", task="gres", method="dapo", steps=1
    )
    state = train(qtbot, plugin.services)

    assert state.steps
    assert state.verdict.after.metric == "giou"
