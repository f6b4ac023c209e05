"""Run `geo-r1 doctor` and pass on what it says. Knows the command, not the steps that it tries."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QObject, QProcess, QTimer, pyqtSignal

from ..core.errors import LaunchFailed
from .launcher import clean_environment, locate_command

PATIENCE_S = 120.0


class Doctor(QObject):
    """One examination: emits either `reported` with the text or `failed` with an error, once."""

    reported = pyqtSignal(str)
    failed = pyqtSignal(object)

    def __init__(self, command_setting: str, parent: QObject) -> None:
        super().__init__(parent)
        self._setting = command_setting
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.setProcessEnvironment(clean_environment())
        self._process.setWorkingDirectory(str(Path.home()))
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
        self._process.start(self._command, ["doctor"])

    def _on_finished(self, *_: object) -> None:
        self._limit.stop()
        text = bytes(self._process.readAllStandardOutput()).decode("utf-8", "replace")
        self.reported.emit(text.strip())
        self.deleteLater()

    def _on_error(self, problem: QProcess.ProcessError) -> None:
        if (
            problem == QProcess.ProcessError.FailedToStart
        ):  # every other error ends in `finished`, too
            self._limit.stop()
            self.failed.emit(LaunchFailed(self._command, self._process.errorString()))
            self.deleteLater()
