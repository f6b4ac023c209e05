"""Scores of boxes against truth, with intervals. Pure functions; nothing here knows a model or a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from geo_r1_backend.geo.boxes import Box, iou

T = TypeVar("T")
DRAWS_AT_ONCE = 50
"""Bounds the memory of a bootstrap over ten thousand pictures to some megabytes."""


def matched(predicted: Sequence[Box], truth: Sequence[Box], threshold: float = 0.5) -> int:
    """How many boxes pair up one to one at this IoU, best pairs first."""
    pairs = sorted(
        ((iou(p, t), i, j) for i, p in enumerate(predicted) for j, t in enumerate(truth)),
        reverse=True,
    )
    used_p: set[int] = set()
    used_t: set[int] = set()
    for value, i, j in pairs:
        if value < threshold:
            break
        if i not in used_p and j not in used_t:
            used_p.add(i)
            used_t.add(j)
    return len(used_p)


def f1(counts: Sequence[tuple[int, int, int]]) -> float:
    """F1 over (matched, predicted, true) counts summed over pictures; 1 where there was nothing and nothing was said."""
    hits, predicted, true = (
        (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    )
    return 2 * hits / (predicted + true) if predicted + true else 1.0


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 for no values."""
    return sum(values) / len(values) if values else 0.0


def bootstrap(
    rows: Sequence[T],
    statistic: Callable[[list[T]], float],
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of a statistic over rows (one row per picture), resampled with replacement.

    Returns:
        (low, high); both equal the statistic when there are fewer than two rows.
    """
    if len(rows) < 2:
        value = statistic(list(rows))
        return value, value
    source = random.Random(seed)  # noqa: S311 - reproducibility, not secrecy
    values = sorted(statistic(source.choices(rows, k=len(rows))) for _ in range(draws))
    tail = (1 - level) / 2
    return values[int(tail * draws)], values[min(draws - 1, int((1 - tail) * draws))]


def ratio_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of ``sum(numerators) / sum(denominators)`` over pictures, resampled with replacement.

    Means, F1 and cIoU are such ratios, so 16,000 questions take a second. Element ``i`` of both sequences are the sums of
    picture ``i``.

    Returns:
        (low, high); both equal the ratio when there are fewer than two pictures. A draw without denominator counts as 0.
    """
    top, bottom = np.asarray(numerators, float), np.asarray(denominators, float)
    if len(top) < 2:
        value = float(top.sum() / bottom.sum()) if bottom.sum() else 0.0
        return value, value
    source = np.random.default_rng(seed)
    values = np.empty(draws)
    for first in range(0, draws, DRAWS_AT_ONCE):
        count = min(DRAWS_AT_ONCE, draws - first)
        chosen = source.integers(0, len(top), (count, len(top)))
        below = bottom[chosen].sum(1)
        values[first : first + count] = np.divide(
            top[chosen].sum(1), below, out=np.zeros(count), where=below > 0
        )
    values.sort()
    tail = (1 - level) / 2
    return float(values[int(tail * draws)]), float(values[min(draws - 1, int((1 - tail) * draws))])


def ranked_hits(
    predicted: Sequence[Sequence[Box]], truth: Sequence[Sequence[Box]], threshold: float = 0.5
) -> tuple[list[bool], int]:
    """Every box of every picture in the order of its rank, and whether it is a hit; and how many true boxes there are.

    An answer has no scores. What a model says first stands for what it is surest of: first boxes of all pictures, then second
    ones. Each takes the free true box of its picture that it overlaps most, as COCO's evaluation does.
    """
    found: list[tuple[int, int, bool]] = []
    for picture, (boxes, true) in enumerate(zip(predicted, truth, strict=True)):
        free = list(range(len(true)))
        for rank, box in enumerate(boxes):
            best = max(free, key=lambda index: iou(box, true[index]), default=None)
            hit = best is not None and iou(box, true[best]) >= threshold
            if hit and best is not None:
                free.remove(best)
            found.append((rank, picture, hit))
    found.sort(key=lambda item: item[:2])
    return [hit for _, _, hit in found], sum(len(true) for true in truth)


def precision_recall(hits: Sequence[bool], true_count: int) -> list[tuple[float, float]]:
    """(recall, precision) after each box; precision is the best that is still reached at this recall or a higher one."""
    if not hits or not true_count:
        return []
    right = np.cumsum(np.asarray(hits, float))
    precision = right / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return [(float(r), float(p)) for r, p in zip(right / true_count, envelope, strict=True)]


def average_precision(curve: Sequence[tuple[float, float]]) -> float:
    """COCO's AP of one curve: precision at 101 recalls, 0 where a recall is never reached."""
    recalls = np.asarray([r for r, _ in curve])
    precisions = [p for _, p in curve]
    # the tolerance is for sums such as 0.1 + 0.2, not for a missed object
    at = np.searchsorted(recalls, np.linspace(0, 1, 101) - 1e-9)
    return mean([precisions[i] if i < len(precisions) else 0.0 for i in at])
