"""One request to ground, from the pixels to the last event: send the chips once, ask, pass the events on.

Knows the order of the calls and how to go on when the service has forgotten a chip; knows no map and no widget.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Set

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core import wire
from ..core.codec import decode_event, is_whole
from ..core.errors import ConnectionLost, GeoR1Error
from ..core.harmless import harmless_event
from .client import Client, Pending, body_of
from .line_reader import LineReader
from .transport import Exchange

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Of one stream. The longest answer that a model of ours can give has 300 kB; what never ends is cut here."""

LINE_S = 60.0
"""Longest time in which a stream may go without a whole line; heartbeats are lines. Bytes alone keep nothing alive."""

FINAL_EVENTS = (wire.ResultEvent, wire.ErrorEvent)


class GroundCall(QObject):
    """Emits `sending` while pixels travel, `event_read` per event, then either `ended` or `failed`, once.

    `event_read` is not called `event`: that would hide `QObject.event()`.
    """

    sending = pyqtSignal()
    event_read = pyqtSignal(object)
    ended = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(
        self, client: Client, request: wire.GroundRequest, images: Dict[str, bytes]
    ) -> None:
        super().__init__(client)
        self._client = client
        self._request = request
        self._images = images
        self._missing: List[str] = []
        self._exchange: Optional[Exchange] = None
        self._reader: Optional[LineReader] = None
        self._upload: Optional[Pending] = None
        self._is_over = False
        self._sent_again = False
        self._line_watch = QTimer(self)
        self._line_watch.setSingleShot(True)
        self._line_watch.setInterval(int(LINE_S * 1000))
        self._line_watch.timeout.connect(self._on_no_line)

    def start(self) -> None:
        """Begin; nothing is emitted before this returns."""
        self._missing = sorted({item.chip for item in self._request.items})
        self._look_for_next_chip()

    def abort(self) -> None:
        """Leave: connections are closed, the service's engine is freed, nothing more is emitted."""
        if self._is_over:
            return
        self._is_over = True
        self._close_stream()
        for call in (self._exchange, self._upload):
            if call is not None:
                call.abort()
        self._exchange = self._upload = None
        self.deleteLater()

    def _close_stream(self) -> None:
        self._line_watch.stop()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _look_for_next_chip(self) -> None:
        if not self._missing:
            self._open_stream()
            return
        self._exchange = self._client.find_chip(self._missing[0])
        self._exchange.ended.connect(self._on_chip_looked_for)

    def _on_chip_looked_for(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if exchange.error is None and exchange.status == 404:
            self._send_chip()
            return
        try:
            body_of(exchange)
        except GeoR1Error as error:
            self._fail(error)
            return
        self._missing.pop(0)
        self._look_for_next_chip()

    def _send_chip(self) -> None:
        sha256 = self._missing.pop(0)
        self.sending.emit()
        self._upload = self._client.put_chip(sha256, self._images[sha256])
        self._upload.arrived.connect(self._on_chip_sent)
        self._upload.failed.connect(self._fail)

    def _on_chip_sent(self, _receipt: wire.ChipReceipt) -> None:
        self._upload = None
        self._look_for_next_chip()

    def _open_stream(self) -> None:
        self._unanswered: Set[str] = {item.item for item in self._request.items}
        stream = self._client.open_stream(self._request)
        self._reader = LineReader(stream, self._take_line, self, MAX_ANSWER_BYTES)
        self._reader.ended.connect(self._on_stream_ended)
        self._reader.failed.connect(self._fail)
        self._line_watch.start()

    def _on_no_line(self) -> None:
        if self._reader is not None and not self._reader.has_waiting:
            reason = f"no whole message for {LINE_S:g} s"
            self._fail(ConnectionLost(self._reader.exchange.url, reason))

    def _take_line(self, line: bytes) -> None:
        self._line_watch.start()
        try:
            event = decode_event(line)
            if event is None or not self._is_expected(event):
                return  # of a newer service, or about a question that was not asked or is answered
            event = harmless_event(event)
        except GeoR1Error as error:
            self._fail(error)
            return
        if isinstance(event, wire.ErrorEvent) and self._send_again_after(event.error.code):
            return
        if isinstance(event, FINAL_EVENTS):
            self._unanswered.discard(event.item)
        self.event_read.emit(event)
        if not self._unanswered and not self._is_over:
            self.abort()
            self.ended.emit()

    def _is_expected(self, event: wire.Event) -> bool:
        return event.item in self._unanswered or isinstance(event, wire.HeartbeatEvent)

    def _on_stream_ended(self) -> None:
        reader = self._reader
        try:
            body_of(reader.exchange)
            rest = reader.rest()
        except GeoR1Error as error:
            if not self._send_again_after(error.code):
                self._fail(error)
            return
        for line in rest:
            if not is_whole(line):
                self._fail(ConnectionLost(reader.exchange.url, "in the middle of a message"))
                return
            self._take_line(line)
        if not self._is_over:
            self._fail(ConnectionLost(reader.exchange.url, "no final event"))

    def _send_again_after(self, code: str) -> bool:
        """Chips expire; a forgotten one is sent once more, not for ever."""
        if code != "chip-unknown" or self._sent_again:
            return False
        self._sent_again = True
        self._close_stream()
        self._missing = sorted({item.chip for item in self._request.items})
        self._look_for_next_chip()
        return True

    def _fail(self, error: GeoR1Error) -> None:
        if self._is_over:
            return
        self.abort()
        self.failed.emit(error)
