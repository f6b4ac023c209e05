"""What can be wrong with a model that other servers run: OpenAI-compatible endpoints beyond this machine."""

from __future__ import annotations

from collections.abc import Sequence

from geo_r1_backend.errors.base import GeoR1Error, shortened
from geo_r1_backend.errors.models import EngineFailed

SHOWN_NAMES = 12
"""Served models that an error lists."""
SHOWN_WORDS = 240
"""Characters of a server's own words that an error repeats."""


class RemoteUnreachable(EngineFailed):
    """No endpoint of this model answers."""

    code = "remote-unreachable"
    status = 503

    def __init__(self, *, endpoints: str, reason: str) -> None:
        GeoR1Error.__init__(
            self,
            f"No server of this model answers: {reason}.",
            hint=f"See whether it runs: {endpoints}. What was answered is kept; ask again when it is back.",
            endpoints=endpoints,
            reason=reason,
        )


class RemoteUnauthorized(EngineFailed):
    """The endpoint does not take our key."""

    code = "remote-unauthorized"
    status = 502

    def __init__(self, *, endpoint: str, key: str) -> None:
        GeoR1Error.__init__(
            self,
            f"The server at {endpoint} does not accept the key ({key}).",
            hint="Put the right key into that variable or file, and start the service again.",
            endpoint=endpoint,
            key=key,
        )


class RemoteModelUnknown(EngineFailed, LookupError):
    """The endpoint serves other models."""

    code = "remote-model-unknown"
    status = 502

    def __init__(self, *, endpoint: str, model: str, served: Sequence[str], said: str = "") -> None:
        known = ", ".join(shortened(name, 100) for name in served[:SHOWN_NAMES]) or "none"
        if said:
            known = f"“{shortened(said, SHOWN_WORDS)}”"
        asked = (
            f"does not serve “{shortened(model, 100)}”" if model else "serves more than one model"
        )
        GeoR1Error.__init__(
            self,
            f"The server at {endpoint} {asked}; it {'says' if said else 'serves'}: {known}.",
            hint="Name one of these with “model” in remote.json, or with --remote-model.",
            endpoint=endpoint,
            model=shortened(model, 100),
            known=known,
        )


class RemoteContext(EngineFailed):
    """Image and question do not fit into what the server gives one request."""

    code = "remote-context"
    status = 422

    def __init__(self, *, endpoint: str, width_px: int, height_px: int, said: str) -> None:
        GeoR1Error.__init__(
            self,
            f"An image of {width_px} × {height_px} px and its question are too long for the server at {endpoint}: "
            f"{shortened(said, SHOWN_WORDS)}.",
            hint="Give the server more context (--max-model-len, --ctx-size), or set a smaller max_pixels in remote.json.",
            endpoint=endpoint,
            width_px=width_px,
            height_px=height_px,
            said=shortened(said, SHOWN_WORDS),
        )


class RemoteImageRefused(EngineFailed):
    """The server takes no image, or not this one."""

    code = "remote-image-refused"
    status = 422

    def __init__(self, *, endpoint: str, width_px: int, height_px: int, said: str) -> None:
        GeoR1Error.__init__(
            self,
            f"The server at {endpoint} does not take an image of {width_px} × {height_px} px: "
            f"{shortened(said, SHOWN_WORDS)}.",
            hint="See whether it serves a model that sees (for llama.cpp: started with --mmproj).",
            endpoint=endpoint,
            width_px=width_px,
            height_px=height_px,
            said=shortened(said, SHOWN_WORDS),
        )


class RemoteRefused(EngineFailed):
    """The server refuses the request, or answers with what is no chat."""

    code = "remote-refused"
    status = 502

    def __init__(self, *, endpoint: str, status: int, said: str) -> None:
        GeoR1Error.__init__(
            self,
            f"The server at {endpoint} refuses the request ({status}): {shortened(said, SHOWN_WORDS)}.",
            hint="See its log, and whether the address is that of an OpenAI-compatible server (docs/remote.md).",
            endpoint=endpoint,
            status=status,
            said=shortened(said, SHOWN_WORDS),
        )


class RemoteViews(EngineFailed):
    """The server changes the size of images, so that no box would be where it says."""

    code = "remote-views"
    status = 502

    def __init__(
        self, *, endpoint: str, width_px: int, height_px: int, tokens: int, expected: int
    ) -> None:
        GeoR1Error.__init__(
            self,
            f"The server at {endpoint} changes the size of images: of {width_px} × {height_px} px it makes {tokens} "
            f"visual tokens instead of {expected}, so every box would be shifted.",
            hint="Give it the limits of this model (docs/remote.md has the setting of each server), "
            "or set min_pixels and max_pixels in remote.json to its own.",
            endpoint=endpoint,
            width_px=width_px,
            height_px=height_px,
            tokens=tokens,
            expected=expected,
        )
