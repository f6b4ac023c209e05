"""Objects of a whole scene in flat memory: merged row by row, said once nothing to come can change them.

Tiles come from top to bottom (`core/tiling.py`). A part of the boxes that ends above every tile to come is final: its
objects are said and forgotten. What waits is what the present rows touch, however high the scene is.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .seams import Box, Found, Merged, components, merge_component, repeats, without_repeats
from .tiling import Tile, TilePlan

LEAST_SHARE = 0.8
"""Of the smallest size of a coarser level's objects: what is drawn a little small is still its own."""


class Sweep:
    """Takes the boxes of each tile and says objects when they are final.

    Args:
        plan: the tiles, which are added in its order (some may be left out).
    """

    def __init__(self, plan: TilePlan) -> None:
        self._plan = plan
        self._whole: Box = (0.0, 0.0, float(plan.width_px), float(plan.height_px))
        self._open: List[Found] = []
        self._recent: List[Merged] = []
        """Said, and still reaching to where something open begins: it must not be said again."""

    @property
    def open_count(self) -> int:
        """How many boxes wait; what memory is used for."""
        return len(self._open) + len(self._recent)

    def add(self, tile: Tile, boxes: Sequence[Tuple[str, Box, object]]) -> None:
        """Take what a tile was answered with.

        Args:
            tile: of the plan.
            boxes: label, box and polygons (or nothing) each, in pixels of the tile.
        """
        left, top, right, bottom = (float(side) for side in tile.window)
        least = LEAST_SHARE * self._plan.smallest_px(tile.level)
        across, down = tile.scale
        for label, box, polygons in boxes:
            x_min, y_min = tile.to_scene(box[0], box[1])
            x_max, y_max = tile.to_scene(box[2], box[3])
            inside = (max(x_min, left), max(y_min, top), min(x_max, right), min(y_max, bottom))
            size = max(inside[2] - inside[0], inside[3] - inside[1])
            if min(inside[2] - inside[0], inside[3] - inside[1]) <= 0 or size < least:
                continue  # nothing, or what the finer level sees whole and better
            scene = [
                [[[left + p[0] * across, top + p[1] * down] for p in ring] for ring in rings]
                for rings in polygons or ()  # type: ignore[attr-defined]
            ]
            self._open.append(Found(inside, label, (left, top, right, bottom), scene))

    def settle(self, next_top: float) -> List[Merged]:
        """The objects that are final because no tile to come begins above `next_top`, top to bottom."""
        final: List[Merged] = []
        still_open: List[Found] = []
        for part in components(self._open):
            if any(item.box[3] > next_top for item in part):
                still_open += part
            else:
                final += merge_component(part, self._whole)
        self._open = still_open
        said = [
            item
            for item in without_repeats(final)
            if not any(repeats(item, earlier) for earlier in self._recent)
        ]
        top = min([next_top, *(item.box[1] for item in still_open)])
        self._recent = [item for item in (*self._recent, *said) if item.box[3] > top]
        return said

    def finish(self) -> List[Merged]:
        """The rest; nothing comes any more."""
        return self.settle(float("inf"))
