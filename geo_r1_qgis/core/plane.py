"""Plane geometry of outlines: distances, sides, the smallest rectangle. One ring per object, closed or not; units are the caller's."""

from __future__ import annotations

import math
from typing import Iterator, List, Sequence, Tuple

Point = Tuple[float, float]
Bounds = Tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max)."""


def ring_of(outline: Sequence[Point]) -> List[Point]:
    """The corners, each once: without the closing point and without repeated neighbours."""
    ring: List[Point] = []
    for x, y in outline:
        if not ring or (x, y) != ring[-1]:
            ring.append((float(x), float(y)))
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    return ring


def bounds_of(ring: Sequence[Point]) -> Bounds:
    """The upright rectangle around a ring."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def signed_area(ring: Sequence[Point]) -> float:
    """Area inside; positive counter-clockwise."""
    x0, y0 = ring[0]  # relative: map coordinates are large, objects are small
    doubled = math.fsum(
        (ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in _edges(ring)
    )
    return doubled / 2


def perimeter(ring: Sequence[Point]) -> float:
    """Length of the outline."""
    return math.fsum(math.dist(a, b) for a, b in _edges(ring))


def centroid(ring: Sequence[Point]) -> Point:
    """Centre of gravity of the area; of the corners where there is no area."""
    x0, y0 = ring[0]
    area = signed_area(ring)
    x_min, y_min, x_max, y_max = bounds_of(ring)
    if abs(area) <= 1e-12 * (x_max - x_min + y_max - y_min) ** 2:
        count = len(ring)
        return math.fsum(x for x, _ in ring) / count, math.fsum(y for _, y in ring) / count
    moments = [0.0, 0.0]
    for (ax, ay), (bx, by) in _edges([(x - x0, y - y0) for x, y in ring]):
        cross = ax * by - bx * ay
        moments[0] += (ax + bx) * cross
        moments[1] += (ay + by) * cross
    return x0 + moments[0] / (6 * area), y0 + moments[1] / (6 * area)


def reach(ring: Sequence[Point], axis: Point) -> Tuple[float, float]:
    """(least, greatest) position along a direction of unit length."""
    along = [x * axis[0] + y * axis[1] for x, y in ring]
    return min(along), max(along)


def contains(ring: Sequence[Point], point: Point) -> bool:
    """Whether a point lies inside; on the outline either may be said."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in _edges(ring):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def distance(one: Sequence[Point], other: Sequence[Point]) -> float:
    """Shortest way from outline to outline; 0 where they touch, cross, or one lies in the other."""
    if contains(one, other[0]) or contains(other, one[0]):
        return 0.0
    best = math.inf
    for a, b in _edges(one):
        for c, d in _edges(other):
            best = min(best, _between_edges(a, b, c, d))
            if best == 0.0:
                return 0.0
    return best


def gap(one: Bounds, other: Bounds) -> float:
    """Distance of two upright rectangles: never more than that of what they hold."""
    across = max(other[0] - one[2], one[0] - other[2], 0.0)
    along = max(other[1] - one[3], one[1] - other[3], 0.0)
    return math.hypot(across, along)


def crossings(ring: Sequence[Point], through: Point, axis: Point) -> List[float]:
    """Where the line through a point along an axis of unit length meets the ring: positions along the axis."""
    across = (-axis[1], axis[0])
    level = through[0] * across[0] + through[1] * across[1]
    found = []
    for (ax, ay), (bx, by) in _edges(ring):
        a = ax * across[0] + ay * across[1] - level
        b = bx * across[0] + by * across[1] - level
        if (a > 0) != (b > 0):
            share = a / (a - b)
            x, y = ax + (bx - ax) * share, ay + (by - ay) * share
            found.append(x * axis[0] + y * axis[1])
    return found


def rectangle_sides(ring: Sequence[Point]) -> Tuple[float, float]:
    """(longer, shorter) side of the smallest rectangle, turned as it may be, around a ring."""
    hull = _hull(ring)
    best = (math.inf, 0.0, 0.0)
    for (ax, ay), (bx, by) in _edges(hull):
        length = math.hypot(bx - ax, by - ay)
        if length == 0.0:
            continue
        axis = ((bx - ax) / length, (by - ay) / length)
        low, high = reach(hull, axis)
        left, right = reach(hull, (-axis[1], axis[0]))
        sides = (high - low, right - left)
        best = min(best, (sides[0] * sides[1], max(sides), min(sides)))
    return (best[1], best[2]) if best[0] < math.inf else (0.0, 0.0)


def overlap_share(one: Bounds, other: Bounds) -> float:
    """Intersection over union of two upright rectangles."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


def _edges(ring: Sequence[Point]) -> Iterator[Tuple[Point, Point]]:
    previous = ring[-1]
    for point in ring:
        yield previous, point
        previous = point


def _between_edges(a: Point, b: Point, c: Point, d: Point) -> float:
    if _cross_each_other(a, b, c, d):
        return 0.0
    return min(_to_edge(a, c, d), _to_edge(b, c, d), _to_edge(c, a, b), _to_edge(d, a, b))


def _cross_each_other(a: Point, b: Point, c: Point, d: Point) -> bool:
    return (_turn(a, b, c) > 0) != (_turn(a, b, d) > 0) and (_turn(c, d, a) > 0) != (
        _turn(c, d, b) > 0
    )


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _to_edge(point: Point, a: Point, b: Point) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    squared = along[0] ** 2 + along[1] ** 2
    share = 0.0
    if squared > 0:
        share = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / squared
        share = min(1.0, max(0.0, share))
    return math.hypot(point[0] - a[0] - share * along[0], point[1] - a[1] - share * along[1])


def _hull(ring: Sequence[Point]) -> List[Point]:
    """Convex hull (monotone chain)."""
    points = sorted(set(ring))
    if len(points) < 3:
        return points
    chains: List[List[Point]] = []
    for ordered in (points, points[::-1]):
        chain: List[Point] = []
        for point in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains.append(chain[:-1])
    return chains[0] + chains[1]
