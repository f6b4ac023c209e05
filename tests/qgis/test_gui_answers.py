"""What can be done with answers: walk through them, see them on the map, export them, leave the project."""

import json

import pytest
from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis.core.ask_state import Stage
from tests.qgis.person import rows, type_question, wait_for_end
from tests.qgis.stub_service import (
    HANG,
    StubService,
    a_detection,
    detection,
    result,
    started,
    token,
)


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
