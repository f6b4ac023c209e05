"""How good answers about chips are, as the service scores them: pure, boxes in pixels of the chip.

The same rules as in the service's own verdict: a person who asks for one object looks at the first box; where nothing
is, only a clear "none" is right. Without an interval: that needs the places of a whole run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Set

from .label_check import Box, iou
from .wire import Task

HIT_IOU = 0.5


@dataclass(frozen=True)
class Mark:
    """How one question was answered."""

    task: Task
    is_right: bool
    """One object: the first box has IoU >= 0.5, or none was said where nothing is. All: every object, nothing else."""
    matched: int
    """One-to-one pairs with IoU >= 0.5."""
    said: int
    true: int
    best_iou: float
    """Of the first box with a true one, for one object; 0 without an answer."""


@dataclass(frozen=True)
class Tally:
    """What the marks add up to."""

    metric: str
    """`acc@0.5` where every question asks for one object, else `f1@0.5`; as in `training_wire.Score`."""
    value: float
    right: int
    objects: int
    samples: int


def mark(
    task: Task,
    said_px: Sequence[Sequence[float]],
    true_px: Sequence[Sequence[float]],
    *,
    says_none: bool,
) -> Mark:
    """Compare an answer with the truth.

    Args:
        task: what was asked for.
        said_px: boxes of the answer, in its order.
        true_px: every true box; none = nothing is there.
        says_none: whether the answer says in so many words that there is nothing.
    """
    shown = said_px[:1] if task == "rec" else said_px
    overlaps = [[iou(_box(said), _box(true)) for true in true_px] for said in shown]
    matched = _pairs(overlaps)
    best = max(overlaps[0], default=0.0) if overlaps else 0.0
    if not true_px:
        is_right = says_none and not said_px
    elif task == "rec":
        is_right = best >= HIT_IOU
    else:
        is_right = matched == len(shown) == len(true_px)
    return Mark(task, is_right, matched, len(said_px), len(true_px), best)


def tally(marks: Sequence[Mark]) -> Tally:
    """Accuracy or F1 over all marks; 0 without any."""
    objects, right = sum(each.true for each in marks), sum(each.is_right for each in marks)
    if all(each.task == "rec" for each in marks):
        value = right / len(marks) if marks else 0.0
        return Tally("acc@0.5", value, right, objects, len(marks))
    bottom = sum(each.said + each.true for each in marks)
    value = 2 * sum(each.matched for each in marks) / bottom if bottom else 1.0
    return Tally("f1@0.5", value, right, objects, len(marks))


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
