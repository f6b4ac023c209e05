"""One picture as it is sent, with the frame that says where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core.frame import Frame
from ..core.records import ChipSource


@dataclass(frozen=True)
class Chip:
    """Encoded pixels and everything that must be known to put an answer back on the map."""

    image_bytes: bytes = field(repr=False)
    sha256: str
    frame: Frame
    source: ChipSource = field(default_factory=ChipSource)
    empty_share: float = 0.0
    """Part of the picture that the raster does not cover or where it has no data, 0 .. 1; filled with grey."""
    warning: str = ""
    """One sentence on what the user should know about this picture; empty = nothing."""
    media_type: str = "image/png"
