"""A picture drawn at twice its size, with textured fills and soft shadows, and a brush that older painters can use."""

from __future__ import annotations

import cv2
import numpy as np

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import Brush, Pose, Rgb
from geo_r1_backend.pretraining.photo.textures import grain_windows

SCALE = 2
"""Drawn at this multiple and reduced by areas: lines thinner than a pixel look as a camera sees them."""
_SHIFT = 4


class Canvas:
    """``(SCALE * height, SCALE * width, 3)`` uint8 RGB; all coordinates given to it are pixels of the final view."""

    def __init__(self, pixels: np.ndarray, dice: Dice) -> None:
        self.pixels = pixels
        self.dice = dice

    def window(
        self, outline_px: np.ndarray, margin_px: float = 1.0
    ) -> tuple[int, int, int, int] | None:
        """Rows and columns of the drawing around an outline; none where it lies outside."""
        height, width = self.pixels.shape[:2]
        low, high = outline_px.min(0) - margin_px, outline_px.max(0) + margin_px
        left, top = max(0, int(low[0] * SCALE)), max(0, int(low[1] * SCALE))
        right, bottom = min(width, int(high[0] * SCALE) + 1), min(height, int(high[1] * SCALE) + 1)
        return (top, bottom, left, right) if bottom > top and right > left else None

    def coverage(self, outline_px: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        """How much of each pixel of the window an outline covers, ``(h, w)`` uint8."""
        top, bottom, left, right = box
        cover = np.zeros((bottom - top, right - left), np.uint8)
        points = (outline_px * SCALE - (left, top)) * (1 << _SHIFT)
        cv2.fillPoly(cover, [np.floor(points + 0.5).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
        return cover

    def fill(
        self, outline_px: np.ndarray, colour: Rgb, *, alpha: float = 1.0, texture: float = 0.05
    ) -> None:
        """Fill an outline; ``texture`` is the contrast of the grain as a share of the colour."""
        box = self.window(outline_px)
        if box is None:
            return
        top, bottom, left, right = box
        part = self.pixels[top:bottom, left:right]
        paint = tuple(float(min(255, max(0, int(c)))) for c in colour)
        if alpha < 1:
            flat = np.empty_like(part)
            flat[:] = paint
            _blend(part, flat, self.coverage(outline_px, box), alpha)
            return
        points = (outline_px * SCALE - (left, top)) * (1 << _SHIFT)
        corners = [np.floor(points + 0.5).astype(np.int32)]
        cv2.fillPoly(part, corners, paint, cv2.LINE_AA, _SHIFT)
        if texture > 0 and min(part.shape[:2]) > 3:
            lighter, darker = grain_windows(
                self.dice, bottom - top, right - left, texture * max(paint)
            )
            cover = np.zeros(part.shape[:2], np.uint8)
            cv2.fillPoly(cover, corners, 255, cv2.LINE_8, _SHIFT)
            cv2.add(part, lighter, part, cover)
            cv2.subtract(part, darker, part, cover)

    def paste(self, outline_px: np.ndarray, material: np.ndarray, *, alpha: float = 1.0) -> None:
        """Fill an outline with a picture as large as its window (see `window`) or larger."""
        box = self.window(outline_px)
        if box is None:
            return
        top, bottom, left, right = box
        part = self.pixels[top:bottom, left:right]
        _blend(
            part, material[: bottom - top, : right - left], self.coverage(outline_px, box), alpha
        )

    def darken(self, outline_px: np.ndarray, factor: float, soft_px: float) -> None:
        """A shadow: what lies under the outline, darker; its border is soft over about ``soft_px``."""
        box = self.window(outline_px, 2 * soft_px + 1)
        if box is None:
            return
        top, bottom, left, right = box
        cover = self.coverage(outline_px, box)
        size = int(soft_px * SCALE) * 2 + 1
        if size > 1:
            cover = cv2.blur(cover, (size, size))
        part = self.pixels[top:bottom, left:right]
        dark = cv2.multiply(
            part, (factor, factor, min(1.0, factor * 1.12), 0)
        )  # shadows are bluish
        _blend(part, dark, cover, 1.0)

    def reduced(self) -> np.ndarray:
        """The view in its own size."""
        height, width = self.pixels.shape[:2]
        return cv2.resize(
            self.pixels, (width // SCALE, height // SCALE), interpolation=cv2.INTER_AREA
        )


class PhotoBrush(Brush):
    """The brush of the plain painters, on a `Canvas`."""

    def __init__(
        self, canvas: Canvas, pose: Pose, shadow: float, texture: float, surround: Rgb | None = None
    ) -> None:
        super().__init__(canvas.pixels, pose)
        self.canvas = canvas
        self.darkness = shadow
        """What a shadow leaves of the light."""
        self.texture = texture
        self.surround = surround
        """Colour of the paved area that a court shares with its neighbours; none = it has its own."""

    def polygon(self, outline_px: np.ndarray, colour: Rgb) -> None:
        """Fill an outline given in pixels."""
        self.canvas.fill(outline_px, colour, texture=self.texture)

    def shadow(self, outline_uv: np.ndarray, strength: float = 1.0) -> None:
        """Darken what the outline covers on its way along the light."""
        outline = self.place(outline_uv)
        offset = np.array([self.pose.shadow_x, self.pose.shadow_y]) * strength
        swept = cv2.convexHull(np.concatenate([outline, outline + offset]).astype(np.float32))[:, 0]
        self.canvas.darken(swept, self.darkness, 0.6)

    def flat_shadow(self, outline_uv: np.ndarray, strength: float = 1.0) -> None:
        """The shadow of something that stands above the ground: the outline, displaced."""
        offset = np.array([self.pose.shadow_x, self.pose.shadow_y]) * strength
        self.canvas.darken(self.place(outline_uv) + offset, self.darkness, 0.6)

    def line(self, start_uv: tuple[float, float], end_uv: tuple[float, float], colour: Rgb) -> None:
        """A line about a pixel wide."""
        self.stroke(start_uv, end_uv, colour, 1.0)

    def stroke(
        self,
        start_uv: tuple[float, float],
        end_uv: tuple[float, float],
        colour: Rgb,
        width_px: float,
    ) -> None:
        """A line of any width."""
        ends = self.place(np.array([start_uv, end_uv], float))
        along = ends[1] - ends[0]
        norm = max(1e-6, float(np.hypot(*along)))
        side = np.array([-along[1], along[0]]) / norm * (width_px / 2)
        quad = np.array([ends[0] + side, ends[1] + side, ends[1] - side, ends[0] - side])
        self.canvas.fill(quad, colour, texture=0)

    def ring(self, outline_uv: np.ndarray, colour: Rgb, width_px: float) -> None:
        """A closed line."""
        for k in range(len(outline_uv)):
            a, b = outline_uv[k - 1], outline_uv[k]
            self.stroke((a[0], a[1]), (b[0], b[1]), colour, width_px)


def _blend(part: np.ndarray, paint: np.ndarray, cover: np.ndarray, alpha: float) -> None:
    weight = cover.astype(np.float32)
    weight *= alpha / 255
    part[:] = cv2.blendLinear(part, np.ascontiguousarray(paint), 1 - weight, weight)
