"""One engine, many questions: prompt + view + generation + answer → wire events, in pixels of the sent chip.

It knows no HTTP, no queue and no files; whoever iterates decides what to do with the events. Every question ends with
exactly one final event, unless ``should_stop`` became true.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from geo_r1_backend.engines.answer_stream import AnswerStream, TextPart
from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions, Piece
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.resize import View
from geo_r1_backend.errors import EngineFailed, GeoR1Error, Internal, TaskUnsupported
from geo_r1_backend.grounding.answer_checks import loops, repeats, same, shown, tail, to_detection
from geo_r1_backend.grounding.masks import FindSegmenter, boxes_task, no_segmenter, with_masks
from geo_r1_backend.grounding.through_windows import Look, plan_looks, through_windows
from geo_r1_backend.wire import (
    Detail,
    Detection,
    DetectionEvent,
    Dropped,
    ErrorEvent,
    Event,
    ResultEvent,
    StartedEvent,
    Task,
    Timings,
    TokenEvent,
)

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MAX_DROPPED = 50


@dataclass(frozen=True)
class Question:
    """One thing asked about one chip; the pixels are decoded when its turn comes."""

    item: str
    task: Task
    query: str
    read_image: Callable[[], Image]
    queued_ms: float = 0.0
    detail: Detail = "auto"
    """Whether it is looked at through windows."""


@dataclass(frozen=True)
class GroundOptions:
    """How all questions of a request are answered."""

    think: bool = True
    max_new_tokens: int = 1536
    seed: int = 0
    batch_size: int = 1
    """Questions, or windows of one, per call of the engine; 1 = each is answered, and can be stopped, on its own."""
    window_px: int | None = None
    """Side of a window; the usual one when left out."""
    overlap_px: int | None = None
    """The same of what neighbours share."""
    note: str = ""
    """What is said with the beginning of each answer."""


@dataclass
class _Asked:
    """A question while it is answered."""

    question: Question
    prompt: str
    view: View
    engine_item: EngineItem
    stream: AnswerStream
    started_s: float
    preprocess_ms: float
    raw: list[str] = field(default_factory=list)
    tokens: int = 0
    first_token_ms: float = 0.0
    streamed: list[Detection] = field(default_factory=list)
    """What was said already."""
    finished: bool = False
    looped: bool = False
    """The text repeated itself until it was stopped."""


def ground(
    questions: Sequence[Question],
    engine: Engine,
    options: GroundOptions,
    should_stop: Callable[[], bool],
    segmenter: FindSegmenter = no_segmenter,
) -> Iterator[Event]:
    """Answer questions in order, saying everything as soon as it is known.

    Args:
        questions: what is asked.
        engine: answers with boxes.
        options: of all questions.
        should_stop: whether nobody listens any more.
        segmenter: gives what cuts masks out of boxes; asked when the first mask is due.

    Yields:
        For each question `started`, then `token` and `detection`, then one `result` or `error`.
    """
    size = max(1, options.batch_size)
    for first in range(0, len(questions), size):
        if should_stop():
            return
        asked: list[_Asked] = []
        closely: list[_Chip] = []
        pictures: dict[str, Image] = {}
        for question in questions[first : first + size]:
            try:
                chip = _read(question, engine, options)
                if question.task == "gres":
                    pictures[question.item] = chip.image
                if len(chip.looks) == 1:
                    asked.append(_prepare(chip, question.item, chip.looks[0]))
                else:
                    closely.append(chip)
            except GeoR1Error as error:
                yield ErrorEvent(question.item, error.to_body())
        answer = _answer(asked, engine, options, should_stop)
        yield from with_masks(answer, pictures, segmenter, should_stop)
        for chip in closely:

            def ask(part: Sequence[tuple[str, Look]], chip: _Chip = chip) -> Iterator[Event]:
                some = [_prepare(chip, name, look) for name, look in part]
                return _answer(some, engine, options, should_stop)

            if not should_stop():
                answer = through_windows(chip.question.item, chip.looks, ask, batch_size=size)
                yield from with_masks(answer, pictures, segmenter, should_stop)


@dataclass(frozen=True)
class _Chip:
    """A question whose pixels were read."""

    question: Question
    prompt: str
    image: Image
    looks: list[Look]
    read_ms: float


def _read(question: Question, engine: Engine, options: GroundOptions) -> _Chip:
    """The pixels, and how they will be looked at."""
    started_s = time.perf_counter()
    profile = engine.profile
    task = question.task
    if task == "gres" and task not in profile.tasks:
        task = boxes_task(question.query, profile.tasks)
    if task not in profile.tasks:
        raise TaskUnsupported(task=task, model=profile.id, supported=profile.tasks)
    prompt = prompt_for(task, question.query, think=options.think)
    image = question.read_image()
    looks = plan_looks(
        image.width,
        image.height,
        profile,
        task,
        question.detail,
        window_px=options.window_px,
        overlap_px=options.overlap_px,
    )
    return _Chip(question, prompt, image, looks, _ms_since(started_s))


def _prepare(chip: _Chip, item: str, look: Look) -> _Asked:
    """Everything that is done to one look before the engine sees it."""
    started_s = time.perf_counter()
    rendered = look.view.render(chip.image)
    # a chip is read once, so its first look has the time of that
    read_ms = chip.read_ms if look is chip.looks[0] else 0.0
    return _Asked(
        question=replace(chip.question, item=item),
        prompt=chip.prompt,
        view=look.view,
        engine_item=EngineItem(image=rendered, prompt=chip.prompt),
        stream=AnswerStream(look.view),
        started_s=started_s - read_ms / 1000.0,
        preprocess_ms=read_ms + _ms_since(started_s),
    )


def _answer(
    asked: list[_Asked], engine: Engine, options: GroundOptions, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """One call of the engine."""
    if not asked:
        return
    status = engine.status()
    for one in asked:
        yield StartedEvent(
            item=one.question.item,
            model=engine.profile.id,
            engine=status.name,
            device=status.device,
            model_width_px=one.view.model_width_px,
            model_height_px=one.view.model_height_px,
            note=options.note,
        )
    generation = GenerationOptions(max_new_tokens=options.max_new_tokens, seed=options.seed)
    pieces = engine.generate([one.engine_item for one in asked], generation, should_stop)
    try:
        for piece in pieces:
            yield from _say(asked[piece.index], piece, engine, status.name)
            if all(one.finished for one in asked):
                break  # nothing more is wanted, even if the engine would go on
    except GeoR1Error as error:
        yield from _fail(asked, error)
    except Exception as error:  # border: an engine is other people's code
        log.exception("engine %s failed", status.name)
        reason = f"{type(error).__name__}: {error}"
        yield from _fail(asked, EngineFailed(reason, engine=status.name))
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    if not should_stop():
        yield from _fail(asked, Internal())


def _fail(asked: list[_Asked], error: GeoR1Error) -> Iterator[Event]:
    for one in asked:
        if not one.finished:
            one.finished = True
            yield ErrorEvent(one.question.item, error.to_body())


def _say(one: _Asked, piece: Piece, engine: Engine, engine_name: str) -> Iterator[Event]:
    """What a piece of text adds."""
    if one.finished:
        return
    if piece.tokens and not one.tokens:
        one.first_token_ms = _ms_since(one.started_s)
    one.tokens += piece.tokens
    one.raw.append(piece.text)
    one.looped = not piece.finish and loops(tail(one.raw))
    ends = bool(piece.finish) or one.looped
    parts = one.stream.feed(piece.text)
    if ends:
        parts += one.stream.finish()
    for part in parts:
        if isinstance(part, TextPart):
            yield TokenEvent(one.question.item, part.text, part.section)
        else:
            detection = to_detection(part, one.view, rank=len(one.streamed))
            if isinstance(detection, Detection) and not repeats(detection, one.streamed):
                one.streamed.append(detection)
                yield DetectionEvent(one.question.item, detection)
    if ends:
        one.finished = True
        yield from _conclude(one, piece, engine, engine_name)


def _conclude(one: _Asked, last: Piece, engine: Engine, engine_name: str) -> Iterator[Event]:
    """The last detections and the result of a finished text."""
    raw = "".join(one.raw)
    parsed = parse_answer(raw)
    detections: list[Detection] = []
    dropped: list[Dropped] = list(parsed.dropped)[:MAX_DROPPED]
    if one.looped:
        dropped.append(Dropped(raw[-20:], "the model began to repeat itself and was stopped"))
    for box in parsed.detections:
        detection = to_detection(box, one.view, rank=len(detections))
        if isinstance(detection, Dropped):
            dropped.append(detection)
            continue
        if repeats(detection, detections):
            dropped.append(Dropped(shown(box), "the same object a second time"))
            continue
        detections.append(detection)
        if not any(same(detection, said) for said in one.streamed):
            yield DetectionEvent(one.question.item, detection)
    yield ResultEvent(
        item=one.question.item,
        outcome=(
            "truncated"
            if last.finish == "length"
            else "found"
            if detections
            else "none"
            if parsed.says_none
            else "unparsable"
        ),
        detections=detections,
        reasoning=one.stream.reasoning,
        raw_answer=raw,
        model=engine.profile.id,
        engine=engine_name,
        prompt=one.prompt,
        dropped=dropped,
        timings=Timings(
            queued_ms=round(one.question.queued_ms, 1),
            preprocess_ms=round(one.preprocess_ms, 1),
            first_token_ms=round(one.first_token_ms, 1),
            total_ms=round(_ms_since(one.started_s), 1),
            tokens=one.tokens,
        ),
    )


def with_request_id(event: Event, request_id: str) -> Event:
    """The event, its error (if it is one) naming the request."""
    if isinstance(event, ErrorEvent) and not event.error.request_id:
        return replace(event, error=replace(event.error, request_id=request_id))
    return event


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1000.0
