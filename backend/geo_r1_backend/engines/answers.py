"""What a model's text says: reasoning, boxes, pieces that could not be used and why. Total: it never raises.

One parser for every engine and every size of model (the paper's format and all that its parsers accept). Boxes are
in whatever the model writes; bringing them to chip pixels is `resize.py`. GRES answers have points on their objects as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from geo_r1_backend.engines.lenient_json import (
    ListNode,
    Node,
    NumberNode,
    ObjectNode,
    TextNode,
    read_values,
)
from geo_r1_backend.engines.resize import BoxPx, PointPx
from geo_r1_backend.wire import Dropped

BOX_KEYS = ("bbox_2d", "bbox", "box_2d", "box", "bounding_box")
POINT_KEYS = re.compile(r"(?:key)?points?(?:_2d)?[_ ]?\d{0,2}")
LABEL_KEYS = ("label", "name", "category", "class", "object")
BOX_NUMBERS = 4
POINT_NUMBERS = 2
MAX_POINTS = 16
"""Of one object; the paper's models write two."""
MAX_DETECTIONS = 2000
"""A model that repeats itself for 4,096 tokens writes fewer; more would only be an attack on our memory."""
MAX_DROPPED = 100
MAX_DROPPED_CHARACTERS = 200
MAX_LABEL_CHARACTERS = 200
MAX_COORDINATE = 1e9

TAG = re.compile(r"<\s{0,2}(/?)\s{0,2}(think|answer)\s{0,2}>", re.IGNORECASE)
_FENCE = re.compile(r"```[a-zA-Z]*")
_NONE_WORDS = re.compile(
    r"(?:none|null|nil|n/a|\[\s*\]|\{\s*\}|no (?:such )?(?:targets?|objects?)\b.*|"
    r"there (?:is|are) no\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_QWEN2_BOX = re.compile(
    r"\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*\)\s*,\s*"
    r"\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*\)"
)
_NUMBERS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class AnsweredBox:
    """One object of an answer, in the model's own units, corners in order, with an area."""

    label: str
    box_px: BoxPx
    start: int
    """Where its text begins and ends in the answer."""
    end: int
    points_px: tuple[PointPx, ...] = ()
    """Points that the model put on the object."""


@dataclass(frozen=True)
class ParsedAnswer:
    """All that one text says."""

    reasoning: str
    answer: str
    """Text between the last answer tags, or what stands for it where a model forgot them."""
    detections: list[AnsweredBox] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    says_none: bool = False


def parse_answer(text: str) -> ParsedAnswer:
    """Read a model's whole text, finished or cut off."""
    reasoning, answer = split_sections(text)
    reading = read_boxes(answer)
    says_none = not reading.boxes and _is_none(answer)
    dropped = reading.dropped
    if not reading.boxes and not dropped and not says_none:
        dropped = [Dropped(_cut(answer.strip() or text.strip()), _nothing_because(text, answer))]
    return ParsedAnswer(
        reasoning=reasoning,
        answer=answer,
        detections=reading.boxes,
        dropped=dropped,
        says_none=says_none,
    )


def split_sections(text: str) -> tuple[str, str]:
    """Reasoning and answer of a text; forgotten tags are forgiven.

    Several answers: the last one that is not empty counts. No answer tag: what follows the reasoning, or the whole
    text where there is none.
    """
    reasoning: list[str] = []
    answers: list[str] = []
    outside: list[str] = []
    section, at = "", 0
    for tag in TAG.finditer(text):
        piece = text[at : tag.start()]
        closing, name = bool(tag.group(1)), tag.group(2).lower()
        if closing and section == "" and name == "think" and not answers and not reasoning:
            # the opening tag stood in the prompt, as some chat templates have it
            reasoning.append("".join([*outside, piece]))
            outside = []
        else:
            {"think": reasoning, "answer": answers, "": outside}[section].append(piece)
        section, at = ("" if closing else name), tag.end()
    {"think": reasoning, "answer": answers, "": outside}[section].append(text[at:])
    filled = [answer for answer in answers if answer.strip()]
    if filled:
        answer = filled[-1]
    elif answers:
        answer = ""
    else:
        answer = "".join(outside)
    return "\n".join(piece.strip() for piece in reasoning if piece.strip()), answer


@dataclass
class BoxReading:
    """Boxes of one answer in the order of its text, and what was dropped."""

    boxes: list[AnsweredBox] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def read_boxes(answer: str, start: int = 0) -> BoxReading:
    """Boxes of the complete objects of an answer, from a place in it onwards."""
    reading = BoxReading()
    seen: set[tuple[str, BoxPx]] = set()
    for value in read_values(answer, start):
        for found in _walk(value, answer, is_value_of_key=False):
            if isinstance(found, Dropped):
                if len(reading.dropped) < MAX_DROPPED:
                    reading.dropped.append(found)
            elif (found.label, found.box_px) in seen:
                if len(reading.dropped) < MAX_DROPPED:
                    piece = _cut(answer[found.start : found.end])
                    reading.dropped.append(Dropped(piece, "the same object once more"))
            elif len(reading.boxes) < MAX_DETECTIONS:
                seen.add((found.label, found.box_px))
                reading.boxes.append(found)
    if not reading.boxes and not reading.dropped:
        reading.boxes = [
            AnsweredBox("", box, match.start(), match.end())
            for match in _QWEN2_BOX.finditer(answer, start)
            if (box := ordered_box([float(number) for number in match.groups()])) is not None
        ][:MAX_DETECTIONS]
    return reading


def ordered_box(numbers: list[float]) -> BoxPx | None:
    """Four numbers as a box with its corners in order, or None where it has no area."""
    x_min, x_max = sorted((numbers[0], numbers[2]))
    y_min, y_max = sorted((numbers[1], numbers[3]))
    return (x_min, y_min, x_max, y_max) if x_max > x_min and y_max > y_min else None


def _walk(node: Node, text: str, *, is_value_of_key: bool) -> Iterator[AnsweredBox | Dropped]:
    """Boxes below one value, in the order of the text."""
    if isinstance(node, ObjectNode):
        yield from _walk_object(node, text)
    elif isinstance(node, ListNode):
        numbers = [item for item in node.items if isinstance(item, NumberNode)]
        if numbers and len(numbers) == len(node.items):
            # numbers under some other key (keypoint1, center) are not a box
            if not is_value_of_key:
                yield _box_of(node, node, "", text)
            return
        for item in node.items:
            yield from _walk(item, text, is_value_of_key=False)


def _walk_object(node: ObjectNode, text: str) -> Iterator[AnsweredBox | Dropped]:
    boxes = [value for key, value in node.pairs if key.strip().lower() in BOX_KEYS]
    if not boxes:
        containers = [v for _, v in node.pairs if isinstance(v, (ListNode, ObjectNode))]
        found = [f for value in containers for f in _walk(value, text, is_value_of_key=True)]
        if found:
            yield from found
        elif not node.complete:
            yield Dropped(_cut(text[node.start : node.end]), "cut off")
        elif node.pairs:
            yield Dropped(_cut(text[node.start : node.end]), "no bbox_2d")
        return
    if not node.complete:
        yield Dropped(_cut(text[node.start : node.end]), "cut off")
        return
    label = _label_of(node)
    points = _points_of(node)
    for value in boxes:
        several = isinstance(value, ListNode) and _is_list_of_boxes(value)
        for one in value.items if several and isinstance(value, ListNode) else [value]:
            box = _box_of(one, node, label, text)
            # points beside several boxes: nobody knows whose they are
            if isinstance(box, AnsweredBox) and not several:
                box = replace(box, points_px=points)
            yield box


def _box_of(value: Node, whole: Node, label: str, text: str) -> AnsweredBox | Dropped:
    """The box in a value, or why there is none; ``whole`` is the object that it stands in."""
    piece = _cut(text[whole.start : whole.end])
    if not value.complete or not whole.complete:
        return Dropped(piece, "cut off")
    numbers = _numbers_of(value)
    if numbers is None:
        return Dropped(piece, "the box is not a list of numbers")
    if len(numbers) != BOX_NUMBERS:
        return Dropped(piece, f"{len(numbers)} numbers where a box has 4")
    if not all(math.isfinite(number) and abs(number) <= MAX_COORDINATE for number in numbers):
        return Dropped(piece, "a coordinate is not a possible number")
    box = ordered_box(numbers)
    if box is None:
        return Dropped(piece, "the box has no area")
    return AnsweredBox(label, box, whole.start, whole.end)


def _numbers_of(value: Node) -> list[float] | None:
    """Numbers of ``[1,2,3,4]``, ``[[1,2],[3,4]]`` or ``"1,2,3,4"``; None for anything else."""
    if isinstance(value, TextNode):
        found = _NUMBERS.findall(value.value)
        rest = _NUMBERS.sub("", value.value)
        return [float(number) for number in found] if not re.search(r"[A-Za-z]", rest) else None
    if not isinstance(value, ListNode):
        return None
    numbers: list[float] = []
    for item in value.items:
        if isinstance(item, NumberNode):
            numbers.append(item.value)
        elif isinstance(item, ListNode) and all(isinstance(n, NumberNode) for n in item.items):
            numbers.extend(n.value for n in item.items if isinstance(n, NumberNode))
        elif isinstance(item, TextNode) and _NUMBERS.fullmatch(item.value.strip()):
            numbers.append(float(item.value))
        else:
            return None
    return numbers


def _is_list_of_boxes(value: ListNode) -> bool:
    return bool(value.items) and all(
        isinstance(item, ListNode) and len(item.items) == BOX_NUMBERS for item in value.items
    )


def _points_of(node: ObjectNode) -> tuple[PointPx, ...]:
    """Points under keys such as ``keypoint1``; whatever is none is read over."""
    points: list[PointPx] = []
    for key, value in node.pairs:
        if POINT_KEYS.fullmatch(key.strip().lower()):
            numbers = _numbers_of(value) or []
            if len(numbers) % POINT_NUMBERS == 0 and all(
                math.isfinite(number) and abs(number) <= MAX_COORDINATE for number in numbers
            ):
                points += zip(numbers[::2], numbers[1::2], strict=True)
    return tuple(points[:MAX_POINTS])


def _label_of(node: ObjectNode) -> str:
    for wanted in LABEL_KEYS:
        for key, value in node.pairs:
            if key.strip().lower() == wanted and isinstance(value, TextNode):
                return value.value.strip()[:MAX_LABEL_CHARACTERS]
    return ""


def _is_none(answer: str) -> bool:
    words = _FENCE.sub("", answer).strip().strip("\"'`.!* \n\t")
    return _NONE_WORDS.fullmatch(words) is not None


def _nothing_because(text: str, answer: str) -> str:
    if answer.strip():
        return "no box and no “None” in the answer"
    if not text.strip():
        return "the model said nothing"
    return "the text ends before the answer"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_DROPPED_CHARACTERS else text[: MAX_DROPPED_CHARACTERS - 1] + "…"
