"""Views of labelled photographs as a user would zoom to them, as scenes that can be asked about."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from geo_r1_backend.evaluation.real.labels import LabelledImage, LabelledObject
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.scenes import Scene, SceneObject

Square = tuple[int, int, int]
"""Left, top and side of what a view shows, in pixels of the file."""
VIEW_PX = 448
LARGEST_PX = 250
"""A larger object is shown smaller: nobody zooms so far in that the object fills the view."""
WHOLE = 0.97
"""Visible share of an object's box from which it counts as whole."""
GONE = 0.03
"""Visible share below which an object is not in the view."""
TRIES = 60
"""Views tried per kind."""
ZOOMS = (1.0, 1.0, 1.5, 2.0)
"""How much more than 448 pixels of the file a view shows on a side."""


def draw_views(image: LabelledImage, dice: Dice, count: int) -> list[Scene]:
    """Up to `count` different views of 448 x 448 px, each with at least one whole object of the catalogue.

    A kind of which an object is cut by the border stands in `unlabelled`: its boxes would be a matter of opinion.
    """
    wanted = sorted({o.kind for o in image.objects if o.kind in image.kinds})
    if not wanted:
        return []
    with Image.open(image.path) as file:
        pixels = np.asarray(file.convert("RGB"))
    scenes: list[Scene] = []
    shown: list[Square] = []
    for kind in dice.shuffled(wanted) * TRIES:
        if len(scenes) == count:
            break
        about = dice.choice([o for o in image.objects if o.kind == kind])
        square = _square_near(about, pixels.shape[1], pixels.shape[0], dice)
        whole, doubtful = _seen(image, square)
        if kind in doubtful or any(_overlap(square, other) > 0.5 for other in shown):
            continue
        left, top, side = square
        method = cv2.INTER_AREA if side > VIEW_PX else cv2.INTER_CUBIC
        cut = pixels[top : top + side, left : left + side]
        view = cv2.resize(cut, (VIEW_PX, VIEW_PX), interpolation=method)
        scenes.append(Scene(view, tuple(whole), "real", frozenset(doubtful)))
        shown.append(square)
    return scenes


def _square_near(about: LabelledObject, width_px: int, height_px: int, dice: Dice) -> Square:
    x0, y0, x1, y1 = about.box_px
    least = VIEW_PX * max(1.0, max(x1 - x0, y1 - y0) / LARGEST_PX)
    side = round(min(dice.choice(ZOOMS) * least, width_px, height_px))
    left = round((x0 + x1) / 2 - side * dice.uniform(0.2, 0.8))
    top = round((y0 + y1) / 2 - side * dice.uniform(0.2, 0.8))
    return min(max(left, 0), width_px - side), min(max(top, 0), height_px - side), side


def _seen(image: LabelledImage, square: Square) -> tuple[list[SceneObject], set[str]]:
    """Whole objects in pixels of the view, and the kinds that cannot be asked for in it."""
    left, top, side = square
    scale = VIEW_PX / side
    whole: list[SceneObject] = []
    doubtful: set[str] = set()
    for item in image.objects:
        outline = (item.outline_px - (left, top)) * scale
        box = _box(item, left, top, scale)
        clipped = [min(max(v, 0.0), float(VIEW_PX)) for v in box]
        visible = _area(clipped) / max(_area(box), 1e-9)
        if visible < GONE:
            continue
        if visible < WHOLE or item.kind not in image.kinds:
            doubtful.add(item.kind)
            continue
        x_min, y_min, x_max, y_max = (round(v) for v in clipped)
        box_px = (x_min, y_min, x_max, y_max)
        whole.append(SceneObject(item.kind, "", box_px, _outline_area(outline), (outline,)))
    return [o for o in whole if o.kind not in doubtful], doubtful


def _box(item: LabelledObject, left: float, top: float, scale: float) -> list[float]:
    x0, y0, x1, y1 = item.box_px
    return [(x0 - left) * scale, (y0 - top) * scale, (x1 - left) * scale, (y1 - top) * scale]


def _area(box: list[float]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _outline_area(ring: np.ndarray) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _overlap(one: Square, other: Square) -> float:
    """Shared part of the smaller of two squares."""
    side = min(one[2], other[2])
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[2], other[1] + other[2]) - max(one[1], other[1])
    return max(0, across) * max(0, down) / side**2
