"""What a segmenter of crops is shown, and what becomes of its answer: shared by use and training, numpy alone."""

from __future__ import annotations

import numpy as np

from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.geo.crops import Window, box_channel, paste, points_channel, sample


def crop_channels(image: np.ndarray, prompt: MaskPrompt, window: Window, side: int) -> np.ndarray:
    """What the graph sees of one prompt, ``(5, side, side)`` float32."""
    colours = sample(image, window, side).transpose(2, 0, 1) / np.float32(255)
    marks = [
        box_channel(prompt.box_px, window, side),
        points_channel(prompt.points_px, window, side),
    ]
    return np.concatenate([colours, np.stack(marks)]).astype(np.float32)


def mask_from_logits(logits: np.ndarray, window: Window, size_px: tuple[int, int]) -> np.ndarray:
    """The mask ``(height, width)`` bool of a crop's logits ``(side, side)``, on a picture of (width, height)."""
    width, height = size_px
    chances = 1 / (1 + np.exp(-np.clip(logits.astype(np.float32), -30, 30)))
    left, top, values = paste(chances, window, size_px)
    mask = np.zeros((height, width), bool)
    mask[top : top + values.shape[0], left : left + values.shape[1]] = values > 0.5
    return mask
