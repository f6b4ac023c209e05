"""Run `geo-r1 doctor --json` and pass on its steps as they happen. Knows the command, not what it tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from qgis.PyQt.QtCore import QObject, QProcess, QTimer, pyqtSignal

from ..core.checkup import State, Step
from ..core.codec import parse_json
from ..core.errors import LaunchFailed, ProtocolError
from ..core.plain_text import one_line
from .launcher import clean_environment, locate_command

PATIENCE_S = 120.0
KILL_AFTER_MS = 3000
SHOWN_CHARACTERS = 400
PREFIX = "service/"


class Doctor(QObject):
    """One examination: `stepped` with a `Step` for each thing that happens, then `ended`, once."""

    stepped = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self, command_setting: str, parent: QObject) -> None:
        super().__init__(parent)
        self._setting = command_setting
        self._has_plan = False
        self._is_over = False
        self._process = QProcess(self)
        self._process.setProcessEnvironment(clean_environment())
        self._process.setWorkingDirectory(str(Path.home()))
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(int(PATIENCE_S * 1000))
        self._limit.timeout.connect(self._process.kill)

    def start(self) -> None:
        """Begin.

        Raises:
            CommandNotFound: at once, if there is nothing to run.
        """
        self._command = locate_command(self._setting)
        self._limit.start()
        self._process.start(self._command, ["doctor", "--json"])

    def stop(self) -> None:
        """Want no more; the command ends its own service first."""
        self._is_over = True
        self.blockSignals(True)
        self._limit.stop()
        self._process.terminate()
        QTimer.singleShot(KILL_AFTER_MS, self._process.kill)

    def _read(self) -> None:
        while self._process.canReadLine():
            self._take(bytes(self._process.readLine()).decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        try:
            event = parse_json(line)
        except ProtocolError:  # a library that talks; not ours
            return
        if not isinstance(event, dict):
            return
        kind = str(event.get("event", ""))
        if kind == "plan":
            self._has_plan = True
        elif kind in ("begin", "ok", "broken"):
            self.stepped.emit(_step(event, kind))
        elif kind == "end":
            left = event.get("steps")
            for name in left if isinstance(left, list) else []:
                self.stepped.emit(Step(PREFIX + one_line(str(name), 40), State.SKIPPED))

    def _on_finished(self, *_: object) -> None:
        self._read()
        if not self._has_plan:
            said = bytes(self._process.readAllStandardError()).decode("utf-8", "replace").strip()
            reason = one_line(
                said.splitlines()[-1] if said else "it said nothing", SHOWN_CHARACTERS
            )
            self.stepped.emit(Step(PREFIX + "doctor", State.BROKEN, reason))
        self._end()

    def _on_error(self, problem: QProcess.ProcessError) -> None:
        if (
            problem == QProcess.ProcessError.FailedToStart
        ):  # every other one ends in `finished`, too
            error = LaunchFailed(self._command, self._process.errorString())
            self.stepped.emit(Step(PREFIX + "doctor", State.BROKEN, str(error)))
            self._end()

    def _end(self) -> None:
        self._limit.stop()
        if not self._is_over:
            self._is_over = True
            self.ended.emit()
        self.deleteLater()


def _step(event: Dict[str, Any], kind: str) -> Step:
    took_ms = event.get("took_ms")
    return Step(
        PREFIX + one_line(str(event.get("step", "")), 40),
        {"begin": State.RUNNING, "ok": State.OK, "broken": State.BROKEN}[kind],
        one_line(str(event.get("found", "")), SHOWN_CHARACTERS),
        one_line(str(event.get("hint", "")), SHOWN_CHARACTERS),
        float(took_ms) if isinstance(took_ms, (int, float)) else 0.0,
    )
