"""A text to read and to copy: a log, a command to type. Knows nothing of where the text comes from."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication, Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QFontDatabase, QGuiApplication, QTextCursor
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from ..core.plain_text import visible


def show_text(
    parent: QWidget,
    title: str,
    *,
    explanation: str,
    text: str,
    folder: str = "",
    at_end: bool = False,
) -> QDialog:
    """Open a window with `explanation` above `text`; not modal, it deletes itself when closed.

    Args:
        parent: the window it belongs to.
        title: of the window.
        explanation: plain words above the text.
        text: shown in a fixed-width font, to be selected and copied.
        folder: if set, a button opens it.
        at_end: begin at the last line, as one reads a log.
    """
    translate = QCoreApplication.translate
    dialog = QDialog(parent)
    dialog.setObjectName("geoR1Text")
    dialog.setWindowTitle(title)
    label = QLabel(explanation, dialog)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    view = QPlainTextEdit(visible(text), dialog)
    view.setReadOnly(True)
    view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    view.setAccessibleName(title)
    if at_end:
        view.moveCursor(QTextCursor.MoveOperation.End)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    copy = buttons.addButton(
        translate("TextDialog", "Copy"), QDialogButtonBox.ButtonRole.ActionRole
    )
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(view.toPlainText()))
    if folder:
        opener = buttons.addButton(
            translate("TextDialog", "Open folder"), QDialogButtonBox.ButtonRole.ActionRole
        )
        opener.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(folder)))
    buttons.rejected.connect(dialog.close)
    layout = QVBoxLayout(dialog)
    layout.addWidget(label)
    layout.addWidget(view, 1)
    layout.addWidget(buttons)
    dialog.resize(620, 360 if "\n" in text else 180)
    dialog.finished.connect(dialog.deleteLater)
    dialog.show()
    return dialog
