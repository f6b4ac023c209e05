"""What a service says of data sets and runs, made harmless; see `harmless.py`."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import List, Optional, TypeVar

from . import training_wire as tw
from .errors import ProtocolError
from .harmless import FAR_PX, MANY, MAX_ANSWER, MAX_NAME, MAX_SENTENCE, harmless_error
from .plain_text import one_line, several_lines

MAX_PREVIEWS = 24
MAX_PARTS = 12
"""Names of reward parts in one step."""
MAX_RUNS = 500

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MODEL_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


def harmless_run_event(event: tw.RunEvent) -> tw.RunEvent:
    """One event of a run.

    Raises:
        ProtocolError: if it cannot be right: a number below 0, a box that is none.
    """
    if not 0 <= event.number <= MANY:
        raise ProtocolError("$.number", f"expected 0 .. {MANY}, got {event.number}")
    if isinstance(event, tw.NoteEvent):
        text = several_lines(event.text, MAX_SENTENCE)
        return replace(event, text=text, code=one_line(event.code, MAX_NAME))
    if isinstance(event, tw.RunStateEvent):
        error = None if event.error is None else harmless_error(event.error)
        return replace(event, note=several_lines(event.note, MAX_SENTENCE), error=error)
    if isinstance(event, tw.StepEvent):
        parts = list(event.reward_parts.items())[:MAX_PARTS]
        named = {one_line(name, MAX_NAME): value for name, value in parts}
        return replace(event, reward_parts=named, method=one_line(event.method, MAX_NAME))
    if isinstance(event, tw.EvaluationEvent):
        shown = [_preview(each) for each in event.previews[:MAX_PREVIEWS]]
        return replace(event, score=_score(event.score), previews=shown)
    if isinstance(event, tw.VerdictEvent):
        return replace(event, verdict=_verdict(event.verdict), adapter=_model(event.adapter))
    return event


def harmless_training(value: T) -> T:
    """An answer about data sets or runs, of whatever class; other classes come back as they are.

    Raises:
        ProtocolError: if an id is none, for it would be put into a path.
    """
    if isinstance(value, tw.RunInfo):
        return _run(value)  # type: ignore[return-value]
    if isinstance(value, tw.RunList):
        return tw.RunList([_run(each) for each in value.runs[:MAX_RUNS]])  # type: ignore[return-value]
    if isinstance(value, tw.DatasetInfo):
        return replace(value, id=_id(value.id), name=one_line(value.name, MAX_NAME))
    return value


def _run(run: tw.RunInfo) -> tw.RunInfo:
    return replace(
        run,
        id=_id(run.id),
        name=one_line(run.name, MAX_NAME),
        dataset=one_line(run.dataset, MAX_NAME),
        model=one_line(run.model, MAX_NAME),
        device=one_line(run.device, MAX_NAME),
        created=one_line(run.created, MAX_NAME),
        adapter=_model(run.adapter),
        verdict=None if run.verdict is None else _verdict(run.verdict),
        error=None if run.error is None else harmless_error(run.error),
    )


def _id(text: str) -> str:
    if not _ID.fullmatch(text) or set(text) == {"."}:
        raise ProtocolError("$.id", "is not an id")
    return text


def _model(text: Optional[str]) -> Optional[str]:
    return text if text is not None and _MODEL_ID.fullmatch(text) else None


def _verdict(verdict: tw.Verdict) -> tw.Verdict:
    return replace(verdict, before=_score(verdict.before), after=_score(verdict.after))


def _score(score: tw.Score) -> tw.Score:
    return replace(score, metric=one_line(score.metric, MAX_NAME))


def _preview(preview: tw.Preview) -> tw.Preview:
    if not _SHA256.fullmatch(preview.chip):
        raise ProtocolError("$.previews.chip", "is not a SHA-256")
    return replace(
        preview,
        query=one_line(preview.query, MAX_SENTENCE),
        reasoning=several_lines(preview.reasoning, MAX_ANSWER),
        true_boxes_px=_boxes(preview.true_boxes_px),
        boxes_px=_boxes(preview.boxes_px),
    )


def _boxes(boxes: List[List[float]]) -> List[List[float]]:
    kept = boxes[: tw.MAX_OBJECTS_PER_SAMPLE]
    for box in kept:
        fits = len(box) == 4 and all(math.isfinite(n) and abs(n) <= FAR_PX for n in box)
        if not fits or box[0] > box[2] or box[1] > box[3]:
            raise ProtocolError("$.previews.boxes_px", "is not a box")
    return kept
