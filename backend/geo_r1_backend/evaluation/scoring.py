"""Answers against truth: one row per question, and the summary with intervals. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from geo_r1_backend.evaluation.answering import Answer
from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.evaluation.metrics import bootstrap, f1, matched, mean
from geo_r1_backend.evaluation.recipe import FAMILIES, ONE_OBJECT, SMALL_PX, Question
from geo_r1_backend.geo.boxes import Box, iou
from geo_r1_backend.pretraining.dice import Dice


@dataclass(frozen=True)
class Row:
    """How one question was answered."""

    family: str
    view: str
    background: str
    kind: str
    """Sought class; empty for `none`."""
    small: bool
    iou: float
    """Of the first box, for one-object families."""
    right: bool
    """One object: IoU >= 0.5. None: nothing was drawn. All: every object found and nothing else."""
    says_none: bool
    counts: tuple[int, int, int]
    """Matched, predicted and true boxes."""
    guess_right: bool
    """Whether a random true candidate of the sought kind would have been right."""
    tokens: int = 0
    total_ms: float = 0.0
    named: tuple[int, int] = (0, 0)
    """Boxes of the reasoning, and how many of them are objects that stand there (IoU >= 0.5 with any)."""


NAMED_BOX = re.compile(r"\[(\d+(?:\.\d+)?), ?(\d+(?:\.\d+)?), ?(\d+(?:\.\d+)?), ?(\d+(?:\.\d+)?)\]")


def score(question: Question, answer: Answer) -> Row:
    """One row."""
    truth = [item.box_px for item in question.expression.answers]
    counts = (matched(answer.boxes_px, truth), len(answer.boxes_px), len(truth))
    overlap = iou(answer.boxes_px[0], truth[0]) if answer.boxes_px and truth else 0.0
    one = question.family in ONE_OBJECT
    right = overlap >= 0.5 if one else counts[0] == counts[1] == counts[2]
    candidates = question.expression.candidates
    guess = Dice(question.seed + 1).choice(candidates).box_px if candidates else None
    answers = question.expression.answers
    return Row(
        question.family,
        "{}x{}".format(*question.view_px),
        question.background,
        answers[0].kind if answers else "",
        bool(answers) and answers[0].longest_px < SMALL_PX,
        overlap,
        right and (bool(answer.boxes_px) or answer.says_none),
        answer.says_none,
        counts,
        bool(one and guess and iou(guess, truth[0]) >= 0.5),
        answer.tokens,
        answer.total_ms,
        named_boxes(answer.reasoning, [item.box_px for item in question.scene.objects]),
    )


def named_boxes(reasoning: str, objects_px: Sequence[Box]) -> tuple[int, int]:
    """How many boxes a chain names, and how many of them overlap an object with IoU >= 0.5."""
    boxes = [tuple(map(float, found.groups())) for found in NAMED_BOX.finditer(reasoning)]
    real = sum(any(iou(box, other) >= 0.5 for other in objects_px) for box in boxes)
    return len(boxes), real


def summarise(rows: Sequence[Row]) -> list[Figure]:
    """All figures of a report, the headline ones first."""
    one = [r for r in rows if r.family in ONE_OBJECT]
    none = [r for r in rows if r.family == "none"]
    every = [r for r in rows if r.family == "all"]
    found = [
        _figure("Acc@0.5, one object", one, _accuracy),
        _figure("Acc@0.7, one object", one, lambda part: mean([r.iou >= 0.7 for r in part])),
        _figure("mean IoU, one object", one, lambda part: mean([r.iou for r in part])),
        _figure("F1@0.5, all", every, lambda part: f1([r.counts for r in part])),
        _figure("none recognised", none, _accuracy),
        _figure("false none, one object", one, lambda part: mean([r.says_none for r in part])),
        _figure(
            "boxes named in a chain that are objects",
            [r for r in rows if r.named[0]],
            lambda part: sum(r.named[1] for r in part) / sum(r.named[0] for r in part),
        ),
        _figure(
            "baseline: random true candidate, Acc@0.5",
            one,
            lambda part: mean([r.guess_right for r in part]),
        ),
    ]
    for family in FAMILIES:
        part = [r for r in rows if r.family == family]
        if family == "all":
            found.append(_figure("family all: exactly the true set", part, _accuracy))
        else:
            found.append(_figure(f"family {family}", part, _accuracy))
    for name, key in (
        ("view", lambda r: r.view),
        ("background", lambda r: r.background),
        ("class", lambda r: r.kind),
        ("size", lambda r: f"under {SMALL_PX} px" if r.small else f"{SMALL_PX} px and more"),
    ):
        for group in sorted({key(r) for r in one}):
            found.append(
                _figure(f"{name} {group}, Acc@0.5", [r for r in one if key(r) == group], _accuracy)
            )
    for view in sorted({r.view for r in every}):
        found.append(
            _figure(
                f"view {view}, F1@0.5 all",
                [r for r in every if r.view == view],
                lambda p: f1([r.counts for r in p]),
            )
        )
    return [figure for figure in found if figure.count]


def worst_family(rows: Sequence[Row]) -> tuple[str, float]:
    """The one-object family with the lowest accuracy."""
    scores = {
        f: _accuracy([r for r in rows if r.family == f])
        for f in ONE_OBJECT
        if any(r.family == f for r in rows)
    }
    name = min(scores, key=lambda f: scores[f])
    return name, scores[name]


def agreement(
    first: Sequence[Answer], second: Sequence[Answer], tolerance_px: float = 1.0
) -> float:
    """Share of questions on which two engines gave the same boxes within a tolerance, or both none."""
    return mean([_agree(a, b, tolerance_px) for a, b in zip(first, second, strict=True)])


def _agree(a: Answer, b: Answer, tolerance_px: float) -> bool:
    return len(a.boxes_px) == len(b.boxes_px) and all(
        abs(u - v) <= tolerance_px
        for p, q in zip(a.boxes_px, b.boxes_px, strict=True)
        for u, v in zip(p, q, strict=True)
    )


def _accuracy(rows: Sequence[Row]) -> float:
    return mean([r.right for r in rows])


def _figure(name: str, rows: Sequence[Row], statistic: Callable[[list[Row]], float]) -> Figure:
    if not rows:
        return Figure(name, 0.0, 0.0, 0.0, 0)
    low, high = bootstrap(rows, statistic)
    return Figure(name, statistic(list(rows)), low, high, len(rows))
