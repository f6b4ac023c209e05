"""IoU of two sets of outlines in pixels of a chip, counted as the service counts masks: a pixel is in whose centre is in. Pure."""

from __future__ import annotations

import math
from typing import Dict, List, Sequence, Tuple

Polygons = Sequence[Sequence[Sequence[Sequence[float]]]]
"""Multipolygon in pixels: polygon, ring (the first is the outside), point, x/y."""
Spans = List[Tuple[int, int]]
"""Pixels of one row, half-open, apart and in order."""


def mask_iou(
    said: Polygons, true: Polygons, *, width_px: int, height_px: int, says_none: bool
) -> float:
    """Shared pixels over those of both; where both are empty 1 if that was said, else 0.

    Args:
        said: outlines of the answer; what lies in two of them counts once.
        true: outlines of what is there.
        width_px: of the chip.
        height_px: of the chip.
        says_none: whether the answer says in so many words that there is nothing.
    """
    first, second = (_rows(each, width_px, height_px) for each in (said, true))
    shared = sum(_shared(spans, second.get(row, [])) for row, spans in first.items())
    both = sum(end - start for rows in (first, second) for s in rows.values() for start, end in s)
    if not both:
        return 1.0 if says_none else 0.0
    return shared / (both - shared)


def _rows(polygons: Polygons, width_px: int, height_px: int) -> Dict[int, Spans]:
    """Row -> its pixels that lie in any of the polygons."""
    found: Dict[int, Spans] = {}
    for rings in polygons:
        for row, crossings in _crossings(rings, height_px).items():
            crossings.sort()
            edges = [min(width_px, max(0, _first(x))) for x in crossings]
            found.setdefault(row, []).extend(
                (start, end) for start, end in zip(edges[::2], edges[1::2]) if start < end
            )
    return {row: _united(spans) for row, spans in found.items() if spans}


def _crossings(
    rings: Sequence[Sequence[Sequence[float]]], height_px: int
) -> Dict[int, List[float]]:
    """Where the line through the centres of each row crosses the rings (even-odd)."""
    found: Dict[int, List[float]] = {}
    for ring in rings:
        for number, (x, y) in enumerate(ring):
            before_x, before_y = ring[number - 1]
            low, high = min(y, before_y), max(y, before_y)
            for row in range(max(0, _first(low)), min(height_px, _first(high))):
                share = (row + 0.5 - before_y) / (y - before_y)
                found.setdefault(row, []).append(before_x + share * (x - before_x))
    return found


def _first(edge_px: float) -> int:
    """The first pixel whose centre is not before an edge."""
    return math.ceil(edge_px - 0.5)


def _united(spans: Spans) -> Spans:
    united: Spans = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _shared(first: Spans, second: Spans) -> int:
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in first for b in second)
