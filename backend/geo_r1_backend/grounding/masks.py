"""From boxes to masks: the events of answers, with each detection cut out of the picture as it passes.

A detection whose object cannot be cut out keeps its box, and the result says why. Knows no engine and no HTTP.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo_r1_backend.engines.segmenter import MaskPrompt, Segmenter
from geo_r1_backend.errors import EngineFailed, GeoR1Error, SegmenterMissing
from geo_r1_backend.geo.outlines import outlines
from geo_r1_backend.wire import Detection, DetectionEvent, Dropped, Event, ResultEvent, Task

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MAX_MASKS = 200
"""Of one answer: a view has up to 60 objects, and each mask takes time."""
MAX_POINTS = 20_000
"""Of all outlines of one answer: about 300 kB of JSON, which QGIS reads in less than 50 ms."""

FindSegmenter = Callable[[], Segmenter]
"""Gives the segmenter, or raises a GeoR1Error that says why there is none."""


def no_segmenter() -> Segmenter:
    """For a caller that has none.

    Raises:
        SegmenterMissing: always.
    """
    raise SegmenterMissing(folder="“segmenter” in the data folder")


_ONE = re.compile(r"\b(?:the|an?|this|that|which|where(?:'s| is)?)\b")
_ALL = re.compile(r"(?<!of )\b(?:all|every|each)\b")
_REST = re.compile(
    r"\b(?:on|in|at|near|next|beside|between|left|right|above|below|by|with|without|of|along|around|that|and|please|here)\b"
)
_PLURAL = re.compile(r"[a-z-]*[^\W_sui]s")


def boxes_task(query: str, tasks: tuple[str, ...]) -> Task:
    """Which question gives the boxes of a mask, for a model that was not taught the paper's third task.

    “All objects” where the query asks for several (“all tanks”, “storage tanks”), “one object” otherwise: its answer has
    several boxes where several fit.
    """
    words = query.lower()
    phrase = _REST.split(words, maxsplit=1)[0]
    kind = re.findall(r"[a-z-]+", phrase)
    is_plural = bool(kind) and _PLURAL.fullmatch(kind[-1]) is not None
    is_several = bool(_ALL.search(words)) or (is_plural and not _ONE.search(phrase))
    wanted: Task = "ovd" if is_several else "rec"
    other: Task = "rec" if is_several else "ovd"
    return wanted if wanted in tasks or other not in tasks else other


@dataclass
class _Answer:
    """What was cut out for one item."""

    image: Image
    pixels: NDArray[np.uint8] | None = None
    done: dict[tuple[str, tuple[float, ...]], Detection] = field(default_factory=dict)
    notes: list[Dropped] = field(default_factory=list)
    masks: int = 0
    points: int = 0
    is_over: bool = False
    """Nothing more is cut out: no segmenter, or one that failed."""
    spent_s: float = 0.0


def with_masks(
    events: Iterator[Event],
    pictures: Mapping[str, Image],
    find: FindSegmenter,
    should_stop: Callable[[], bool],
) -> Iterator[Event]:
    """The same events, the detections of some items cut out.

    Args:
        events: of any items; closed when this ends early.
        pictures: the chips of the items that want masks, by item.
        find: called at most once an item.
        should_stop: asked before each object; the events end there then.
    """
    answers = {item: _Answer(image) for item, image in pictures.items()}
    try:
        for event in events:
            answer = answers.get(event.item)
            if answer is None or not isinstance(event, (DetectionEvent, ResultEvent)):
                yield event
            elif isinstance(event, DetectionEvent):
                if should_stop():
                    return
                yield replace(event, detection=_cut(answer, event.detection, find))
            else:
                result = _finished(answer, event, find, should_stop)
                if result is None:
                    return
                yield result
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _finished(
    answer: _Answer, result: ResultEvent, find: FindSegmenter, should_stop: Callable[[], bool]
) -> ResultEvent | None:
    """The result with its masks; none when it was stopped before all were cut out."""
    began_s = time.perf_counter()
    detections: list[Detection] = []
    for detection in result.detections:
        if should_stop():
            return None
        detections.append(_cut(answer, detection, find))
    # what was cut out while the text came is in the engine's own time already
    more_ms = (time.perf_counter() - began_s) * 1000.0
    return replace(
        result,
        detections=detections,
        dropped=[*result.dropped, *answer.notes],
        timings=replace(
            result.timings,
            masks_ms=round(answer.spent_s * 1000.0, 1),
            total_ms=round(result.timings.total_ms + more_ms, 1),
        ),
    )


def _cut(answer: _Answer, detection: Detection, find: FindSegmenter) -> Detection:
    """The detection with its mask, or as it was."""
    key = detection.label, tuple(detection.box_px)
    known = answer.done.get(key)
    if known is None:
        began_s = time.perf_counter()
        known = answer.done[key] = _cut_new(answer, detection, find)
        answer.spent_s += time.perf_counter() - began_s
    return replace(known, rank=detection.rank)


def _cut_new(answer: _Answer, detection: Detection, find: FindSegmenter) -> Detection:
    if answer.is_over:
        return detection
    if answer.masks >= MAX_MASKS or answer.points >= MAX_POINTS:
        answer.is_over = True
        limit = f"{answer.masks:,} masks with {answer.points:,} points are the most for one answer"
        answer.notes.append(Dropped("", f"{limit}; the others are boxes", "mask-limit"))
        return detection
    try:
        mask = _mask(answer, detection, find())
    except GeoR1Error as error:
        answer.is_over = True
        answer.notes.append(Dropped("", f"{error.message} {error.hint}", error.code))
        return detection
    polygons = outlines(mask)
    if not polygons:
        reason = "nothing in the box stands out from what is around it; it stays a box"
        answer.notes.append(Dropped(_shown(detection), reason, "no-mask"))
        return detection
    answer.masks += 1
    answer.points += sum(len(ring) for rings in polygons for ring in rings)
    return replace(detection, kind="mask", polygons_px=polygons)


def _mask(answer: _Answer, detection: Detection, segmenter: Segmenter) -> NDArray[np.bool_]:
    """One object's mask.

    Raises:
        EngineFailed: if the segmenter fails, whatever it raises.
    """
    if answer.pixels is None:
        answer.pixels = np.asarray(answer.image.convert("RGB"))
    x_min, y_min, x_max, y_max = detection.box_px
    on_it = tuple(
        (x, y)
        for x, y in detection.points_px or []
        if x_min <= x <= x_max and y_min <= y <= y_max  # beside the box it points at something else
    )
    prompt = MaskPrompt((x_min, y_min, x_max, y_max), on_it)
    try:
        (mask,) = segmenter.segment(answer.pixels, [prompt])
    except GeoR1Error:
        raise
    except Exception as error:  # border: a segmenter may be other people's code
        log.exception("segmenter %s failed", segmenter.name)
        reason = f"{type(error).__name__}: {error}"
        raise EngineFailed(reason, engine=segmenter.name) from error
    return np.asarray(mask, dtype=bool)


def _shown(detection: Detection) -> str:
    """A detection as text, in chip pixels."""
    x_min, y_min, x_max, y_max = (f"{value:g}" for value in detection.box_px)
    return f"{detection.label} [{x_min},{y_min},{x_max},{y_max}]".strip()
