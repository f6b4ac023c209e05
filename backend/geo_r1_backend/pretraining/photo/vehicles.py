"""Airplanes, ships and cars as they look from above: several builds of each, on a `PhotoBrush`."""

from __future__ import annotations

import numpy as np

from geo_r1_backend.pretraining.drawing import Rgb, ellipse, rectangle, shade
from geo_r1_backend.pretraining.photo.canvas import PhotoBrush

GLASS = (38.0, 44.0, 54.0)


def airplane(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """An airliner (most), a fighter or a propeller plane, with its shadow and what stands around it."""
    dice = brush.canvas.dice
    build = dice.weighted((("airliner", 7.0), ("fighter", 1.2), ("light", 1.8)))
    if build == "fighter":
        return _fighter(brush, colour)
    return _airliner(brush, colour, variant) if build == "airliner" else _light_plane(brush, colour)


def _wing(
    root_u: float, chord: float, sweep: float, tip_chord: float, half_span: float
) -> np.ndarray:
    """Both wings as one outline, in shares of the length."""
    lead_tip = root_u - sweep
    one = [
        (root_u, 0.02),
        (lead_tip, half_span),
        (lead_tip - tip_chord, half_span),
        (root_u - chord, 0.02),
    ]
    other = [(u, -v) for u, v in reversed(one)]
    return np.array(one + other)


def _tube(half_width: float, nose: float, tail: float) -> np.ndarray:
    """A fuselage from +0.5 to -0.5 with a rounded nose and a pointed tail."""
    points = [
        (0.5, 0.0), (0.485, 0.55 * half_width), (0.5 - nose, half_width), (-0.5 + tail, half_width), (-0.5, 0.15 * half_width),
    ]  # fmt: skip
    return np.array(points + [(u, -v) for u, v in reversed(points[1:])])


def _airliner(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    dice, s, span = brush.canvas.dice, brush.pose.length, brush.pose.width
    half = dice.uniform(0.042, 0.062)
    body = _tube(half, dice.uniform(0.05, 0.1), dice.uniform(0.2, 0.3)) * s
    root, sweep = dice.uniform(0.12, 0.2), dice.uniform(0.17, 0.32)
    wing = _wing(root, dice.uniform(0.2, 0.28), sweep, dice.uniform(0.035, 0.07), 0.5) * (s, span)
    tail = _wing(-0.37, 0.11, dice.uniform(0.07, 0.12), 0.035, dice.uniform(0.16, 0.21)) * (s, span)
    for part in (body, wing, tail):
        brush.flat_shadow(part, dice.uniform(0.5, 1.0))
    bare = shade(colour, dice.uniform(0.72, 1.0)) if dice.chance(0.6) else colour
    outlines = [brush.shape(wing, bare), brush.shape(tail, bare)]
    engines = (0.17,) if dice.chance(0.75) else (0.14, 0.29)
    for out in engines:
        ahead = root - sweep * out * 2 + 0.02
        for side in (-1, 1):
            pod = ellipse(0.05 * s, 0.019 * s, ahead * s, side * out * span, 10)
            brush.shape(pod, shade(bare, dice.uniform(0.55, 0.95)))
    outlines.append(brush.shape(body, colour))
    lit = _tube(half * 0.45, 0.08, 0.3) * s + np.array((0, -0.35 * half * s))
    brush.shape(lit, shade(colour, 1.1))
    if dice.chance(0.4):
        paint = (dice.uniform(20, 200), dice.uniform(20, 120), dice.uniform(30, 200))
        brush.shape(
            np.array([(-0.34, 0.012), (-0.49, 0.012), (-0.49, -0.012), (-0.34, -0.012)]) * s, paint
        )
        if dice.chance(0.4):
            brush.shape(_tube(half, 0.06, 0.24)[[3, 4, 5, 6]] * s, paint)
    if s > 26 and dice.chance(0.6):
        brush.shape(rectangle(0.022 * s, 1.2 * half * s, 0.455 * s), GLASS)
    if variant < 0.4:
        _bridge(brush, s, half)
    return outlines


def _bridge(brush: PhotoBrush, s: float, half: float) -> None:
    """A passenger bridge at the nose, and carts."""
    dice = brush.canvas.dice
    tone = dice.uniform(120, 215)
    side = 1 if dice.chance(0.5) else -1
    quad = np.array([(0.36, half), (0.41, half), (0.75, 0.34), (0.7, 0.34)]) * (s, s * side)
    brush.flat_shadow(quad, 0.5)
    brush.shape(quad, (tone, tone, tone))
    for _ in range(dice.integer(0, 6)):
        u, v = dice.uniform(-0.5, 0.5) * s, dice.uniform(0.12, 0.5) * s * side
        tone = dice.uniform(60, 240)
        brush.shape(
            rectangle(0.05 * s, 0.025 * s, u, v), (tone, tone * dice.uniform(0.7, 1), tone * 0.9)
        )


def _fighter(brush: PhotoBrush, colour: Rgb) -> list[np.ndarray]:
    dice, s = brush.canvas.dice, brush.pose.length
    span = brush.pose.width * dice.uniform(0.6, 0.8)
    body = _tube(0.055, 0.3, 0.05) * s
    wing = np.array([(0.12, 0.04), (-0.2, 0.5), (-0.3, 0.5), (-0.34, 0.04)])
    tail = np.array([(-0.32, 0.05), (-0.44, 0.24), (-0.52, 0.24), (-0.5, 0.05)])
    outlines = []
    parts = [np.concatenate([p, (p * (1, -1))[::-1]]) * (s, span) for p in (wing, tail)]
    for part in (*parts, body):
        brush.flat_shadow(part, 0.6)
    outlines += [brush.shape(part, shade(colour, 0.92)) for part in parts]
    outlines.append(brush.shape(body, colour))
    brush.shape(ellipse(0.07 * s, 0.022 * s, 0.27 * s, 0, 10), GLASS)
    return outlines


def _light_plane(brush: PhotoBrush, colour: Rgb) -> list[np.ndarray]:
    dice, s = brush.canvas.dice, brush.pose.length
    span = brush.pose.width * dice.uniform(1.0, 1.2)
    body = _tube(dice.uniform(0.05, 0.07), 0.1, 0.4) * s
    wing = _wing(dice.uniform(0.2, 0.28), 0.17, dice.uniform(0.0, 0.05), 0.12, 0.5) * (s, span)
    tail = _wing(-0.38, 0.1, 0.02, 0.07, 0.18) * (s, span)
    for part in (body, wing, tail):
        brush.flat_shadow(part, 0.6)
    outlines = [brush.shape(part, colour) for part in (wing, tail, body)]
    if dice.chance(0.4):
        for side in (-1, 1):
            pod = ellipse(0.07 * s, 0.025 * s, 0.22 * s, side * 0.17 * span, 10)
            brush.shape(pod, shade(colour, 0.75))
    return outlines


def ship(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A freighter, tanker, container ship, warship, barge or boat; sometimes under way."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    if s < 40 and dice.chance(0.6):
        return _boat(brush, colour)
    bow, stern = dice.uniform(0.18, 0.4), dice.uniform(0.3, 0.5)
    half = [(0.5, 0.02), (0.5 - bow * 0.4, 0.34), (0.5 - bow, 0.5), (-0.47, 0.5), (-0.5, stern)]
    hull = np.array(half + [(u, -v) for u, v in reversed(half)])
    if dice.chance(0.3):
        _wake(brush, s, w)
    brush.flat_shadow(hull * (s, w), 0.35)
    outline = brush.shape(hull * (s, w), shade(colour, dice.uniform(0.6, 0.95)))
    deck = shade(colour, 1.0) if dice.chance(0.6) else _deck(dice.uniform(0, 1))
    brush.shape(hull * (s * 0.96, w * 0.82), deck)
    if variant < 0.3:  # hatches
        for k in range(dice.integer(3, 8)):
            u = (0.3 - 0.085 * k) * s
            if u > -0.3 * s:
                brush.shape(rectangle(0.065 * s, 0.5 * w, u), shade(deck, dice.uniform(0.65, 1.25)))
    elif variant < 0.55:  # containers
        for k in range(9):
            for side in (-0.27, 0.0, 0.27):
                tint = (dice.uniform(40, 220), dice.uniform(40, 170), dice.uniform(40, 190))
                brush.shape(rectangle(0.07 * s, 0.24 * w, (0.34 - 0.075 * k) * s, side * w), tint)
    elif variant < 0.75:  # pipes
        for v in (-0.12, 0.0, 0.12):
            brush.stroke(
                (-0.28 * s, v * w), (0.38 * s, v * w), shade(deck, 0.7), max(0.6, 0.04 * w)
            )
        brush.shape(rectangle(0.03 * s, 0.8 * w, 0.06 * s), shade(deck, 0.75))
    else:  # superstructure along the middle
        tone = shade(deck, dice.uniform(0.8, 1.3))
        brush.shape(rectangle(dice.uniform(0.25, 0.5) * s, 0.5 * w, -0.05 * s), tone)
        brush.shape(rectangle(0.09 * s, 0.3 * w, 0.02 * s), shade(tone, 0.7))
    place = -0.36 if dice.chance(0.8) else 0.3
    house = rectangle(dice.uniform(0.07, 0.13) * s, dice.uniform(0.6, 0.95) * w, place * s)
    brush.flat_shadow(house, 0.5)
    brush.shape(house, (dice.uniform(190, 245),) * 3)
    return [outline]


def _deck(t: float) -> Rgb:
    return (
        (110 + 50 * t, 70 + 40 * t, 60 + 30 * t)
        if t < 0.5
        else (90 + 50 * t, 105 + 40 * t, 95 + 30 * t)
    )


def _wake(brush: PhotoBrush, s: float, w: float) -> None:
    dice = brush.canvas.dice
    length = dice.uniform(0.4, 2.0) * s
    foam = np.array([(-0.46 * s, 0.3 * w), (-0.5 * s - length, dice.uniform(0.3, 1.2) * w)])
    quad = np.concatenate([foam, (foam * (1, -1))[::-1]])
    brush.canvas.fill(
        brush.place(quad), (215, 224, 226), alpha=dice.uniform(0.15, 0.6), texture=0.3
    )


def _boat(brush: PhotoBrush, colour: Rgb) -> list[np.ndarray]:
    dice, s = brush.canvas.dice, brush.pose.length
    w = brush.pose.width * dice.uniform(1.0, 1.5)
    half = [(0.5, 0.03), (0.3, 0.32), (0.05, 0.5), (-0.46, 0.46), (-0.5, 0.36)]
    hull = np.array(half + [(u, -v) for u, v in reversed(half)])
    if dice.chance(0.25):
        _wake(brush, s, w)
    outline = brush.shape(hull * (s, w), colour)
    brush.shape(hull * (s * 0.8, w * 0.66), shade(colour, dice.uniform(0.75, 1.15)))
    if dice.chance(0.6):
        brush.shape(rectangle(0.22 * s, 0.5 * w, dice.uniform(-0.15, 0.1) * s), GLASS)
    if dice.chance(0.3):
        brush.shape(rectangle(0.2 * s, 0.6 * w, -0.32 * s), (150, 110, 76))
    return [outline]


def car(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A saloon, estate, van or pick-up with its shadow and shine."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    half = [(0.5, 0.26), (0.44, 0.42), (0.3, 0.5), (-0.4, 0.49), (-0.48, 0.4), (-0.5, 0.22)]
    body = np.array(half + [(u, -v) for u, v in reversed(half)]) * (s, w)
    brush.shadow(body, dice.uniform(0.3, 1.3))
    outline = brush.shape(body, colour)
    brush.shape(body * (0.96, 0.5) + (0, -0.18 * w), shade(colour, 1.1))
    front = dice.uniform(0.12, 0.2)
    glass = shade(GLASS, dice.uniform(0.7, 1.7))
    shield = np.array([(front + 0.11, -0.37), (front + 0.11, 0.37), (front, 0.4), (front, -0.4)])
    brush.shape(shield * (s, w), glass)
    if variant < 0.75:
        back = dice.uniform(-0.42, -0.26)
        brush.shape(
            np.array([(back, -0.37), (back, 0.37), (back - 0.07, 0.34), (back - 0.07, -0.34)])
            * (s, w),
            glass,
        )
        for side in (-1, 1):
            brush.shape(
                rectangle(
                    (front - back) * 0.9 * s, 0.07 * w, (front + back) / 2 * s, side * 0.41 * w
                ),
                glass,
            )
        brush.shape(
            rectangle((front - back) * 0.72 * s, 0.62 * w, (front + back) / 2 * s),
            shade(colour, 1.06),
        )
    else:
        brush.shape(rectangle(0.4 * s, 0.72 * w, -0.24 * s), shade(colour, dice.uniform(0.55, 0.9)))
    return [outline]


def bus(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A coach, or a lorry with its cab."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    body = rectangle(s, w)
    brush.shadow(body, dice.uniform(0.7, 1.6))
    outline = brush.shape(body, colour)
    brush.shape(rectangle(0.98 * s, 0.4 * w, 0, -0.2 * w), shade(colour, 1.08))
    if variant < 0.6:
        for k in range(dice.integer(1, 4)):
            brush.shape(
                rectangle(0.09 * s, 0.42 * w, (-0.32 + 0.22 * k) * s),
                shade(colour, dice.uniform(0.6, 0.9)),
            )
        brush.shape(rectangle(0.03 * s, 0.88 * w, 0.47 * s), GLASS)
    else:
        brush.shape(rectangle(0.025 * s, w, 0.31 * s), (40, 42, 46))
        cab = (dice.uniform(60, 230), dice.uniform(60, 200), dice.uniform(60, 220))
        brush.shape(rectangle(0.18 * s, 0.94 * w, 0.41 * s), cab)
    return [outline]
