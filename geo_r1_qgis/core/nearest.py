"""Which outline is nearest to another, among very many: a packed tree of rectangles, searched best first. Flat memory, no dependency."""

from __future__ import annotations

import heapq
import math
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .plane import Bounds, Point, bounds_of, contains, distance, gap

FAN_OUT = 12
"""Children of a node."""


class _Node(NamedTuple):
    bounds: Bounds
    children: Tuple[int, ...]
    """Numbers of nodes, or of outlines in a leaf."""
    is_leaf: bool


class Outlines:
    """A fixed set of rings that can be asked for the nearest one, and for those around a point."""

    def __init__(self, rings: Sequence[Sequence[Point]]) -> None:
        """Pack the tree: sort-tile-recursive (Leutenegger, Edgington, Lopez 1997)."""
        self._rings = rings
        self._bounds = [bounds_of(ring) for ring in rings]
        self._nodes: List[_Node] = []
        level = self._packed(list(range(len(rings))), self._bounds, is_leaf=True)
        while len(level) > 1:
            bounds = [node.bounds for node in self._nodes]
            level = self._packed(level, bounds, is_leaf=False)
        self._root = level[0] if level else None

    def nearest(
        self, ring: Sequence[Point], skip: Callable[[int], bool] = lambda index: False
    ) -> Optional[Tuple[int, float]]:
        """(number, distance) of the nearest outline that is not skipped; the lower number of two at one distance."""
        if self._root is None:
            return None
        bounds = bounds_of(ring)
        best: Optional[Tuple[float, int]] = None
        waiting: List[Tuple[float, int, bool]] = [(0.0, self._root, False)]
        while waiting:
            least, number, is_outline = heapq.heappop(waiting)
            if best is not None and least > best[0]:
                break
            if is_outline:
                exact = (distance(ring, self._rings[number]), number)
                best = exact if best is None else min(best, exact)
                continue
            node = self._nodes[number]
            for child in node.children:
                if node.is_leaf and skip(child):
                    continue
                at = self._bounds[child] if node.is_leaf else self._nodes[child].bounds
                away = gap(bounds, at)
                if best is None or away <= best[0]:
                    heapq.heappush(waiting, (away, child, node.is_leaf))
        return (best[1], best[0]) if best is not None else None

    def around(self, point: Point) -> Iterator[int]:
        """Numbers of the outlines that a point lies in."""
        waiting = [] if self._root is None else [self._root]
        while waiting:
            node = self._nodes[waiting.pop()]
            if not _holds(node.bounds, point):
                continue
            if not node.is_leaf:
                waiting += node.children
                continue
            for child in node.children:
                if _holds(self._bounds[child], point) and contains(self._rings[child], point):
                    yield child

    def _packed(self, numbers: List[int], bounds: Sequence[Bounds], *, is_leaf: bool) -> List[int]:
        """Nodes over `numbers`: slices by x, runs by y within a slice."""
        made: List[int] = []
        slices = math.ceil(math.sqrt(math.ceil(len(numbers) / FAN_OUT)))
        per_slice = slices * FAN_OUT
        numbers = sorted(numbers, key=lambda n: bounds[n][0] + bounds[n][2])
        for start in range(0, len(numbers), max(1, per_slice)):
            column = numbers[start : start + per_slice]
            column.sort(key=lambda n: bounds[n][1] + bounds[n][3])
            for first in range(0, len(column), FAN_OUT):
                children = tuple(column[first : first + FAN_OUT])
                boxes = [bounds[child] for child in children]
                around = (
                    min(box[0] for box in boxes),
                    min(box[1] for box in boxes),
                    max(box[2] for box in boxes),
                    max(box[3] for box in boxes),
                )
                self._nodes.append(_Node(around, children, is_leaf))
                made.append(len(self._nodes) - 1)
        return made


def _holds(bounds: Bounds, point: Point) -> bool:
    return bounds[0] <= point[0] <= bounds[2] and bounds[1] <= point[1] <= bounds[3]
