"""The first line of the dock: who answers, on what, and whether now; else why not, with the button that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from qgis.PyQt.QtCore import QCoreApplication, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QGridLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from ..core.sentences import Mend, explain
from ..core.standing import Kind, Standing
from ..core.wire import WIRE_VERSION
from . import colours
from .notice import mend_word
from .small_print import plain_tooltip, small_print


@dataclass(frozen=True)
class StatusLine:
    """What the header says about one standing."""

    colour: QColor
    line: str
    hint: str = ""
    mend: Mend = Mend.NONE


class HeaderPanel(QWidget):
    """Dot, one line, a second line with the way out where there is need for one, and the menu."""

    mend_requested = pyqtSignal(object)

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
        self.show_standing(Standing(Kind.UNKNOWN))

    def show_standing(self, standing: Standing) -> None:
        """Say how the plugin stands with its service."""
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

    def describe(self, standing: Standing) -> StatusLine:
        """Colour, sentence, advice and button for a standing."""
        describers = {
            Kind.UNKNOWN: self._unknown,
            Kind.READY: self._ready,
            Kind.BUSY: self._busy,
            Kind.STARTING: self._starting,
            Kind.ABSENT: self._absent,
            Kind.REFUSED: self._wrong_token,
            Kind.TOO_OLD: self._too_old,
            Kind.TOO_NEW: self._too_new,
            Kind.NOT_OURS: self._not_ours,
            Kind.FAILED: self._failed,
        }
        return describers[standing.kind](standing)

    def _unknown(self, _standing: Standing) -> StatusLine:
        return StatusLine(colours.IDLE, self.tr("Looking for the Geo-R1 service…"))

    def _ready(self, standing: Standing) -> StatusLine:
        line = self._identity(standing) + " · "
        seconds = standing.health.ready_after_s if standing.health else 0.0
        if seconds:
            ready = self.tr("ready in {seconds:.1f} s").format(seconds=seconds)
            line += ready.replace(" ", "\N{NO-BREAK SPACE}")
        else:
            line += self.tr("ready")
        return StatusLine(colours.GOOD, line)

    def _busy(self, standing: Standing) -> StatusLine:
        waiting = standing.health.queue_length if standing.health else 0
        busy = self.tr("busy")
        if waiting:
            busy += ", " + self.tr("{count} waiting").format(count=waiting)
        hint = self.tr("Somebody else is asking. Your question will wait its turn.")
        return StatusLine(
            colours.WAITING, f"{self._identity(standing)} · {busy}", hint, Mend.RECONNECT
        )

    def _starting(self, standing: Standing) -> StatusLine:
        line = self.tr("The service is starting…")
        if standing.elapsed_s >= 1:
            line += " " + self.tr("{seconds:.0f} s").format(seconds=standing.elapsed_s)
        if standing.elapsed_s < 10:
            return StatusLine(colours.WAITING, line)
        hint = self.tr("This takes longer than usual. Its log tells what it is doing.")
        return StatusLine(colours.WAITING, line, hint, Mend.OPEN_LOG)

    def _absent(self, standing: Standing) -> StatusLine:
        if standing.error is not None and standing.error.code == "command-not-found":
            words = explain(standing.error, QCoreApplication.translate)
            return StatusLine(colours.BAD, words.title, words.hint, words.mend)
        if standing.endpoint is not None and not standing.endpoint.is_local:
            line = self.tr("The server does not answer")
            hint = self.tr("Nothing answers at {url}. Is it running, and are you in its network?")
            return StatusLine(
                colours.BAD, line, hint.format(url=standing.endpoint.url), Mend.RECONNECT
            )
        line = self.tr("The service is not running")
        hint = self.tr("It starts by itself with your next question.")
        return StatusLine(colours.IDLE, line, hint, Mend.START)

    def _wrong_token(self, standing: Standing) -> StatusLine:
        line = self.tr("The service does not accept the token")
        if standing.endpoint is not None and standing.endpoint.is_local:
            hint = self.tr("It was probably restarted just now: look again.")
            return StatusLine(colours.BAD, line, hint, Mend.RECONNECT)
        hint = self.tr("Enter the token that the server’s owner gave you.")
        return StatusLine(colours.BAD, line, hint, Mend.SET_ACCESS)

    def _too_old(self, standing: Standing) -> StatusLine:
        line = self.tr("The service is too old for this plugin")
        return StatusLine(colours.BAD, line, self._versions(standing), Mend.HOW_TO_UPDATE)

    def _too_new(self, standing: Standing) -> StatusLine:
        line = self.tr("The plugin is too old for this service")
        return StatusLine(colours.BAD, line, self._versions(standing), Mend.OPEN_PLUGIN_MANAGER)

    def _not_ours(self, standing: Standing) -> StatusLine:
        url = standing.endpoint.url if standing.endpoint else ""
        line = self.tr("Another program answers at {url}").format(url=url)
        if standing.endpoint is not None and standing.endpoint.is_local:
            return StatusLine(
                colours.BAD, line, self.tr("Start the service: it takes a free port."), Mend.START
            )
        return StatusLine(
            colours.BAD, line, self.tr("Check the address of the server."), Mend.SET_ADDRESS
        )

    def _failed(self, standing: Standing) -> StatusLine:
        if standing.error is None:
            line = self.tr("The service has a fault")
            return StatusLine(colours.BAD, line, self.tr("Its log says more."), Mend.OPEN_LOG)
        words = explain(standing.error, QCoreApplication.translate)
        mend = Mend.OPEN_LOG if words.mend is Mend.NONE else words.mend
        hint = "\n".join(filter(None, (words.text, words.hint)))
        return StatusLine(
            colours.BAD, words.title, hint, Mend.RECONNECT if mend is Mend.RETRY else mend
        )

    def _versions(self, standing: Standing) -> str:
        given = standing.error.parameters if standing.error else {}
        theirs = given.get("expected") or "?"
        hint = self.tr(
            "It speaks version {theirs}, the plugin speaks {ours}. Update the older one."
        )
        return hint.format(theirs=theirs, ours=WIRE_VERSION)

    def _identity(self, standing: Standing) -> str:
        health = standing.health
        if health is None:
            return "Geo-R1"
        name = health.model_title or health.model or "Geo-R1"
        return " · ".join(filter(None, (name, health.device.upper())))

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(7)
        grid.setVerticalSpacing(4)
        grid.addWidget(self._dot, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.line, 0, 1)
        grid.addWidget(self.menu_button, 0, 2)
        grid.addWidget(self.hint, 1, 1, 1, 2)
        grid.addWidget(self.button, 2, 1, 1, 2, Qt.AlignmentFlag.AlignLeft)
        grid.setColumnStretch(1, 1)
