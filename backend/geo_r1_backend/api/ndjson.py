"""A stream of events as lines of JSON: never silent for long, and over at once when the client leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from geo_r1_backend.api.replies import to_json
from geo_r1_backend.wire import Event, HeartbeatEvent

MAX_BACKLOG_EVENTS = 50_000
"""A client that asks and does not read is taken for one that has left."""
MEDIA_TYPE = b"application/x-ndjson"


class EventPipe:
    """Events from the answering thread to the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.on_overflow: Callable[[], None] = lambda: None

    def put(self, event: Event) -> None:
        """Take an event; for any thread, never blocks."""
        self._hand_over(event)
        if self._events.qsize() > MAX_BACKLOG_EVENTS:
            self.on_overflow()

    def end(self) -> None:
        """Nothing more comes."""
        self._hand_over(None)

    async def get_ready(self, timeout_s: float) -> list[Event | None]:
        """All events that are there, at least one; empty after a silence of ``timeout_s``."""
        try:
            first = await asyncio.wait_for(self._events.get(), timeout_s)
        except asyncio.TimeoutError:  # a class of its own before Python 3.11
            return []
        ready = [first]
        while not self._events.empty():
            ready.append(self._events.get_nowait())
        return ready

    def _hand_over(self, event: Event | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:
            # the loop is closed: the service has stopped and nobody listens
            return


class Pipe(Protocol):
    """Where events come from."""

    async def get_ready(self, timeout_s: float) -> Sequence[object]:
        """All events that are there, at least one; empty after a silence. The last one of all is None."""
        ...


def _alive(elapsed_s: float) -> object:
    return HeartbeatEvent(item="", elapsed_s=elapsed_s)


class NdjsonReply:
    """ASGI application that sends a pipe's events until its end, or until the client leaves.

    Args:
        pipe: gives the events.
        heartbeat_s: longest silence.
        on_leave: called once, at the end or when the client leaves.
        heartbeat: what is said after a silence, told how long the stream has been open.
    """

    def __init__(
        self,
        pipe: Pipe,
        *,
        heartbeat_s: float,
        on_leave: Callable[[], None],
        heartbeat: Callable[[float], object] = _alive,
    ) -> None:
        self._pipe = pipe
        self._heartbeat_s = heartbeat_s
        self._on_leave = on_leave
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        sending = asyncio.ensure_future(self._send_events(send))
        leaving = asyncio.ensure_future(_wait_for_leave(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        except OSError:
            return  # the socket is gone; `finally` tells the engine
        finally:
            self._on_leave()
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_events(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", MEDIA_TYPE), (b"x-accel-buffering", b"no")],
            }
        )
        started_s = time.perf_counter()
        while True:
            events = await self._pipe.get_ready(self._heartbeat_s)
            ended = None in events
            lines = [to_json(event) + b"\n" for event in events if event is not None]
            if not events:
                elapsed_s = round(time.perf_counter() - started_s, 1)
                lines = [to_json(self._heartbeat(elapsed_s)) + b"\n"]
            await send(
                {"type": "http.response.body", "body": b"".join(lines), "more_body": not ended}
            )
            if ended:
                return


class StreamReply(Response):
    """FastAPI wants a Response; the stream itself is `NdjsonReply`."""

    media_type = "application/x-ndjson"

    def __init__(self, stream: NdjsonReply, status_code: int = 200) -> None:
        super().__init__(status_code=status_code)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        await self._stream(scope, receive, send)


async def _wait_for_leave(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
