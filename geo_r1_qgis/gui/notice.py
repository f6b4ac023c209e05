"""An error or a remark inside the dock: what happened, what to do, the button that does it, and the details."""

from __future__ import annotations

from typing import Dict, Optional

from qgis.PyQt.QtCore import QCoreApplication, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import GeoR1Error
from ..core.sentences import Mend, explain
from . import colours


def mend_word(mend: Mend) -> str:
    """The label of the button for a mend; empty for none."""
    translate = QCoreApplication.translate
    words: Dict[Mend, str] = {
        Mend.START: translate("Mend", "Start"),
        Mend.SET_ACCESS: translate("Mend", "Enter token…"),
        Mend.SET_ADDRESS: translate("Mend", "Connect to a server…"),
        Mend.SET_COMMAND: translate("Mend", "Choose command…"),
        Mend.RECONNECT: translate("Mend", "Look again"),
        Mend.UNLOCK: translate("Mend", "Unlock…"),
        Mend.RETRY: translate("Mend", "Try again"),
        Mend.WRITE_AGAIN: translate("Mend", "Write again"),
        Mend.OPEN_LOG: translate("Mend", "Show log"),
        Mend.HOW_TO_INSTALL: translate("Mend", "How to install…"),
        Mend.HOW_TO_UPDATE: translate("Mend", "How to update…"),
        Mend.OPEN_PLUGIN_MANAGER: translate("Mend", "Update the plugin…"),
        Mend.USE_PROJECT_CRS: translate("Mend", "Use the project's CRS"),
        Mend.TAKE_CRS_BACK: translate("Mend", "Undo"),
    }
    return words.get(mend, "")


class Notice(QFrame):
    """Hidden until there is something to say; never modal, never in the way of the next question."""

    mend_requested = pyqtSignal(object)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("geoR1Notice")
        self.code = ""
        self._details = ""
        self._mend = Mend.NONE
        self._title = QLabel(self)
        self._text = QLabel(self)
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse
                | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        bold = self._title.font()
        bold.setBold(True)
        self._title.setFont(bold)
        self._button = QPushButton(self)
        self._button.clicked.connect(lambda: self.mend_requested.emit(self._mend))
        self._more = QPushButton(self.tr("Details…"), self)
        self._more.setFlat(True)
        self._more.clicked.connect(self._show_details)
        self._close = QToolButton(self)
        self._close.setText("✕")
        self._close.setAutoRaise(True)
        self._close.setAccessibleName(self.tr("Close this message"))
        self._close.setToolTip(self.tr("Close this message"))
        self._close.clicked.connect(self.hide)
        self._arrange()
        self.hide()

    @property
    def text(self) -> str:
        """All that is said now, for tests and screen readers."""
        return f"{self._title.text()}\n{self._text.text()}".strip()

    @property
    def mend(self) -> Mend:
        """What the button does."""
        return self._mend

    def hide_if(self, *codes: str) -> None:
        """Say no more of an error with one of these codes: the user is mending it."""
        if self.code in codes:
            self.hide()

    def show_error(self, error: GeoR1Error, *, mend: Optional[Mend] = None) -> None:
        """Explain `error` in the user's words, with the button of its code or another one."""
        words = explain(error, QCoreApplication.translate)
        details = "\n\n".join(filter(None, (error.details, self._identity(error))))
        self._show(
            words.title,
            "\n".join(filter(None, (words.text, words.hint))),
            mend or words.mend,
            colours.BAD,
        )
        self.code = words.code
        self._set_details(details if error.details or error.request_id else "")

    def show_remark(self, title: str, text: str, *, mend: Mend = Mend.NONE) -> None:
        """Say something that is no error: no such object, an answer cut short."""
        self._show(title, text, mend, colours.NEUTRAL)
        self.code = ""
        self._set_details("")

    def _show(self, title: str, text: str, mend: Mend, colour: QColor) -> None:
        self._mend = mend
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._button.setText(mend_word(mend))
        self._button.setVisible(mend is not Mend.NONE)
        self.setStyleSheet(
            f"#{self.objectName()} {{ border: 0; border-left: 4px solid {colour.name()}; "
            f"background: rgba({colour.red()}, {colour.green()}, {colour.blue()}, 28); border-radius: 3px; }}"
        )
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.show()

    def _set_details(self, details: str) -> None:
        self._details = details
        self._more.setVisible(bool(details))

    def _identity(self, error: GeoR1Error) -> str:
        request = self.tr("request: {id}").format(id=error.request_id) if error.request_id else ""
        return "\n".join(filter(None, (self.tr("code: {code}").format(code=error.code), request)))

    def _show_details(self) -> None:
        box = QMessageBox(self)
        box.setTextFormat(Qt.TextFormat.PlainText)  # words of a service are never markup
        box.finished.connect(box.deleteLater)
        box.setWindowTitle(self._title.text())
        box.setText(self._text.text())
        box.setDetailedText(self._details)
        box.open()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        buttons = QHBoxLayout()
        buttons.addWidget(self._button)
        buttons.addWidget(self._more)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 6, 8)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
