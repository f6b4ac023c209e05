"""One engine, many questions: prompt + view + generation + answer → wire events, in pixels of the sent chip.

It knows no HTTP, no queue and no files; whoever iterates decides what to do with the events. Every question ends with
exactly one final event, unless ``should_stop`` became true.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geo_r1_backend.engines.answer_stream import AnswerStream
from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.errors import EngineFailed, GeoR1Error, Internal, TaskUnsupported
from geo_r1_backend.grounding.ahead import read_ahead
from geo_r1_backend.grounding.asked import Asked, fail, ms_since, say
from geo_r1_backend.grounding.kept_views import KeptViews
from geo_r1_backend.grounding.masks import FindSegmenter, boxes_task, no_segmenter, with_masks
from geo_r1_backend.grounding.through_windows import Look, plan_looks, through_windows
from geo_r1_backend.wire import Detail, ErrorEvent, Event, StartedEvent, Task

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MAX_FAILURES = 2
"""So many one after another, and the rest of a batch is not tried: the engine is broken, not an item."""
MAX_KEPT_PX = 64_000_000
"""Of pictures that are kept for their masks while a batch is answered: a batch ends early there."""


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
    chip: str = ""
    """Hash of the pixels, for those who keep what they saw of them."""
    size_px: tuple[int, int] | None = None
    """Width and height, where they are known without decoding."""


@dataclass(frozen=True)
class GroundOptions:
    """How all questions of a request are answered."""

    think: bool = True
    max_new_tokens: int = 1536
    seed: int = 0
    batch_size: int | None = None
    """Questions, or windows of one, per call of the engine; what is best for the engine when left out."""
    window_px: int | None = None
    """Side of a window; the usual one when left out."""
    overlap_px: int | None = None
    """The same of what neighbours share."""
    note: str = ""
    """What is said with the beginning of each answer."""


def _nobody_waits() -> None:
    pass


def ground(
    questions: Sequence[Question],
    engine: Engine,
    options: GroundOptions,
    should_stop: Callable[[], bool],
    segmenter: FindSegmenter = no_segmenter,
    between: Callable[[], None] = _nobody_waits,
    kept: KeptViews | None = None,
) -> Iterator[Event]:
    """Answer questions in batches, saying everything as soon as it is known.

    Args:
        questions: what is asked.
        engine: answers with boxes.
        options: of all questions.
        should_stop: whether nobody listens any more.
        segmenter: gives what cuts masks out of boxes; asked when the first mask is due.
        between: called between two calls of the engine, when it is free for others.
        kept: views of chips that were asked about before, and a place for those that are seen now.

    Yields:
        For each question `started`, then `token` and `detection`, then one `result` or `error`; events of the questions
        of one batch come as the engine has them, mixed.
    """
    size = max(1, options.batch_size or engine.best_batch)
    reading = read_ahead(
        questions,
        lambda one: _shown(_read(one, engine, options, kept)),
        _size_px,
        # this batch and the next
        2 * size,
    )
    asked: list[Asked] = []
    pictures: dict[str, Image] = {}
    with closing(reading):  # its threads end with whoever stops listening
        for number, (question, chip_of) in enumerate(reading, 1):
            if should_stop():
                return
            is_last = number == len(questions)
            # an engine may have handed over to another one meanwhile
            size = max(1, options.batch_size or engine.best_batch)
            try:
                chip = chip_of()
                if len(chip.looks) == 1:
                    asked.append(_prepare(chip, question.item, chip.looks[0]))
            except GeoR1Error as error:
                yield ErrorEvent(question.item, error.to_body())
            else:
                picture = {question.item: chip.picture} if chip.picture else {}
                if len(chip.looks) == 1:
                    pictures |= picture
                else:
                    # at once, so that no more than one picture of any size is in memory
                    answer = _closely(chip, engine, options, should_stop, between, size)
                    yield from with_masks(answer, picture, segmenter, should_stop)
                    if not is_last:
                        between()
            kept_px = sum(picture.width * picture.height for picture in pictures.values())
            if asked and (is_last or len(asked) >= size or kept_px > MAX_KEPT_PX):
                answer = _answer(asked, engine, options, should_stop)
                yield from with_masks(answer, pictures, segmenter, should_stop)
                asked, pictures = [], {}
                if not is_last:
                    between()


def _closely(
    chip: _Chip,
    engine: Engine,
    options: GroundOptions,
    should_stop: Callable[[], bool],
    between: Callable[[], None],
    size: int,
) -> Iterator[Event]:
    """One question through several looks, so many at a time."""

    def ask(part: Sequence[tuple[str, Look]]) -> Iterator[Event]:
        if part[0][1] is not chip.looks[0]:
            between()
        some = [_prepare(chip, name, look) for name, look in part]
        return _answer(some, engine, options, should_stop)

    return through_windows(chip.question.item, chip.looks, ask, batch_size=size)


@dataclass(frozen=True)
class _Chip:
    """A question whose pixels were read."""

    question: Question
    prompt: str
    show: Callable[[Look], Image]
    looks: list[Look]
    picture: Image | None
    """For masks."""
    read_ms: float


def _read(
    question: Question, engine: Engine, options: GroundOptions, kept: KeptViews | None
) -> _Chip:
    """The pixels, and how they will be looked at."""
    started_s = time.perf_counter()
    profile = engine.profile
    task = question.task
    if task == "gres" and task not in profile.tasks:
        task = boxes_task(question.query, profile.tasks)
    if task not in profile.tasks:
        raise TaskUnsupported(task=task, model=profile.id, supported=profile.tasks)
    prompt = prompt_for(task, question.query, think=options.think)
    image = None if question.size_px else question.read_image()
    width_px, height_px = image.size if image else question.size_px or (0, 0)
    looks = plan_looks(
        width_px,
        height_px,
        profile,
        task,
        question.detail,
        window_px=options.window_px,
        overlap_px=options.overlap_px,
    )
    keeps = kept is not None and question.chip and len(looks) == 1
    known = kept.get(question.chip, looks[0].view) if kept is not None and keeps else None
    if known is not None and question.task != "gres":
        return _Chip(question, prompt, lambda look: known, looks, None, ms_since(started_s))
    image = image or question.read_image()

    def show(look: Look) -> Image:
        rendered = look.view.render(image)
        if kept is not None and keeps and known is None:
            kept.keep(question.chip, look.view, rendered)
        return rendered

    picture = image if question.task == "gres" else None
    return _Chip(question, prompt, show, looks, picture, ms_since(started_s))


def _size_px(question: Question) -> int | None:
    return question.size_px[0] * question.size_px[1] if question.size_px else None


def _shown(chip: _Chip) -> _Chip:
    """The same with its only look drawn, so that nothing is left to do when its turn comes."""
    if len(chip.looks) > 1:
        return chip
    started_s = time.perf_counter()
    rendered = chip.show(chip.looks[0])
    return replace(chip, show=lambda look: rendered, read_ms=chip.read_ms + ms_since(started_s))


def _prepare(chip: _Chip, item: str, look: Look) -> Asked:
    """Everything that is done to one look before the engine sees it."""
    started_s = time.perf_counter()
    rendered = chip.show(look)
    # a chip is read once, so its first look has the time of that
    read_ms = chip.read_ms if look is chip.looks[0] else 0.0
    return Asked(
        item=item,
        prompt=chip.prompt,
        view=look.view,
        engine_item=EngineItem(image=rendered, prompt=chip.prompt),
        stream=AnswerStream(look.view),
        started_s=started_s - read_ms / 1000.0,
        preprocess_ms=read_ms + ms_since(started_s),
        queued_ms=chip.question.queued_ms,
    )


def _answer(
    asked: list[Asked], engine: Engine, options: GroundOptions, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """One batch: one call of the engine, or more where it fails."""
    if not asked:
        return
    status = engine.status()
    for one in asked:
        yield StartedEvent(
            item=one.item,
            model=engine.profile.id,
            engine=status.name,
            device=status.device,
            model_width_px=one.view.model_width_px,
            model_height_px=one.view.model_height_px,
            note=options.note,
        )
    error = yield from _call(asked, engine, options, should_stop)
    if error is not None and len(asked) > 1:
        # what fails together may be answered alone, so whoever has not been heard is asked again
        yield from fail([one for one in asked if one.raw], error)
        failures = 0
        for one in asked:
            if one.finished or failures == MAX_FAILURES or should_stop():
                continue
            error = yield from _call([one], engine, options, should_stop)
            failures = failures + 1 if error else 0
            if error is not None:
                yield from fail([one], error)
    if not should_stop():
        yield from fail(asked, error or Internal())


def _call(
    asked: Sequence[Asked], engine: Engine, options: GroundOptions, should_stop: Callable[[], bool]
) -> Generator[Event, None, GeoR1Error | None]:
    """What the engine says; returns why it failed."""
    name = engine.status().name
    generation = GenerationOptions(max_new_tokens=options.max_new_tokens, seed=options.seed)
    pieces = engine.generate([one.engine_item for one in asked], generation, should_stop)
    try:
        for piece in pieces:
            yield from say(asked[piece.index], piece, engine, name)
            if all(one.finished for one in asked):
                break  # nothing more is wanted, even if the engine would go on
    except GeoR1Error as error:
        return error
    except Exception as error:  # border: an engine is other people's code
        log.exception("engine %s failed", name)
        return EngineFailed(f"{type(error).__name__}: {error}", engine=name)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    return None


def with_request_id(event: Event, request_id: str) -> Event:
    """The event, its error (if it is one) naming the request."""
    if isinstance(event, ErrorEvent) and not event.error.request_id:
        return replace(event, error=replace(event.error, request_id=request_id))
    return event
