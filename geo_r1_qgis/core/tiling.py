"""Where the overlapping tiles lie through which a scene of any size is looked at. Pure arithmetic, nothing is stored.

A scene is a rectangle of pixels. Level 0 looks at it pixel by pixel; each coarser level looks at twice the ground with
as many pixels, for what is larger than a tile. Tiles come row by row from top to bottom, the coarse ones first where
they begin at the same height: so once a row is done, nothing above the next row's top is ever looked at again, and
`core/sweep.py` can let go of it. The laws (tests): tiles cover everything, what is not larger than the overlap of its
level lies whole in one of them, and 10^12 pixels are planned in constant memory.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import Iterator, Tuple

from .errors import GeoR1Error

OVERLAP_SHARE = 0.2
"""Of a tile's side, as the windows of the service."""
UNTIL_WHOLE = 0
"""As a number of levels: as many as it takes until one tile shows the whole scene."""
MIN_TILE_PX = 28
"""One cell of the Qwen2.5-VL grid; a scene that is narrower is enlarged to this."""

Window = Tuple[int, int, int, int]
"""``(left, top, right, bottom)`` in pixels of the scene, half-open."""


class TilingError(GeoR1Error, ValueError):
    """Sizes that leave nothing to look at."""

    code = "tiling"


@dataclass(frozen=True)
class Tile:
    """One look at the scene."""

    number: int
    """In the order of the plan, from 0."""
    level: int
    """A pixel of the tile is ``2 ** level`` pixels of the scene."""
    window: Window
    width_px: int
    """Of the picture that is sent."""
    height_px: int

    @property
    def scale(self) -> Tuple[float, float]:
        """Pixels of the scene per pixel of the tile, across and down."""
        left, top, right, bottom = self.window
        return (right - left) / self.width_px, (bottom - top) / self.height_px

    def to_scene(self, x_px: float, y_px: float) -> Tuple[float, float]:
        """Place in the scene of a place in the tile."""
        across, down = self.scale
        return self.window[0] + x_px * across, self.window[1] + y_px * down


@dataclass(frozen=True)
class Row:
    """Tiles of one level side by side."""

    level: int
    top: int
    bottom: int
    number: int
    """Of its first tile."""
    columns: int


@dataclass(frozen=True)
class TilePlan:
    """All tiles of a scene, as a rule and not as a list."""

    width_px: int
    """Of the scene."""
    height_px: int
    tile_px: int
    """Side of a tile; of a scene that is smaller in one direction, its own size there."""
    overlap_px: int
    """Least that neighbours of level 0 share; twice as much on each next level."""
    levels: int = 1
    """How many resolutions, the finest first; `UNTIL_WHOLE`, or more than that takes, are as many as it takes."""

    def __post_init__(self) -> None:
        """Refuse what has no tiles."""
        if min(self.width_px, self.height_px) < 1:
            raise TilingError(f"A scene of {self.width_px} x {self.height_px} px has no tiles.")
        if self.tile_px < MIN_TILE_PX:
            raise TilingError(f"A tile of {self.tile_px} px is smaller than {MIN_TILE_PX} px.")
        if not 0 <= self.overlap_px < self.tile_px or self.levels < 0:
            raise TilingError(
                f"{self.levels} levels with an overlap of {self.overlap_px} px in tiles of {self.tile_px} px cannot be."
            )
        most = 1
        while self.tile_px << (most - 1) < max(self.width_px, self.height_px):
            most += 1
        wanted = self.levels or most
        object.__setattr__(self, "levels", min(wanted, most))

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return sum(
            self._count(self.width_px, level) * self._count(self.height_px, level)
            for level in range(self.levels)
        )

    def smallest_px(self, level: int) -> int:
        """Longest side, in pixels of the scene, from which an object is this level's: smaller ones are whole on the level below."""
        return 0 if level == 0 else self.overlap_px << (level - 1)

    def rows(self) -> Iterator[Row]:
        """Rows of all levels from top to bottom; of equal tops the coarsest first."""
        number = 0
        for top, coarse_first, bottom in heapq.merge(
            *(self._tops(level) for level in range(self.levels))
        ):
            columns = self._count(self.width_px, -coarse_first)
            yield Row(-coarse_first, top, bottom, number, columns)
            number += columns

    def tiles_of(self, row: Row) -> Iterator[Tile]:
        """The tiles of a row, from left to right."""
        for index in range(row.columns):
            yield self.tile(row, index)

    def tile(self, row: Row, index: int) -> Tile:
        """One tile of a row."""
        left, right = self._span(self.width_px, row.level, index)
        return Tile(
            number=row.number + index,
            level=row.level,
            window=(left, row.top, right, row.bottom),
            width_px=max(MIN_TILE_PX, math.ceil((right - left) / 2**row.level)),
            height_px=max(MIN_TILE_PX, math.ceil((row.bottom - row.top) / 2**row.level)),
        )

    def tiles(self) -> Iterator[Tile]:
        """All tiles in order, each made when it is asked for."""
        for row in self.rows():
            yield from self.tiles_of(row)

    def _tops(self, level: int) -> Iterator[Tuple[int, int, int]]:
        for index in range(self._count(self.height_px, level)):
            top, bottom = self._span(self.height_px, level, index)
            yield top, -level, bottom

    def _count(self, size_px: int, level: int) -> int:
        side, shared = self.tile_px << level, self.overlap_px << level
        return 1 if size_px <= side else -((shared - size_px) // (side - shared))

    def _span(self, size_px: int, level: int, index: int) -> Tuple[int, int]:
        """Begin and end of a tile in one direction: spread evenly, the first and the last at the scene's edges."""
        side, count = self.tile_px << level, self._count(size_px, level)
        if count == 1:
            return 0, size_px
        begin = index * (size_px - side) // (count - 1)
        return begin, begin + side
