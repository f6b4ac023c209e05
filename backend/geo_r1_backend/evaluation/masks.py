"""Masks against truth: polygons and boxes as pixels, IoU per question, gIoU and cIoU. Pure.

A pixel belongs to a shape when its centre lies inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_r1_backend.geo.boxes import Box

Mask = npt.NDArray[np.bool_]
"""``(height, width)``."""
Polygons = Sequence[Sequence[Sequence[Sequence[float]]]]
"""Multipolygon in pixels: polygon, ring (the first is the outside), point, x/y."""


@dataclass(frozen=True)
class Overlap:
    """Pixels of one question's two masks."""

    shared_px: int
    union_px: int
    true_px: int = 0

    @property
    def both_empty(self) -> bool:
        """Nothing was there and nothing was said."""
        return self.union_px == 0


def overlap(predicted: Mask, truth: Mask) -> Overlap:
    """Shared pixels and union of two masks of the same shape.

    Raises:
        ValueError: if their shapes differ.
    """
    if predicted.shape != truth.shape:
        raise ValueError(
            f"The masks have {predicted.shape} and {truth.shape} pixels (height, width); bring one to the size of the other."
        )
    return Overlap(int((predicted & truth).sum()), int((predicted | truth).sum()), int(truth.sum()))


def giou(overlaps: Sequence[Overlap], *, both_empty: float) -> float:
    """Mean IoU over questions (what LISA and the paper call gIoU; no box GIoU).

    Args:
        overlaps: one per question.
        both_empty: score of a question about nothing that was answered with nothing. Geo-R1's own script gives 0, SegEarth-R1's
            and Think2Seg-RS's give 1: figures under different conventions are not comparable.
    """
    if not overlaps:
        return 0.0
    return sum(question_iou(o, both_empty=both_empty) for o in overlaps) / len(overlaps)


def question_iou(one: Overlap, *, both_empty: float) -> float:
    """IoU of one question's masks."""
    return both_empty if one.both_empty else one.shared_px / one.union_px


def ciou(overlaps: Sequence[Overlap]) -> float:
    """Shared pixels over union, both summed over questions: large objects count more.

    The same under both conventions: a question about nothing that was answered with nothing adds nothing to either sum.
    """
    union = sum(o.union_px for o in overlaps)
    return sum(o.shared_px for o in overlaps) / union if union else 0.0


def box_mask(boxes_px: Sequence[Box], height_px: int, width_px: int) -> Mask:
    """Filled boxes."""
    mask = np.zeros((height_px, width_px), bool)
    for x_min, y_min, x_max, y_max in boxes_px:
        # the first pixel whose centre is not left of the box
        rows = slice(max(0, _first(y_min)), max(0, _first(y_max)))
        mask[rows, max(0, _first(x_min)) : max(0, _first(x_max))] = True
    return mask


def polygon_mask(polygons_px: Polygons, height_px: int, width_px: int) -> Mask:
    """A multipolygon with holes."""
    mask = np.zeros((height_px, width_px), bool)
    for rings in polygons_px:
        mask |= _rings_mask(rings, height_px, width_px)
    return mask


def _first(edge_px: float) -> int:
    return int(np.ceil(edge_px - 0.5))


def _rings_mask(rings: Sequence[Sequence[Sequence[float]]], height_px: int, width_px: int) -> Mask:
    """Even-odd rule over all rings of one polygon, row by row at the height of the pixels' centres."""
    starts, ends = [], []
    for ring in rings:
        points = np.asarray(ring, float)[:, :2]
        starts.append(points)
        ends.append(np.roll(points, -1, axis=0))
    mask = np.zeros((height_px, width_px), bool)
    if not starts:
        return mask
    a, b = np.concatenate(starts), np.concatenate(ends)
    centres = np.arange(width_px) + 0.5
    low, high = np.minimum(a[:, 1], b[:, 1]), np.maximum(a[:, 1], b[:, 1])
    for row in range(max(0, _first(low.min())), min(height_px, _first(high.max()))):
        y = row + 0.5
        cut = (low <= y) & (y < high)
        p, q = a[cut], b[cut]
        crossings = np.sort(p[:, 0] + (y - p[:, 1]) / (q[:, 1] - p[:, 1]) * (q[:, 0] - p[:, 0]))
        mask[row] = np.searchsorted(crossings, centres, side="right") % 2 == 1
    return mask
