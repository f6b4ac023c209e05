"""Whether an endpoint sees images at the size at which they are sent: measured by the tokens that it counts.

Every server has the model's image processor or one of its own, with its own limits of size; where it makes an image smaller, all
boxes are in pixels of that smaller image, and nothing says so. But servers count the tokens of a prompt, and an image has one for
each cell of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from geo_r1_backend.engines.base import EngineItem, ModelProfile

TOKENS_AROUND = 2
"""Of every image: its beginning and its end."""
TRIES = 3
WORDS = "."
"""Asked with each image and without one."""
SMALLEST_CELLS = 4

Count = Callable[["EngineItem | None"], "int | None"]
"""Tokens of a prompt with an image, or of the same words alone; None = the server does not count."""


@dataclass(frozen=True)
class SeenViews:
    """What was found."""

    profile: ModelProfile
    """With limits inside of which the endpoint changes nothing."""
    note: str
    wrong: tuple[int, int, int, int] | None = None
    """(width, height, tokens, expected) of a view that it changes and that the model needs."""


def seen_views(profile: ModelProfile, count: Count) -> SeenViews:
    """Ask about a small and a large image how many tokens they are; smaller limits where the endpoint has such."""
    if profile.convention == "per_mille":
        return SeenViews(profile, "coordinates are shares of the image, whatever its size")
    alone = count(None)
    small = (
        profile.view_sizes_px[0] if profile.view_sizes_px else _view(profile, profile.min_pixels)
    )
    if alone is None or (first := _tokens(profile, count, small, alone)) is None or first <= 0:
        return SeenViews(profile, "the server does not count the tokens of images; not checked")
    if profile.view_sizes_px:
        for view in sorted(set(profile.view_sizes_px)):
            seen = _tokens(profile, count, view, alone) if view != small else first
            expected = _cells(profile, view)
            if seen != expected:
                return SeenViews(profile, "", (*view, seen or 0, expected))
        return SeenViews(profile, "images are seen at the size at which they are sent")
    smallest = profile.min_pixels
    if first > _cells(profile, small):
        smallest = first * profile.grid_px**2
    profile = replace(profile, min_pixels=smallest)
    for _ in range(TRIES):
        view = _view(profile, profile.max_pixels)
        seen, expected = _tokens(profile, count, view, alone), _cells(profile, view)
        if seen == expected:
            cells = profile.max_pixels // profile.grid_px**2
            return SeenViews(profile, f"images of up to {cells} cells are seen as they are sent")
        if seen is None or not SMALLEST_CELLS <= seen < expected:
            break
        profile = replace(profile, max_pixels=seen * profile.grid_px**2)
    return SeenViews(profile, "", (*view, seen or 0, expected))


def _tokens(profile: ModelProfile, count: Count, view: tuple[int, int], alone: int) -> int | None:
    image = Image.new("RGB", view, (90, 110, 90))
    total = count(EngineItem(image, WORDS))
    return None if total is None else total - alone - TOKENS_AROUND


def _cells(profile: ModelProfile, view: tuple[int, int]) -> int:
    return (view[0] // profile.grid_px) * (view[1] // profile.grid_px)


def _view(profile: ModelProfile, area_px: int) -> tuple[int, int]:
    """Width and height of an image of at most this area (at least one of the smallest), as square as cells allow."""
    cells = max(SMALLEST_CELLS, area_px // profile.grid_px**2)
    root = math.isqrt(cells)
    for rows in range(root, max(1, root // 2), -1):
        if cells % rows == 0:
            return cells // rows * profile.grid_px, rows * profile.grid_px
    return root * profile.grid_px, root * profile.grid_px
