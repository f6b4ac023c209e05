"""Boxes that were found through overlapping windows become one list, as if the whole had been looked at once. Pure.

Two windows saw the same ground where they overlap. So two boxes are one object if they agree *there*: a whole box and
the piece that the neighbour's border left of it, two pieces of an object larger than the overlap, two sayings of one
object. And one window names an object once: two boxes of one window are two objects, however close they stand. Rows
of touching objects therefore stay rows.

Coordinates are floats in any frame that all windows share (pixels of a chip, of a raster, map units).
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geo_r1_backend.geo.boxes import Box, iou

Frame = tuple[float, float, float, float]
"""``(x_min, y_min, x_max, y_max)``."""

SAME_IOU = 0.3
"""Two boxes that agree so far where both windows look are one object: lower than between boxes of one window, because each is drawn anew
and pieces at a border are small. Chosen by a trembling detector over real airports (docs/experiments.md)."""
REPEATED_IOU = 0.6
"""Two boxes of one window, or of the final list, that overlap so far are one object said twice."""
INSIDE = 0.5
"""Share of a piece cut by a border that lies in another object's box, from which it is a piece of that object."""
NESTED = 0.7
"""The same for a box that is not cut: a wing is not a plane."""
BORDER_SHARE = 0.015
"""Of a window's side: a box that ends so close to the border was probably cut by it."""


@dataclass(frozen=True)
class Found:
    """One box as one window gave it."""

    box: Frame
    label: str
    window: Frame
    """What was looked at; the box lies in it."""


@dataclass(frozen=True)
class Merged:
    """One object."""

    box: Frame
    label: str
    members: tuple[int, ...]
    """Indices of the boxes that it was made of."""


def merge(found: Sequence[Found], whole: Frame) -> list[Merged]:
    """One list of objects, from top to bottom and left to right; the order of ``found`` does not matter.

    Args:
        found: boxes of all windows.
        whole: outline of everything; a box that ends at it is not cut by a window.
    """
    objects = [item for part in components(found) for item in merge_component(found, part, whole)]
    return without_repeats(objects)


def components(found: Sequence[Found]) -> list[list[int]]:
    """Indices of boxes that may have to do with each other; boxes of different parts never change one another."""
    groups = _Groups(len(found))
    for a, b in _near([item.box for item in found]):
        if _related(found[a], found[b]):
            groups.join(a, b)
    return groups.lists()


def without_repeats(objects: Sequence[Merged]) -> list[Merged]:
    """The list in its order for reading, no object twice."""
    repeats: dict[int, list[int]] = defaultdict(list)
    for a, b in _near([item.box for item in objects]):
        if _repeats(objects[a], objects[b]):
            repeats[a].append(b)
            repeats[b].append(a)
    kept: set[int] = set()
    for i in sorted(range(len(objects)), key=lambda i: (-_area(objects[i].box), objects[i].box)):
        if not kept.intersection(repeats[i]):
            kept.add(i)
    return sorted((objects[i] for i in kept), key=lambda o: (o.box[1], o.box[0], o.box, o.label))


def merge_component(found: Sequence[Found], part: Sequence[int], whole: Frame) -> list[Merged]:
    """Objects of one component, see `components`."""
    part = _said_once(found, sorted(part, key=lambda i: (found[i].window, found[i].box)))
    groups = _Groups(len(part))
    windows = [{found[i].window} for i in part]
    for _, a, b in sorted(_pairs(found, part)):
        one, other = groups.root(a), groups.root(b)
        # one window, one box of an object
        if one != other and not windows[one] & windows[other]:
            windows[groups.join(one, other)] = windows[one] | windows[other]
    objects = [_object(found, [part[k] for k in members], whole) for members in groups.lists()]
    return _without_pieces(found, objects)


def _pairs(
    found: Sequence[Found], part: Sequence[int]
) -> Iterator[tuple[tuple[float, float], int, int]]:
    """Pairs of boxes of one object: what agrees best comes first, of equals what agrees on the most ground."""
    for a, i in enumerate(part):
        for b, j in enumerate(part[:a]):
            if found[i].window == found[j].window:
                continue
            agreed = agreement(found[i], found[j])
            if agreed >= SAME_IOU:
                yield (-round(agreed, 2), -_area(_clipped(found[i].box, found[j].box))), a, b


def agreement(a: Found, b: Found) -> float:
    """IoU of two boxes where both windows look."""
    shared = _clipped(a.window, b.window)
    return iou(_clipped(a.box, shared), _clipped(b.box, shared))


class GrowingMerge:
    """The same merge while windows are still being looked at: says each object once nothing to come can change it.

    Args:
        whole: outline of everything.
        windows: all that will be looked at, in any order.
    """

    def __init__(self, whole: Frame, windows: Sequence[Frame]) -> None:
        self._whole = whole
        self._to_come = list(windows)
        self._open: list[Found] = []
        self._settled: list[Merged] = []

    def add(self, window: Frame, boxes: Sequence[tuple[str, Frame]]) -> list[Merged]:
        """Take what a window gave; the objects that are final now.

        Raises:
            ValueError: if the window was not announced, or was added before.
        """
        self._to_come.remove(window)
        self._open += [Found(box, label, window) for label, box in boxes]
        final: list[Merged] = []
        left: list[Found] = []
        for part in components(self._open):
            if any(self._may_change(self._open[i].box) for i in part):
                left += [self._open[i] for i in part]
            else:
                final += merge_component(self._open, part, self._whole)
        self._open = left
        known = {(o.box, o.label) for o in self._settled}
        fresh = [
            o for o in without_repeats([*self._settled, *final]) if (o.box, o.label) not in known
        ]
        said = [o for o in fresh if not any(_repeats(o, s) for s in self._settled)]
        self._settled += said
        return said

    def _may_change(self, box: Frame) -> bool:
        return any(_area(_clipped(box, window)) > 0 for window in self._to_come)


def _repeats(one: Merged, other: Merged) -> bool:
    return one.label == other.label and iou(one.box, other.box) >= REPEATED_IOU


@dataclass(frozen=True)
class _Object:
    merged: Merged
    is_piece: bool
    """At least one side is a window's border in every box that it was made of."""
    finest: float
    """Area of the smallest window that gave a box."""


def _object(found: Sequence[Found], members: list[int], whole: Frame) -> _Object:
    """Sides from the boxes that are not cut there, those of the smallest windows first; whole boxes before pieces."""
    members = sorted(members, key=lambda i: (_area(found[i].window), found[i].window, found[i].box))
    finest = _area(found[members[0]].window) * 1.01
    complete = [
        i
        for i in members
        if _area(found[i].window) <= finest
        and not any(_is_cut(found[i], side, whole) for side in range(4))
    ]
    sides: list[float] = []
    is_piece = False
    for side in range(4):
        seen = complete or [i for i in members if not _is_cut(found[i], side, whole)]
        if seen:
            limit = _area(found[seen[0]].window) * 1.01
            values = [found[i].box[side] for i in seen if _area(found[i].window) <= limit]
            sides.append(statistics.median(values))
        else:
            is_piece = True
            values = [found[i].box[side] for i in members]
            sides.append(min(values) if side < 2 else max(values))
    box = (sides[0], sides[1], sides[2], sides[3])
    if box[0] >= box[2] or box[1] >= box[3]:  # boxes that contradict each other: the best seen one
        box = found[members[0]].box
    label = found[members[0]].label
    return _Object(
        Merged(box, label, tuple(sorted(members))), is_piece, _area(found[members[0]].window)
    )


def _without_pieces(found: Sequence[Found], objects: list[_Object]) -> list[Merged]:
    """What is only a piece of another object gives way to it."""
    ranked = sorted(
        objects, key=lambda o: (o.is_piece, o.finest, -_area(o.merged.box), o.merged.box)
    )
    kept: list[_Object] = []
    for item in ranked:
        windows = {found[i].window for i in item.merged.members}
        limit = INSIDE if item.is_piece else NESTED
        if not any(
            _inside(item.merged.box, other.merged.box) >= limit
            and not windows & {found[i].window for i in other.merged.members}
            for other in kept
        ):
            kept.append(item)
    return [item.merged for item in kept]


def _said_once(found: Sequence[Found], part: list[int]) -> list[int]:
    """One window that says an object twice has said it once: the larger box holds."""
    kept: list[int] = []
    for i in sorted(part, key=lambda i: (-_area(found[i].box), found[i].box)):
        if not any(
            found[k].window == found[i].window and iou(found[k].box, found[i].box) >= REPEATED_IOU
            for k in kept
        ):
            kept.append(i)
    return sorted(kept, key=lambda i: (found[i].window, found[i].box))


def _related(a: Found, b: Found) -> bool:
    if a.label != b.label:
        return False
    if a.window == b.window:
        return iou(a.box, b.box) >= REPEATED_IOU
    return agreement(a, b) >= SAME_IOU or _inside(a.box, b.box) >= INSIDE


def _is_cut(item: Found, side: int, whole: Frame) -> bool:
    """Whether a side of the box lies at a border of its window that is not the border of everything."""
    length = item.window[2] - item.window[0] if side % 2 == 0 else item.window[3] - item.window[1]
    near = length * BORDER_SHARE
    return (
        abs(item.box[side] - item.window[side]) <= near
        and abs(item.window[side] - whole[side]) > length * 1e-6
    )


def _inside(a: Box, b: Box) -> float:
    """Shared area as a share of the smaller of two boxes."""
    shared = _area(_clipped(a, b))
    least = min(_area(a), _area(b))
    return shared / least if least > 0 else 0.0


def _clipped(a: Box, b: Box) -> Frame:
    """What two boxes share; sides in reverse where that is nothing."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


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

    def lists(self) -> list[list[int]]:
        members: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self._parent)):
            members[self.root(index)].append(index)
        return [members[root] for root in sorted(members)]


def _near(boxes: Sequence[Frame]) -> Iterator[tuple[int, int]]:
    """Pairs of boxes that overlap, each once: by a grid, for a raster may have a hundred thousand of them."""
    if not boxes:
        return
    sides = [max(box[2] - box[0], box[3] - box[1]) for box in boxes]
    cell = max(2 * sum(sides) / len(sides), 1e-9)
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        covered = [
            (x, y)
            for x in range(math.floor(box[0] / cell), math.floor(box[2] / cell) + 1)
            for y in range(math.floor(box[1] / cell), math.floor(box[3] / cell) + 1)
        ]
        others = {other for place in covered for other in cells.get(place, ())}
        for other in sorted(others):
            if _area(_clipped(box, boxes[other])) > 0:
                yield index, other
        for place in covered:
            cells[place].append(index)
