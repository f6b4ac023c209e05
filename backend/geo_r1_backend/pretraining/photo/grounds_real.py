"""Ground for photograph-like scenes, drawn at the canvas's size: photographs, materials cut from them, or generated."""

from __future__ import annotations

import math

import cv2
import numpy as np

from geo_r1_backend.pretraining import backgrounds
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds, direction
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import ellipse
from geo_r1_backend.pretraining.photo.canvas import SCALE, Canvas
from geo_r1_backend.pretraining.photo.textures import MATERIALS, Materials, noise_window


def photograph(
    dice: Dice, real: RealBackgrounds, width_px: int, height_px: int
) -> tuple[np.ndarray, str]:
    """A real tile with everything that stands on it, ``(SCALE * height, SCALE * width, 3)`` uint8, and its name."""
    image, name = real.draw_named(dice, width_px, height_px)
    size = (width_px * SCALE, height_px * SCALE)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), name


def generated(dice: Dice, width_px: int, height_px: int) -> np.ndarray:
    """The plain generator's ground with grain."""
    image = backgrounds.generated(dice, width_px, height_px)
    big = cv2.resize(image, (width_px * SCALE, height_px * SCALE), interpolation=cv2.INTER_LINEAR)
    grain = noise_window(dice, *big.shape[:2])[..., None] * dice.uniform(0.05, 0.4)
    return np.clip(big + grain, 0, 255).astype(np.uint8)


def water(dice: Dice, height: int, width: int) -> np.ndarray:
    """Water from black to green and grey, calm or with waves."""
    t, u = dice.uniform(0, 1), dice.uniform(0, 1)
    base = np.array(
        [14 + 70 * t, 28 + 80 * t * (0.6 + 0.4 * u), 40 + 70 * t * (1 - 0.5 * u)], np.float32
    )
    waves = noise_window(dice, height, width)[..., None] * dice.uniform(0.02, 0.22)
    slope = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * dice.uniform(-9, 9)
    return np.clip(base + waves + slope, 0, 255).astype(np.uint8)


def materials(dice: Dice, bank: Materials, width_px: int, height_px: int) -> np.ndarray:
    """A mosaic of real ground, with roads, markings and trees: nothing that may be asked for."""
    height, width = height_px * SCALE, width_px * SCALE
    if dice.chance(0.08):
        return water(dice, height, width)
    canvas = Canvas(
        np.ascontiguousarray(bank.cover(dice, dice.choice(MATERIALS[:5]), height, width)), dice
    )
    for _ in range(dice.integer(0, 5)):
        plot(
            canvas,
            bank,
            dice.choice(MATERIALS),
            _spot(dice, width_px, height_px),
            dice.log_uniform(50, 400),
        )
    for _ in range(dice.weighted(((0, 3.0), (1, 3.0), (2, 2.0), (3, 1.0)))):
        _road(canvas, width_px, height_px)
    if dice.chance(0.6):
        _trees(canvas, bank, width_px, height_px)
    for _ in range(dice.integer(0, 12)):
        _clutter(canvas, width_px, height_px)
    return canvas.pixels


def plot(
    canvas: Canvas, bank: Materials, material: str, centre: tuple[float, float], size_px: float
) -> None:
    """A field, yard or pond around a point."""
    dice = canvas.dice
    cos, sin = direction(dice)
    if dice.chance(0.6):
        a, b = size_px / 2, size_px / 2 * dice.uniform(0.4, 1)
        corners = np.array([(-a, -b), (a, -b), (a, b), (-a, b)])
    else:
        corners = ellipse(size_px / 2, size_px / 2 * dice.uniform(0.5, 1), steps=9)
        corners = corners * np.array([[dice.uniform(0.7, 1.2)] for _ in range(9)])
    turned = corners @ np.array([[cos, sin], [-sin, cos]]) + centre
    paste_material(canvas, bank, material, turned)


def paste_material(canvas: Canvas, bank: Materials, material: str, outline_px: np.ndarray) -> None:
    """Fill an outline with a material."""
    box = canvas.window(outline_px)
    if box is None:
        return
    height, width = box[1] - box[0], box[3] - box[2]
    dice = canvas.dice
    stuff = (
        water(dice, height, width)
        if material == "water"
        else bank.cover(dice, material, height, width)
    )
    canvas.paste(outline_px, stuff)


def _spot(dice: Dice, width_px: int, height_px: int) -> tuple[float, float]:
    return dice.uniform(0, width_px), dice.uniform(0, height_px)


def _strip(start: np.ndarray, along: np.ndarray, length: float, width: float) -> np.ndarray:
    side = np.array([-along[1], along[0]]) * (width / 2)
    end = start + along * length
    return np.array([start + side, end + side, end - side, start - side])


def _road(canvas: Canvas, width_px: int, height_px: int) -> None:
    dice = canvas.dice
    along = np.array(direction(dice))
    start = np.array(_spot(dice, width_px, height_px)) - along * 1200
    width, tone = dice.log_uniform(6, 60), dice.uniform(70, 165)
    if dice.chance(0.5):
        canvas.fill(
            _strip(start, along, 2400, width * 1.25), (dice.uniform(140, 200),) * 3, texture=0.08
        )
    canvas.fill(
        _strip(start, along, 2400, width),
        (tone, tone, tone * dice.uniform(0.94, 1.03)),
        texture=0.08,
    )
    if width < 12 or dice.chance(0.3):
        return
    paint = (222, 220, 208) if dice.chance(0.7) else (206, 170, 70)
    side = np.array([-along[1], along[0]])
    dash = dice.uniform(8, 30)
    for k in range(int(2400 / (2 * dash))):
        at = start + along * (2 * dash * k)
        if -20 < at[0] < width_px + 20 and -20 < at[1] < height_px + 20:
            canvas.fill(_strip(at, along, dash, dice.uniform(0.6, 1.4)), paint, texture=0)
    for edge in (-0.46, 0.46):
        canvas.fill(
            _strip(start + side * width * edge, along, 2400, 0.8), (206, 206, 200), texture=0
        )


def _trees(canvas: Canvas, bank: Materials, width_px: int, height_px: int) -> None:
    dice = canvas.dice
    x0, y0 = _spot(dice, width_px, height_px)
    spread, size = dice.uniform(40, 400), dice.log_uniform(7, 40)
    for _ in range(dice.integer(3, 26)):
        r = size * dice.uniform(0.3, 0.7)
        steps = 11
        rough = np.array([[dice.uniform(0.8, 1.15)] for _ in range(steps)])
        crown = ellipse(r, r, steps=steps) * rough
        crown = np.add(
            crown, (x0 + dice.uniform(-spread, spread), y0 + dice.uniform(-spread, spread))
        )
        canvas.darken(np.add(crown, (r * 0.35, r * 0.4)), 0.45, 1.0)
        paste_material(canvas, bank, "trees", crown)


def _clutter(canvas: Canvas, width_px: int, height_px: int) -> None:
    """Spots, boxes, lines and rings that mean nothing."""
    dice = canvas.dice
    at, size = np.array(_spot(dice, width_px, height_px)), dice.log_uniform(2, 26)
    tone = dice.uniform(40, 240)
    colour = (tone, tone * dice.uniform(0.8, 1.1), tone * dice.uniform(0.7, 1.1))
    along = np.array(direction(dice))
    what = dice.weighted((("spot", 1.0), ("box", 1.0), ("line", 1.5), ("arc", 0.6)))
    if what == "spot":
        canvas.fill(ellipse(size / 2, size / 3, steps=9) + at, colour, alpha=dice.uniform(0.2, 0.7))
    elif what == "box":
        canvas.fill(
            _strip(at, along, size * 0.6, size * dice.uniform(0.1, 0.4)),
            colour,
            alpha=dice.uniform(0.3, 0.9),
        )
    elif what == "line":
        canvas.fill(
            _strip(at, along, size * 12, dice.uniform(0.5, 1.5)),
            colour,
            alpha=dice.uniform(0.3, 0.9),
        )
    else:
        r = size * 2
        for k in range(7):
            a, b = 0.3 * k, 0.3 * (k + 1)
            p = at + r * np.array([math.cos(a), math.sin(a)])
            q = at + r * np.array([math.cos(b), math.sin(b)])
            norm = float(np.hypot(*(q - p))) + 1e-6
            canvas.fill(_strip(p, (q - p) / norm, norm, 1.0), colour, texture=0)
