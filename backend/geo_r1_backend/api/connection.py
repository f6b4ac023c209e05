"""One HTTP connection: uvicorn's, with patience that ends and refusals in our own words.

uvicorn waits for ever for the rest of a request, and answers a broken one in plain text. Both are harmless on a quiet
loopback and neither is on a shared machine: a connection that never says anything holds a file descriptor.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from geo_r1_backend.api.replies import ERROR_HEADER, to_json
from geo_r1_backend.errors import RequestMalformed
from geo_r1_backend.wire import WIRE_VERSION

log = logging.getLogger(__name__)

HEAD_S = 20.0
"""From the first moment (or the end of the last answer's keep-alive) to the end of the headers."""
BODY_SILENCE_S = 30.0
"""Longest pause inside of a body."""


class PatientConnection(H11Protocol):
    """Closes connections that stop in the middle of a request; everything else is uvicorn's."""

    head_s = HEAD_S
    body_silence_s = BODY_SILENCE_S
    _patience: asyncio.TimerHandle | None = None
    _waits_for_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here; it has a while to say what it wants."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_watching()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, with a code like everything else; then close."""
        self._stop_watching()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in _refusal():
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            # whoever waits for the rest of the body need not wait any more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _watch(self) -> None:
        """Start, keep or stop the clock, by what is still to come."""
        state = self.conn.their_state
        if self.transport.is_closing() or state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_watching()
        elif state is h11.IDLE:
            # not begun anew by each byte: a header sent a byte at a time has no more time than others
            if not (self._patience and self._waits_for_head):
                self._set(self.head_s, waits_for_head=True)
        else:
            self._set(self.body_silence_s, waits_for_head=False)

    def _set(self, seconds: float, *, waits_for_head: bool) -> None:
        self._stop_watching()
        self._waits_for_head = waits_for_head
        self._patience = self.loop.call_later(seconds, self._give_up)

    def _stop_watching(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self.flow.read_paused:
            self._watch()  # it is we who do not read
            return
        log.info("a connection stopped in the middle of a request and was closed")
        self.transport.close()


def _refusal() -> list[Any]:
    error, request_id = RequestMalformed(), secrets.token_hex(8)
    body = to_json(error.to_body(request_id))
    headers = [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("connection", "close"),
        ("cache-control", "no-store"),
        (ERROR_HEADER.lower(), error.code),
        ("x-geo-r1-wire", WIRE_VERSION),
        ("x-request-id", request_id),
    ]
    reply = h11.Response(status_code=error.status, headers=headers, reason=b"Bad Request")
    return [reply, h11.Data(data=body), h11.EndOfMessage()]
