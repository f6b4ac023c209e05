"""A stream of events that outlives its connection: where that breaks it is opened again, a few times, with growing waits.

What is listened to (a training run, a download) belongs to the service and goes on meanwhile.
"""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import ConnectionLost, GeoR1Error
from .client import body_of
from .line_reader import LineReader
from .transport import Exchange

AGAIN_MS = (500, 1000, 2000, 5000)
"""Waits before the stream is opened again."""


class EventStream(QObject):
    """Emits `event_read` per new event, `ended` after the last one, `failed` when the service is gone for good."""

    event_read = pyqtSignal(object)
    ended = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._reader: Optional[LineReader] = None
        self._failures = 0
        self._is_over = self._is_final = False
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self.start)

    def start(self) -> None:
        """Open the stream; nothing is emitted before this returns."""
        self._reader = LineReader(self._open(), self._take, self)
        self._reader.ended.connect(self._on_closed)
        self._reader.failed.connect(self._fail)

    def abort(self) -> None:
        """Listen no more; what is listened to goes on."""
        self._is_over = True
        self._again.stop()
        self._close_reader()

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _open(self) -> Exchange:
        """Ask for the stream, from where it was."""
        raise NotImplementedError

    def _read(self, line: bytes) -> bool:
        """Take one line, emit what is new in it; whether it was the last one.

        Raises:
            GeoR1Error: if it cannot be understood.
        """
        raise NotImplementedError

    def _take(self, line: bytes) -> None:
        try:
            self._is_final = self._read(line)
        except GeoR1Error as error:
            self._fail(error)
            return
        self._failures = 0

    def _on_closed(self) -> None:
        exchange = self._reader.exchange
        self._close_reader()
        try:
            body_of(exchange)
        except OSError as error:  # the way was cut: again, a few times
            self._try_again(error)
            return
        except GeoR1Error as error:
            self._fail(error)
            return
        if self._is_final:
            self._is_over = True
            self.ended.emit()
        else:
            self._try_again(ConnectionLost(exchange.url, "no final event"))

    def _try_again(self, error: BaseException) -> None:
        if self._failures >= len(AGAIN_MS):
            self._fail(error if isinstance(error, GeoR1Error) else GeoR1Error(str(error)))
            return
        self._again.start(AGAIN_MS[self._failures])
        self._failures += 1

    def _fail(self, error: GeoR1Error) -> None:
        if not self._is_over:
            self.abort()
            self.failed.emit(error)
