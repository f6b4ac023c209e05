"""What the paper's released scripts would have read from an answer, so that both protocols can stand side by side.

Facts about the scripts (release of 2025-09): the numbers that a model writes are taken as pixels of the original picture, although
Qwen2.5-VL writes pixels of the picture after resizing; numbers must be whole (one object) or are cut to whole ones (all
objects); one object: the last box of the first answer, and a hit is an IoU above, not at, the threshold; all objects: the first
fenced block, else the outermost list, every box with score 1, only classes that are known to be there. The last of these is not repeated
here: no suite is given the list of what is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.wire import Task

NOTHING: Box = (0.0, 0.0, 0.0, 0.0)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_WHOLE_BOX = re.compile(r"\[(\d+),\s*(\d+),\s*(\d+),\s*(\d+)\]")
_FENCE = re.compile(r"```json\s*(.*?)\s*```", re.DOTALL)
_LIST = re.compile(r"\[.*\]", re.DOTALL)


def boxes_of(task: Task, raw: str) -> tuple[Box, ...]:
    """Boxes of an answer in the numbers that the model wrote, never rescaled."""
    return (last_box(raw),) if task == "rec" else listed_boxes(raw)


def last_box(raw: str) -> Box:
    """One object: the last ``[int, int, int, int]`` inside braces of the first answer; four zeros where there is none."""
    answer = _ANSWER.search(raw)
    if answer is None:
        return NOTHING
    text = answer.group(1)
    opened, closed = text.find("{"), text.rfind("}")
    found = _WHOLE_BOX.findall(text[opened : closed + 1]) if 0 <= opened < closed else []
    if not found:
        return NOTHING
    x0, y0, x1, y1 = (float(number) for number in found[-1])
    return x0, y0, x1, y1


def listed_boxes(raw: str) -> tuple[Box, ...]:
    """All objects: ``bbox_2d`` of each item of the list, labels ignored."""
    fenced = _FENCE.search(raw)
    found = _LIST.search(raw)
    text = fenced.group(1) if fenced else found.group(0) if found else ""
    try:
        items = json.loads(text)
    except ValueError:
        return ()
    boxes = [_box(item) for item in items] if isinstance(items, list) else []
    return tuple(box for box in boxes if box is not None)


def _box(item: Any) -> Box | None:
    numbers: Sequence[Any] = item.get("bbox_2d", ()) if isinstance(item, dict) else ()
    try:
        x0, y0, x1, y1 = (float(int(number)) for number in numbers)
    except (TypeError, ValueError, OverflowError):
        return None
    return x0, y0, x1, y1
