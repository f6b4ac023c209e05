"""One line, one hint and one button for each way the plugin can stand with its service. Words only, no widget."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QColor

from ..core.sentences import Mend, explain
from ..core.standing import Kind, Standing
from ..core.wire import WIRE_VERSION
from . import colours


@dataclass(frozen=True)
class StatusLine:
    """What is said about one standing."""

    colour: QColor
    line: str
    hint: str = ""
    mend: Mend = Mend.NONE


class StandingWords:
    """Says a standing in the user's language; `model` is the title of the chosen model, if it is not the service's own choice."""

    def __init__(self, model: str = "") -> None:
        self._model = model

    def tr(self, text: str) -> str:
        """The translation, as a widget's own `tr` would give it."""
        return QCoreApplication.translate("StandingWords", text)

    def describe(self, standing: Standing) -> StatusLine:
        """Colour, sentence, advice and button for a standing."""
        describers = {
            Kind.UNKNOWN: self._unknown,
            Kind.READY: self._ready,
            Kind.BUSY: self._busy,
            Kind.STARTING: self._starting,
            Kind.ABSENT: self._absent,
            Kind.REFUSED: self._wrong_token,
            Kind.LOCKED: self._locked,
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
        if standing.error is not None and standing.error.code in (
            "command-not-found",
            "proxy-failed",
        ):
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

    def _locked(self, standing: Standing) -> StatusLine:
        if standing.error is None:
            return StatusLine(colours.IDLE, self.tr("The token is locked"), "", Mend.UNLOCK)
        words = explain(standing.error, QCoreApplication.translate)
        hint = " ".join(filter(None, (words.text, words.hint)))
        return StatusLine(colours.IDLE, words.title, hint, Mend.UNLOCK)

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
        name = self._model or health.model_title or health.model or "Geo-R1"
        return " · ".join(filter(None, (name, health.device.upper())))
