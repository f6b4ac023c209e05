"""One question about a picture that is larger than the model sees: the whole view first, then window by window, merged.

It knows no engine: whoever calls hands in a function that answers the question for some looks. What it says is one
answer like any other, with boxes as soon as no window to come can change them.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.engines.resize import View, plan_view
from geo_r1_backend.grounding.merge import Frame, GrowingMerge, Merged
from geo_r1_backend.grounding.windows import SHRUNK_FROM, Window, plan_for_model
from geo_r1_backend.wire import (
    Detail,
    Detection,
    DetectionEvent,
    Dropped,
    ErrorEvent,
    Event,
    ProgressEvent,
    ResultEvent,
    StartedEvent,
    Task,
    Timings,
    TokenEvent,
)

TASKS: tuple[Task, ...] = ("ovd",)
"""One object is sought in the whole view: which is the largest, no window can know. Masks of all objects are cut out of
merged boxes (`masks.boxes_task`); a model that answers `gres` itself gives points with its boxes, which are not merged."""
MAX_DROPPED = 50
LARGE_PX = 10_000
"""Side of a picture that every model shrinks."""

FINAL = (ResultEvent, ErrorEvent)


@dataclass(frozen=True)
class Look:
    """One part of a picture, and how it is shown to the model."""

    name: str
    """As the reasoning names it."""
    window: Window
    view: View


def plan_looks(
    width_px: int,
    height_px: int,
    profile: ModelProfile,
    task: Task,
    detail: Detail,
    *,
    window_px: int | None = None,
    overlap_px: int | None = None,
) -> list[Look]:
    """How a picture is looked at: the whole view alone, or the whole view and then windows.

    Args:
        width_px: of the picture.
        height_px: the same.
        profile: of the model.
        task: what is asked.
        detail: `auto` takes windows where the model would see the picture shrunk by more than `SHRUNK_FROM`.
        window_px: side of a window, to try another than the usual one.
        overlap_px: the same of the overlap.

    Raises:
        ImageAspect: if the picture is too elongated for the model.
    """
    whole = plan_view(width_px, height_px, profile)
    looks = [Look("The whole view", Window(0, 0, width_px, height_px), whole)]
    shrunk = max(width_px / whole.content_width_px, height_px / whole.content_height_px)
    if task not in TASKS or detail == "view" or (detail == "auto" and shrunk <= SHRUNK_FROM):
        return looks
    sees_px = plan_view(LARGE_PX, LARGE_PX, profile).content_width_px
    windows = plan_for_model(
        width_px, height_px, sees_px, window_px=window_px, overlap_px=overlap_px
    )
    if len(windows) == 1:
        return looks
    for number, window in enumerate(windows, 1):
        view = plan_view(window.width_px, window.height_px, profile)
        place = ",".join(f"{value:.0f}" for value in window.box_px)
        name = f"Window {number} of {len(windows)} [{place}]"
        looks.append(
            Look(name, window, replace(view, left_px=window.left_px, top_px=window.top_px))
        )
    return looks


def through_windows(
    item: str,
    looks: Sequence[Look],
    ask: Callable[[Sequence[tuple[str, Look]]], Iterator[Event]],
    *,
    batch_size: int = 1,
) -> Iterator[Event]:
    """Ask through every look and say it as one answer.

    Args:
        item: name of the question.
        looks: the whole view and the windows; the first shows the whole picture.
        ask: answers the question for some looks; its events carry the names that were given with them. If it ends
            without a final event for one of them, whoever asked has left, and so does this.
        batch_size: looks at a time.

    Yields:
        `started`, `progress` before the first look and after each, `token`, `detection` as soon as it is final, one
        `result` or `error`.
    """
    answer = _Answer(item, looks)
    for first in range(0, len(looks), max(1, batch_size)):
        part = range(first, min(first + max(1, batch_size), len(looks)))
        ended = 0
        events = ask([(str(index), looks[index]) for index in part])
        for index, event in _in_order(events, part):
            yield from answer.take(index, event)
            if isinstance(event, ErrorEvent):
                return
            ended += isinstance(event, ResultEvent)
        if ended < len(part):
            return
    yield from answer.conclude()


@dataclass
class _Answer:
    """What has been said so far."""

    item: str
    looks: Sequence[Look]
    began_s: float = field(default_factory=time.perf_counter)
    started: bool = False
    named: set[int] = field(default_factory=set)
    """Looks whose name stands in the reasoning."""
    reasoning: list[str] = field(default_factory=list)
    results: list[ResultEvent] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    first_token_ms: float = 0.0

    def __post_init__(self) -> None:
        whole: Frame = self.looks[0].window.box_px
        self._merge = GrowingMerge(whole, [look.window.box_px for look in self.looks])

    def take(self, index: int, event: Event) -> Iterator[Event]:
        """What an event of one look adds."""
        if isinstance(event, StartedEvent) and not self.started:
            self.started = True
            yield replace(event, item=self.item)
            yield ProgressEvent(self.item, 0, len(self.looks))
        elif isinstance(event, TokenEvent) and event.section == "think":
            yield from self._think(index, event.text)
        elif isinstance(event, ErrorEvent):
            yield replace(event, item=self.item)
        elif isinstance(event, ResultEvent):
            yield from self._look_ended(index, event)

    def conclude(self) -> Iterator[Event]:
        """The answer as a whole, when every look has had its result."""
        yield TokenEvent(self.item, self._answer_text(), "answer")
        yield ResultEvent(
            item=self.item,
            outcome=self._outcome(),
            detections=self.detections,
            reasoning="".join(self.reasoning).strip(),
            raw_answer="\n".join(
                f"{look.name}:\n{result.raw_answer}"
                for look, result in zip(self.looks, self.results, strict=True)
            ),
            model=self.results[0].model,
            engine=self.results[0].engine,
            prompt=self.results[0].prompt,
            dropped=self.dropped[:MAX_DROPPED],
            timings=Timings(
                queued_ms=self.results[0].timings.queued_ms,
                preprocess_ms=round(sum(r.timings.preprocess_ms for r in self.results), 1),
                first_token_ms=round(self.first_token_ms, 1),
                total_ms=round((time.perf_counter() - self.began_s) * 1000.0, 1),
                tokens=sum(r.timings.tokens for r in self.results),
            ),
            windows=len(self.looks) - 1,
        )

    def _think(self, index: int, text: str) -> Iterator[Event]:
        if index not in self.named:
            line = "\n" if self.named else ""
            text = f"{line}{self.looks[index].name}: {text.lstrip()}"
            self.named.add(index)
        if not self.first_token_ms:
            self.first_token_ms = (time.perf_counter() - self.began_s) * 1000.0
        self.reasoning.append(text)
        yield TokenEvent(self.item, text, "think")

    def _look_ended(self, index: int, result: ResultEvent) -> Iterator[Event]:
        self.results.append(result)
        name = self.looks[index].name
        self.dropped += [replace(d, reason=f"{d.reason} ({name})") for d in result.dropped]
        boxes = [(d.label, _frame(d.box_px)) for d in result.detections]
        for merged in self._merge.add(self.looks[index].window.box_px, boxes):
            detection = _detection(merged, rank=len(self.detections))
            self.detections.append(detection)
            yield DetectionEvent(self.item, detection)
        yield ProgressEvent(self.item, len(self.results), len(self.looks))

    def _outcome(self) -> Literal["found", "none", "unparsable", "truncated"]:
        outcomes = [result.outcome for result in self.results]
        if "truncated" in outcomes:
            return "truncated"
        if self.detections:
            return "found"
        # a window that could not be read may have had something in it; what it said is among `dropped`
        return "none" if "none" in outcomes else "unparsable"

    def _answer_text(self) -> str:
        if not self.detections:
            return "None" if self._outcome() == "none" else ""
        return json.dumps(
            [
                {"bbox_2d": [round(value) for value in d.box_px], "label": d.label}
                for d in self.detections
            ],
            ensure_ascii=False,
        )


def _in_order(events: Iterator[Event], part: range) -> Iterator[tuple[int, Event]]:
    """Events of several looks, those of the first one as they come, the others when it is their turn."""
    held: dict[int, deque[Event]] = {index: deque() for index in part}
    current = part.start
    for event in events:
        held[int(event.item)].append(event)
        while held.get(current):
            turn = held[current].popleft()
            yield current, turn
            if isinstance(turn, FINAL):
                current += 1


def _detection(merged: Merged, *, rank: int) -> Detection:
    return Detection(rank, merged.label, [round(value, 2) for value in merged.box])


def _frame(box_px: Sequence[float]) -> Frame:
    return box_px[0], box_px[1], box_px[2], box_px[3]
