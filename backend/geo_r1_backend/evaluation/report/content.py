"""What a report is made of, and how answered questions of the suites become its cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from geo_r1_backend.evaluation.answering import Answer
from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.evaluation.masks import Mask, Overlap, question_iou
from geo_r1_backend.evaluation.metrics import f1, matched
from geo_r1_backend.evaluation.paper_rows import PaperTable
from geo_r1_backend.evaluation.published.scored import Scored
from geo_r1_backend.evaluation.recipe import Question
from geo_r1_backend.geo.boxes import Box, iou
from geo_r1_backend.wire import Task


@dataclass(frozen=True)
class Case:
    """One answered question as a reader looks at it."""

    picture: str
    task: Task
    query: str
    kind: str
    read_image: Callable[[], Image.Image]
    truth_px: Sequence[Box]
    boxes_px: Sequence[Box]
    counts: tuple[int, int, int]
    """Matched at IoU 0.5, said, true boxes."""
    quality: float
    """0 to 1. One object: IoU of the first box. All: F1 of this question. Masks: IoU, 1 where nothing was there and nothing said."""
    outcome: str
    reasoning: str
    read_mask: Callable[[], Mask] | None = None
    polygons_px: Sequence[Any] = ()
    overlap: Overlap | None = None

    @property
    def missed(self) -> bool:
        """Whether it belongs on the sheet of misses."""
        return self.quality < (1.0 if self.task == "ovd" else 0.5)


@dataclass(frozen=True)
class Report:
    """Everything that a page shows."""

    title: str
    facts: Mapping[str, str]
    figures: Sequence[Figure]
    cases: Sequence[Case]
    paper_style: Sequence[Figure] = ()
    """The same figures as the paper's scripts would count them."""
    table: PaperTable | None = None
    remarks: Sequence[str] = field(default_factory=tuple)


def case_of_question(question: Question, answer: Answer, picture: str) -> Case:
    """A case of a generated scene or of a view of a photograph."""
    task = question.expression.task
    truth = tuple(item.box_px for item in question.expression.answers)
    counts = (matched(answer.boxes_px, truth), len(answer.boxes_px), len(truth))
    one = task == "rec" and len(truth) == 1
    overlap = iou(answer.boxes_px[0], truth[0]) if one and answer.boxes_px else 0.0
    return Case(
        picture,
        "rec" if one else "ovd",
        question.expression.query,
        question.expression.answers[0].kind if truth else "(nothing there)",
        lambda: Image.fromarray(question.scene.image),
        truth,
        answer.boxes_px,
        counts,
        overlap if one else f1([counts]),
        answer.outcome,
        answer.reasoning,
    )


def case_of_scored(row: Scored) -> Case:
    """A case of a published set."""
    judged = row.rescaled
    if judged.overlap is not None:
        quality = question_iou(judged.overlap, both_empty=1.0)
    else:
        quality = judged.iou if row.sample.task == "rec" else f1([judged.counts])
    counts = (matched(judged.boxes_px, row.truth_px), len(judged.boxes_px), len(row.truth_px))
    return Case(
        row.sample.picture,
        row.sample.task,
        row.sample.query,
        row.sample.kind,
        row.sample.read_image,
        row.truth_px,
        judged.boxes_px,
        counts,
        quality,
        row.answer.outcome,
        row.answer.reasoning,
        row.sample.read_mask,
        row.answer.polygons_px,
        judged.overlap,
    )
