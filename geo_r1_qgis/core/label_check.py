"""Labels of a data set and what is wrong with them, as data. Knows no layer: `capture/labels.py` reads them.

A problem is a row, what is wrong, and what mends it; `gui/train_words.py` has the sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, List, Optional, Sequence, Tuple, Union

from .training_wire import MAX_SAMPLES

Box = Tuple[float, float, float, float]
"""Bounds (left, bottom, right, top) in units of the raster's CRS."""
Rings = Tuple[Tuple[Tuple[float, float], ...], ...]

MIN_LABELS = 3
"""One to learn from, one to choose the checkpoint by, one to judge by."""
FEW_LABELS = 10
MIN_SIDE_PX = 4.0
"""An object that is smaller on the raster is a speck for every model."""
SAME_SHARE = 0.9
"""Two outlines of one expression that share this much of their union are one object drawn twice."""


class Weight(Enum):
    """What a problem means."""

    BLOCKS = "blocks"
    """Nothing can be started."""
    LEFT_OUT = "left-out"
    """This row is not used; the others are."""
    NOTE = "note"
    """Used all the same; good to know."""


@dataclass(frozen=True)
class Problem:
    """One line of the sample check."""

    code: str
    weight: Weight
    fid: Optional[int] = None
    """Feature id of the row; none = the whole layer."""
    values: Dict[str, Union[str, int, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Label:
    """One outline with what it is called."""

    fid: int
    expression: str
    """The question whose answer it is."""
    box: Box
    polygons: Tuple[Rings, ...]
    """Polygon, ring, point; in the raster's CRS."""
    is_positive: bool = True
    """False: somebody rejected it; a chip around it is a hard negative."""
    name: str = ""
    """What the object is; the expression if the layer does not say."""


@dataclass(frozen=True)
class Check:
    """What the sample check found."""

    labels: List[Label]
    problems: List[Problem]
    units_per_px: float = 1.0

    @property
    def blocks(self) -> bool:
        """Whether nothing can be started."""
        return any(problem.weight is Weight.BLOCKS for problem in self.problems)

    @property
    def left_out(self) -> int:
        """How many rows are not used."""
        rows = {p.fid for p in self.problems if p.weight is Weight.LEFT_OUT}
        return len(rows - {None})

    @property
    def positives(self) -> List[Label]:
        """Labels of objects that are there."""
        return [label for label in self.labels if label.is_positive]


def judge(labels: Sequence[Label], problems: Sequence[Problem], units_per_px: float) -> Check:
    """Look at the labels that could be read, together: doubles, specks, too few, too many."""
    found = list(problems)
    kept: List[Label] = []
    by_expression: Dict[Tuple[str, bool], List[Label]] = {}
    for label in labels:
        width_px = (label.box[2] - label.box[0]) / units_per_px
        height_px = (label.box[3] - label.box[1]) / units_per_px
        if max(width_px, height_px) < MIN_SIDE_PX:
            size = round(max(width_px, height_px), 1)
            values: Dict[str, Union[str, int, float]] = {"size_px": size, "limit_px": MIN_SIDE_PX}
            found.append(Problem("too-small", Weight.LEFT_OUT, label.fid, values))
            continue
        alike = by_expression.setdefault((label.expression, label.is_positive), [])
        twin = next((each for each in alike if iou(each.box, label.box) >= SAME_SHARE), None)
        if twin is not None:
            found.append(Problem("duplicate", Weight.LEFT_OUT, label.fid, {"other": twin.fid}))
            continue
        alike.append(label)
        kept.append(label)
    count = sum(label.is_positive for label in kept)
    if count < MIN_LABELS:
        found.insert(
            0, Problem("too-few", Weight.BLOCKS, values={"count": count, "limit": MIN_LABELS})
        )
    elif count < FEW_LABELS:
        found.append(Problem("few", Weight.NOTE, values={"count": count, "limit": FEW_LABELS}))
    if len(kept) > MAX_SAMPLES:
        over = {"count": len(kept), "limit": MAX_SAMPLES}
        found.insert(0, Problem("too-many", Weight.BLOCKS, values=dict(over)))
    return Check(kept, found, units_per_px)


def iou(first: Box, second: Box) -> float:
    """Shared area of two bounds over their union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(first) + _area(second) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
