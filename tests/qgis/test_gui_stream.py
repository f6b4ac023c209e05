"""Detections while the answer still streams: each on disk and on the map at once, the layer read anew seldom."""

import pytest
from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.ask_state import Stage
from tests.qgis.person import rows, type_question, wait_for_end
from tests.qgis.stub_service import HANG, a_detection, detection, progress, result, started, token

STEP_PX = 12


def box(number):
    """Boxes beside each other."""
    left, top = 10 + STEP_PX * (number % 16), 10 + STEP_PX * (number // 16)
    return (left, top, left + 10, top + 10)


def test_each_detection_is_drawn_while_the_answer_goes_on(qtbot, plugin, dock, stub, tmp_path):
    """After the first, the second and the third box the file, the layer and the list have one more, and the question still runs."""
    script = [started(), token("Find tanks: three.")]
    for number in range(3):
        script += [detection(number, "tank", box(number)), 0.6]
    stub.scripts = [[*script, HANG]]
    type_question(dock, "all tanks")
    store, seen = plugin.services.store, []

    def drawn():
        return store.layer.featureCount() if store.layer is not None else 0

    for count in (1, 2, 3):
        qtbot.waitUntil(lambda count=count: drawn() == count, timeout=8000)
        in_layer = [each["rank"] for each in store.layer.getFeatures()]
        seen.append(
            (len(rows(tmp_path)), sorted(in_layer), dock.answers.tree.topLevelItem(0).childCount())
        )
        assert plugin.services.asking.state.is_running

    assert seen == [(n, list(range(n)), n) for n in (1, 2, 3)]
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Escape)
    assert plugin.services.asking.state.stage is Stage.STOPPED


@pytest.mark.slow
def test_sixty_detections_at_once_are_few_reloads(qtbot, plugin, dock, stub, monkeypatch):
    """Sixty boxes within a moment make the layer read its file a few times, not sixty times, and all are there."""
    first = detection(0, "tank", box(0))
    many = [detection(number, "tank", box(number)) for number in range(1, 60)]
    all_of_them = [a_detection(number, "tank", box(number)) for number in range(60)]
    stub.scripts = [[started(), first, 0.8, *many, result(all_of_them)]]
    repaints = []
    added = plugin.services.store.layer_ready
    added.connect(lambda layer: layer.repaintRequested.connect(lambda: repaints.append(1)))
    type_question(dock, "all tanks")
    wait_for_end(qtbot, plugin, timeout=20_000)
    layer = plugin.services.store.layer
    qtbot.waitUntil(lambda: layer.featureCount() == 60, timeout=8000)

    assert isinstance(layer, QgsVectorLayer)
    assert 1 <= len(repaints) <= 15
    assert sorted(each["rank"] for each in layer.getFeatures()) == list(range(60))


def test_the_dock_says_which_look_is_under_way(qtbot, plugin, dock, stub, tmp_path):
    """Progress of a question with windows stands beside “Reasoning”; what is final by then is on the map and stays after Esc."""
    script = [
        started(),
        progress(0, 10),
        token("The whole view: Find tanks: one.\n"),
        progress(1, 10),
    ]
    script += [
        token("Window 1 of 9 [0,0,150,150]: Find"),
        detection(0, "tank", box(0)),
        progress(2, 10),
    ]
    stub.scripts = [[*script, HANG]]
    type_question(dock, "all tanks")
    stage = dock.reasoning.stage

    qtbot.waitUntil(lambda: stage.text().startswith("Looking closely, 3 of 10…"), timeout=8000)
    store = plugin.services.store
    qtbot.waitUntil(lambda: bool(store.layer) and store.layer.featureCount() == 1, timeout=8000)
    assert "Window 1 of 9" in dock.reasoning.reasoning
    QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Escape)

    assert plugin.services.asking.state.stage is Stage.STOPPED
    assert stage.text().startswith("Stopped")
    assert len(rows(tmp_path)) == 1
