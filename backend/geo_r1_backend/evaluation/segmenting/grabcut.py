"""What everybody has: GrabCut of OpenCV, started from the same box. And what needs no picture: the filled box."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.geo.boxes import Box

ITERATIONS = 5
SURROUNDINGS = 0.5
"""Of the box's longer side, seen beyond it on every side, at least 12 px: GrabCut learns the background there."""


class GrabCut:
    """A `Segmenter`."""

    name = "GrabCut"

    def segment(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        """Masks of GrabCut after five iterations; the filled box where there is nothing beyond it to learn from."""
        return [_cut(image, prompt.box_px) for prompt in prompts]


class FilledBox:
    """A `Segmenter` that does not look."""

    name = "filled box"

    def segment(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        """Every pixel whose centre lies in the box."""
        return [_filled(image, prompt.box_px) for prompt in prompts]


def _cut(image: np.ndarray, box_px: Box) -> np.ndarray:
    height, width = image.shape[:2]
    inside = _filled(image, box_px)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return inside
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    reach = max(12, int(SURROUNDINGS * max(bottom - top, right - left)))
    window = np.s_[
        max(0, top - reach) : min(height, bottom + reach),
        max(0, left - reach) : min(width, right + reach),
    ]
    labels = np.where(inside[window], cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if (labels != cv2.GC_BGD).all():
        return inside
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(image[window][..., ::-1])
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(bgr, labels, (0, 0, 1, 1), *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # too few pixels for its mixtures
        return inside
    mask = np.zeros((height, width), bool)
    mask[window] = (labels == cv2.GC_PR_FGD) | (labels == cv2.GC_FGD)
    return mask


def _filled(image: np.ndarray, box_px: Box) -> np.ndarray:
    height, width = image.shape[:2]
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside: np.ndarray = np.outer(
        (down >= box_px[1]) & (down < box_px[3]), (across >= box_px[0]) & (across < box_px[2])
    )
    return inside
