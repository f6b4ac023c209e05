"""How good a policy answers: greedy completions over a part, scored as a user would; before against after, paired by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.evaluation.metrics import matched
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.training.dataset import TrainingSample
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.rewards import reward
from geo_r1_backend.training.rewards.said import Said, read
from geo_r1_backend.training_wire import (
    MIN_HELD_OUT_FOR_VERDICT,
    Part,
    Preview,
    Score,
    Verdict,
)

DRAWS = 2000
ALIKE = 1e-9


@dataclass(frozen=True)
class Answered:
    """One sample, asked once."""

    place: str
    hits: float
    """Numerator of the metric."""
    of: float
    """Its denominator."""
    metric: float
    """True, unshaped, as rewards have it."""


@dataclass(frozen=True)
class Evaluation:
    """Answers over one part."""

    score: Score
    answered: list[Answered]
    previews: list[Preview] = field(default_factory=list)


def evaluate(
    policy: Policy,
    samples: Sequence[TrainingSample],
    encode: Callable[[TrainingSample], Any],
    part: Part,
    *,
    think: bool,
    max_new_tokens: int,
    previews: int = 0,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Ask every sample once, with the likeliest tokens; None if it was to stop.

    ``acc@0.5`` where all samples ask for one object: share of samples whose answer is one box at IoU >= 0.5 (or "None" where there
    is none). ``f1@0.5`` where any asks for all objects: over all boxes of the part.

    Args:
        policy: who answers.
        samples: of the part, not empty.
        encode: visual tokens of a sample's picture.
        part: named in the score.
        think: whether prompts ask for reasoning.
        max_new_tokens: longest answer.
        previews: how many samples to show, spread over the part.
        seed: of the interval.
        should_stop: asked before each sample.
    """
    counts = any(one.sample.task != "rec" for one in samples)
    wanted = {i * len(samples) // max(1, previews) for i in range(min(previews, len(samples)))}
    answered: list[Answered] = []
    shown: list[Preview] = []
    nothing = torch.Generator()  # the likeliest token needs no chance
    for number, one in enumerate(samples):
        if should_stop():
            return None
        (ids,) = policy.sample(
            policy.prefix(encode(one), one.prompt),
            1,
            max_new_tokens=max_new_tokens,
            temperature=0.0,
            generator=nothing,
        )
        text = policy.decode(ids)
        said = read(text, one.view, one.sample.task, think=think)
        metric = reward(one.sample, text, one.view, think=think).metric
        hits, of = _counted(one, said) if counts else (_is_right(one, said), 1.0)
        answered.append(Answered(one.sample.place or one.sample.chip, hits, of, metric))
        if number in wanted:
            shown.append(_preview(one, said, text, metric))
    low, high = _interval(answered, seed)
    score = Score(
        part=part,
        metric="f1@0.5" if counts else "acc@0.5",
        value=_value(answered),
        low=low,
        high=high,
        objects=sum(len(one.sample.boxes_px) for one in samples),
        samples=len(samples),
        mean_iou=sum(one.metric for one in answered) / len(answered),
    )
    return Evaluation(score, answered, shown)


def verdict(before: Evaluation, after: Evaluation, *, seed: int = 0) -> Verdict:
    """What training brought on the same samples: paired bootstrap over places.

    Raises:
        ValueError: if the two were not asked the same samples.
    """
    if [one.place for one in before.answered] != [one.place for one in after.answered]:
        raise ValueError("before and after must be answers to the same samples")
    gain = after.score.value - before.score.value
    old, new = _by_place(before.answered), _by_place(after.answered)
    drawn = _draws(len(old), seed)
    differences = np.sort(_ratios(new, drawn) - _ratios(old, drawn))
    low, high = _percentiles(differences) if len(old) > 1 else (gain, gain)
    outcome: Any = "no_difference"
    if before.score.objects < MIN_HELD_OUT_FOR_VERDICT:
        outcome = "too_few"
    elif low > 0:
        outcome = "better"
    elif high < 0:
        outcome = "worse"
    return Verdict(before.score, after.score, gain, low, high, outcome)


def _is_right(one: TrainingSample, said: Said) -> float:
    truth: list[Box] = [(b[0], b[1], b[2], b[3]) for b in one.sample.boxes_px]
    if not truth:
        return float(said.says_none)
    return float(said.said == 1 and any(matched(said.boxes_px, [box]) for box in truth))


def _counted(one: TrainingSample, said: Said) -> tuple[float, float]:
    truth: list[Box] = [(b[0], b[1], b[2], b[3]) for b in one.sample.boxes_px]
    return 2.0 * matched(said.boxes_px, truth), float(said.said + len(truth))


def _preview(one: TrainingSample, said: Said, text: str, metric: float) -> Preview:
    return Preview(
        chip=one.sample.chip,
        query=one.sample.query,
        true_boxes_px=[list(box) for box in one.sample.boxes_px],
        boxes_px=[list(box) for box in said.boxes_px],
        reasoning=parse_answer(text).reasoning,
        iou=metric,
    )


def _value(answered: Sequence[Answered]) -> float:
    of = sum(one.of for one in answered)
    return sum(one.hits for one in answered) / of if of else 1.0


def _by_place(answered: Sequence[Answered]) -> npt.NDArray[np.float64]:
    """``(places, 2)``: numerators and denominators, places in the order of their first sample."""
    sums: dict[str, list[float]] = {}
    for one in answered:
        entry = sums.setdefault(one.place, [0.0, 0.0])
        entry[0] += one.hits
        entry[1] += one.of
    return np.array(list(sums.values()))


def _interval(answered: Sequence[Answered], seed: int) -> tuple[float, float]:
    table = _by_place(answered)
    if len(table) < 2:
        return _value(answered), _value(answered)
    return _percentiles(np.sort(_ratios(table, _draws(len(table), seed))))


def _draws(places: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, places, (DRAWS, places))


def _ratios(
    table: npt.NDArray[np.float64], drawn: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    sums = table[drawn].sum(1)
    found: npt.NDArray[np.float64] = np.ones(len(sums))
    np.divide(sums[:, 0], sums[:, 1], out=found, where=sums[:, 1] > ALIKE)
    return found


def _percentiles(ordered: npt.NDArray[np.float64]) -> tuple[float, float]:
    return float(ordered[int(0.025 * len(ordered))]), float(ordered[int(0.975 * len(ordered))])
