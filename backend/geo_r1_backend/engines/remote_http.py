"""One HTTP exchange with an endpoint over the standard library, which another thread can break off at any moment.

It follows no redirect (a key would go where nobody wanted it), uses no proxy of the environment, and keeps no connection:
an answer takes seconds, a new connection milliseconds.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MAX_LINE_BYTES = 4 << 20
"""A line of a stream holds a token or a whole answer, never more than this."""
MAX_BODY_BYTES = 8 << 20
HURRY_S = 1.0
ENDS: tuple[type[Exception], ...] = (OSError, http.client.HTTPException, ValueError)
"""What a connection that breaks may raise, TLS included."""


REASONS: dict[type[Exception], str] = {
    socket.gaierror: "its name is not known",
    ConnectionRefusedError: "it refuses the connection",
    TimeoutError: "it says nothing",
    ConnectionError: "the connection broke",
    http.client.HTTPException: "the connection broke",
}


class BrokenOff(Exception):
    """Whoever asked has left."""


@dataclass(frozen=True)
class Reply:
    """Status line and headers."""

    status: int
    content_type: str
    retry_after_s: float | None
    location: str


class Exchange:
    """One request and its answer.

    Args:
        url: of the endpoint, as far as ``/v1``.
        key: bearer token; empty = none.
        connect_s: how long connecting may take.
        silence_s: how long the other side may say nothing.
        context: of TLS.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str,
        connect_s: float,
        silence_s: float,
        context: ssl.SSLContext | None,
    ) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._key = key
        self._silence_s = silence_s
        self._lock = threading.Lock()
        self._is_over = False
        self.is_hurried = False
        self.heard_s = 0.0
        """When something came last, by the clock of whoever reads."""
        host, port = str(parts.hostname), parts.port
        if parts.scheme == "https":
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=connect_s, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=connect_s)
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        """Kept: http.client hands it over to the response and forgets it."""

    def send(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Connect, ask, and wait for the first line of the answer.

        Raises:
            BrokenOff: if it was.
            OSError, http.client.HTTPException: if the endpoint cannot be reached or says nothing.
        """
        headers = {"Accept": "text/event-stream, application/json", "Connection": "close"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with self._guarded():
            self._connection.connect()
            with self._lock:
                self._socket = self._connection.sock
            self._socket.settimeout(self._silence_s)
        with self._guarded():
            self._connection.request(method, self._path + path, body=body or None, headers=headers)
            self._response = self._connection.getresponse()
        reply = self._response
        return Reply(
            status=reply.status,
            content_type=(reply.headers.get("Content-Type") or "").lower(),
            retry_after_s=_seconds(reply.headers.get("Retry-After")),
            location=reply.headers.get("Location") or "",
        )

    def body(self) -> bytes:
        """The whole answer, as far as it is of a reasonable size."""
        with self._guarded():
            return self._answer.read(MAX_BODY_BYTES)

    def lines(self) -> Iterator[bytes]:
        """Lines of the answer as they come, without their ends; the last one may have been cut.

        Raises:
            ValueError: if a line does not end.
        """
        while True:
            with self._guarded():
                line = self._answer.readline(MAX_LINE_BYTES)
            if not line:
                return
            if len(line) >= MAX_LINE_BYTES:
                raise ValueError(f"a line of the answer is longer than {MAX_LINE_BYTES} bytes")
            yield line.rstrip(b"\r\n")

    def hurry(self) -> None:
        """All that matters has come: what follows it may take a second, and then the answer counts as ended."""
        self.is_hurried = True
        if self._socket is not None:
            self._socket.settimeout(HURRY_S)

    def break_off(self) -> None:
        """End it now, from any thread; the other side sees a closed connection and stops its work."""
        with self._lock:
            self._is_over = True
            connected = self._socket
        if connected is not None:
            try:
                # of the plain socket: TLS's own would take its state away under the reading thread
                socket.socket.shutdown(connected, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already

    def close(self) -> None:
        """Give the connection back; the thread that reads may do so, no other."""
        if self._response is not None:
            self._response.close()
        self._connection.close()

    @property
    def _answer(self) -> http.client.HTTPResponse:
        if self._response is None:
            raise http.client.ResponseNotReady
        return self._response

    def _guarded(self) -> _Guard:
        return _Guard(self)

    @property
    def is_over(self) -> bool:
        """Whether it was broken off."""
        with self._lock:
            return self._is_over


class _Guard:
    """Says `BrokenOff` where the connection ended because it was broken off."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        if self._exchange.is_over:
            raise BrokenOff

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._exchange.is_over:
            raise BrokenOff from error


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are always checked, against the system's authorities or those of a file.

    Raises:
        OSError, ssl.SSLError: if the file cannot be read.
    """
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def why(error: BaseException) -> str:
    """The reason why a connection failed, in a few words of the system."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or error.strerror or 'no reason given'})"
    for kind, words in REASONS.items():
        if isinstance(error, kind):
            return words
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _seconds(value: str | None) -> float | None:
    """Of `Retry-After`; its other form, a date, is as good as none."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
