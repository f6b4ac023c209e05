"""The first line of the dock: who answers, on what, and whether now; else why not, with the button that mends it."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QGridLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ..core.address import Destination, Way
from ..core.sentences import Mend
from ..core.standing import Kind, Standing
from . import colours
from .long_button import LongButton
from .notice import mend_word
from .small_print import plain_tooltip, small_print, smaller
from .standing_words import StandingWords, StatusLine


class HeaderPanel(QWidget):
    """Dot, one line, a second line with the way out where there is need for one, and the menu."""

    mend_requested = pyqtSignal(object)
    leaves_requested = pyqtSignal()
    """The line on what leaves this machine was pressed."""

    def __init__(self, menu: QMenu, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._mend = Mend.NONE
        self._dot = QLabel("●", self)
        self._dot.setAccessibleName(" ")
        self.line = QLabel(self)
        self.line.setObjectName("geoR1Status")
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setWordWrap(True)
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.hint = small_print(self)
        self.hint.setObjectName("geoR1StatusHint")
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.hint.setWordWrap(True)
        self.leaves = LongButton(self)
        self.leaves.setObjectName("geoR1LeavesLine")
        self.leaves.setAutoRaise(True)
        self.leaves.setFont(smaller(self.leaves.font()))
        self.leaves.setToolTip(self.tr("What exactly is sent, and where to"))
        self.leaves.clicked.connect(self.leaves_requested)
        self.button = QPushButton(self)
        self.button.setObjectName("geoR1Mend")
        self.button.clicked.connect(lambda: self.mend_requested.emit(self._mend))
        self.menu_button = QToolButton(self)
        self.menu_button.setText("⋮")
        self.menu_button.setObjectName("geoR1Menu")
        self.menu_button.setAutoRaise(True)
        self.menu_button.setMenu(menu)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self.menu_button.setMinimumSize(QSize(26, 26))
        self.menu_button.setAccessibleName(self.tr("Geo-R1 menu: service, server, models, log"))
        self.menu_button.setToolTip(self.tr("Service, server, models, log"))
        self._arrange()
        self._standing, self._model = Standing(Kind.UNKNOWN), ""
        self.show_standing(self._standing)
        self.show_destination(Destination(Way.LOCAL))

    def show_model(self, title: str) -> None:
        """The model that questions go to, where it is not the service's own choice; empty = that one."""
        if title != self._model:
            self._model = title
            self.show_standing(self._standing)

    def show_standing(self, standing: Standing) -> None:
        """Say how the plugin stands with its service."""
        self._standing = standing
        status = self.describe(standing)
        self._mend = status.mend
        self._dot.setStyleSheet(f"color: {status.colour.name()}")
        self.line.setText(status.line)
        self.line.setAccessibleName(
            self.tr("Status of the service: {line}").format(line=status.line)
        )
        self.hint.setText(status.hint)
        self.hint.setVisible(bool(status.hint))
        self.button.setText(mend_word(status.mend))
        self.button.setVisible(status.mend is not Mend.NONE)
        address = standing.endpoint.url if standing.endpoint else ""
        tooltip = self.tr("Service at {address}").format(address=address) if address else ""
        self.setToolTip(plain_tooltip(tooltip))

    def show_destination(self, destination: Destination) -> None:
        """Say at a glance what leaves this machine."""
        text = self._destination_words(destination)
        self.leaves.setText(text)
        self.leaves.setAccessibleName(text)
        more = self.tr("What exactly is sent, and where to")
        self.leaves.setToolTip(plain_tooltip(f"{text}. {more}"))
        colour = (
            f"border: 1px solid {colours.BAD.name()}"
            if destination.way is Way.OPEN or destination.is_onward_open
            else "border: 0"
        )
        self.leaves.setStyleSheet(
            f"QToolButton {{ {colour}; border-radius: 3px; padding: 0 2px 0 0; }}"
            "QToolButton:hover, QToolButton:focus { text-decoration: underline; }"
        )

    def describe(self, standing: Standing) -> StatusLine:
        """Colour, sentence, advice and button for a standing."""
        return StandingWords(self._model).describe(standing)

    def _destination_words(self, destination: Destination) -> str:
        """One line on where views and questions go."""
        words = {
            Way.LOCAL: self.tr("Nothing leaves this machine"),
            Way.TLS: self.tr("Views and questions go to {host} (TLS)"),
            Way.OPEN: self.tr("⚠ Views and questions go to {host}, not encrypted"),
            Way.TUNNEL: self.tr("Views and questions go to {host}, and on if that is a tunnel"),
        }
        first = words[destination.way].format(host=destination.host)
        if not destination.onward:
            return first
        if destination.way is Way.LOCAL:
            onward = (
                self.tr("⚠ Not encrypted: views go on to {host}")
                if destination.is_onward_open
                else self.tr("Views and questions go on to {host}")
            )
        else:
            onward = (
                self.tr("⚠ {first}, and on to {host}, not encrypted")
                if destination.is_onward_open
                else self.tr("{first}, and on to {host}")
            )
        return onward.format(first=first, host=destination.onward)

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(7)
        grid.setVerticalSpacing(4)
        grid.addWidget(self._dot, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.line, 0, 1)
        grid.addWidget(self.menu_button, 0, 2)
        grid.addWidget(self.leaves, 1, 1, 1, 2, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.hint, 2, 1, 1, 2)
        grid.addWidget(self.button, 3, 1, 1, 2, Qt.AlignmentFlag.AlignLeft)
        grid.setColumnStretch(1, 1)
