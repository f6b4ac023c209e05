"""What is drawn while a model is trained: named series of points, and round numbers for an axis. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from . import training_wire as tw

Point = Tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One line: points (step, value), by step."""

    key: str
    points: List[Point]
    is_marked: bool = False
    """Few points that each stand for a look at many answers: drawn as dots on a line."""


@dataclass(frozen=True)
class Chart:
    """Lines over one axis."""

    key: str
    series: List[Series]
    low: float
    high: float


def charts(steps: Sequence[tw.StepEvent], evaluations: Sequence[tw.EvaluationEvent]) -> List[Chart]:
    """The charts of a run: loss of the steps with examples, rewards of the others, how good answers are, how long they are.

    A step with examples samples no answer: it is no point of the reward, and its metric of 0 means nothing.
    """
    parts: Dict[str, List[Point]] = {}
    sampled = [step for step in steps if step.method != "sft"]
    for step in sampled:
        for name, value in step.reward_parts.items():
            parts.setdefault(name, []).append((step.step, value))
    losses = [Series("loss", [(s.step, s.loss) for s in steps if s.method == "sft"])]
    rewards = [Series("reward", [(s.step, s.reward) for s in sampled])]
    rewards += [Series(f"part:{name}", points) for name, points in sorted(parts.items())]
    quality = [Series("metric", [(s.step, s.metric) for s in sampled])]
    for part in ("validation", "held_out"):
        looks = [e for e in evaluations if e.score.part == part]
        quality.append(
            Series(f"{part}:iou", [(e.step, e.score.mean_iou) for e in looks], is_marked=True)
        )
    lengths = [Series("tokens", [(s.step, s.completion_tokens) for s in steps])]
    made = [
        _chart("loss", losses),
        _chart("reward", rewards),
        _chart("quality", quality),
        _chart("length", lengths),
    ]
    return [chart for chart in made if chart.series]


def smoothed(points: Sequence[Point], share: float = 0.7) -> List[Point]:
    """An exponential mean without the bias of its beginning: noise hides what a run does."""
    mean, weight = 0.0, 0.0
    smooth = []
    for x, y in points:
        mean, weight = share * mean + (1 - share) * y, share * weight + (1 - share)
        smooth.append((x, mean / weight))
    return smooth


def ticks(low: float, high: float, wanted: int = 3) -> List[float]:
    """Round numbers within an axis, about as many as wanted."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low]
    raw = span / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _chart(key: str, series: Sequence[Series]) -> Chart:
    drawn = [each for each in series if each.points]
    values = [y for each in drawn for _, y in each.points if math.isfinite(y)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if key == "quality":
        return Chart(key, drawn, 0.0, 1.0)
    low = min(0.0, low)
    return Chart(key, drawn, low, high if high > low else low + 1.0)
