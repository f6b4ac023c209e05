"""One answered question of a published set, scored under both protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from geo_r1_backend.evaluation.answering import Answer
from geo_r1_backend.evaluation.masks import Mask, Overlap, box_mask, overlap, polygon_mask
from geo_r1_backend.evaluation.metrics import matched
from geo_r1_backend.evaluation.paper_style import boxes_of
from geo_r1_backend.evaluation.sample import Sample
from geo_r1_backend.geo.boxes import Box, iou


@dataclass(frozen=True)
class Judged:
    """What one reading of an answer is worth."""

    boxes_px: tuple[Box, ...]
    iou: float = 0.0
    """Of the first box with the first true one; one object."""
    counts: tuple[int, int, int] = (0, 0, 0)
    """Matched at IoU 0.5, said, true; all objects."""
    overlap: Overlap | None = None
    """Masks."""


@dataclass(frozen=True)
class Scored:
    """A question, its answer, and what it is worth."""

    sample: Sample
    answer: Answer
    truth_px: tuple[Box, ...]
    rescaled: Judged
    """Coordinates brought back to the picture's pixels, as the service does."""
    paper: Judged | None
    """As the paper's scripts read the answer; None where that cannot be told from the answer alone."""
    filled_boxes: bool = field(default=False)
    """Masks were asked for and some objects have a box alone: it is scored filled, if there is no mask at all."""


def score(sample: Sample, answer: Answer, *, absolute: bool = True) -> Scored:
    """Both readings of one answer.

    Args:
        sample: the question.
        answer: the model's.
        absolute: whether the model writes pixels; what the paper's scripts make of thousandths says nothing.
    """
    image = sample.read_image()
    truth = sample.truth_in(image)
    mask = _true_mask(sample, image)
    filled = mask is not None and len(answer.polygons_px) < len(answer.boxes_px)
    rescaled = _judge(sample, answer.boxes_px, truth, mask, answer.polygons_px)
    # a mask was cut with rescaled coordinates, and boxes of windows were merged: no other reading of them can be had from here
    comparable = absolute and bool(answer.raw) and mask is None and not answer.windows
    said = boxes_of(sample.task, answer.raw) if comparable else ()
    paper = _judge(sample, said, truth, None, ()) if comparable else None
    return Scored(sample, answer, truth, rescaled, paper, filled)


def _judge(
    sample: Sample,
    boxes: tuple[Box, ...],
    truth: tuple[Box, ...],
    mask: Mask | None,
    polygons: Sequence[Any],
) -> Judged:
    if mask is not None:
        return Judged(boxes, overlap=overlap(_said_mask(boxes, polygons, mask), mask))
    if sample.task == "rec":
        return Judged(boxes, iou=iou(boxes[0], truth[0]) if boxes and truth else 0.0)
    return Judged(boxes, counts=(matched(boxes, truth), len(boxes), len(truth)))


def _said_mask(boxes: tuple[Box, ...], polygons: Sequence[Any], like: Mask) -> Mask:
    height_px, width_px = like.shape
    if not polygons:
        return box_mask(boxes, height_px, width_px)
    said = np.zeros_like(like)
    for shape in polygons:
        said |= polygon_mask(shape, height_px, width_px)
    return said


def _true_mask(sample: Sample, image: Image.Image) -> Mask | None:
    """The mask in the picture's size: some sets have labels of another one."""
    if sample.read_mask is None:
        return None
    mask = sample.read_mask()
    if mask.shape == (image.height, image.width):
        return mask
    resized = Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST)
    return np.asarray(resized, bool)
