"""One number with its interval: what every table of the evaluation is made of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from geo_r1_backend.evaluation.metrics import ratio_interval

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One number with its 95 % interval and the number of questions behind it."""

    name: str
    value: float
    low: float
    high: float
    count: int


def ratio_figure(
    name: str,
    rows: Sequence[tuple[str, T]],
    numerator: Callable[[T], float],
    denominator: Callable[[T], float] = lambda _: 1.0,
    *,
    empty: float = 0.0,
    seed: int = 0,
) -> Figure:
    """Sum of the numerators over sum of the denominators, with an interval over pictures.

    Args:
        name: of the figure.
        rows: each with the picture it belongs to; all rows of a picture are resampled together.
        numerator: of one row.
        denominator: of one row; 1 gives the mean.
        empty: value where all denominators are 0.
        seed: of the resampling.
    """
    above: dict[str, float] = defaultdict(float)
    below: dict[str, float] = defaultdict(float)
    for picture, row in rows:
        above[picture] += numerator(row)
        below[picture] += denominator(row)
    pictures = sorted(above)
    total = sum(below.values())
    if not total:
        return Figure(name, empty, empty, empty, len(rows))
    low, high = ratio_interval(
        [above[p] for p in pictures], [below[p] for p in pictures], seed=seed
    )
    return Figure(name, sum(above.values()) / total, low, high, len(rows))
