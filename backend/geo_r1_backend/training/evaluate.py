"""Greedy answers of a policy over one part, read as inference reads them, and what they say.

Temperature 0; parser, way back to chip pixels and the rule for objects said twice are those of answering: what is measured here
is what a user will see. Figures and intervals are `scores.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from geo_r1_backend.engines.answers import split_sections
from geo_r1_backend.training.dataset import TrainingSample
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.rewards.gres import mask_iou
from geo_r1_backend.training.rewards.said import Said, read
from geo_r1_backend.training.scores import Row, row_of, score_of, verdict_of
from geo_r1_backend.training_wire import Part, Preview, Score, Verdict


@dataclass(frozen=True)
class Evaluation:
    """Answers over one part."""

    score: Score
    rows: list[Row]
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

    Args:
        policy: who answers; it is not changed.
        samples: of the part; none gives a score of zeros.
        encode: visual tokens of a sample's picture.
        part: named in the score.
        think: whether prompts ask for reasoning.
        max_new_tokens: longest answer.
        previews: how many samples to show, spread over the part, always the same ones.
        seed: of the interval.
        should_stop: asked before each sample; answers are made `Policy.at_once` at a time.

    Raises:
        ValueError: for a sample of masks where the data set has no segmenter.
    """
    wanted = {i * len(samples) // max(1, previews) for i in range(min(previews, len(samples)))}
    rows: list[Row] = []
    shown: list[Preview] = []
    texts: list[str] = []
    for number, one in enumerate(samples):
        if should_stop():
            return None
        if number == len(texts):
            some = samples[number : number + policy.at_once]
            texts += policy.answers(
                [encode(each) for each in some],
                [each.prompt for each in some],
                max_new_tokens=max_new_tokens,
            )
        text = texts[number]
        said = read(text, one.view, one.asked.task, think=think)
        overlap = None
        if one.segment is not None and one.mask is not None:
            overlap = mask_iou(said, one.mask, one.segment)
        rows.append(row_of(one.index, one.sample, said, overlap))
        if number in wanted:
            shown.append(_preview(one, text, said, rows[-1]))
    return Evaluation(score_of(rows, part, seed=seed), rows, shown)


def verdict(before: Evaluation, after: Evaluation, *, seed: int = 0) -> Verdict:
    """What training brought on the same samples: paired bootstrap over places.

    Raises:
        ValueError: if the two were not asked the same samples.
    """
    return verdict_of(before.rows, after.rows, before.score.part, seed=seed)


def _preview(one: TrainingSample, text: str, said: Said, row: Row) -> Preview:
    reasoning, _ = split_sections(text)
    return Preview(
        chip=one.sample.chip,
        query=one.sample.query,
        true_boxes_px=[list(box) for box in one.sample.boxes_px],
        boxes_px=[list(box) for box in said.boxes_px],
        reasoning=reasoning,
        iou=row.iou,
    )
