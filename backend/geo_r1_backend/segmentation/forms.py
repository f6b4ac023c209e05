"""Outlines of things without a name, around the origin: each form draws one of a size, turned any way."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from geo_r1_backend.pretraining.backgrounds import direction
from geo_r1_backend.pretraining.dice import Dice

Outlines = list[np.ndarray]
"""Of one shape, around the origin; a point is inside where it lies in an odd number of them."""


def turned(dice: Dice, outline: np.ndarray) -> np.ndarray:
    """The outline as it is, or turned any way."""
    cos, sin = direction(dice) if dice.chance(0.75) else (1.0, 0.0)
    return outline @ np.array([[cos, sin], [-sin, cos]])


def box(length: float, width: float) -> np.ndarray:
    """A rectangle around the origin."""
    return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (length / 2, width / 2)


def ellipse(length: float, width: float, steps: int = 40) -> np.ndarray:
    """An ellipse around the origin."""
    angles = np.arange(steps) * (2 * math.pi / steps)
    return np.stack([np.cos(angles) * length / 2, np.sin(angles) * width / 2], 1)


def rectangle(dice: Dice, size: float) -> Outlines:
    """From square to a strip."""
    return [turned(dice, box(size, size * dice.log_uniform(0.12, 1.0)))]


def oval(dice: Dice, size: float) -> Outlines:
    """Round, or long."""
    return [
        turned(dice, ellipse(size, size * (1 if dice.chance(0.5) else dice.uniform(0.25, 1.0))))
    ]


def pointed(dice: Dice, size: float) -> Outlines:
    """A hull: straight behind, pointed in front."""
    width = size * dice.uniform(0.12, 0.45)
    nose = dice.uniform(0.1, 0.4) * size
    a, b = size / 2, width / 2
    return [turned(dice, np.array([(-a, -b), (a - nose, -b), (a, 0), (a - nose, b), (-a, b)]))]


def many_sided(dice: Dice, size: float) -> Outlines:
    """Three to nine corners, not convex."""
    corners = dice.integer(3, 9)
    angles = sorted(dice.uniform(0, 2 * math.pi) for _ in range(corners))
    reach = [dice.uniform(0.25, 0.5) * size for _ in range(corners)]
    return [
        np.array([(r * math.cos(a), r * math.sin(a)) for r, a in zip(reach, angles, strict=True)])
    ]


def blob(dice: Dice, size: float) -> Outlines:
    """A smooth closed line."""
    angles = np.arange(60) * (2 * math.pi / 60)
    reach = np.ones(60)
    for wave in range(2, 6):
        reach += (
            dice.uniform(-0.28, 0.28) / (wave - 1) * np.cos(wave * angles + dice.uniform(0, 6.28))
        )
    reach *= size / 2 / reach.max()
    outline = np.stack([np.cos(angles) * reach, np.sin(angles) * reach * dice.uniform(0.4, 1)], 1)
    return [turned(dice, outline)]


def _merged(parts: list[np.ndarray]) -> Outlines:
    """The outline of a union of convex parts that share the origin's surroundings, by drawing it."""
    points = np.concatenate(parts)
    low, high = points.min(0), points.max(0)
    per = 400 / max(1e-6, float((high - low).max()))
    canvas = np.zeros((440, 440), np.uint8)
    for part in parts:
        cv2.fillPoly(canvas, [np.round((part - low) * per + 10).astype(np.int32)], 1)
    found, _ = cv2.findContours(canvas, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = max(found, key=len)[:, 0].astype(float)
    return [(largest - 10) / per + low]


def winged(dice: Dice, size: float) -> Outlines:
    """A body with two pairs of wings, swept or straight."""
    body = box(size, size * dice.uniform(0.07, 0.2))
    body[1:3, 1] *= 0.5
    span, chord = size * dice.uniform(0.35, 0.55), size * dice.uniform(0.1, 0.28)
    sweep, root = dice.uniform(-0.05, 0.4) * size, dice.uniform(-0.05, 0.2) * size
    tip = chord * dice.uniform(0.2, 0.9)
    parts = [body]
    for length, wide, thin, at in (
        (span, chord, tip, root),
        (span * dice.uniform(0.25, 0.5), chord * 0.6, tip * 0.6, -0.4 * size),
    ):
        back = sweep * length / span
        wing = np.array(
            [
                (at + wide / 2, 0),
                (at - back + thin / 2, length),
                (at - back - thin / 2, length),
                (at - wide / 2, 0),
            ]
        )
        parts += [wing, wing * (1, -1)]
    cos, sin = direction(dice)
    return _merged([part @ np.array([[cos, sin], [-sin, cos]]) for part in parts])


def angled(dice: Dice, size: float) -> Outlines:
    """Two or three bars that meet: L, T, cross, U."""
    parts = []
    for _ in range(dice.integer(2, 3)):
        bar = box(size * dice.uniform(0.5, 1), size * dice.uniform(0.15, 0.4))
        if dice.chance(0.5):
            bar = bar[:, ::-1]
        parts.append(bar + np.array([dice.uniform(-0.2, 0.2), dice.uniform(-0.2, 0.2)]) * size)
    cos, sin = direction(dice)
    return _merged([part @ np.array([[cos, sin], [-sin, cos]]) for part in parts])


def stadium(dice: Dice, size: float) -> Outlines:
    """A rectangle with round ends."""
    width = size * dice.uniform(0.3, 0.7)
    angles = np.linspace(-math.pi / 2, math.pi / 2, 16)
    end = np.stack([np.cos(angles), np.sin(angles)], 1) * width / 2 + np.array(
        [(size - width) / 2, 0]
    )
    return [turned(dice, np.concatenate([end, -end]))]


def fan(dice: Dice, size: float) -> Outlines:
    """A slice of a round."""
    half = dice.uniform(0.6, 1.0)
    angles = np.linspace(-half, half, 18)
    arc = np.stack([np.cos(angles), np.sin(angles)], 1) * size
    return [turned(dice, np.concatenate([np.zeros((1, 2)), arc]) - np.array([size / 2, 0]))]


def ring(dice: Dice, size: float) -> Outlines:
    """With a hole."""
    outer = (
        ellipse(size, size * dice.uniform(0.6, 1)) if dice.chance(0.6) else box(size, size * 0.7)
    )
    outer = turned(dice, outer)
    return [outer, outer * dice.uniform(0.4, 0.75)]


FORMS: tuple[Callable[[Dice, float], Outlines], ...] = (
    rectangle, rectangle, rectangle, oval, oval, pointed, pointed, many_sided, blob, winged, winged, angled, stadium,
    fan, ring,
)  # fmt: skip
