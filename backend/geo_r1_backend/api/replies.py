"""Dataclasses of the wire as JSON answers."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any

from starlette.responses import Response

from geo_r1_backend.errors import GeoR1Error
from geo_r1_backend.wire import ErrorBody

ERROR_HEADER = "X-Geo-R1-Error"
"""The code once more, for the log and for readers of headers."""


def to_json(value: object) -> bytes:
    """A dataclass of the wire as compact JSON; ASCII, so that no text of a model can break it."""
    content: Any = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


class WireReply(Response):
    """A dataclass of the wire as an answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return to_json(content)


def error_reply(error: GeoR1Error, request_id: str) -> WireReply:
    """An error as an answer."""
    body: ErrorBody = error.to_body(request_id)
    headers = {ERROR_HEADER: body.code}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return WireReply(body, status_code=error.status, headers=headers)
