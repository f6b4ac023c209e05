"""What an endpoint's answer means that is no success: to be asked again, here or elsewhere, or a reason to tell."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from geo_r1_backend.engines.base import EngineItem
from geo_r1_backend.engines.remote_chat import said_in
from geo_r1_backend.engines.remote_http import Reply
from geo_r1_backend.errors import (
    RemoteContext,
    RemoteImageRefused,
    RemoteModelUnknown,
    RemoteRefused,
    RemoteUnauthorized,
)

_CONTEXT = re.compile(
    r"context|max_model_len|maximum.{0,20}(length|tokens)|too long|max_tokens", re.I
)
_IMAGE = re.compile(r"image|mmproj|multi-?modal|vision|picture", re.I)
_MODEL = re.compile(r"model", re.I)
_NO_MODEL = re.compile(
    r"model.{0,200}(does not exist|not found|unknown)|(pinned to|unknown model)", re.I
)


class WentAway(Exception):
    """The endpoint cannot be reached, or broke off; another one may answer."""


class ServerFault(Exception):
    """The endpoint answers with a fault of its own."""


class TooMany(Exception):
    """The endpoint has no room for now.

    Args:
        retry_after_s: as it asked; None = it did not say.
    """

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("it has too many requests")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Who:
    """Whose answer it is."""

    shown: str
    model: str
    key: str
    key_place: str

    def hushed(self, said: str) -> str:
        """A server's words on one line, without our key, which some repeat."""
        line = " ".join(said.split()).rstrip(".")
        return line.replace(self.key, "…") if self.key else line


def fault(reply: Reply, content: bytes, who: Who, item: EngineItem | None = None) -> Exception:
    """What to raise for an answer of another status than 200."""
    status = reply.status
    try:
        said = said_in(json.loads(content))
    except ValueError:
        said = content[:400].decode("utf-8", "replace").strip() or "it gives no reason"
    said = who.hushed(said)
    if 300 <= status < 400:
        said = f"it redirects to {reply.location or 'another address'}, which is not followed"
    if status in (401, 403):
        return RemoteUnauthorized(endpoint=who.shown, key=who.key_place)
    if status == 429 or (status == 503 and reply.retry_after_s is not None):
        return TooMany(reply.retry_after_s)
    about_image = None if item is None else _of_item(status, said, who, item)
    if about_image is not None:
        return about_image
    if status >= 500 or status in (408, 409, 425):
        return ServerFault(f"it answers {status}: {said}")
    if status in (400, 404) and (_MODEL if status == 404 else _NO_MODEL).search(said):
        return RemoteModelUnknown(endpoint=who.shown, model=who.model, served=(), said=said)
    return RemoteRefused(endpoint=who.shown, status=status, said=said)


def _of_item(status: int, said: str, who: Who, item: EngineItem) -> Exception | None:
    """A refusal of this image or of its length; None where it is not that."""
    width_px, height_px = item.image.size
    is_length = bool(_CONTEXT.search(said))
    if status == 413 or (_IMAGE.search(said) and not is_length):
        return RemoteImageRefused(
            endpoint=who.shown, width_px=width_px, height_px=height_px, said=said
        )
    if 400 <= status < 500 and is_length:
        return RemoteContext(endpoint=who.shown, width_px=width_px, height_px=height_px, said=said)
    return None
