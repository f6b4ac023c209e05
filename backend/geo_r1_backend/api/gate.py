"""Who may ask: host, origin, token, wire version; and how much may be sent. Pure ASGI, so streams stay streams."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_r1_backend.api.pace import Pace
from geo_r1_backend.api.replies import error_reply
from geo_r1_backend.config import ServerConfig
from geo_r1_backend.errors import (
    BodyTooLarge,
    GeoR1Error,
    HostNotAllowed,
    OriginNotAllowed,
    Unauthorized,
    WireVersionMismatch,
)
from geo_r1_backend.wire import WIRE_VERSION

HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
ABSOLUTE = re.compile(r"[a-z]+://(?P<host>[^/]*)(?P<path>/.*)?", re.IGNORECASE | re.DOTALL)
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
WIRE_HEADER = "x-geo-r1-wire"
CHIPS_PATH = "/v1/chips/"
DATASETS_PATH = "/v1/datasets"
DRAIN_S = 2.0
DRAIN_TIMES = 2
"""A refused body is read on (and forgotten) for so long or so often its limit, or the client would see a broken
connection instead of the refusal."""


class Gate:
    """Refuses before anything else is read; the order is host, origin, token, version."""

    def __init__(self, app: ASGIApp, *, config: ServerConfig, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._pace = Pace()
        self._hosts = {
            *LOOPBACK_NAMES,
            *_own_name(config.host),
            *(name.lower() for name in config.allowed_hosts),
        }
        self._origins = {origin.rstrip("/").lower() for origin in config.allowed_origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except GeoR1Error as error:
            if isinstance(error, Unauthorized) and error.parameters["given"]:
                await self._pace.wait()
            await error_reply(error, scope["state"]["request_id"])(scope, receive, send)
            return
        _call_json(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = _headers(scope["headers"])
        for host in (headers.get("host", ""), *_absolute(scope)):
            if _without_port(host) not in self._hosts:
                raise HostNotAllowed(host=host)
        for origin in _all(scope["headers"], b"origin"):
            if origin.rstrip("/").lower() not in self._origins:
                raise OriginNotAllowed(origin=origin)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not right:
            raise Unauthorized(given=bool(given))
        wire = headers.get(WIRE_HEADER)
        if wire is not None and wire.split(".")[0].strip() != WIRE_VERSION.split(".")[0]:
            raise WireVersionMismatch(given=wire, expected=WIRE_VERSION)


class BodyLimit:
    """Counts bodies as they come in; none is buffered here, and none is read on past its limit."""

    def __init__(self, app: ASGIApp, *, config: ServerConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit_bytes = self._config.max_json_bytes
        if scope["path"].startswith(CHIPS_PATH):
            limit_bytes = self._config.max_chip_bytes
        elif scope["path"] == DATASETS_PATH:
            limit_bytes = self._config.max_dataset_bytes
        declared = _headers(scope["headers"]).get("content-length", "")
        if declared.isdigit() and int(declared) > limit_bytes:
            error = BodyTooLarge(limit_bytes=limit_bytes, given_bytes=int(declared))
            await self._refuse(error, limit_bytes, scope, receive, send)
            return
        await self._count(limit_bytes, scope, receive, send)

    async def _count(self, limit_bytes: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the body on while it stays below its limit; past it, the answer is ours."""
        given_bytes, too_large, begun, unread = 0, False, False, True

        async def counted() -> Message:
            nonlocal given_bytes, too_large, unread
            message = await receive()
            unread = bool(message.get("more_body"))
            given_bytes += len(message.get("body", b""))
            if given_bytes > limit_bytes:
                too_large = True
                raise BodyTooLarge(limit_bytes=limit_bytes)
            return message

        async def unless_too_large(message: Message) -> None:
            nonlocal begun
            # whatever the inner application makes of the broken body, the client hears the reason
            if too_large and not begun:
                return
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, unless_too_large)
        except BodyTooLarge:
            if begun:
                raise
        if too_large and not begun:
            error = BodyTooLarge(limit_bytes=limit_bytes)
            await self._refuse(error, limit_bytes if unread else 0, scope, receive, send)

    async def _refuse(
        self, error: GeoR1Error, limit_bytes: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the client finish sending if that is soon, then answer."""
        # a class of its own before Python 3.11
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(receive, limit_bytes * DRAIN_TIMES), DRAIN_S)
        await error_reply(error, scope["state"]["request_id"])(scope, receive, send)


async def _drain(receive: Receive, limit_bytes: int) -> None:
    read_bytes = 0
    while read_bytes < limit_bytes:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        read_bytes += len(message.get("body", b""))


def _call_json(scope: Scope) -> None:
    """Call the body of a request JSON, whatever the client calls it (curl says "form").

    Safe because web pages, for which such names matter, were refused by their origin and have no token.
    """
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"content-type"]
    scope["headers"] = [*others, (b"content-type", b"application/json")]


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; of a repeated one the first counts."""
    found: dict[str, str] = {}
    for name, value in raw:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _own_name(host: str) -> tuple[str, ...]:
    """How clients name the address to listen on; an address for everywhere is nobody's name."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not listened on
        return ()
    return (f"[{host.lower()}]" if ":" in host else host.lower(),)


def _all(raw: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """Every value of a header, however often it comes."""
    return [value.decode("latin-1") for name, value in raw if name.lower() == wanted]


def _absolute(scope: Scope) -> list[str]:
    """The host of a request that names it in its first line too (as to a proxy); the address is then the rest."""
    found = ABSOLUTE.fullmatch(scope["path"])
    if found is None:
        return []
    scope["path"] = found["path"] or "/"
    return [found["host"]]


def _without_port(host: str) -> str:
    """The name alone in lower case; empty if it is not a name with or without a port."""
    found = HOST.fullmatch(host.strip().lower())
    return found["name"] if found else ""
