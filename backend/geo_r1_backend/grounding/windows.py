"""Where the overlapping windows lie through which a picture too large for the model is looked at. Pure arithmetic.

The law (tests): whatever is not larger than the overlap lies whole in at least one window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WINDOW_SHARE = 1.0
"""Side of a window as a share of what the model sees; half of it shows everything twice as large. Chosen by the figures of
docs/experiments.md (planes of held-out airports): smaller windows found more, and more that is none."""
OVERLAP_SHARE = 0.2
"""Of a window's side."""
SHRUNK_FROM = 1.2
"""A picture is looked at through windows if the model would see it shrunk by more than this factor."""
MAX_WINDOWS = 64
"""A larger picture is cut into larger windows: minutes of waiting are not what was asked for."""


@dataclass(frozen=True)
class Window:
    """A part of a picture, in its pixels."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """``(x_min, y_min, x_max, y_max)``, half-open."""
        return (
            float(self.left_px),
            float(self.top_px),
            float(self.left_px + self.width_px),
            float(self.top_px + self.height_px),
        )


def plan_windows(
    width_px: int, height_px: int, *, window_px: int, overlap_px: int
) -> tuple[Window, ...]:
    """Windows that cover a picture, row by row, spread evenly, all of one size.

    Args:
        width_px: of the picture.
        height_px: the same.
        window_px: side of a window; a picture that is smaller in one direction has windows as small as itself there.
        overlap_px: least that neighbours share; what is not larger lies whole in some window.

    Raises:
        ValueError: if a size is not positive or the overlap leaves nothing to move on by.
    """
    if min(width_px, height_px) < 1:
        raise ValueError(f"a picture of {width_px} x {height_px} px has no windows")
    if not 0 <= overlap_px < window_px:
        raise ValueError(
            f"the overlap ({overlap_px} px) is not less than the window ({window_px} px)"
        )
    return tuple(
        Window(left, top, min(window_px, width_px), min(window_px, height_px))
        for top in _starts(height_px, window_px, overlap_px)
        for left in _starts(width_px, window_px, overlap_px)
    )


def plan_for_model(
    width_px: int,
    height_px: int,
    model_px: int,
    *,
    window_px: int | None = None,
    overlap_px: int | None = None,
) -> tuple[Window, ...]:
    """Windows for a model that sees ``model_px`` on a side without shrinking; at most `MAX_WINDOWS`.

    Args:
        width_px: of the picture.
        height_px: the same.
        model_px: what the model sees.
        window_px: side of a window, to try another than the usual one.
        overlap_px: the same of the overlap.
    """
    side = window_px or max(1, round(model_px * WINDOW_SHARE))
    share = OVERLAP_SHARE if overlap_px is None else overlap_px / side
    while True:
        shared = min(round(side * share), side - 1)
        found = plan_windows(width_px, height_px, window_px=side, overlap_px=shared)
        if len(found) <= MAX_WINDOWS:
            return found
        side = math.ceil(side * 1.1)


def _starts(size_px: int, window_px: int, overlap_px: int) -> list[int]:
    """Where windows begin in one direction; neighbours begin at most ``window_px - overlap_px`` apart."""
    if size_px <= window_px:
        return [0]
    count = math.ceil((size_px - overlap_px) / (window_px - overlap_px))
    return [index * (size_px - window_px) // (count - 1) for index in range(count)]
