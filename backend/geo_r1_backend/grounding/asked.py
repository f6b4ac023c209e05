"""What is said of one question while its text comes: reasoning and boxes at once, and a result that has the last word."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from geo_r1_backend.engines.answer_stream import AnswerStream, TextPart
from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.engines.base import Engine, EngineItem, Piece
from geo_r1_backend.engines.resize import View
from geo_r1_backend.errors import GeoR1Error
from geo_r1_backend.grounding.answer_checks import loops, repeats, same, shown, tail, to_detection
from geo_r1_backend.wire import (
    Detection,
    DetectionEvent,
    Dropped,
    ErrorEvent,
    Event,
    ResultEvent,
    Timings,
    TokenEvent,
)

MAX_DROPPED = 50


@dataclass
class Asked:
    """A question while it is answered."""

    item: str
    prompt: str
    view: View
    engine_item: EngineItem
    stream: AnswerStream
    started_s: float
    preprocess_ms: float
    queued_ms: float
    raw: list[str] = field(default_factory=list)
    tokens: int = 0
    first_token_ms: float = 0.0
    streamed: list[Detection] = field(default_factory=list)
    """What was said already."""
    finished: bool = False
    looped: bool = False
    """The text repeated itself until it was stopped."""


def fail(asked: Sequence[Asked], error: GeoR1Error) -> Iterator[Event]:
    """End those that have not ended."""
    for one in asked:
        if not one.finished:
            one.finished = True
            yield ErrorEvent(one.item, error.to_body())


def say(one: Asked, piece: Piece, engine: Engine, engine_name: str) -> Iterator[Event]:
    """What a piece of text adds."""
    if one.finished:
        return
    if piece.restart:
        one.raw.clear()
        one.streamed.clear()
        one.stream, one.tokens = AnswerStream(one.view), 0
    if piece.tokens and not one.tokens:
        one.first_token_ms = ms_since(one.started_s)
    one.tokens += piece.tokens
    one.raw.append(piece.text)
    one.looped = not piece.finish and loops(tail(one.raw))
    ends = bool(piece.finish) or one.looped
    parts = one.stream.feed(piece.text)
    if ends:
        parts += one.stream.finish()
    for part in parts:
        if isinstance(part, TextPart):
            yield TokenEvent(one.item, part.text, part.section)
        else:
            detection = to_detection(part, one.view, rank=len(one.streamed))
            if isinstance(detection, Detection) and not repeats(detection, one.streamed):
                one.streamed.append(detection)
                yield DetectionEvent(one.item, detection)
    if ends:
        one.finished = True
        yield from conclude(one, piece, engine, engine_name)


def conclude(one: Asked, last: Piece, engine: Engine, engine_name: str) -> Iterator[Event]:
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
            yield DetectionEvent(one.item, detection)
    yield ResultEvent(
        item=one.item,
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
            queued_ms=round(one.queued_ms, 1),
            preprocess_ms=round(one.preprocess_ms, 1),
            first_token_ms=round(one.first_token_ms, 1),
            total_ms=round(ms_since(one.started_s), 1),
            tokens=one.tokens,
        ),
    )


def ms_since(started_s: float) -> float:
    """Milliseconds since a `time.perf_counter`."""
    return (time.perf_counter() - started_s) * 1000.0
