"""How good answers about chips are, as the service scores them: pure, boxes in pixels of the chip.

The same rules as in the service's own verdict: a person who asks for one object looks at the first box; where nothing
is, only a clear "none" is right. The unit of chance is the place, as there: pictures of one place show the same ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Set, Tuple

from .chance import drawn
from .label_check import Box, iou
from .wire import Task

HIT_IOU = 0.5
DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Mark:
    """How one question was answered."""

    task: Task
    is_right: bool
    """One object: the first box has IoU >= 0.5, or none was said where nothing is. All: every object, nothing else. Masks: IoU >= 0.5."""
    matched: int
    """One-to-one pairs with IoU >= 0.5."""
    said: int
    true: int
    best_iou: float
    """Of the first box with a true one, for one object; 0 without an answer."""
    mask_iou: Optional[float] = None
    """Of the united masks with the true one, where masks are asked for."""
    place: str = ""
    """Where the picture lies; each without one is a place of its own."""


@dataclass(frozen=True)
class Tally:
    """What the marks add up to."""

    metric: str
    """`acc@0.5` where every question asks for one object, `giou` where for masks, else `f1@0.5`; as in `training_wire.Score`."""
    value: float
    low: float
    high: float
    """Bootstrap over places, 95 %."""
    right: int
    objects: int
    samples: int


def mark(
    task: Task,
    said_px: Sequence[Sequence[float]],
    true_px: Sequence[Sequence[float]],
    *,
    says_none: bool,
    mask_iou: Optional[float] = None,
    place: str = "",
) -> Mark:
    """Compare an answer with the truth.

    Args:
        task: what was asked for.
        said_px: boxes of the answer, in its order.
        true_px: every true box; none = nothing is there.
        says_none: whether the answer says in so many words that there is nothing.
        mask_iou: of the masks (`mask_overlap.mask_iou`), where masks are asked for.
        place: where the picture lies.
    """
    shown = said_px[:1] if task == "rec" else said_px
    overlaps = [[iou(_box(said), _box(true)) for true in true_px] for said in shown]
    matched = _pairs(overlaps)
    best = max(overlaps[0], default=0.0) if overlaps else 0.0
    if mask_iou is not None:
        is_right = mask_iou >= HIT_IOU
    elif not true_px:
        is_right = says_none and not said_px
    elif task == "rec":
        is_right = best >= HIT_IOU
    else:
        is_right = matched == len(shown) == len(true_px)
    return Mark(task, is_right, matched, len(said_px), len(true_px), best, mask_iou, place)


def tally(marks: Sequence[Mark], *, seed: int = 0) -> Tally:
    """Accuracy, gIoU (the mean IoU of the masks) or F1 over all marks, with its interval; 0 without any.

    Args:
        marks: one for each question.
        seed: of the bootstrap.
    """
    metric = _metric_of(marks)
    sums = _sums(marks, metric)
    empty = 1.0 if metric == "f1@0.5" and marks else 0.0
    values = [
        _ratio(
            [sums[place] for place in drawn(len(sums), len(sums), "bootstrap", seed, draw)], empty
        )
        for draw in range(DRAWS if len(sums) > 1 else 1)
    ]
    values.sort()
    tail = (1 - LEVEL) / 2
    return Tally(
        metric,
        _ratio(sums, empty),
        _quantile(values, tail),
        _quantile(values, 1 - tail),
        sum(each.is_right for each in marks),
        sum(each.true for each in marks),
        len(marks),
    )


def _metric_of(marks: Sequence[Mark]) -> str:
    tasks = {each.task for each in marks}
    if tasks <= {"rec"}:
        return "acc@0.5"
    return "giou" if tasks == {"gres"} else "f1@0.5"


def _sums(marks: Sequence[Mark], metric: str) -> List[Tuple[float, float]]:
    """Numerator and denominator of the figure by place."""
    by_place: Dict[str, Tuple[float, float]] = {}
    for number, each in enumerate(marks):
        place = each.place or f"\x1f{number}"
        top, bottom = by_place.get(place, (0.0, 0.0))
        if metric == "acc@0.5":
            by_place[place] = (top + each.is_right, bottom + 1)
        elif metric == "giou":
            by_place[place] = (top + (each.mask_iou or 0.0), bottom + 1)
        else:
            by_place[place] = (top + 2 * each.matched, bottom + each.said + each.true)
    return list(by_place.values())


def _ratio(sums: Sequence[Tuple[float, float]], empty: float) -> float:
    bottom = sum(each[1] for each in sums)
    return sum(each[0] for each in sums) / bottom if bottom else empty


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Of sorted values, between two neighbours in proportion."""
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def _box(numbers: Sequence[float]) -> Box:
    left, top, right, bottom = numbers
    return left, top, right, bottom


def _pairs(overlaps: Sequence[Sequence[float]]) -> int:
    """How many boxes pair up one to one with IoU >= 0.5, best pairs first, as in the service."""
    pairs = sorted(
        ((overlap, i, j) for i, row in enumerate(overlaps) for j, overlap in enumerate(row)),
        reverse=True,
    )
    said: Set[int] = set()
    true: Set[int] = set()
    for overlap, i, j in pairs:
        if overlap >= HIT_IOU and i not in said and j not in true:
            said.add(i)
            true.add(j)
    return len(said)
