"""Frozen questions to answers, by the shipped path or by the float reference in torch.

The shipped path is the service's own: `grounding.ground` over an engine. The reference answers many questions at once
with the same prompts, views and parser, and exists to hold int8 and ONNX against it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.engines.base import Engine
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.errors import EngineFailed
from geo_r1_backend.evaluation.masks import Polygons
from geo_r1_backend.evaluation.real.ways import AS_THE_SERVICE, Way
from geo_r1_backend.evaluation.recipe import Question
from geo_r1_backend.grounding.ground import GroundOptions, ground
from geo_r1_backend.grounding.ground import Question as Asked
from geo_r1_backend.grounding.masks import FindSegmenter, no_segmenter
from geo_r1_backend.wire import Detail, ErrorEvent, ResultEvent, Task

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Answer:
    """What a model said to one question."""

    boxes_px: tuple[Box, ...]
    says_none: bool
    outcome: str
    tokens: int = 0
    total_ms: float = 0.0
    reasoning: str = ""
    """As the service shows it, coordinates in pixels of the picture."""
    raw: str = ""
    """The model's own words, coordinates in its own pixels."""
    polygons_px: tuple[Polygons, ...] = ()
    """One multipolygon per object, where it was answered with masks."""
    windows: int = 0
    """Looked through besides the whole view."""
    notes: tuple[str, ...] = ()
    """Why an object has a box and no mask."""


def answer_by_engine(
    engine: Engine,
    questions: Sequence[Question],
    *,
    think: bool = True,
    seed: int = 0,
    way: Way = AS_THE_SERVICE,
) -> Iterator[Answer]:
    """Answers through the service's own code, one after another."""
    options = way.options(GroundOptions(think=think, seed=seed))
    for question in questions:
        yield ask(
            engine,
            question.expression.task,
            question.expression.query,
            lambda image=question.scene.image: Image.fromarray(image),  # type: ignore[misc]
            options,
            name=str(question.seed),
            detail=way.detail if question.expression.task != "rec" else "auto",
        )


def ask(
    engine: Engine,
    task: Task,
    query: str,
    read_image: Callable[[], Image.Image],
    options: GroundOptions,
    *,
    name: str = "0",
    detail: Detail = "auto",
    segmenter: FindSegmenter = no_segmenter,
) -> Answer:
    """One answer through the service's own code.

    Raises:
        EngineFailed: naming the question, if the engine has no answer.
    """
    asked = Asked(name, task, query, read_image, detail=detail)
    last = list(ground([asked], engine, options, lambda: False, segmenter))[-1]
    if not isinstance(last, ResultEvent):
        reason = last.error.message if isinstance(last, ErrorEvent) else "no answer"
        raise EngineFailed(reason=f"question {name}: {reason}")
    return Answer(
        tuple((d.box_px[0], d.box_px[1], d.box_px[2], d.box_px[3]) for d in last.detections),
        last.outcome == "none",
        last.outcome,
        last.timings.tokens,
        last.timings.total_ms,
        last.reasoning,
        last.raw_answer,
        tuple(d.polygons_px for d in last.detections if d.polygons_px),
        last.windows,
        tuple(dropped.reason for dropped in last.dropped if dropped.code),
    )


def answer_by_reference(
    folder: Path,
    questions: Sequence[Question],
    *,
    float_weights: Path | None = None,
    batch: int = 64,
) -> list[Answer]:
    """Answers of the float model in torch.

    Args:
        folder: model folder; its dequantised int8 weights are used unless ``float_weights`` names others.
        questions: any views; they are batched by view.
        float_weights: ``model.safetensors`` of a pretraining run, never quantised.
        batch: questions at once.
    """
    # deferred: the shipped path needs no torch
    from geo_r1_backend.models.generate import answer_batch, load_float_model

    model = load_float_model(folder, float_weights)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    by_view: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, question in enumerate(questions):
        by_view[question.view_px].append(index)
    answers: dict[int, Answer] = {}
    for indices in by_view.values():
        for first in range(0, len(indices), batch):
            part = [(i, questions[i]) for i in indices[first : first + batch]]
            texts = answer_batch(
                model,
                tokenizer,
                [q.scene.image for _, q in part],
                [prompt_for(q.expression.task, q.expression.query) for _, q in part],
            )
            for (index, _), text in zip(part, texts, strict=True):
                parsed = parse_answer(text)
                boxes = tuple(
                    (d.box_px[0], d.box_px[1], d.box_px[2], d.box_px[3]) for d in parsed.detections
                )
                outcome = "found" if boxes else "none" if parsed.says_none else "unparsable"
                answers[index] = Answer(boxes, outcome == "none", outcome)
    return [answers[index] for index in range(len(questions))]


def blinded(questions: Sequence[Question]) -> list[Question]:
    """The same questions about a grey picture: what can be answered without looking."""
    return [
        replace(q, scene=replace(q.scene, image=np.full_like(q.scene.image, 118)))
        for q in questions
    ]
