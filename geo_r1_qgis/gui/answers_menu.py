"""The menu of the right mouse button on answers: what the keys do, for people who do not know them. Starts nothing itself."""

from __future__ import annotations

from typing import Callable

from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtWidgets import QMenu, QWidget

translate = QCoreApplication.translate


def answers_menu(
    parent: QWidget,
    *,
    go_there: Callable[[], None],
    judge: Callable[[str], None],
    edit: Callable[[], None],
    export: Callable[[], None],
    is_answer: bool,
) -> QMenu:
    """A menu that deletes itself when it is closed.

    Args:
        parent: the list.
        go_there: show the answer on the map.
        judge: `accepted` or `rejected`, for all selected rows.
        edit: open the outlines for editing.
        export: write the selected answers to a file.
        is_answer: the row is an answer, not a question.
    """
    menu = QMenu(parent)
    menu.setObjectName("geoR1AnswersMenu")
    action = menu.addAction(translate("Answers", "Go there\tEnter"), go_there)
    action.setEnabled(is_answer)
    menu.addSeparator()
    menu.addAction(translate("Answers", "Accept\tA"), lambda: judge("accepted"))
    menu.addAction(translate("Answers", "Reject\tR"), lambda: judge("rejected"))
    menu.addAction(translate("Answers", "Edit the outline\tE"), edit)
    menu.addSeparator()
    menu.addAction(translate("Answers", "Export…"), export)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
