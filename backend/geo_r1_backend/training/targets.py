"""The truth of a sample as the embedded model would have said it: what supervised training teaches. No torch.

The same chains and answers as in pretraining (`pretraining/examiner.py`, `pretraining/expressions.py`): candidates with their boxes
for one object, candidates with their centres for all, then the answer; coordinates in pixels of the model's image. A target in
other words would spend the few labels on teaching a new way to talk, and supervised training would look worse than it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from geo_r1_backend.engines.answers import TAG
from geo_r1_backend.engines.resize import PER_MILLE, View
from geo_r1_backend.pretraining.catalogue import CLASSES
from geo_r1_backend.training_wire import Sample

ModelBox = tuple[int, int, int, int]
"""Whole numbers, as the model writes them."""

PLURALS = {kind.name: kind.plural for kind in CLASSES} | {
    one: kind.plural for kind in CLASSES for one, _ in kind.synonyms
}
"""The model reasons in a kind's first name, whatever word it was asked with."""


def target_text(sample: Sample, view: View, *, think: bool = True) -> str:
    """The completion that a sample's truth asks for, without end token.

    Args:
        sample: one question; its boxes are in chip pixels.
        view: how the chip is shown to the model.
        think: with the reasoning chain that lists the true objects.

    Raises:
        ValueError: for masks, whose points on the objects nobody labelled.
    """
    if sample.task == "gres":
        raise ValueError(
            "supervised targets are made for rec and ovd; masks are learned by reward alone"
        )
    boxes = model_boxes(sample.boxes_px, view)
    answer = _answer(sample, boxes)
    if not think:
        return f"<answer>{answer}</answer>"
    return f"<think>{_chain(sample, boxes)}</think><answer>{answer}</answer>"


def model_boxes(boxes_px: Sequence[Sequence[float]], view: View) -> list[ModelBox]:
    """Boxes as the model writes them, from left to right, none twice; each has an area, inside of what is shown."""
    right, bottom = _shown(view)
    found = {_rounded(view.box_to_model(_four(box)), right, bottom) for box in boxes_px}
    return sorted(found, key=lambda box: (box[0] + box[2], box[1] + box[3], box))


def plural_of(label: str) -> str:
    """The word that a chain opens with: the catalogue's where the kind is known, else by the rules of English."""
    known = PLURALS.get(label.lower())
    if known is not None:
        return known
    if re.search(r"[^aeiou]y$", label, re.IGNORECASE):
        return label[:-1] + "ies"
    if re.search(r"(?:[^s]s|ss)$", label, re.IGNORECASE):
        # "courts" is one already, "glass" is none
        return label + "es" if label.lower().endswith("ss") else label
    if re.search(r"(?:x|z|ch|sh)$", label, re.IGNORECASE):
        return label + "es"
    # "建物" has no plural of this kind
    return label + "s" if label[-1:].isascii() and label[-1:].isalpha() else label


def _chain(sample: Sample, boxes: Sequence[ModelBox]) -> str:
    opening = f"Find {plural_of(_clean(sample.label))}: "
    if not boxes:
        return f"{opening}none."
    if sample.task == "ovd":
        points = [(int((b[0] + b[2]) / 2), int((b[1] + b[3]) / 2)) for b in boxes]
        return opening + ", ".join(f"({x},{y})" for x, y in points) + "."
    listed = ", ".join(_numbers(box) for box in boxes)
    return f"{opening}{listed}. " + ("Only one." if len(boxes) == 1 else f"{len(boxes)} match.")


def _answer(sample: Sample, boxes: Sequence[ModelBox]) -> str:
    if not boxes:
        return "None"
    label = json.dumps(_clean(sample.label), ensure_ascii=False)
    items = [f'{{"bbox_2d":{_numbers(box)},"label":{label}}}' for box in boxes]
    return items[0] if sample.task == "rec" and len(items) == 1 else f"[{','.join(items)}]"


def _clean(label: str) -> str:
    """On one line, unable to spell a tag; a label that is nothing else becomes "object"."""
    before, line = label, ""
    while before != line:
        before, line = line or before, TAG.sub(" ", line or before)
    return re.sub(r"\s+", " ", line).strip() or "object"


def _numbers(box: ModelBox) -> str:
    return "[" + ",".join(str(value) for value in box) + "]"


def _four(box: Sequence[float]) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = box
    return x_min, y_min, x_max, y_max


def _shown(view: View) -> tuple[int, int]:
    """Greatest x and y that the model may write: where the chip ends in its image."""
    if view.convention == "per_mille":
        return (
            int(view.content_width_px / view.model_width_px * PER_MILLE),
            int(view.content_height_px / view.model_height_px * PER_MILLE),
        )
    return view.content_width_px, view.content_height_px


def _rounded(box: tuple[float, float, float, float], right: int, bottom: int) -> ModelBox:
    x_min, x_max = _side(box[0], box[2], right)
    y_min, y_max = _side(box[1], box[3], bottom)
    return x_min, y_min, x_max, y_max


def _side(low: float, high: float, limit: int) -> tuple[int, int]:
    """Both ends rounded; at least one apart, inside of 0 and the limit."""
    first = min(max(round(low), 0), limit - 1)
    last = min(max(round(high), first + 1), limit)
    return first, last
