"""Fewer points for rings that must stay valid: corners are taken out one by one, never over another corner.

Taking out ``b`` between ``a`` and ``c`` moves the line over the triangle ``abc``. If no other corner of any ring lies in
that triangle, no line can lie in it either (it would have to cross ``ab`` or ``bc``, or end there), so rings that did not
cross before do not cross after, and a hole stays in its outline. Knows no mask.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

Point = tuple[float, float]

HALF_PX = 0.5
CELL_PX = 4.0
"""Side of the squares in which corners are looked up."""
LARGE_CELLS = 4096
"""A triangle over more squares than this is not looked into: its corner stays."""


def thin(
    rings: Sequence[Sequence[Sequence[float]]],
    fixed: Sequence[Sequence[bool]],
    tolerance_px: float,
) -> list[list[Point]]:
    """Rings with fewer points, none further from the old line than ``tolerance_px``.

    Steps of one pixel (a slanting side, seen in pixels) are bevelled first, through the middles of the pixels' edges, which
    is where the true line was: that moves the line by half a pixel at most, and ``tolerance_px`` counts from there. A
    corner of two longer edges is a corner of the object and stays where it is.

    Args:
        rings: not closed, simple, touching each other at common corners only; horizontal and vertical edges.
        fixed: which corners are common to two rings; they stay.
        tolerance_px: how far the line may be from a point that was taken out.
    """
    work = _Rings()
    corners: list[int] = []
    for points, stay in zip(rings, fixed, strict=True):
        corners += work.add(points, stay)
    for corner in corners:
        if work.may_go(corner):
            work.take_out(corner, remember=False)
    # the straight line that a stair stands for goes through the middles of its steps
    work.thin(HALF_PX, work.on_treads, remember=False)
    work.thin(tolerance_px, range(len(work.at)), remember=True)
    return list(work.rings())


class _Rings:
    """Linked corners of all rings, with those that were taken out between each and its next."""

    def __init__(self) -> None:
        self.at: list[Point] = []
        self.before: list[int] = []
        self.after: list[int] = []
        self.on_treads: set[int] = set()
        """Points beside corners, on the long edges of a stair that goes on."""
        self._fixed: list[bool] = []
        self._there: list[bool] = []
        self._out: list[list[Point]] = []
        """Between a corner and the one after it."""
        self._first: list[int] = []
        self._left: dict[int, int] = {}
        """Corners that a ring still has, by its first one."""
        self._ring_of: list[int] = []
        self._cells: dict[tuple[int, int], set[int]] = defaultdict(set)

    def add(self, points: Sequence[Sequence[float]], fixed: Sequence[bool]) -> list[int]:
        """Add a ring with points half a pixel beside the corners of its steps; returns these corners."""
        count = len(points)
        begin = len(self.at)
        corners: list[int] = []
        is_of_step = [
            not fixed[i] and (_is_step(points, i) or _is_step(points, i - 1)) for i in range(count)
        ]
        for index in range(count):
            (x, y), (next_x, next_y) = points[index], points[(index + 1) % count]
            if is_of_step[index]:
                corners.append(len(self.at))
            self._append((float(x), float(y)), fixed[index], begin)
            length = abs(next_x - x) + abs(next_y - y)
            beside = [HALF_PX] * is_of_step[index]
            beside += [length - HALF_PX] * is_of_step[(index + 1) % count]
            for along in dict.fromkeys(beside):
                share = along / length
                if length > 1 and _goes_on(points, index):
                    self.on_treads.add(len(self.at))
                point = (x + (next_x - x) * share, y + (next_y - y) * share)
                self._append(point, False, begin)
        end = len(self.at)
        for number in range(begin, end):
            self.before.append(number - 1 if number > begin else end - 1)
            self.after.append(number + 1 if number < end - 1 else begin)
        self._first.append(begin)
        self._left[begin] = end - begin
        return corners

    def _append(self, point: Point, fixed: bool, ring: int) -> None:
        self._cells[_cell(point)].add(len(self.at))
        self.at.append(point)
        self._fixed.append(fixed)
        self._there.append(True)
        self._out.append([])
        self._ring_of.append(ring)

    def may_go(self, corner: int) -> bool:
        """Whether a corner can be taken out without anything crossing or meeting."""
        if not self._there[corner] or self._fixed[corner] or self._left[self._ring_of[corner]] <= 3:
            return False
        a, c = self.before[corner], self.after[corner]
        if self._fixed[a] and self._fixed[c]:  # another ring may have the same line between them
            return False
        return self._is_empty(self.at[a], self.at[corner], self.at[c])

    def take_out(self, corner: int, *, remember: bool) -> None:
        """Take a corner out; a remembered one counts whenever the line moves again."""
        a, c = self.before[corner], self.after[corner]
        self.after[a], self.before[c] = c, a
        self._out[a] += [*([self.at[corner]] if remember else []), *self._out[corner]]
        self._there[corner] = False
        self._left[self._ring_of[corner]] -= 1
        self._cells[_cell(self.at[corner])].discard(corner)

    def thin(self, tolerance_px: float, among: Collection[int], *, remember: bool) -> None:
        """Take out what is needed least first, as long as nothing is further off than the tolerance."""
        heap = [
            (off, corner)
            for corner in among
            if self._there[corner] and (off := self._off_px(corner)) <= tolerance_px
        ]
        heapq.heapify(heap)
        while heap:
            off, corner = heapq.heappop(heap)
            if not self._there[corner]:
                continue
            now = self._off_px(corner)
            if now != off:
                if now <= tolerance_px:
                    heapq.heappush(heap, (now, corner))
                continue
            if not self.may_go(corner):
                continue
            a, c = self.before[corner], self.after[corner]
            self.take_out(corner, remember=remember)
            for beside in (a, c):
                if beside in among and (off := self._off_px(beside)) <= tolerance_px:
                    heapq.heappush(heap, (off, beside))

    def rings(self) -> Iterator[list[Point]]:
        """What is left of each ring, in the order they came."""
        for first in self._first:
            start = first
            while not self._there[start]:
                start += 1
            ring, corner = [self.at[start]], self.after[start]
            while corner != start:
                ring.append(self.at[corner])
                corner = self.after[corner]
            yield ring

    def _off_px(self, corner: int) -> float:
        """How far the line would be from the furthest point of those that it left, without this corner."""
        a, c = self.before[corner], self.after[corner]
        (ax, ay), (cx, cy) = self.at[a], self.at[c]
        dx, dy = cx - ax, cy - ay
        length = dx * dx + dy * dy
        largest = 0.0
        for x, y in (self.at[corner], *self._out[a], *self._out[corner]):
            px, py = x - ax, y - ay
            share = min(1.0, max(0.0, (px * dx + py * dy) / length)) if length else 0.0
            largest = max(largest, (px - share * dx) ** 2 + (py - share * dy) ** 2)
        return float(largest**0.5)

    def _is_empty(self, a: Point, b: Point, c: Point) -> bool:
        """Whether no corner lies in a triangle or on its edge, other than those at its own three."""
        (left, top), (right, bottom) = _cell(_least(a, b, c)), _cell(_most(a, b, c))
        if (right - left + 1) * (bottom - top + 1) > LARGE_CELLS:
            return False
        for x in range(left, right + 1):
            for y in range(top, bottom + 1):
                for number in self._cells.get((x, y), ()):
                    point = self.at[number]
                    if point not in (a, b, c) and _is_inside(point, a, b, c):
                        return False
        return True


def _is_step(points: Sequence[Sequence[float]], index: int) -> bool:
    """Whether the edge from a corner is one pixel long and the line goes on beyond it as it came."""
    (x, y), (next_x, next_y) = points[index], points[(index + 1) % len(points)]
    return abs(next_x - x) + abs(next_y - y) == 1 and _goes_on(points, index)


def _goes_on(points: Sequence[Sequence[float]], index: int) -> bool:
    """Whether the edges before and after the one from a corner, which are parallel, point the same way."""
    count = len(points)
    (px, py), (x, y) = points[index - 1], points[index]
    (qx, qy), (rx, ry) = points[(index + 1) % count], points[(index + 2) % count]
    return bool((x - px) * (rx - qx) + (y - py) * (ry - qy) > 0)


def _is_inside(p: Point, a: Point, b: Point, c: Point) -> bool:
    """Whether a point is in a triangle, its edges included; coordinates are halves, so the signs are exact."""
    first, second, third = _turn(a, b, p), _turn(b, c, p), _turn(c, a, p)
    if first == second == third == 0:  # all on one line: between the ends?
        return min(a[0], b[0], c[0]) <= p[0] <= max(a[0], b[0], c[0]) and (
            min(a[1], b[1], c[1]) <= p[1] <= max(a[1], b[1], c[1])
        )
    return not (min(first, second, third) < 0 < max(first, second, third))


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _least(*points: Point) -> Point:
    return min(x for x, _ in points), min(y for _, y in points)


def _most(*points: Point) -> Point:
    return max(x for x, _ in points), max(y for _, y in points)


def _cell(point: Point) -> tuple[int, int]:
    return int(point[0] // CELL_PX), int(point[1] // CELL_PX)
