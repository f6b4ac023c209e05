"""Pictures of things without a name: shapes of any outline and look on real or generated ground.

A segmenter that has seen only the kinds of the catalogue learns kinds. These teach it what an outline is: the look may be
a piece of another photograph, the ground itself in other light, paint, stripes, or a court's lines; holes are holes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from geo_r1_backend.pretraining import backgrounds
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds, direction
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.segmentation.forms import FORMS, Outlines, box, ellipse, turned

FINER = 4  # outlines are filled on a grid so much finer and averaged: soft edges of a fair width
SIZES_PX = (10.0, 200.0)


@dataclass(frozen=True)
class Shape:
    """One thing and its truth."""

    box_px: tuple[int, int, int, int]
    mask: np.ndarray
    """``(height, width)`` bool, of the box alone."""


def draw_shapes(
    seed: int, real: RealBackgrounds | None, view_px: tuple[int, int]
) -> tuple[np.ndarray, list[Shape]]:
    """A picture ``(height, width, 3)`` uint8 and the shapes on it; equal seeds give equal pictures."""
    dice = Dice(seed)
    width, height = view_px
    on_photograph = real is not None and dice.chance(0.75)
    image = (
        real.draw(dice, width, height)
        if real is not None and on_photograph
        else backgrounds.generated(dice, width, height)
    )
    image = np.ascontiguousarray(image)
    shapes: list[Shape] = []
    taken: list[tuple[float, float, float]] = []
    cos, sin = direction(dice)
    light = np.array([cos, sin]) * dice.uniform(0.0, 0.2)
    alike = dice.chance(0.35)
    form = dice.choice(FORMS)
    base = dice.log_uniform(*SIZES_PX)
    row = direction(dice)
    for _ in range(dice.integer(2, 9)):
        size = base * dice.uniform(0.85, 1.2) if alike else dice.log_uniform(*SIZES_PX)
        if not alike:
            form = dice.choice(FORMS)
        if alike and taken and dice.chance(0.8):  # side by side, sometimes touching
            x, y, r = taken[-1]
            step = size * dice.uniform(0.75, 1.4)
            x, y = x + row[0] * step, y + row[1] * step
            r = 0.3 * size
        else:
            x, y, r = dice.uniform(0, width), dice.uniform(0, height), 0.5 * size
        if any((x - a) ** 2 + (y - b) ** 2 < (r + c) ** 2 for a, b, c in taken):
            continue
        shape = _paint(dice, image, form(dice, size), (x, y), light * size, real)
        if shape is not None:
            shapes.append(shape)
            taken.append((x, y, r))
    return image, shapes


def _paint(
    dice: Dice,
    image: np.ndarray,
    outlines: Outlines,
    centre: tuple[float, float],
    shadow: np.ndarray,
    real: RealBackgrounds | None,
) -> Shape | None:
    """Draw a shape with its shadow; none where too little of it is in the picture."""
    height, width = image.shape[:2]
    placed = [outline + np.array(centre) for outline in outlines]
    points = np.concatenate(placed)
    low = np.maximum(np.floor(points.min(0) - 2), 0).astype(int)
    high = np.minimum(np.ceil(points.max(0) + 2), (width, height)).astype(int)
    if (high - low < 4).any():
        return None
    if dice.chance(0.5):
        _shade(image, [outline + shadow for outline in placed], dice.uniform(0.35, 0.8))
    cover = _cover(placed, low, high)
    soft = cv2.GaussianBlur(cover, (0, 0), dice.uniform(0.3, 0.9)) if dice.chance(0.5) else cover
    window = image[low[1] : high[1], low[0] : high[0]]
    look = _look(dice, window, real)
    window[:] = np.clip(window + (look - window) * soft[..., None], 0, 255).astype(np.uint8)
    if dice.chance(0.25):
        tone = float(dice.integer(20, 250))
        lines = [np.round((outline - low) * 16).astype(np.int32) for outline in placed]
        drawn = np.ascontiguousarray(window)
        cv2.polylines(drawn, lines, True, (tone, tone, tone * 0.95), 1, cv2.LINE_AA, 4)
        window[:] = drawn
    mask = cover > 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) < 3 or len(columns) < 3:
        return None
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    box = (int(low[0] + x0), int(low[1] + y0), int(low[0] + x1), int(low[1] + y1))
    return Shape(box, mask[y0:y1, x0:x1])


def _cover(placed: Outlines, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of each pixel of a window inside the outlines, float32."""
    across, down = (high - low).tolist()
    fine = np.zeros((down * FINER, across * FINER), np.uint8)
    corners = [np.round((outline - low) * FINER * 16 - 8).astype(np.int32) for outline in placed]
    cv2.fillPoly(fine, corners, 255, cv2.LINE_8, 4)
    return cv2.resize(fine, (across, down), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _shade(image: np.ndarray, outlines: Outlines, left: float) -> None:
    height, width = image.shape[:2]
    points = np.concatenate(outlines)
    low = np.maximum(np.floor(points.min(0) - 2), 0).astype(int)
    high = np.minimum(np.ceil(points.max(0) + 2), (width, height)).astype(int)
    if (high - low < 1).any():
        return
    cover = cv2.GaussianBlur(_cover(outlines, low, high), (0, 0), 0.8)
    window = image[low[1] : high[1], low[0] : high[0]]
    window[:] = (window * (1 - cover[..., None] * (1 - left))).astype(np.uint8)


def _look(dice: Dice, under: np.ndarray, real: RealBackgrounds | None) -> np.ndarray:
    """What a shape looks like, ``(height, width, 3)`` float32."""
    height, width = under.shape[:2]
    what = dice.weighted(
        (("paint", 3.0), ("photograph", 2.5 if real else 0.0), ("ground", 1.2), ("parts", 2.5))
    )
    if what == "photograph" and real is not None:
        tint = np.array([dice.uniform(0.7, 1.3) for _ in range(3)], np.float32)
        return np.clip(real.draw(dice, width, height) * tint, 0, 255).astype(np.float32)
    if what == "ground":  # the same stuff in other light: a mown field, a wet roof
        gain = dice.choice((dice.uniform(0.5, 0.8), dice.uniform(1.25, 1.7)))
        tint = np.array([gain * dice.uniform(0.85, 1.15) for _ in range(3)], np.float32)
        return np.clip(under * tint, 0, 255).astype(np.float32)
    look = np.empty((height, width, 3), np.float32)
    look[:] = _colour(dice)
    if what == "parts":
        _parts(dice, look)
    slope = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * dice.uniform(-30, 30)
    slope = slope + np.linspace(-1, 1, height, dtype=np.float32)[:, None, None] * dice.uniform(
        -30, 30
    )
    grain = dice.grid(height, width).astype(np.float32)[..., None] - 127.5
    return np.clip(look + slope + grain * dice.uniform(0.0, 0.2), 0, 255)


def _parts(dice: Dice, look: np.ndarray) -> None:
    """Lines, stripes and inner surfaces that belong to the shape."""
    height, width = look.shape[:2]
    size = max(height, width)
    for _ in range(dice.integer(1, 5)):
        x, y = dice.uniform(0, width), dice.uniform(0, height)
        colour = _colour(dice)
        if dice.chance(0.5):
            inner = turned(dice, box(size * dice.uniform(0.1, 0.8), size * dice.uniform(0.02, 0.4)))
        else:
            inner = ellipse(size * dice.uniform(0.05, 0.5), size * dice.uniform(0.05, 0.5))
        corners = np.round((inner + np.array([x, y])) * 16).astype(np.int32)
        if dice.chance(0.35):
            cv2.polylines(look, [corners], True, colour, 1, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(look, [corners], colour, cv2.LINE_8, 4)


def _colour(dice: Dice) -> tuple[float, float, float]:
    gray = dice.uniform(15, 250)
    strong = dice.uniform(0, 0.6) if dice.chance(0.6) else 0.05
    red, green, blue = (
        min(255.0, max(0.0, gray * (1 + dice.uniform(-strong, strong)))) for _ in range(3)
    )
    return red, green, blue
