"""How pictures are looked at in an evaluation: as the service does it, in one look, or through windows of a given size."""

from __future__ import annotations

from dataclasses import dataclass, replace

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.grounding.ground import GroundOptions
from geo_r1_backend.grounding.windows import OVERLAP_SHARE
from geo_r1_backend.wire import Detail


@dataclass(frozen=True)
class Way:
    """How pictures are looked at."""

    name: str
    detail: Detail
    window_px: int | None = None
    overlap_px: int | None = None

    def options(self, others: GroundOptions) -> GroundOptions:
        """The same options with these windows."""
        return replace(others, window_px=self.window_px, overlap_px=self.overlap_px)


AS_THE_SERVICE = Way("auto", "auto")


def read_ways(text: str, overlap_px: int | None = None) -> list[Way]:
    """Ways of looking from a list such as `view,448,300,auto`.

    Args:
        text: `auto` (as the service does it), `view` (one look), or sides of windows in pixels.
        overlap_px: of windows whose side is given; a fifth of the side when left out.

    Raises:
        ConfigError: naming the word that is none of these.
    """
    ways = []
    for word in (part.strip() for part in text.split(",")):
        if word in ("auto", "view"):
            ways.append(Way(word, "auto" if word == "auto" else "view"))
            continue
        side = int(word) if word.isdecimal() else 0
        shared = round(side * OVERLAP_SHARE) if overlap_px is None else overlap_px
        if side < 28 or not 0 <= shared < side:
            raise ConfigError(
                f"--windows: “{word}” is not a side of windows with an overlap of {shared} px.",
                hint="Give auto, view, or pixels from 28 on, more than the overlap, with commas between.",
            )
        ways.append(Way(f"{side} px, {shared}", "windows", side, shared))
    return ways
