"""What is checked of an answer before it is passed on: boxes outside of the image, objects said twice, texts without end."""

from __future__ import annotations

from collections.abc import Sequence

from geo_r1_backend.engines.answers import AnsweredBox
from geo_r1_backend.engines.resize import View
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.wire import Detection, Dropped

LOOP_CHARACTERS = 160
LOOP_PERIOD = 40
"""A text whose last 160 characters repeat with a period of at most 40 is stopped (seen on a crowded car park: 1,024 tokens
of the same broken piece, 6 s of waiting)."""
REPEATED_IOU = 0.85
"""Two objects side by side never overlap so far; two sayings of one object do."""


def tail(pieces: Sequence[str]) -> str:
    """The end of a text as far as `loops` looks."""
    return "".join(pieces[-LOOP_CHARACTERS:])[-LOOP_CHARACTERS:]


def to_detection(box: AnsweredBox, view: View, *, rank: int) -> Detection | Dropped:
    """A box as the model wrote it, as a detection in chip pixels, or why it is none."""
    box_px = [round(value, 2) for value in view.box_to_chip(box.box_px)]
    if box_px[2] <= box_px[0] or box_px[3] <= box_px[1]:
        return Dropped(shown(box), "outside of the image")
    points = [view.point_to_chip(*point) for point in box.points_px]
    return Detection(
        rank=rank,
        label=box.label,
        box_px=box_px,
        points_px=[[round(x, 2), round(y, 2)] for x, y in points] or None,
    )


def shown(box: AnsweredBox) -> str:
    """A box as text, in model pixels."""
    x_min, y_min, x_max, y_max = (f"{value:g}" for value in box.box_px)
    return f"{box.label} [{x_min},{y_min},{x_max},{y_max}]".strip()


def loops(end: str) -> bool:
    """Whether the end of a text is one short piece over and over: a model that will not stop by itself.

    Lists of boxes never are: their numbers differ.
    """
    if len(end) < LOOP_CHARACTERS:
        return False
    return any(end[period:] == end[:-period] for period in range(1, LOOP_PERIOD + 1))


def repeats(detection: Detection, earlier: Sequence[Detection]) -> bool:
    """Whether a model that lost count says an object again, a pixel beside."""
    return any(
        detection.label == other.label and iou(detection.box_px, other.box_px) >= REPEATED_IOU
        for other in earlier
    )


def same(detection: Detection, other: Detection) -> bool:
    """Whether two detections are one and the same."""
    return detection.label == other.label and detection.box_px == other.box_px
