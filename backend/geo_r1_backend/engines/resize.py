"""Original ↔ model pixel: the one owner of what a chip looks like to a model and of the way back.

Qwen2.5-VL answers in pixels of the image *after* resizing (a 512 px chip is seen as 504 px), Qwen3-VL in
thousandths of its sides. Whoever forgets that is off by up to 8 px on 512 and more on larger chips. This module knows
no file formats and no text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_r1_backend.errors import ImageAspect
from geo_r1_backend.wire import MAX_ASPECT_RATIO

if TYPE_CHECKING:
    from PIL.Image import Image

    from geo_r1_backend.engines.base import CoordinateConvention, ModelProfile

BoxPx = tuple[float, float, float, float]
"""``(x_min, y_min, x_max, y_max)``, half-open, origin top-left."""

PointPx = tuple[float, float]

PER_MILLE = 1000.0
"""Qwen3-VL writes coordinates as thousandths of the sides of its image."""

PADDING_GREY = 127
"""Colour of the part of a fixed view that the chip does not fill: says as little as possible."""


def smart_resize(
    width_px: int, height_px: int, *, grid_px: int, min_pixels: int, max_pixels: int
) -> tuple[int, int]:
    """Width and height of the model's image, as the Qwen2-VL image processor computes them.

    Each side is rounded to a multiple of ``grid_px``; if the area is out of bounds both are scaled to fit, down by
    floor or up by ceiling.

    Source: transformers, ``image_processing_qwen2_vl.smart_resize`` (a test compares the two).

    Raises:
        ImageAspect: if one side is more than 200 times the other, as the original refuses.
    """
    if max(width_px, height_px) / min(width_px, height_px) > MAX_ASPECT_RATIO:
        raise ImageAspect(width_px=width_px, height_px=height_px, limit=MAX_ASPECT_RATIO)
    # round() of Python goes to even on halves, and the original relies on that as well
    model_height_px = round(height_px / grid_px) * grid_px
    model_width_px = round(width_px / grid_px) * grid_px
    if model_height_px * model_width_px > max_pixels:
        shrink = math.sqrt((height_px * width_px) / max_pixels)
        model_height_px = max(grid_px, math.floor(height_px / shrink / grid_px) * grid_px)
        model_width_px = max(grid_px, math.floor(width_px / shrink / grid_px) * grid_px)
    elif model_height_px * model_width_px < min_pixels:
        grow = math.sqrt(min_pixels / (height_px * width_px))
        model_height_px = math.ceil(height_px * grow / grid_px) * grid_px
        model_width_px = math.ceil(width_px * grow / grid_px) * grid_px
    return model_width_px, model_height_px


@dataclass(frozen=True)
class View:
    """How one chip, or a window of it, is shown to one model, and the exact way back.

    What is shown fills ``content_*`` of the model's image from its top left corner; the rest is padding.
    """

    chip_width_px: int
    """Of the part of the chip that is shown."""
    chip_height_px: int
    model_width_px: int
    model_height_px: int
    content_width_px: int
    content_height_px: int
    convention: CoordinateConvention = "absolute"
    left_px: int = 0
    """Where the part that is shown begins in the chip."""
    top_px: int = 0

    def point_to_chip(self, x: float, y: float) -> tuple[float, float]:
        """A point as the model wrote it, in chip pixels, clipped to what was shown."""
        x_model_px, y_model_px = x, y
        if self.convention == "per_mille":
            x_model_px = x / PER_MILLE * self.model_width_px
            y_model_px = y / PER_MILLE * self.model_height_px
        x_px = x_model_px * self.chip_width_px / self.content_width_px
        y_px = y_model_px * self.chip_height_px / self.content_height_px
        return (
            self.left_px + min(max(x_px, 0.0), float(self.chip_width_px)),
            self.top_px + min(max(y_px, 0.0), float(self.chip_height_px)),
        )

    def box_to_chip(self, box: BoxPx) -> BoxPx:
        """A box as the model wrote it, in chip pixels, clipped to what was shown; may be left without area."""
        x_min, y_min = self.point_to_chip(box[0], box[1])
        x_max, y_max = self.point_to_chip(box[2], box[3])
        return x_min, y_min, x_max, y_max

    def point_to_model(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A chip pixel as this model would write it (training data, tests)."""
        x = (x_px - self.left_px) * self.content_width_px / self.chip_width_px
        y = (y_px - self.top_px) * self.content_height_px / self.chip_height_px
        if self.convention == "per_mille":
            return x / self.model_width_px * PER_MILLE, y / self.model_height_px * PER_MILLE
        return x, y

    def box_to_model(self, box_px: BoxPx) -> BoxPx:
        """A box in chip pixels as this model would write it."""
        x_min, y_min = self.point_to_model(box_px[0], box_px[1])
        x_max, y_max = self.point_to_model(box_px[2], box_px[3])
        return x_min, y_min, x_max, y_max

    def render(self, chip: Image) -> Image:
        """The chip as the model sees it: RGB, bicubic as in Qwen's own processor, padding in grey."""
        from PIL import Image

        content_size = (self.content_width_px, self.content_height_px)
        shown = (self.chip_width_px, self.chip_height_px)
        if chip.size != shown:
            right_px, bottom_px = self.left_px + shown[0], self.top_px + shown[1]
            chip = chip.crop((self.left_px, self.top_px, right_px, bottom_px))
        content = chip if chip.mode == "RGB" else chip.convert("RGB")
        if content.size != content_size:
            content = content.resize(content_size, Image.Resampling.BICUBIC)
        if content_size == (self.model_width_px, self.model_height_px):
            return content
        grey = (PADDING_GREY, PADDING_GREY, PADDING_GREY)
        image = Image.new("RGB", (self.model_width_px, self.model_height_px), grey)
        image.paste(content, (0, 0))
        return image


def plan_view(width_px: int, height_px: int, profile: ModelProfile) -> View:
    """How a chip of this size is shown to the model of this profile.

    Raises:
        ImageAspect: if the chip is too elongated for any model of this family.
    """
    if not profile.view_sizes_px:
        model_width_px, model_height_px = smart_resize(
            width_px,
            height_px,
            grid_px=profile.grid_px,
            min_pixels=profile.min_pixels,
            max_pixels=profile.max_pixels,
        )
        content_width_px, content_height_px = model_width_px, model_height_px
    else:
        model_width_px, model_height_px = _nearest_view(width_px, height_px, profile)
        content_width_px, content_height_px = _content_size(
            width_px, height_px, model_width_px, model_height_px, profile.grid_px
        )
    return View(
        chip_width_px=width_px,
        chip_height_px=height_px,
        model_width_px=model_width_px,
        model_height_px=model_height_px,
        content_width_px=content_width_px,
        content_height_px=content_height_px,
        convention=profile.convention,
    )


def _nearest_view(width_px: int, height_px: int, profile: ModelProfile) -> tuple[int, int]:
    """The fixed view whose aspect ratio differs least, as a factor."""
    if max(width_px, height_px) / min(width_px, height_px) > MAX_ASPECT_RATIO:
        raise ImageAspect(width_px=width_px, height_px=height_px, limit=MAX_ASPECT_RATIO)
    aspect = math.log(width_px / height_px)
    return min(profile.view_sizes_px, key=lambda view: abs(math.log(view[0] / view[1]) - aspect))


def _content_size(
    width_px: int, height_px: int, view_width_px: int, view_height_px: int, grid_px: int
) -> tuple[int, int]:
    """Size of the chip inside a fixed view: as large as it fits without changing its aspect ratio.

    A rest of less than half a grid cell is filled by stretching, not by a grey line: `smart_resize` distorts by as
    much, and a model never saw such lines.
    """
    scale = min(view_width_px / width_px, view_height_px / height_px)
    content_width_px = min(view_width_px, max(1, round(width_px * scale)))
    content_height_px = min(view_height_px, max(1, round(height_px * scale)))
    if view_width_px - content_width_px < grid_px / 2:
        content_width_px = view_width_px
    if view_height_px - content_height_px < grid_px / 2:
        content_height_px = view_height_px
    return content_width_px, content_height_px
