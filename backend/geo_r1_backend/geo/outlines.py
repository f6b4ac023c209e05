"""A mask of pixels → polygons with holes, in pixels: exact rings first, then as few points as a pixel's accuracy needs.

Pure numpy and standard library. The rings of a mask are exact and valid by construction (edges of pixels, half-open: one
pixel is a unit square). Every later step moves one corner over a triangle that holds no other corner, so that no ring can
ever cross itself or another one: `thinning.py`. Parts that touch at a corner of a pixel are parts of their own; holes touch
their polygon, or each other, at single points at most. So every outline is valid as the OGC means it.

All coordinates are multiples of half a pixel (of a coarser pixel, for a mask that was made coarser).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_r1_backend.geo.thinning import Point, thin

Mask = NDArray[np.bool_]
Polygon = list[list[list[float]]]
"""Rings of ``[x, y]``; the first is the outline, the others are holes. Closed: first point = last."""

SPECK_PX = 6.0
SPECK_SHARE = 0.005
"""Parts and holes below so many pixels, or such a share of the mask, are dropped; the largest part never is."""
TOLERANCE_PX = 0.75
FINE_TOLERANCE = 0.06
"""Small and thin objects are followed more closely: this times area through perimeter, so that at most about 3 % is cut off."""
SMALLEST_TOLERANCE_PX = 0.4
MAX_CORNERS = 10_000
"""Of the exact rings. A mask with more (noise, over a large picture) is looked at in coarser pixels."""


@dataclass(frozen=True)
class _Ring:
    """A simple ring of a mask: corners at the edges of pixels."""

    points: NDArray[np.int64]
    """``(n, 2)``, not closed."""
    pinched: NDArray[np.bool_]
    """Which points are shared with another ring."""
    area: float
    """Above 0 for an outline, below for a hole."""


def outlines(mask: Mask) -> list[Polygon]:
    """Polygons of a mask ``(height, width)``, largest first; none for an empty one.

    Outlines run down their left side (anticlockwise on a map whose north is up), holes the other way.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    scale = 1
    while (corners := _Corners(part)).count > MAX_CORNERS:
        part, scale = _coarser(part), scale * 2
    return [
        [_closed([(x * scale + left, y * scale + top) for x, y in ring]) for ring in polygon]
        for polygon in _polygons(corners.rings())
    ]


def area_px(polygons: Sequence[Polygon]) -> float:
    """Area of polygons in square pixels, holes taken off."""
    return sum(
        abs(_signed_area(np.array(ring))) * (1 if index == 0 else -1)
        for polygon in polygons
        for index, ring in enumerate(polygon)
    )


class _Corners:
    """All corners of the boundary between a mask and what surrounds it, each with its two neighbours."""

    def __init__(self, mask: Mask) -> None:
        self.mask = np.pad(mask, 1)
        upper_left, upper_right = self.mask[:-1, :-1], self.mask[:-1, 1:]
        lower_left, lower_right = self.mask[1:, :-1], self.mask[1:, 1:]
        # a corner has a horizontal and a vertical edge; where four pixels meet like a chessboard it has two of each
        up, down = upper_left != upper_right, lower_left != lower_right
        at_left, at_right = upper_left != lower_left, upper_right != lower_right
        single = (up != down) & (at_left != at_right)
        chess = up & down & at_left & at_right
        ys, xs = single.nonzero()
        chess_ys, chess_xs = chess.nonzero()
        falling = upper_left[chess]  # the mask's own pixels lie upper left and lower right
        self.count = len(xs) + 2 * len(chess_xs)
        self.xs = np.concatenate((xs, chess_xs, chess_xs))
        self.ys = np.concatenate((ys, chess_ys, chess_ys))
        self.goes_right = np.concatenate((at_right[single], ~falling, falling))
        self.goes_down = np.concatenate(
            (down[single], np.zeros(len(chess_xs), bool), np.ones(len(chess_xs), bool))
        )
        self.is_chess = np.arange(self.count) >= len(xs)

    def rings(self) -> list[_Ring]:
        """Simple rings, the mask always on their left."""
        following = self._following()
        xs, ys, chess = self.xs.tolist(), self.ys.tolist(), self.is_chess.tolist()
        is_left = [True] * self.count
        rings: list[_Ring] = []
        for start in range(self.count):
            path: list[int] = []
            seen: dict[tuple[int, int], int] = {}
            at = start
            while is_left[at]:
                is_left[at] = False
                if chess[at]:
                    place = (xs[at], ys[at])
                    if (
                        place in seen
                    ):  # the ring touches itself: what lies between is a ring of its own
                        rings.append(self._ring(path[seen[place] :]))
                        for gone in path[seen[place] + 1 :]:
                            seen.pop((xs[gone], ys[gone]), None)
                        del path[seen[place] :]
                    seen[place] = len(path)
                path.append(at)
                at = following[at]
            if path:
                rings.append(self._ring(path))
        return rings

    def _following(self) -> list[int]:
        """The next corner of each, such that the mask lies to the left of the way."""
        order = np.lexsort((self.goes_right, self.xs, self.ys))
        beside = np.empty(self.count, np.int64)
        beside[order[0::2]], beside[order[1::2]] = order[1::2], order[0::2]
        order = np.lexsort((self.goes_down, self.ys, self.xs))
        above = np.empty(self.count, np.int64)
        above[order[0::2]], above[order[1::2]] = order[1::2], order[0::2]
        # to the right with the mask above, to the left with the mask below (the mask is padded by one)
        column = self.xs + self.goes_right
        is_mask_above = self.mask[self.ys, column]
        leaves_sideways = is_mask_above == self.goes_right
        following: list[int] = np.where(leaves_sideways, beside, above).tolist()
        return following

    def _ring(self, path: list[int]) -> _Ring:
        points = np.stack((self.xs[path], self.ys[path]), axis=1)
        return _Ring(points, self.is_chess[path], -_signed_area(points))


def _polygons(rings: list[_Ring]) -> list[list[list[Point]]]:
    """Outlines with their holes, without specks, thinned; largest first."""
    shells = sorted((ring for ring in rings if ring.area > 0), key=lambda ring: -ring.area)
    whole = sum(ring.area for ring in rings)
    smallest = min(max(SPECK_PX, SPECK_SHARE * whole), shells[0].area)
    # a hole is smaller than its outline: none loses its outline here
    shells = [ring for ring in shells if ring.area >= smallest]
    groups = [[shell] for shell in shells]
    for hole in (ring for ring in rings if -ring.area >= smallest):
        around = [i for i, shell in enumerate(shells) if _holds(shell, hole)]
        groups[around[-1]].append(hole)  # the smallest one around it
    kept = [ring for group in groups for ring in group]
    width = sum(ring.area for ring in kept) / sum(_length(ring.points) for ring in kept)
    tolerance = min(max(FINE_TOLERANCE * width, SMALLEST_TOLERANCE_PX), TOLERANCE_PX)
    thinned = iter(
        thin(
            [ring.points.tolist() for ring in kept],
            [ring.pinched.tolist() for ring in kept],
            tolerance,
        )
    )
    return [[next(thinned) for _ in group] for group in groups]


def _holds(shell: _Ring, hole: _Ring) -> bool:
    """Whether the pixel of the mask beside a hole's first edge lies inside an outline."""
    (x0, y0), (x1, y1) = hole.points[0].tolist(), hole.points[1].tolist()
    # half a pixel along the edge, half a pixel to its left (y points down)
    along_x, along_y = int(np.sign(x1 - x0)), int(np.sign(y1 - y0))
    x, y = x0 + 0.5 * along_x + 0.5 * along_y, y0 + 0.5 * along_y - 0.5 * along_x
    ends = shell.points
    begins = np.roll(ends, 1, axis=0)
    # edges are horizontal or vertical, and y is never a corner's
    crosses = (begins[:, 1] > y) != (ends[:, 1] > y)
    return bool((crosses & (begins[:, 0] > x)).sum() % 2)


def _coarser(mask: Mask) -> Mask:
    """Half as many pixels each way: set where at least half of the four are."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, height % 2), (0, width % 2))).astype(np.uint8)
    four = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).sum(axis=(1, 3))
    coarse: Mask = four >= 2
    return coarse if coarse.any() else four > 0


def _signed_area(points: NDArray[Any]) -> float:
    """Shoelace; below 0 for a ring that has its inside on the left (y points down)."""
    following = np.roll(points, -1, axis=0)
    twice = (points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum()
    return float(twice) / 2


def _length(points: NDArray[np.int64]) -> int:
    """Along the edges of the pixels."""
    return int(np.abs(np.roll(points, -1, axis=0) - points).sum())


def _closed(points: list[Point]) -> list[list[float]]:
    ring = [[float(x), float(y)] for x, y in points]
    return [*ring, list(ring[0])]
