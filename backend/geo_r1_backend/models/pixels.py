"""From an RGB image to the patches that the vision tower reads, as transformers' Qwen2VLImageProcessor makes them.

It does not resize: the image has the size that the model shall see (`engines/resize.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from geo_r1_backend.models.config import VisionConfig
from geo_r1_backend.models.positions import Floats, window_order

if TYPE_CHECKING:
    from PIL.Image import Image

# OPENAI_CLIP_MEAN and OPENAI_CLIP_STD in transformers' image_utils.py: Qwen2.5-VL's preprocessor_config.json
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)


def normalised_levels() -> Floats:
    """``(3, 256)``: what each 8-bit level of red, green and blue becomes."""
    levels = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    mean, std = (np.array(numbers, np.float32)[:, None] for numbers in (IMAGE_MEAN, IMAGE_STD))
    return ((levels - mean) / std).astype(np.float32)


_LEVELS = normalised_levels()


def token_grid(vision: VisionConfig, image: Image) -> tuple[int, int]:
    """Rows and columns of visual tokens of an image.

    Raises:
        ValueError: if a side is not a multiple of a token's.
    """
    width_px, height_px = image.size
    if width_px % vision.token_px or height_px % vision.token_px:
        message = f"an image of {width_px} x {height_px} px is not a whole number of tokens of {vision.token_px} px"
        raise ValueError(message)
    return height_px // vision.token_px, width_px // vision.token_px


def patches(vision: VisionConfig, image: Image) -> Floats:
    """Flattened patches in window order.

    Returns:
        ``(patches, channels * temporal_patch * patch_px ** 2)``, the four patches of a token after each other.
    """
    rows, columns = token_grid(vision, image)
    split = _split(vision, np.asarray(image.convert("RGB")))[window_order(vision, rows, columns)]
    return _values(vision, split)


def raster_patches(vision: VisionConfig, pixels: npt.NDArray[np.uint8]) -> Floats:
    """Flattened patches token row by token row, as transformers' processor gives them; any whole number of tokens.

    Args:
        vision: sizes of the tower.
        pixels: ``(height, width, 3)``.

    Raises:
        ValueError: if a side is not a multiple of a token's.
    """
    height_px, width_px = pixels.shape[:2]
    if width_px % vision.token_px or height_px % vision.token_px:
        message = f"an image of {width_px} x {height_px} px is not a whole number of tokens of {vision.token_px} px"
        raise ValueError(message)
    return _values(vision, _split(vision, pixels))


def _split(vision: VisionConfig, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """``(tokens, 4, 3, 1, y, x)``: tokens row by row."""
    rows, columns = (side // vision.token_px for side in pixels.shape[:2])
    merge, side = vision.merge, vision.patch_px
    # (row, row within, y, column, column within, x, channel) -> (row, column, row within, column within, channel, y, x)
    split = pixels.reshape(rows, merge, side, columns, merge, side, 3).transpose(
        0, 3, 1, 4, 6, 2, 5
    )
    return split.reshape(rows * columns, merge**2, 3, 1, side, side)


def _values(vision: VisionConfig, split: npt.NDArray[np.uint8]) -> Floats:
    values = _LEVELS[np.arange(3).reshape(1, 1, 3, 1, 1, 1), split]
    return np.repeat(values, vision.temporal_patch, axis=3).reshape(-1, vision.patch_values)
