"""What a completion says, read as inference reads it: boxes in chip pixels, pieces that were of no use, the form.

The parser, the way back to chip pixels and the rule for objects said twice are those of answering
(`engines/answers.py`, `engines/resize.py`, `grounding/answer_checks.py`), so training and inference agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from geo_r1_backend.engines.answers import TAG, parse_answer
from geo_r1_backend.engines.resize import PointPx, View
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.grounding.answer_checks import repeats, to_detection
from geo_r1_backend.wire import Detection, Task


@dataclass(frozen=True)
class Said:
    """One completion."""

    boxes_px: tuple[Box, ...]
    """What a user would see, in chip pixels, in the order of the text."""
    points_px: tuple[tuple[PointPx, ...], ...]
    """Points on each box's object; as many entries as boxes."""
    wasted: int
    """Pieces that became no box: outside of the image, without area, cut off, the same object once more."""
    says_none: bool
    well_formed: bool
    """Tags in order, once each, nothing around them, and a usable answer between them."""

    @property
    def said(self) -> int:
        """How many objects the answer speaks of; each wasted piece counts as a wrong box."""
        return len(self.boxes_px) + self.wasted


def read(text: str, view: View, task: Task, *, think: bool = True) -> Said:
    """A completion, finished or cut off.

    Args:
        text: without the end token.
        view: how the chip was shown; boxes of the text are in its model pixels.
        task: REC wants a single object.
        think: whether the prompt asked for reasoning.
    """
    parsed = parse_answer(text)
    shown: list[Detection] = []
    wasted = len(parsed.dropped)
    for box in parsed.detections:
        detection = to_detection(box, view, rank=len(shown))
        if isinstance(detection, Detection) and not repeats(detection, shown):
            shown.append(detection)
        else:
            wasted += 1
    usable = parsed.says_none or (bool(shown) and not wasted)
    return Said(
        boxes_px=tuple(tuple(one.box_px) for one in shown),
        points_px=tuple(tuple((x, y) for x, y in one.points_px or ()) for one in shown),
        wasted=wasted,
        says_none=parsed.says_none,
        well_formed=usable and (task != "rec" or len(shown) <= 1) and _has_form(text, task, think),
    )


def _has_form(text: str, task: Task, think: bool) -> bool:
    """Whether the sections stand as the prompt asks, with something in each and nothing but space around them."""
    pieces: list[str] = []
    tags: list[str] = []
    at = 0
    for tag in TAG.finditer(text):
        pieces.append(text[at : tag.start()].strip())
        tags.append(tag.group(1) + tag.group(2).lower())
        at = tag.end()
    pieces.append(text[at:].strip())
    inside, outside = pieces[1::2], pieces[::2]
    wanted = ["think", "/think", "answer", "/answer"] if think else ["answer", "/answer"]
    if not think and task == "ovd" and not tags:
        return True  # the paper's prompt for OVD without reasoning asks for no tags at all
    return tags == wanted and all(inside) and not any(outside)
