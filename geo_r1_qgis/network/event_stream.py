"""A stream of events that outlives its connection: where that breaks it is opened again, a few times, with growing waits.

What is listened to (a training run, a download) belongs to the service and goes on meanwhile.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Deque, Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import ConnectionLost, GeoR1Error
from ..core.ndjson import LineSplitter
from .client import body_of
from .transport import Exchange

SLICE_MS = 8.0
MAX_WAITING_LINES = 2_000
AGAIN_MS = (500, 1000, 2000, 5000)
"""Waits before the stream is opened again."""


class EventStream(QObject):
    """Emits `event_read` per new event, `ended` after the last one, `failed` when the service is gone for good."""

    event_read = pyqtSignal(object)
    ended = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._exchange: Optional[Exchange] = None
        self._lines: Deque[bytes] = deque()
        self._splitter = LineSplitter()
        self._failures = 0
        self._is_over = self._is_final = False
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._drain)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self.start)

    def start(self) -> None:
        """Open the stream; nothing is emitted before this returns."""
        self._splitter = LineSplitter()
        self._lines.clear()
        self._exchange = self._open()
        self._exchange.chunk_read.connect(self._on_chunk)
        self._exchange.ended.connect(self._turn.start)

    def abort(self) -> None:
        """Listen no more; what is listened to goes on."""
        self._is_over = True
        self._turn.stop()
        self._again.stop()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abort()

    def _open(self) -> Exchange:
        """Ask for the stream, from where it was."""
        raise NotImplementedError

    def _read(self, line: bytes) -> bool:
        """Take one line, emit what is new in it; whether it was the last one.

        Raises:
            GeoR1Error: if it cannot be understood.
        """
        raise NotImplementedError

    def _on_chunk(self, piece: bytes) -> None:
        try:
            self._lines.extend(self._splitter.feed(piece))
        except GeoR1Error as error:
            self._fail(error)
            return
        if len(self._lines) > MAX_WAITING_LINES and self._exchange is not None:
            self._exchange.pause()
        self._turn.start()

    def _drain(self) -> None:
        """Work on arrived lines for at most one slice, then come back."""
        began = time.monotonic()
        while self._lines and not self._is_over and (time.monotonic() - began) * 1000 < SLICE_MS:
            self._take(self._lines.popleft())
        if self._is_over or self._exchange is None:
            return
        if self._lines:
            self._turn.start()
        elif self._exchange.is_paused:
            self._exchange.resume()
        elif not self._exchange.is_running:
            self._on_closed(self._exchange)

    def _take(self, line: bytes) -> None:
        try:
            self._is_final = self._read(line)
        except GeoR1Error as error:
            self._fail(error)
            return
        self._failures = 0

    def _on_closed(self, exchange: Exchange) -> None:
        self._exchange = None
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
