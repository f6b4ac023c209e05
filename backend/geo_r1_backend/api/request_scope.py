"""The outermost layer: an id for each request, the headers of every answer, one line in the log, the last border.

A line has id, method, route, status, error code, size of the answer and time; never tokens, queries or pixels.
"""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_r1_backend.api.replies import ERROR_HEADER, error_reply
from geo_r1_backend.api.service import Activity
from geo_r1_backend.errors import Internal
from geo_r1_backend.wire import WIRE_VERSION

log = logging.getLogger(__name__)
request_log = logging.getLogger("geo_r1_backend.requests")

CLIENT_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
GONE_STATUS = 499
"""Logged where the client left before an answer began."""


class RequestScope:
    """Wraps everything else."""

    def __init__(self, app: ASGIApp, *, activity: Activity) -> None:
        self._app = app
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status, begun, code, sent_bytes = GONE_STATUS, False, "", 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun, code, sent_bytes
            sent_bytes += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = dict(message.get("headers", []))
                code = headers.get(ERROR_HEADER.lower().encode(), b"").decode("ascii")
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-geo-r1-wire", WIRE_VERSION.encode()),
                    (b"x-request-id", request_id.encode()),
                    (b"cache-control", b"no-store"),
                ]
            await send(message)

        started_s = time.perf_counter()
        self._activity.arrive()
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:  # border: nothing behind it but the socket
            log.exception("request %s", request_id)
            if not begun:
                await error_reply(Internal(), request_id)(scope, receive, send_with_headers)
        finally:
            self._activity.leave()
            fields = {
                "id": request_id,
                "method": scope["method"],
                "route": _route(scope),
                "status": status,
                "code": code,
                "bytes": sent_bytes,
                "ms": round((time.perf_counter() - started_s) * 1000.0, 1),
            }
            request_log.info("request", extra={"request": fields})


def _request_id(scope: Scope) -> str:
    """The client's own id where it sent a harmless one, else a new one."""
    for name, value in scope["headers"]:
        if name.lower() == b"x-request-id" and CLIENT_ID.fullmatch(value):
            return str(value.decode("ascii"))
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    """The pattern of the address, not the address: it may carry what nobody should read in a log."""
    route = scope.get("route")
    return str(getattr(route, "path", "(none)"))
