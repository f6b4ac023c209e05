"""Start the installed service as a process of its own and wait, without blocking, until it answers.

The service outlives QGIS on purpose, and nothing here ever ends one: it stops by itself when nobody needs it.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Optional

from qgis.PyQt.QtCore import QFileInfo, QObject, QProcessEnvironment, QTimer, pyqtSignal

from ..core import places
from ..core.errors import CommandNotFound, GeoR1Error, LaunchFailed
from ..core.processes import is_alive
from ..core.standing import Kind, Standing
from .detached import start_detached
from .handshake import Handshake

POLL_MS = 120
PATIENCE_S = 60.0
"""A first start on a cold disk with a virus scanner looking on takes its time."""

LOG_TAIL_BYTES = 6000


def data_folder() -> str:
    """Where the service of this user keeps its files."""
    return places.data_folder(sys.platform, os.environ, str(Path.home()))


def log_path(folder: str) -> Path:
    """The service's own log."""
    return Path(folder, "logs", "serve.log")


def locate_command(setting: str) -> str:
    """Full path of `geo-r1`.

    Raises:
        CommandNotFound: with every place that was looked at in its details.
    """
    tried = places.command_candidates(sys.platform, os.environ, str(Path.home()), setting)
    found = places.find_command(tried, _is_program)
    if found is None:
        raise CommandNotFound(tried)
    return found


def read_tail(path: Path, *, begin_bytes: int = 0) -> str:
    """The last lines of a log, at most a page, and nothing before `begin_bytes`; empty if there is none."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(min(begin_bytes, size), size - LOG_TAIL_BYTES))
            return log.read().decode("utf-8", "replace").strip()
    except OSError:  # no log is an answer, too: the program did not come that far
        return ""


class Launcher(QObject):
    """One start: emits `waiting` with the seconds gone, then either `ready` or `failed`, once."""

    waiting = pyqtSignal(float)
    ready = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self, *, folder: str, command: str, patience_s: float = PATIENCE_S, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._command = command
        self._patience_s = patience_s
        self._pid = 0
        self._handshake: Optional[Handshake] = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Start the command; what happens is told by the signals."""
        self._began = time.monotonic()
        self._log = log_path(self._folder)
        self._log_begin = self._log.stat().st_size if self._log.exists() else 0
        self._errors = self._log.with_name("start.log")
        with suppress(OSError):  # the service says itself what is wrong with its folder
            self._errors.parent.mkdir(parents=True, exist_ok=True)
        environment = places.clean_environment(os.environ)
        environment["GEO_R1_HOME"] = self._folder  # it must write where we look
        self._pid, self._refusal = start_detached(
            places.windowless(sys.platform, self._command, _is_program),
            "serve",
            environment=environment,
            errors=str(self._errors),
            parent=self,
        )
        self._timer.start()

    def cancel(self) -> None:
        """Wait no longer; the service goes on starting."""
        self.blockSignals(True)
        self._timer.stop()
        if self._handshake is not None:
            self._handshake.cancel()
        self.deleteLater()

    def _look(self) -> None:
        if self._refusal:
            self._fail(self._refusal)
            return
        self.waiting.emit(time.monotonic() - self._began)
        if self._handshake is None:
            self._was_gone = not is_alive(
                self._pid
            )  # before looking: a second service ends after the first is up
            self._handshake = Handshake(data_folder=self._folder, parent=self)
            self._handshake.judged.connect(self._on_judged)
            self._handshake.start()

    def _on_judged(self, standing: Standing) -> None:
        self._handshake = None
        if standing.can_ask or standing.kind in (Kind.TOO_OLD, Kind.TOO_NEW):
            self._succeed(standing)
        elif standing.kind is Kind.FAILED and standing.health is not None:
            self._succeed(standing)  # it runs, and says itself what is wrong
        elif self._was_gone and standing.kind is not Kind.STARTING:
            self._fail(self._last_words() or "it ended at once")
        elif time.monotonic() - self._began > self._patience_s:
            self._fail(f"not ready after {self._patience_s:g} s")

    def _succeed(self, standing: Standing) -> None:
        self._timer.stop()
        self.ready.emit(standing)
        self.deleteLater()

    def _fail(self, reason: str) -> None:
        self._timer.stop()
        self.failed.emit(self._failure(reason))
        self.deleteLater()

    def _failure(self, reason: str) -> GeoR1Error:
        tail = "\n".join(filter(None, (read_tail(self._errors), self._own_log())))
        return LaunchFailed(self._command, reason, log_tail=tail, log_path=str(self._log))

    def _own_log(self) -> str:
        return read_tail(self._log, begin_bytes=self._log_begin)

    def _last_words(self) -> str:
        lines = (read_tail(self._errors) or self._own_log()).splitlines()
        return lines[-1].strip()[:200] if lines else ""


def clean_environment() -> QProcessEnvironment:
    """The environment for a child process, without what belongs to QGIS alone."""
    environment = QProcessEnvironment()
    for name, value in places.clean_environment(os.environ).items():
        environment.insert(name, value)
    return environment


def _is_program(path: str) -> bool:
    found = QFileInfo(path)
    return found.isFile() and found.isExecutable()
