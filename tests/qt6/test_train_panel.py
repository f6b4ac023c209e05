"""The Train tab on Qt 6: a run of the service is found, followed, stopped, resumed, judged and used; labels need QGIS itself."""

import json
import threading

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.label_check import Check, Problem, Weight
from geo_r1_qgis.core.train_state import Stage
from tests.qgis.stub_training import look, preview, state, step, verdict

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005"
    "0001ff56c7e3b80000000049454e44ae426082"
)


@pytest.fixture
def panel(plugin, dock, stub):
    """The open tab; the service has one run, of which nothing was seen yet."""
    stub.training.make_run(json.dumps({"dataset": "d", "name": "ponds", "seed": 0}).encode())
    return dock.train


def open_tab(qtbot, plugin):
    """Click on Train; the run is found."""
    training = plugin.services.training
    plugin.services.dock.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: training.state.run is not None, timeout=5000)
    return training


def test_a_run_is_followed_to_its_verdict_and_used(qtbot, plugin, panel, stub):
    """Curves with words, pictures, a verdict; the model is used when the button is pressed and not before."""
    chip = "ab" * 32
    stub.chips[chip] = PIXEL
    shown = look(0, 0.25, [preview(chip, (5, 5, 40, 40), (8, 8, 44, 44))])
    stub.training.events = [
        state("running"), shown, step(1), step(2, reward=0.5), verdict(), state("finished"),
    ]  # fmt: skip
    training = open_tab(qtbot, plugin)
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=8000)
    qtbot.waitUntil(panel.use.isVisible, timeout=2000)

    assert "Too few held-out objects to tell, n = 4" in panel.verdict.text()
    assert "what an answer earns, in all: 0.50" in panel.curves.accessibleDescription()
    assert not panel.grab().isNull()
    assert plugin.services.connection.settings.model == ""
    QTest.mouseClick(panel.use, Qt.MouseButton.LeftButton)
    assert plugin.services.connection.settings.model == "geo-r1-nano+r1"


def test_stop_and_resume(qtbot, plugin, panel, stub):
    """Stop asks the service once; Resume goes on where the curve ended."""
    go_on = threading.Event()
    stub.training.events = [state("running"), step(1), state("stopped")]
    stub.training.waits = {3: go_on}
    training = open_tab(qtbot, plugin)
    qtbot.waitUntil(lambda: bool(training.state.steps), timeout=5000)
    qtbot.waitUntil(lambda: panel.go.text() == "Stop", timeout=2000)
    QTest.mouseClick(panel.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "/v1/runs/run-1/stop" in stub.paths("POST"), timeout=5000)
    go_on.set()
    qtbot.waitUntil(panel.resume.isVisible, timeout=8000)
    stub.training.waits = {}
    stub.training.events += [state("running"), step(2), state("finished")]
    QTest.mouseClick(panel.resume, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.state.stage is Stage.FINISHED, timeout=8000)

    assert [each.step for each in training.state.steps] == [1, 2]


def test_problems_and_further_choices(plugin, dock, panel):
    """A row that cannot be used is listed with its mend; the further choices open, and very few steps are warned of."""
    dock.tabs.setCurrentIndex(1)
    panel.show_check(
        Check([], [Problem("too-few", Weight.BLOCKS, values={"count": 2, "limit": 3})])
    )
    form = panel.form
    QTest.mouseClick(form.more, Qt.MouseButton.LeftButton)
    form.steps.setValue(2)

    assert "at least 3 are needed" in panel.problems.topLevelItem(0).text(1)
    assert form.further.warning.isVisible()
    assert [form.task.itemData(i) for i in range(form.task.count())] == ["rec", "ovd", "gres"]
    assert not panel.grab().isNull()
