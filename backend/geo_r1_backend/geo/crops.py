"""Square windows of a picture, resampled to a fixed side and back again. Plain numpy: the same numbers everywhere.

Training cuts its crops with these functions as well, so that a model sees in use what it saw when it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_r1_backend.geo.boxes import Box

Floats = npt.NDArray[np.float32]

POINT_RADIUS = 3.0
"""Of the disc that stands for a point, in crop pixels."""


@dataclass(frozen=True)
class Window:
    """A square of a picture, in its pixels; may reach over the edge, where the outermost pixels are repeated."""

    x_px: float
    y_px: float
    side_px: float


def window_around(box_px: Box, context: float, smallest_px: float) -> Window:
    """The square around a box that leaves ``context`` of its longer side free on every side.

    Raises:
        ValueError: if the box has a coordinate that is no number, or its corners are swapped.
    """
    x_min, y_min, x_max, y_max = (float(value) for value in box_px)
    if not np.isfinite((x_min, y_min, x_max, y_max)).all() or x_max < x_min or y_max < y_min:
        message = f"a box is (x_min, y_min, x_max, y_max) in pixels, not {tuple(box_px)}"
        raise ValueError(message)
    side = max(max(x_max - x_min, y_max - y_min) * (1 + 2 * context), smallest_px)
    return Window((x_min + x_max - side) / 2, (y_min + y_max - side) / 2, side)


def axis_taps(
    start: float, stop: float, count: int, size: int
) -> tuple[npt.NDArray[np.intp], Floats]:
    """How ``count`` samples that divide [start, stop) of an axis are mixed from its ``size`` pixels.

    A triangle as wide as the coarser of the two grids: linear where pixels are enlarged, about the mean where they
    shrink. Beyond the ends the outermost pixel is repeated.

    Returns:
        Pixels ``(count, taps)`` and their weights, of which each row sums to 1.
    """
    scale = (stop - start) / count
    support = max(scale, 1.0)
    centres = start + (np.arange(count) + 0.5) * scale - 0.5
    taps = np.floor(centres - support)[:, None] + np.arange(int(np.ceil(2 * support)) + 2)
    weights = np.maximum(0.0, 1 - np.abs(taps - centres[:, None]) / support)
    weights /= weights.sum(1, keepdims=True)
    used = weights.any(0)
    pixels = np.clip(taps[:, used], 0, size - 1).astype(np.intp)
    return pixels, weights[:, used].astype(np.float32)


def sample(picture: np.ndarray, window: Window, side: int) -> Floats:
    """The window of ``(height, width)`` or ``(height, width, channels)`` at ``side`` x ``side``, float32."""
    height, width = picture.shape[:2]
    across, across_weights = axis_taps(window.x_px, window.x_px + window.side_px, side, width)
    down, down_weights = axis_taps(window.y_px, window.y_px + window.side_px, side, height)
    left, right = int(across.min()), int(across.max()) + 1
    rows = _mixed(picture[:, left:right], down, down_weights)  # (side, used width, ...)
    columns = _mixed(np.ascontiguousarray(rows.swapaxes(0, 1)), across - left, across_weights)
    return np.ascontiguousarray(columns.swapaxes(0, 1))


def paste(
    crop: np.ndarray, window: Window, size_px: tuple[int, int]
) -> tuple[int, int, np.ndarray]:
    """A crop back on the pixels of its picture.

    Args:
        crop: ``(side, side)``.
        window: where it was cut.
        size_px: (width, height) of the picture.

    Returns:
        (left, top, values): values ``(rows, columns)`` of the picture's pixels whose centres lie in the window; no
        rows or no columns where the window misses the picture.
    """
    side = crop.shape[0]
    left, right = _inside(window.x_px, window.side_px, size_px[0])
    top, bottom = _inside(window.y_px, window.side_px, size_px[1])
    if left >= right or top >= bottom:
        return left, top, np.zeros((0, 0), np.float32)
    per_px = side / window.side_px
    across = axis_taps(
        (left - window.x_px) * per_px, (right - window.x_px) * per_px, right - left, side
    )
    down = axis_taps(
        (top - window.y_px) * per_px, (bottom - window.y_px) * per_px, bottom - top, side
    )
    columns = _mixed(np.ascontiguousarray(crop.T), *across)  # (columns, side)
    return left, top, _mixed(np.ascontiguousarray(columns.T), *down)


def _mixed(values: np.ndarray, pixels: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """Rows of ``values``, mixed: ``(count, ...)`` float32.

    Tap by tap, not as a product of matrices: the threads of a BLAS would wait for each other longer than this takes
    where other programs use the cores.
    """
    shape = (len(weights),) + (1,) * (values.ndim - 1)
    total: Floats = np.zeros((len(weights), *values.shape[1:]), np.float32)
    for tap in range(weights.shape[1]):
        total += values[pixels[:, tap]] * weights[:, tap].reshape(shape)
    return total


def box_channel(box_px: Box, window: Window, side: int) -> Floats:
    """How much of each crop pixel the box covers, ``(side, side)``."""
    per_px = side / window.side_px
    x_min, x_max = ((box_px[i] - window.x_px) * per_px for i in (0, 2))
    y_min, y_max = ((box_px[i] - window.y_px) * per_px for i in (1, 3))
    edges = np.arange(side)
    across = np.clip(np.minimum(edges + 1, x_max) - np.maximum(edges, x_min), 0, 1)
    down = np.clip(np.minimum(edges + 1, y_max) - np.maximum(edges, y_min), 0, 1)
    return np.outer(down, across).astype(np.float32)


def points_channel(points_px: Sequence[tuple[float, float]], window: Window, side: int) -> Floats:
    """Discs around the points, ``(side, side)``, 1 inside; points beyond the window leave no trace."""
    channel = np.zeros((side, side), np.float32)
    centres = np.arange(side) + 0.5
    for x, y in points_px:
        across = centres - (x - window.x_px) * side / window.side_px
        down = centres - (y - window.y_px) * side / window.side_px
        channel[down[:, None] ** 2 + across[None] ** 2 <= POINT_RADIUS**2] = 1
    return channel


def _inside(start_px: float, side_px: float, size_px: int) -> tuple[int, int]:
    """The picture's pixels whose centres lie in [start, start + side)."""
    first = max(0, int(np.ceil(start_px - 0.5)))
    return first, min(size_px, int(np.ceil(start_px + side_px - 0.5)))
