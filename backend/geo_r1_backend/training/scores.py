"""How good answers are on one part, and whether training made them better: figures with intervals over places. Pure, no torch.

The unit of chance is the place: chips of one place show the same ground, so resampling them one by one would promise more than
the data can keep. Before and after are resampled together, so what is hard in both cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo_r1_backend.evaluation.metrics import matched, mean
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.training.rewards.pairing import best_pairs, ious
from geo_r1_backend.training.rewards.said import Said
from geo_r1_backend.training_wire import (
    MIN_HELD_OUT_FOR_VERDICT,
    Part,
    Sample,
    Score,
    Verdict,
)
from geo_r1_backend.wire import Task

DRAWS = 2000
HIT_IOU = 0.5
LEVEL = 0.95
Metric = Literal["acc@0.5", "f1@0.5", "giou"]
Outcome = Literal["better", "worse", "no_difference", "too_few"]
Floats = npt.NDArray[np.float64]


def rank_of(score: Score) -> tuple[float, float]:
    """What of two scores is the better one."""
    return score.value, score.mean_iou


@dataclass(frozen=True)
class Row:
    """How one sample was answered."""

    index: int
    """Of the sample in its data set."""
    place: str
    task: Task
    right: bool
    """REC: the first box has IoU >= 0.5, or None was said where nothing is. OVD: every object and nothing else."""
    matched: int
    """One-to-one pairs with IoU >= 0.5."""
    said: int
    true: int
    iou_sum: float
    """Over the true objects: IoU of the box that is paired with each, 0 where there is none."""
    mask_iou: float | None = None
    """Of the answer's united masks with the true one, where masks are asked for."""

    @property
    def iou(self) -> float:
        """Of masks, or the mean over the true objects; 1 for a right None, 0 for a wrong one."""
        if self.mask_iou is not None:
            return self.mask_iou
        return self.iou_sum / self.true if self.true else float(self.right)


def row_of(index: int, sample: Sample, said: Said, mask_iou: float | None = None) -> Row:
    """Compare one answer with the truth.

    Args:
        index: of the sample in its data set.
        sample: the question.
        said: the answer.
        mask_iou: of its masks (`rewards.gres.mask_iou`), where masks are asked for.

    Raises:
        ValueError: for a sample of masks without it.
    """
    if sample.task == "gres" and mask_iou is None:
        raise ValueError("answers with masks are scored by mask_iou; a segmenter is needed")
    truth = [tuple(box) for box in sample.boxes_px]
    # a person who asks for one object looks at the first box
    boxes = said.boxes_px[:1] if sample.task == "rec" else said.boxes_px
    hits = matched(boxes, truth, HIT_IOU)
    if not truth:
        right = said.says_none and not said.boxes_px
    elif sample.task == "rec":
        right = max((iou(box, true) for box in boxes for true in truth), default=0.0) >= HIT_IOU
    else:
        right = hits == len(boxes) == len(truth)
    overlap = ious(boxes, truth)
    paired = sum(float(overlap[pair]) for pair in best_pairs(overlap)) if overlap.size else 0.0
    place = sample.place or sample.chip
    return Row(
        index, place, sample.task, right, hits, len(said.boxes_px), len(truth), paired, mask_iou
    )


def score_of(rows: Sequence[Row], part: Part, *, seed: int = 0) -> Score:
    """Accuracy (all samples ask for one object), gIoU (all for masks) or F1 of the boxes, with its interval.

    Args:
        rows: one per sample; none gives zeros.
        part: that they belong to.
        seed: of the bootstrap.
    """
    metric = _metric_of(rows)
    sums = _sums(rows, metric)
    low, high = _interval(_ratios(sums, _draws(len(sums), seed), metric))
    objects = sum(row.true for row in rows)
    paired = sum(row.iou_sum for row in rows)
    by_row = metric == "giou" or not objects
    return Score(
        part=part,
        metric=metric,
        value=_ratio(sums, metric),
        low=low,
        high=high,
        objects=objects,
        samples=len(rows),
        mean_iou=mean([row.iou for row in rows]) if by_row else paired / objects,
    )


def verdict_of(
    before: Sequence[Row], after: Sequence[Row], part: Part = "held_out", *, seed: int = 0
) -> Verdict:
    """What training brought on one part, by a paired bootstrap over places.

    Args:
        before: one row per sample, answered by the base.
        after: the same samples, answered by what was trained.
        part: that they belong to.
        seed: of the bootstrap.

    Raises:
        ValueError: where the two do not answer the same samples.
    """
    first = {row.index: row for row in before}
    second = {row.index: row for row in after}
    if first.keys() != second.keys() or len(first) != len(before) or len(second) != len(after):
        raise ValueError(
            f"before has {len(before)} answers and after {len(after)}; a verdict needs the same samples in both, once each"
        )
    order = sorted(first)
    rows = [first[index] for index in order], [second[index] for index in order]
    metric = _metric_of(rows[0])
    sums = [_sums(side, metric) for side in rows]
    chosen = _draws(len(sums[0]), seed)
    gains = _ratios(sums[1], chosen, metric) - _ratios(sums[0], chosen, metric)
    gain = _ratio(sums[1], metric) - _ratio(sums[0], metric)
    low, high = _interval(gains)
    scores = [score_of(side, part, seed=seed) for side in rows]
    return Verdict(
        before=scores[0],
        after=scores[1],
        gain=gain,
        # of few places a percentile may pass by the figure itself
        gain_low=min(low, gain),
        gain_high=max(high, gain),
        outcome=_outcome(scores[0].objects, low, high),
    )


def _outcome(objects: int, low: float, high: float) -> Outcome:
    if objects < MIN_HELD_OUT_FOR_VERDICT:
        return "too_few"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no_difference"


def _metric_of(rows: Sequence[Row]) -> Metric:
    tasks = {row.task for row in rows}
    if tasks <= {"rec"}:
        return "acc@0.5"
    return "giou" if tasks == {"gres"} else "f1@0.5"


def _sums(rows: Sequence[Row], metric: Metric) -> Floats:
    """Numerator and denominator of the figure by place, ``(places, 2)``, places in order."""
    by_place: dict[str, list[float]] = {}
    for row in sorted(rows, key=lambda row: row.place):
        top, bottom = by_place.setdefault(row.place, [0.0, 0.0])
        if metric == "acc@0.5":
            by_place[row.place] = [top + row.right, bottom + 1]
        elif metric == "giou":
            by_place[row.place] = [top + row.iou, bottom + 1]
        else:
            by_place[row.place] = [top + 2 * row.matched, bottom + row.said + row.true]
    return np.asarray(list(by_place.values()), float).reshape(-1, 2)


def _draws(places: int, seed: int) -> npt.NDArray[np.int64]:
    """Places of each draw, ``(draws, places)``; the same for both sides of a comparison."""
    return np.random.default_rng(seed).integers(0, max(1, places), (DRAWS, places))


def _ratios(sums: Floats, chosen: npt.NDArray[np.int64], metric: Metric) -> Floats:
    """The figure of every draw."""
    drawn = sums[chosen].sum(1)
    # F1 of nothing there and nothing said is 1, as in evaluation/metrics.f1
    empty = np.full(len(drawn), 1.0 if metric == "f1@0.5" and sums.size else 0.0)
    ratios: Floats = np.divide(drawn[:, 0], drawn[:, 1], out=empty, where=drawn[:, 1] > 0)
    return ratios


def _ratio(sums: Floats, metric: Metric) -> float:
    return float(_ratios(sums, np.arange(len(sums))[None], metric)[0])


def _interval(values: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
