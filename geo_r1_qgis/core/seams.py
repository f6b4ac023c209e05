"""Boxes that were found through overlapping tiles become one list of objects, as if the whole had been looked at once.

The rules are those of the service (`grounding/merge.py`), where they were measured: two tiles saw the same ground where
they overlap, so two boxes are one object if they agree *there*: a whole box and the piece that the neighbour's border
left of it, two pieces of an object larger than the overlap, two sayings of one object. And one tile names an object
once: two boxes of one tile are two objects, however close they stand. `core/sweep.py` applies them in flat memory.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Sequence, Set, Tuple

Box = Tuple[float, float, float, float]
"""``(x_min, y_min, x_max, y_max)`` in pixels of the scene."""

SAME_IOU = 0.3
"""Two boxes that agree so far where both tiles look are one object."""
REPEATED_IOU = 0.6
"""Two boxes of one tile, or of the final list, that overlap so far are one object said twice."""
INSIDE = 0.5
"""Share of a piece cut by a border that lies in another object's box, from which it is a piece of that object."""
NESTED = 0.7
"""The same for a box that is not cut: a wing is not a plane."""
BORDER_SHARE = 0.015
"""Of a tile's side: a box that ends so close to the border was probably cut by it."""

Polygons = Sequence[Sequence[Sequence[Sequence[float]]]]


@dataclass(frozen=True)
class Found:
    """One box as one tile gave it."""

    box: Box
    label: str
    window: Box
    """What was looked at; the box lies in it."""
    polygons: Polygons = field(default=(), compare=False)
    """Outline of a mask in pixels of the scene (polygon, ring, point); empty = a box."""


@dataclass(frozen=True)
class Merged:
    """One object."""

    box: Box
    label: str
    members: Tuple[Found, ...]
    """The boxes that it was made of, those of the smallest tiles first."""
    best: Tuple[Found, ...] = ()
    """Of those, the ones that show all of it; all of them where none does."""
    is_piece: bool = False
    """At least one side is a tile's border in every box that it was made of."""


def merge(found: Sequence[Found], whole: Box) -> List[Merged]:
    """One list of objects, from top to bottom and left to right; the order of ``found`` does not matter.

    Args:
        found: boxes of all tiles.
        whole: outline of the scene; a box that ends at it is not cut by a tile.
    """
    objects = [item for part in components(found) for item in merge_component(part, whole)]
    return without_repeats(objects)


def components(found: Sequence[Found]) -> List[List[Found]]:
    """Boxes that may have to do with each other; boxes of different parts never change one another."""
    groups = _Groups(len(found))
    for a, b in near([item.box for item in found]):
        if _related(found[a], found[b]):
            groups.join(a, b)
    return [[found[index] for index in members] for members in groups.lists()]


def without_repeats(objects: Sequence[Merged]) -> List[Merged]:
    """The list in its order for reading, no object twice."""
    others: Dict[int, List[int]] = defaultdict(list)
    for a, b in near([item.box for item in objects]):
        if repeats(objects[a], objects[b]):
            others[a].append(b)
            others[b].append(a)
    kept: Set[int] = set()
    for i in sorted(range(len(objects)), key=lambda i: (-area(objects[i].box), objects[i].box)):
        if not kept.intersection(others[i]):
            kept.add(i)
    return sorted((objects[i] for i in kept), key=lambda o: (o.box[1], o.box[0], o.box, o.label))


def repeats(one: Merged, other: Merged) -> bool:
    """Whether two objects of a list are one."""
    return one.label == other.label and iou(one.box, other.box) >= REPEATED_IOU


def merge_component(part: Sequence[Found], whole: Box) -> List[Merged]:
    """Objects of one component, see `components`."""
    part = _said_once(sorted(part, key=lambda item: (item.window, item.box)))
    groups = _Groups(len(part))
    windows = [{item.window} for item in part]
    for _, a, b in sorted(_pairs(part)):
        one, other = groups.root(a), groups.root(b)
        # one tile, one box of an object
        if one != other and not windows[one] & windows[other]:
            windows[groups.join(one, other)] = windows[one] | windows[other]
    objects = [_object([part[k] for k in members], whole) for members in groups.lists()]
    return _without_pieces(objects)


def _pairs(part: Sequence[Found]) -> Iterator[Tuple[Tuple[float, float], int, int]]:
    """Pairs of boxes of one object: what agrees best comes first, of equals what agrees on the most ground."""
    for a, one in enumerate(part):
        for b, other in enumerate(part[:a]):
            if one.window == other.window:
                continue
            agreed = _agreement(one, other)
            if agreed >= SAME_IOU:
                yield (-round(agreed, 2), -area(clipped(one.box, other.box))), a, b


def _agreement(a: Found, b: Found) -> float:
    """IoU of two boxes where both tiles look."""
    shared = clipped(a.window, b.window)
    return iou(clipped(a.box, shared), clipped(b.box, shared))


def _object(members: List[Found], whole: Box) -> Merged:
    """Sides from the boxes that are not cut there, those of the smallest tiles first; whole boxes before pieces."""
    members = sorted(members, key=lambda item: (area(item.window), item.window, item.box))
    finest = area(members[0].window) * 1.01
    complete = [
        item
        for item in members
        if area(item.window) <= finest and not any(_is_cut(item, side, whole) for side in range(4))
    ]
    sides: List[float] = []
    is_piece = False
    for side in range(4):
        seen = complete or [item for item in members if not _is_cut(item, side, whole)]
        if seen:
            limit = area(seen[0].window) * 1.01
            values = [item.box[side] for item in seen if area(item.window) <= limit]
            sides.append(statistics.median(values))
        else:
            is_piece = True
            values = [item.box[side] for item in members]
            sides.append(min(values) if side < 2 else max(values))
    box = (sides[0], sides[1], sides[2], sides[3])
    if box[0] >= box[2] or box[1] >= box[3]:  # boxes that contradict each other: the best seen one
        box = members[0].box
    return Merged(box, members[0].label, tuple(members), tuple(complete or members), is_piece)


def _without_pieces(objects: List[Merged]) -> List[Merged]:
    """What is only a piece of another object gives way to it."""
    finest = {id(item): min(area(each.window) for each in item.members) for item in objects}
    ranked = sorted(objects, key=lambda o: (o.is_piece, finest[id(o)], -area(o.box), o.box))
    kept: List[Merged] = []
    for item in ranked:
        windows = {each.window for each in item.members}
        limit = INSIDE if item.is_piece else NESTED
        if not any(
            _inside(item.box, other.box) >= limit
            and not windows & {each.window for each in other.members}
            for other in kept
        ):
            kept.append(item)
    return kept


def _said_once(part: List[Found]) -> List[Found]:
    """One tile that says an object twice has said it once: the larger box holds."""
    kept: List[Found] = []
    for item in sorted(part, key=lambda item: (-area(item.box), item.box)):
        if not any(
            other.window == item.window and iou(other.box, item.box) >= REPEATED_IOU
            for other in kept
        ):
            kept.append(item)
    return sorted(kept, key=lambda item: (item.window, item.box))


def _related(a: Found, b: Found) -> bool:
    if a.label != b.label:
        return False
    if a.window == b.window:
        return iou(a.box, b.box) >= REPEATED_IOU
    return _agreement(a, b) >= SAME_IOU or _inside(a.box, b.box) >= INSIDE


def _is_cut(item: Found, side: int, whole: Box) -> bool:
    """Whether a side of the box lies at a border of its tile that is not the border of everything."""
    length = item.window[2] - item.window[0] if side % 2 == 0 else item.window[3] - item.window[1]
    return (
        abs(item.box[side] - item.window[side]) <= length * BORDER_SHARE
        and abs(item.window[side] - whole[side]) > length * 1e-6
    )


def _inside(a: Box, b: Box) -> float:
    """Shared area as a share of the smaller of two boxes."""
    least = min(area(a), area(b))
    return area(clipped(a, b)) / least if least > 0 else 0.0


def clipped(a: Box, b: Box) -> Box:
    """What two boxes share; sides in reverse where that is nothing."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def area(box: Box) -> float:
    """Of a box; 0 where its sides are in reverse."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def iou(a: Box, b: Box) -> float:
    """Shared area of two boxes as a share of what both cover."""
    shared = area(clipped(a, b))
    both = area(a) + area(b) - shared
    return shared / both if both > 0 else 0.0


class _Groups:
    """Union-find over ``count`` things."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, a: int, b: int) -> int:
        low, high = sorted((self.root(a), self.root(b)))
        self._parent[high] = low
        return low

    def lists(self) -> List[List[int]]:
        members: Dict[int, List[int]] = defaultdict(list)
        for index in range(len(self._parent)):
            members[self.root(index)].append(index)
        return [members[root] for root in sorted(members)]


def near(boxes: Sequence[Box]) -> Iterator[Tuple[int, int]]:
    """Pairs of boxes that overlap, each once: by a grid, for a raster may have a hundred thousand of them."""
    if not boxes:
        return
    sides = sorted(max(box[2] - box[0], box[3] - box[1]) for box in boxes)
    cell = max(2 * sides[len(sides) // 2], sides[-1] / 64, 1e-9)
    cells: Dict[Tuple[int, int], List[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        covered = [
            (x, y)
            for x in range(math.floor(box[0] / cell), math.floor(box[2] / cell) + 1)
            for y in range(math.floor(box[1] / cell), math.floor(box[3] / cell) + 1)
        ]
        others = {other for place in covered for other in cells.get(place, ())}
        for other in sorted(others):
            if area(clipped(box, boxes[other])) > 0:
                yield index, other
        for place in covered:
            cells[place].append(index)
