"""A brush for outlines given in an object's own frame.

All arithmetic up to the rasteriser is plain double multiplication and addition, and the rasteriser works on integers
(1/16 px), so that the same seed gives the same picture on every processor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

Rgb = tuple[float, float, float]
_SHIFT = 4  # cv2's fixed-point bits: coordinates in 1/16 px


@dataclass(frozen=True)
class Pose:
    """Where an object lies, how large it is and which way it points."""

    x: float
    y: float
    length: float
    width: float
    cos: float
    sin: float
    shadow_x: float
    shadow_y: float
    """Offset of the shadow for this object, in pixels."""


class Brush:
    """Paints polygons given in an object's own frame (length along +u, centre at the origin)."""

    def __init__(self, image: np.ndarray, pose: Pose) -> None:
        self.image = image
        self.pose = pose

    def place(self, outline_uv: np.ndarray) -> np.ndarray:
        """Object frame -> image pixels, ``(n, 2)`` float64."""
        pose = self.pose
        u, v = outline_uv[:, 0], outline_uv[:, 1]
        return np.stack(
            [pose.x + u * pose.cos - v * pose.sin, pose.y + u * pose.sin + v * pose.cos], 1
        )

    def polygon(self, outline_px: np.ndarray, colour: Rgb) -> None:
        """Fill an outline given in pixels."""
        points = np.floor(outline_px * (1 << _SHIFT) + 0.5).astype(np.int32)
        cv2.fillPoly(self.image, [points], _bytes(colour), cv2.LINE_AA, _SHIFT)

    def shape(self, outline_uv: np.ndarray, colour: Rgb) -> np.ndarray:
        """Fill an outline of the object's frame; returns it in pixels."""
        outline_px = self.place(outline_uv)
        self.polygon(outline_px, colour)
        return outline_px

    def shadow(self, outline_uv: np.ndarray, strength: float = 1.0) -> None:
        """Darken what lies beside the object on the side away from the light."""
        offset = np.array([self.pose.shadow_x, self.pose.shadow_y]) * strength
        self.polygon(self.place(outline_uv) + offset, (44.0, 46.0, 50.0))

    def line(self, start_uv: tuple[float, float], end_uv: tuple[float, float], colour: Rgb) -> None:
        """A line one pixel wide."""
        ends = np.floor(self.place(np.array([start_uv, end_uv])) * (1 << _SHIFT) + 0.5).astype(
            np.int32
        )
        cv2.line(
            self.image,
            tuple(map(int, ends[0])),
            tuple(map(int, ends[1])),
            _bytes(colour),
            1,
            cv2.LINE_AA,
            _SHIFT,
        )


def rectangle(length: float, width: float, u: float = 0.0, v: float = 0.0) -> np.ndarray:
    """Corners of a rectangle centred at (u, v)."""
    a, b = length / 2, width / 2
    return np.array([(u - a, v - b), (u + a, v - b), (u + a, v + b), (u - a, v + b)])


def ellipse(a: float, b: float, u: float = 0.0, v: float = 0.0, steps: int = 28) -> np.ndarray:
    """Outline of an ellipse with half-axes a and b."""
    angles = [2 * math.pi * k / steps for k in range(steps)]
    return np.array([(u + a * math.cos(t), v + b * math.sin(t)) for t in angles])


def sector(radius: float, u: float, half_angle: float = math.pi / 4, steps: int = 12) -> np.ndarray:
    """A pie slice whose tip is at (u, 0) and which opens towards +u."""
    angles = [-half_angle + 2 * half_angle * k / (steps - 1) for k in range(steps)]
    return np.array([(u, 0.0), *((u + radius * math.cos(t), radius * math.sin(t)) for t in angles)])


def shade(colour: Rgb, factor: float) -> Rgb:
    """The colour lighter (factor > 1) or darker."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _bytes(colour: Rgb) -> tuple[float, float, float]:
    return tuple(float(min(255, max(0, math.floor(c + 0.5)))) for c in colour)  # type: ignore[return-value]
