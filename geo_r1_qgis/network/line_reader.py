"""The lines of one stream, worked on in slices: however fast they come, the event loop gets its turn."""

from __future__ import annotations

import time
from collections import deque
from typing import Callable, Deque, Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import GeoR1Error, ProtocolError
from ..core.ndjson import LineSplitter
from .transport import Exchange

SLICE_MS = 8.0
"""Longest time spent on arrived lines before the event loop gets its turn."""

MAX_WAITING_LINES = 2_000
"""Arrived lines that wait for their turn; past it nothing more is read from the socket."""


class LineReader(QObject):
    """Hands each line to `take`, then emits `ended` or `failed`, once; after `close` nothing any more."""

    ended = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(
        self,
        exchange: Exchange,
        take: Callable[[bytes], None],
        parent: QObject,
        max_bytes: Optional[int] = None,
    ) -> None:
        """Begin to read; nothing is handed on before this returns.

        Args:
            exchange: with the stream as its answer.
            take: is handed the lines in order.
            parent: of this object.
            max_bytes: longest stream; none = without end.
        """
        super().__init__(parent)
        self.exchange = exchange
        self._take, self._max_bytes, self._bytes = take, max_bytes, 0
        self._splitter = LineSplitter()
        self._lines: Deque[bytes] = deque()
        self._fault: Optional[GeoR1Error] = None
        self._is_closed = False
        self._turn = QTimer(self)  # once per turn of the event loop, however often bytes come
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._drain)
        exchange.chunk_read.connect(self._on_chunk)
        exchange.ended.connect(self._turn.start)

    @property
    def has_waiting(self) -> bool:
        """Whether lines arrived that had no turn yet."""
        return bool(self._lines)

    def rest(self) -> list[bytes]:
        """What came after the last line's end.

        Raises:
            GeoR1Error: if it cannot be a line.
        """
        return self._splitter.finish()

    def close(self) -> None:
        """Leave the stream where it is."""
        self._is_closed = True
        self._turn.stop()
        self.exchange.abort()
        self.deleteLater()

    def _on_chunk(self, piece: bytes) -> None:
        self._bytes += len(piece)
        try:
            if self._max_bytes is not None and self._bytes > self._max_bytes:
                raise ProtocolError("$", f"an answer of more than {self._max_bytes:,} bytes")
            self._lines.extend(self._splitter.feed(piece))
        except GeoR1Error as error:
            # the good lines before it have their turn first: what was found is not lost
            self._fault = error
        if self._fault is not None or len(self._lines) > MAX_WAITING_LINES:
            self.exchange.pause()
        self._turn.start()

    def _drain(self) -> None:
        began = time.monotonic()
        while self._lines and not self._is_closed and (time.monotonic() - began) * 1000 < SLICE_MS:
            self._take(self._lines.popleft())
        if self._is_closed:
            return
        if self._lines:
            self._turn.start()
        elif self._fault is not None:
            self.failed.emit(self._fault)
        elif self.exchange.is_paused:
            self.exchange.resume()
        elif not self.exchange.is_running:
            self.ended.emit()
