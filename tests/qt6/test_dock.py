"""The dock on Qt 6, used like a person: typed into, asked, stopped, clicked through, closed."""

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QT_VERSION_STR, QPoint, Qt, QUrl
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLabel, QMessageBox

from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.comparison import say
from geo_r1_qgis.core.errors import GeoR1Error
from geo_r1_qgis.core.sentences import Mend
from geo_r1_qgis.gui.ask_panel import DRAWN, VIEW
from geo_r1_qgis.gui.comparison_form import ComparisonForm
from geo_r1_qgis.gui.export_dialog import ExportDialog
from geo_r1_qgis.gui.header import HeaderPanel
from geo_r1_qgis.gui.server_dialog import ServerDialog
from geo_r1_qgis.gui.text_dialog import show_text
from tests.qgis.person import QUERY, drag, type_question
from tests.qgis.stub_service import HANG, HEALTH, failure, result, started, token


def wait_for_end(qtbot, plugin):
    """Until the question has ended."""
    asking = plugin.services.asking
    qtbot.waitUntil(
        lambda: asking.state.stage is not Stage.IDLE and not asking.state.is_running, timeout=8000
    )
    return asking.state


def open_dialogs():
    """Windows that are open beside the main one."""
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]


def test_this_is_qt_6():
    """The tests of this folder mean something only on Qt 6."""
    assert QT_VERSION_STR.startswith("6.")


def test_a_question_is_answered(qtbot, plugin, dock, stub):
    """Typed key by key, sent by Enter, streamed over HTTP, listed, kept, and the button is Ask again."""
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.DONE, dock.notice.text
    assert [r.verb for r in stub.requests if r.verb != "GET"] == ["PUT", "POST"]
    qtbot.waitUntil(
        lambda: "Find tanks: white [100,40,150,90]." in dock.reasoning.view.toPlainText()
    )
    row = dock.answers.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: row.childCount() == 1)
    assert (row.text(0), row.text(1)) == (QUERY, "1 found")
    assert row.child(0).text(0) == "1  storage tank"
    assert [kept[1].box_px for kept in plugin.services.store.kept] == [[100, 40, 150, 90]]
    assert dock.answers.place.text() == "Kept in memory_geo-r1.gpkg"
    assert dock.ask_panel.button.text() == "Ask"


def test_reasoning_grows_while_it_streams(qtbot, plugin, dock, stub):
    """Words are on the screen before the answer has ended."""
    stub.scripts = [[started(), token("Looking for "), 0.4, token("tanks."), 0.4, result()]]
    seen = set()
    dock.reasoning.view.textChanged.connect(lambda: seen.add(dock.reasoning.view.toPlainText()))
    type_question(dock)
    wait_for_end(qtbot, plugin)
    qtbot.waitUntil(lambda: "tanks." in dock.reasoning.view.toPlainText())

    assert any("Looking for" in text and "tanks." not in text for text in seen)


@pytest.mark.parametrize("how", ["escape", "button"])
def test_stop_ends_the_question(qtbot, plugin, dock, stub, how):
    """Esc or the button: the question ends at once, and the service is left."""
    stub.scripts = [[started(), token("Hm. "), HANG]]
    type_question(dock)
    qtbot.waitUntil(lambda: plugin.services.asking.state.stage is Stage.STREAMING, timeout=8000)
    if how == "escape":
        QTest.keyClick(dock.ask_panel.query, Qt.Key.Key_Escape)
    else:
        QTest.mouseClick(dock.ask_panel.button, Qt.MouseButton.LeftButton)

    assert plugin.services.asking.state.stage is Stage.STOPPED
    qtbot.waitUntil(lambda: len(stub.left_after_s) == 1, timeout=3000)
    assert dock.ask_panel.button.text() == "Ask"


def test_an_error_is_explained_with_its_details(qtbot, plugin, dock, stub):
    """The notice says what happened; Details opens a window with code and request."""
    stub.scripts = [[started(), failure("engine-failed")]]
    type_question(dock)
    wait_for_end(qtbot, plugin)

    notice = dock.notice
    assert notice.isVisible()
    assert notice.text
    QTest.mouseClick(notice._more, Qt.MouseButton.LeftButton)
    (box,) = open_dialogs()
    assert isinstance(box, QMessageBox)
    assert "engine-failed" in box.detailedText()
    box.close()


def test_links_in_the_reasoning_flash_on_the_map(qtbot, plugin, dock):
    """Mouse, click and keyboard on a coordinate show the place; leaving hides it."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    view, flash = dock.reasoning.view, plugin.services.answers.flash
    qtbot.waitUntil(lambda: "[100,40,150,90]" in view.toPlainText())
    view.setFocus()
    view.focusNextPrevChild(True)
    assert flash.is_shown
    view.highlighted.emit(QUrl())
    assert not flash.is_shown
    at = view.document().find("[100,").selectionEnd()
    cursor = view.textCursor()
    cursor.setPosition(at)
    view.anchorClicked.emit(QUrl(cursor.charFormat().anchorHref()))
    assert flash.is_shown
    qtbot.waitUntil(lambda: not flash.is_shown, timeout=4000)


def test_rows_of_the_list_lead_to_the_map(qtbot, plugin, dock):
    """A click flashes, Enter goes there, the question's row brings its reasoning back."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    tree, canvas = dock.answers.tree, plugin.window.canvas
    row = tree.topLevelItem(0)
    qtbot.waitUntil(lambda: row.childCount() == 1)
    QTest.mouseClick(
        tree.viewport(),
        Qt.MouseButton.LeftButton,
        pos=tree.visualItemRect(row.child(0)).center(),
    )
    assert plugin.services.answers.flash.is_shown
    QTest.keyClick(tree, Qt.Key.Key_Return)
    assert canvas.moves == ["extent"]
    dock.reasoning.clear()
    tree.setCurrentItem(row)
    qtbot.waitUntil(lambda: "Find tanks" in dock.reasoning.view.toPlainText())
    assert dock.answers.chosen_uids() == ["uid-1"]


def test_area_is_drawn_on_the_canvas(qtbot, plugin, dock):
    """Drag on the canvas: the area is the rectangle; Esc and View let go of it."""
    panel, canvas = dock.ask_panel, plugin.window.canvas
    QTest.mouseClick(panel.draw, Qt.MouseButton.LeftButton)
    assert canvas.cursor().shape() is Qt.CursorShape.CrossCursor
    drag(canvas, QPoint(40, 40), QPoint(200, 160))
    assert panel.area == DRAWN
    assert plugin.services.preview._area_map.boundingBox().right == 200
    QTest.mouseClick(panel.draw, Qt.MouseButton.LeftButton)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.mapTool() is None
    canvas.destinationCrsChanged.emit()
    assert panel.area == VIEW


def test_history_comes_back_with_the_arrows(qtbot, plugin, dock):
    """Up brings the last question, Down the empty line again."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    query = dock.ask_panel.query
    query.clear()
    QTest.keyClick(query, Qt.Key.Key_Up)
    assert query.text() == QUERY
    QTest.keyClick(query, Qt.Key.Key_Down)
    assert query.text() == ""


def test_tasks_can_be_chosen(qtbot, plugin, dock, stub):
    """The task in the list is the task in the request, and is remembered."""
    dock.ask_panel.task_combo.setCurrentIndex(dock.ask_panel.task_combo.findData("ovd"))
    type_question(dock)
    wait_for_end(qtbot, plugin)

    assert b'"ovd"' in [r for r in stub.requests if r.path == "/v1/ground"][-1].body
    assert plugin.services.connection.settings.task == "ovd"


def test_every_entry_of_the_menu_works(qtbot, plugin, dock):
    """Each entry is clicked; whatever window it opens has words in it and closes."""
    opened = 0
    for action in dock.menu.actions():
        if action.isSeparator() or action.menu() is not None:
            continue
        action.trigger()
        qtbot.waitUntil(lambda: not plugin.services.connection.is_settling, timeout=8000)
        for dialog in open_dialogs():
            assert any(label.text() for label in dialog.findChildren(QLabel)), action.text()
            dialog.grab()
            dialog.close()
            opened += 1
        assert open_dialogs() == []
    assert opened >= 4


def test_models_are_listed(qtbot, plugin, dock):
    """The models of the service stand in the menu, one of them checked."""
    (menu,) = (action.menu() for action in dock.menu.actions() if action.menu() is not None)
    qtbot.waitUntil(lambda: len(menu.actions()) == 1, timeout=3000)
    action = menu.actions()[0]
    assert (action.text(), action.isChecked()) == ("Geo-R1 Nano", True)
    action.trigger()


@pytest.mark.parametrize("mend", list(Mend))
def test_every_button_that_mends_works(qtbot, plugin, dock, mend):
    """Each promise of a button can be kept on Qt 6."""
    plugin.window.pluginManagerInterface = NoPluginManager
    dock.header.mend_requested.emit(mend)
    qtbot.waitUntil(lambda: not plugin.services.connection.is_settling, timeout=8000)
    plugin.services.asking.stop()
    for dialog in open_dialogs():
        dialog.close()


class NoPluginManager:
    """Plays QGIS's plugin manager."""

    def showPluginManager(self):  # noqa: N802 - QGIS's name
        """Only there to be called."""


def test_server_dialog_is_filled_in(qtbot, plugin, dock, stub):
    """Address and token are typed, tested over HTTP and kept; a wrong address cannot be accepted."""
    access = plugin.services.access
    dialog = ServerDialog(plugin.services.connection.settings, dock, access=access)
    qtbot.addWidget(dialog)
    dialog.show()
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    dialog.remote.setChecked(True)
    assert not ok.isEnabled()
    QTest.keyClicks(dialog.url, stub.url + "/")
    QTest.keyClicks(dialog.access, stub.access)
    assert ok.isEnabled()
    QTest.mouseClick(dialog.test_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Geo-R1 Nano" in dialog.result.text(), timeout=5000)
    QTest.mouseClick(ok, Qt.MouseButton.LeftButton)
    assert dialog.settings.service_url == stub.url
    assert access.find(dialog.settings, may_prompt=False) == stub.access
    assert dialog.settings.service_authcfg in QgsApplication.authManager().configIds()


def test_export_dialog_is_filled_in(qtbot, plugin, dock):
    """Export asks for a file and a CRS; the format follows from the name."""
    type_question(dock)
    wait_for_end(qtbot, plugin)
    QTest.mouseClick(dock.answers.export, Qt.MouseButton.LeftButton)
    (dialog,) = open_dialogs()
    assert isinstance(dialog, ExportDialog)
    QTest.keyClicks(dialog.file.lineEdit(), "tanks.geojson")
    assert (dialog.driver, dialog.path) == ("GeoJSON", "tanks.geojson")
    assert dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
    dialog.reject()


def test_text_window_copies(qtbot, dock):
    """Copy puts the text on the clipboard."""
    dialog = show_text(dock, "Log", explanation="why", text="one\ntwo", at_end=True)
    copy = next(b for b in dialog.findChild(QDialogButtonBox).buttons() if b.text() == "Copy")
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)

    assert QApplication.clipboard().text() == "one\ntwo"
    dialog.close()


def test_everything_can_be_painted(qtbot, plugin, dock):
    """The dock draws itself, empty and full: painting code sees Qt 6's enums, too."""
    empty = dock.grab().toImage()
    type_question(dock)
    wait_for_end(qtbot, plugin)
    qtbot.wait(100)
    full = dock.grab().toImage()

    assert not empty.isNull()
    assert empty != full
    assert QColor(full.pixel(3, 3)).isValid()


@pytest.mark.parametrize("status", ["busy", "starting", "failed"])
def test_header_follows_the_service(qtbot, plugin, dock, stub, status):
    """The header has a line for every state."""
    stub.health = {**HEALTH, "status": status, "error": {"code": "model-failed", "message": "m"}}
    plugin.services.connection._look(quiet=True)
    line = dock.findChild(HeaderPanel).line
    qtbot.waitUntil(lambda: "ready" not in line.text(), timeout=3000)

    assert line.text()


def test_logged_errors_reach_the_message_log(qtbot, plugin):
    """The handler of the log speaks QGIS's scoped levels."""
    import logging

    from qgis.core import QgsMessageLog

    logging.getLogger("geo_r1_qgis").warning("seen on Qt 6")

    assert ("Geo-R1", "seen on Qt 6") in QgsMessageLog.lines
    assert GeoR1Error(code="x").code == "x"


def test_how_a_question_was_understood_can_be_mended(qtbot):
    """The form of a comparison on Qt 6: one line, opened, a part changed, heard of."""
    form = ComparisonForm()
    qtbot.addWidget(form)
    form.set_query("the largest white tank left of the road")
    form.show()
    heard = []
    form.changed.connect(heard.append)
    assert form.line.text() == "tanks · white · largest · left of: road"

    QTest.mouseClick(form.arrow, Qt.MouseButton.LeftButton)
    form.rank.setCurrentIndex(form.rank.findData("smallest"))
    form.relation.setCurrentIndex(form.relation.findData("near"))
    form.within.setValue(30)

    assert say(heard[-1]) == "the smallest white tank within 30 m of the road"
