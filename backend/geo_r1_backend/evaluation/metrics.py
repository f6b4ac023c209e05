"""Scores of boxes against truth, with intervals. Pure functions; nothing here knows a model or a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from geo_r1_backend.geo.boxes import Box, iou

T = TypeVar("T")


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
