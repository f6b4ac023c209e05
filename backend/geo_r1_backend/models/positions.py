"""Where image and text tokens are: window order of patches, and the rotary tables of both halves of the model.

Numpy only. Source: `get_rope_index`, `get_vision_window_index` and the rotary classes of transformers'
`modeling_qwen2_5_vl.py`, for one still image; tests compare the numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_r1_backend.models.config import TextConfig, VisionConfig

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def window_order(vision: VisionConfig, rows: int, columns: int) -> Integers:
    """Visual tokens of a grid of ``rows`` x ``columns`` tokens, window by window.

    Returns:
        ``(rows * columns,)``: entry i is the row-major index of the token that comes i-th in window order.

    Raises:
        ValueError: if the grid does not fall into whole windows; half windows are not in the graph.
    """
    side = vision.window_px // vision.token_px
    if rows % side or columns % side or not rows or not columns:
        message = (
            f"an image of {columns * vision.token_px} x {rows * vision.token_px} px does not fall into whole windows; "
            f"both sides must be multiples of {vision.window_px} px"
        )
        raise ValueError(message)
    grid = np.arange(rows * columns, dtype=np.int64).reshape(
        rows // side, side, columns // side, side
    )
    return grid.transpose(0, 2, 1, 3).reshape(-1)


def vision_rotation(vision: VisionConfig, rows: int, columns: int) -> tuple[Floats, Floats]:
    """Cos and sin for each patch in window order, half rows and half columns of the image.

    Args:
        vision: sizes of the tower.
        rows: visual tokens from top to bottom (not patches).
        columns: visual tokens from left to right.

    Returns:
        Two tables ``(patches, head_dim / 2)``.
    """
    merge = vision.merge
    # Four patches of a token follow each other: (token row, token column, row within, column within).
    y, x = np.meshgrid(np.arange(rows * merge), np.arange(columns * merge), indexing="ij")
    places = (
        np.stack([y, x], axis=-1).reshape(rows, merge, columns, merge, 2).transpose(0, 2, 1, 3, 4)
    )
    places = places.reshape(rows * columns, merge**2, 2)[
        window_order(vision, rows, columns)
    ].reshape(-1, 2)
    quarter = vision.head_dim // 4
    frequencies = _frequencies(vision.rope_theta, quarter)
    angles = (places[:, :, None].astype(np.float32) * frequencies).reshape(len(places), 2 * quarter)
    return np.cos(angles), np.sin(angles)


def image_positions(first: int, rows: int, columns: int) -> Integers:
    """Positions of an image's tokens, row-major: ``(3, rows * columns)`` for time, height and width."""
    y, x = np.divmod(np.arange(rows * columns, dtype=np.int64), columns)
    return first + np.stack([np.zeros_like(y), y, x])


def text_positions(first: int, count: int) -> Integers:
    """Positions of ``count`` tokens of text: ``(3, count)``, the same number three times."""
    return np.broadcast_to(np.arange(first, first + count, dtype=np.int64), (3, count))


def after_image(first: int, rows: int, columns: int) -> int:
    """Position of the token after an image that began at ``first``: an image is as long as its longer side."""
    return first + max(rows, columns)


def text_rotation(text: TextConfig, positions: Integers) -> tuple[Floats, Floats]:
    """Cos and sin for the language model: sections of the frequencies follow time, height and width.

    Args:
        text: sizes of the model.
        positions: ``(3, n)``.

    Returns:
        Two tables ``(n, head_dim / 2)``.
    """
    axis_of_frequency = np.repeat(np.arange(3), text.mrope_section)  # (head_dim / 2,)
    angles = positions[axis_of_frequency].T.astype(np.float32) * _frequencies(
        text.rope_theta, text.head_dim // 2
    )
    return np.cos(angles), np.sin(angles)


def _frequencies(theta: float, count: int) -> Floats:
    """``theta ** (-i / count)``: radians per position, slower and slower."""
    exponents = np.arange(count, dtype=np.float32) / np.float32(count)
    frequencies: Floats = (1.0 / np.power(np.float32(theta), exponents)).astype(np.float32)
    return frequencies
