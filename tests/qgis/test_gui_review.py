"""Accept, reject and edit: the keys in Results, and what the next training makes of them."""

from qgis.core import QgsGeometry
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QMenu

from tests.qgis.person import rows, type_question, wait_for_end
from tests.qgis.stub_service import a_detection, result, started


def two_answers(qtbot, plugin, dock, stub):
    """Ask, and get two detections."""
    found = [a_detection(0, box=(100, 40, 150, 90)), a_detection(1, box=(200, 140, 250, 190))]
    stub.scripts = [[started(), result(found)]]
    type_question(dock)
    wait_for_end(qtbot, plugin)
    question = dock.answers.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: question.childCount() == 2, timeout=3000)
    return question


def press(dock, item, key):
    """Select a row and press a key."""
    dock.answers.tree.clearSelection()
    dock.answers.tree.setCurrentItem(item)
    QTest.keyClick(dock.answers.tree, key)


def test_a_and_r_are_written(qtbot, plugin, dock, stub, tmp_path):
    """A accepts and R rejects: the row says it, and so does the file."""
    question = two_answers(qtbot, plugin, dock, stub)
    press(dock, question.child(0), Qt.Key.Key_A)
    press(dock, question.child(1), Qt.Key.Key_R)
    plugin.services.store.flush(5)

    assert [question.child(i).text(0)[0] for i in (0, 1)] == ["✓", "✗"]
    assert rows(tmp_path, "review") == [("accepted",), ("rejected",)]


def test_judged_detections_are_labels_of_the_next_run(qtbot, plugin, dock, stub):
    """The Train tab offers reviewed detections: accepted ones are objects, rejected ones are none."""
    question = two_answers(qtbot, plugin, dock, stub)
    press(dock, question.child(0), Qt.Key.Key_A)
    press(dock, question.child(1), Qt.Key.Key_R)
    plugin.services.store.flush(5)
    dock.tabs.setCurrentIndex(1)
    form, training = dock.train.form, plugin.services.training
    form.labels.setLayer(plugin.services.store.layer)
    assert form.which.currentData() == "reviewed"
    QTest.mouseClick(dock.train.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: training.check is not None, timeout=5000)

    assert [label.is_positive for label in training.check.labels] == [True, False]
    assert {label.expression for label in training.check.labels} == {"the largest storage tank"}


def test_an_edited_outline_is_marked(qtbot, plugin, dock, stub, tmp_path):
    """E opens the layer for editing; what is saved there is marked as edited."""
    question = two_answers(qtbot, plugin, dock, stub)
    press(dock, question.child(0), Qt.Key.Key_E)
    layer = plugin.services.store.layer
    (fid,) = layer.selectedFeatureIds()
    assert layer.isEditable()
    moved = QgsGeometry(layer.getFeature(fid).geometry())
    moved.translate(3.0, 0.0)
    layer.changeGeometry(fid, moved)
    assert layer.commitChanges()
    plugin.services.store.flush(5)
    qtbot.waitUntil(lambda: rows(tmp_path, "review")[0] == ("edited",), timeout=5000)


def test_the_right_mouse_button_offers_what_the_keys_do(qtbot, plugin, dock, stub, tmp_path):
    """Nobody has to know the keys: the menu of a row accepts, rejects, edits and exports, and names the keys."""
    question = two_answers(qtbot, plugin, dock, stub)
    tree = dock.answers.tree
    tree.setCurrentItem(question.child(0))
    tree.customContextMenuRequested.emit(tree.visualItemRect(question.child(0)).center())
    menu = tree.findChild(QMenu, "geoR1AnswersMenu")
    offered = {action.text().split("\t")[0]: action for action in menu.actions()}
    offered["Reject"].trigger()
    menu.close()
    plugin.services.store.flush(5)

    assert list(filter(None, offered)) == [
        "Go there",
        "Accept",
        "Reject",
        "Edit the outline",
        "Export…",
    ]
    assert rows(tmp_path, "review") == [("rejected",), (None,)]
