"""Where the chips of a data set lie: around each label, with surroundings, never twice at the same place of the chip.

A model that always finds the object in the middle learns the middle. Pure: bounds in units of the raster's CRS in, bounds
out; the same seed gives the same windows. The pictures are taken by `capture/training_chips.py`.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .chance import between
from .label_check import Box, Label

CONTEXT = 5.0
"""Side of a chip in sides of its object."""
MIN_SIDE_PX, MAX_SIDE_PX = 300.0, 448.0
"""In raster pixels. The service itself looks at windows of about this size, see `docs/evaluation.md`."""
LARGE_CONTEXT = 1.5
"""Of an object that would fill the largest chip."""
SCALES = (0.8, 1.3)
"""Further chips of a label are taken from nearer and from farther away."""
BORDER = 0.05
"""Of the chip's side: as near as the object may come to the chip's edge."""
MAX_CHIPS_PER_LABEL = 4
WANTED_CHIPS = 80
MIN_CORNERS = 3
VISIBLE_SHARE = 0.5
"""From here on an object that the chip cuts through is one that a good answer names."""


def chips_per_label(labels: int) -> int:
    """How many chips to take around each label that is learned from: more where there are few."""
    return max(1, min(MAX_CHIPS_PER_LABEL, WANTED_CHIPS // max(1, labels)))


def windows_around(label: Label, *, units_per_px: float, count: int, seed: int) -> List[Box]:
    """Squares around a label, each of which shows all of it.

    Args:
        label: what to look at.
        units_per_px: side of a raster pixel, in units of the raster's CRS.
        count: how many. The first is taken at the usual scale, the others nearer or farther.
        seed: of the run; every label has its own numbers.
    """
    own = ("windows", seed, label.fid, label.expression)
    left, bottom, right, top = label.box
    longest = max(right - left, top - bottom)
    usual = min(max(CONTEXT * longest, MIN_SIDE_PX * units_per_px), MAX_SIDE_PX * units_per_px)
    windows = []
    for number in range(count):
        scale = 1.0 if number == 0 else between(*SCALES, *own, number, "scale")
        side = max(usual * scale, LARGE_CONTEXT * longest)
        centre = []
        for axis, low, high in (("x", left, right), ("y", bottom, top)):
            free = max(0.0, side / 2 - (high - low) / 2 - BORDER * side)
            centre.append((low + high) / 2 + free * between(-1.0, 1.0, *own, number, axis))
        x, y = centre
        windows.append((x - side / 2, y - side / 2, x + side / 2, y + side / 2))
    return windows


def around_all(boxes: Sequence[Box]) -> Box:
    """Bounds of several bounds."""
    lefts, bottoms, rights, tops = zip(*boxes)
    return min(lefts), min(bottoms), max(rights), max(tops)


def visible_box_px(
    corners_px: Sequence[Tuple[float, float]], width_px: float, height_px: float
) -> List[float]:
    """The part of an object that a chip shows, as a box; empty if it shows too little of it.

    Args:
        corners_px: places of the outline in pixels of the chip, which may lie outside of it.
        width_px: of the chip.
        height_px: of the chip.
    """
    xs, ys = [x for x, _ in corners_px], [y for _, y in corners_px]
    whole = (max(xs) - min(xs)) * (max(ys) - min(ys))
    box = [max(0.0, min(xs)), max(0.0, min(ys)), min(width_px, max(xs)), min(height_px, max(ys))]
    if box[2] <= box[0] or box[3] <= box[1] or whole <= 0:
        return []
    seen = (box[2] - box[0]) * (box[3] - box[1])
    return [round(number, 2) for number in box] if seen >= VISIBLE_SHARE * whole else []


def visible_rings_px(
    rings: Sequence[Sequence[Tuple[float, float]]], width_px: float, height_px: float
) -> List[List[List[float]]]:
    """The part of a polygon that a chip shows, cut off at the chip's edges; empty if it shows nothing of it.

    What is cut into several pieces stays one ring that runs along the edge: the same pixels lie inside.

    Args:
        rings: closed, the outside first, in pixels of the chip; they may lie outside of it.
        width_px: of the chip.
        height_px: of the chip.
    """
    kept: List[List[List[float]]] = []
    for number, ring in enumerate(rings):
        points = [(float(x), float(y)) for x, y in ring[:-1]]
        for axis, limit, sign in ((0, 0.0, 1), (0, width_px, -1), (1, 0.0, 1), (1, height_px, -1)):
            points = _cut_off(points, axis, limit, sign)
        if len(points) >= MIN_CORNERS:
            kept.append([[x, y] for x, y in [*points, points[0]]])
        elif number == 0:
            return []
    return kept


def _cut_off(
    points: Sequence[Tuple[float, float]], axis: int, limit: float, sign: int
) -> List[Tuple[float, float]]:
    """What of a ring lies on one side of a line (Sutherland and Hodgman 1974)."""
    kept: List[Tuple[float, float]] = []
    for number, end in enumerate(points):
        start = points[number - 1]
        is_in, was_in = (sign * (point[axis] - limit) >= 0 for point in (end, start))
        if is_in != was_in:
            share = (limit - start[axis]) / (end[axis] - start[axis])
            other = start[1 - axis] + share * (end[1 - axis] - start[1 - axis])
            kept.append((limit, other) if axis == 0 else (other, limit))
        if is_in:
            kept.append(end)
    return kept
