"""Courts and fields, with the outlines that published labels give them.

A court's outline is its lines (not the paved surround), a baseball field's is its dirt (diamond and arc, not the
outfield), a running track's is its outer lane: the conventions of DOTA, DIOR and NWPU.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import Rgb, ellipse, rectangle, shade
from geo_r1_backend.pretraining.photo.canvas import PhotoBrush

Segment = tuple[tuple[float, float], tuple[float, float]]


def _surfaces(dice: Dice, colour: Rgb) -> tuple[Rgb, Rgb]:
    """(inside the lines, around them)."""
    others: tuple[Rgb, ...] = (
        (70, 110, 80),
        (60, 84, 140),
        (150, 84, 66),
        (128, 128, 124),
        (96, 124, 92),
    )
    around = dice.choice(others) if dice.chance(0.55) else shade(colour, dice.uniform(0.8, 1.2))
    return colour, shade(around, dice.uniform(0.85, 1.15))


def _lines(brush: PhotoBrush, segments: list[Segment], s: float) -> None:
    dice = brush.canvas.dice
    tone = dice.uniform(140, 245)
    width = max(0.3, s * dice.uniform(0.004, 0.012))
    for a, b in segments:
        brush.stroke(a, b, (tone, tone, tone * 0.98), width)


def tennis_court(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Doubles lines, service boxes, net; surround, fence and posts around them."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    inside, around = _surfaces(dice, colour)
    if brush.surround is None:
        outer = rectangle(s * dice.uniform(1.2, 1.6), w * dice.uniform(1.25, 1.8))
        brush.shape(outer, around)
        if dice.chance(0.4):
            brush.ring(outer, (dice.uniform(50, 110),) * 3, 0.6)
    elif dice.chance(0.25):
        inside = shade(brush.surround, dice.uniform(0.85, 1.1))  # lines on bare tarmac
    outline = brush.shape(rectangle(s, w), inside)
    a, b, c, d = s / 2, w / 2, w * 0.375, s * 0.27
    segments: list[Segment] = [((-a, v), (a, v)) for v in (-b, -c, c, b)]
    segments += [((u, -b), (u, b)) for u in (-a, a)] + [((u, -c), (u, c)) for u in (-d, d)]
    segments.append(((-d, 0), (d, 0)))
    _lines(brush, segments, s)
    brush.stroke((0, -b * 1.1), (0, b * 1.1), (dice.uniform(40, 120),) * 3, max(0.5, 0.012 * s))
    return [outline]


def basketball_court(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Border, middle circle, keys and arcs."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    inside, around = _surfaces(dice, colour)
    if brush.surround is None:
        brush.shape(rectangle(s * dice.uniform(1.06, 1.3), w * dice.uniform(1.08, 1.5)), around)
    elif dice.chance(0.4):
        inside = shade(brush.surround, dice.uniform(0.85, 1.1))  # lines on bare tarmac
    outline = brush.shape(rectangle(s, w), inside)
    key = shade(around, 1.1) if dice.chance(0.5) else inside
    segments: list[Segment] = [((-s / 2, v), (s / 2, v)) for v in (-w / 2, w / 2)]
    segments += [((u, -w / 2), (u, w / 2)) for u in (-s / 2, 0, s / 2)]
    for side in (-1, 1):
        u = side * 0.4 * s
        brush.shape(rectangle(0.2 * s, 0.3 * w, u), key)
        corners = rectangle(0.2 * s, 0.3 * w, u)
        segments += [(tuple(corners[k - 1]), tuple(corners[k])) for k in range(4)]
        arc = [math.pi * (k / 8 - 0.5) for k in range(9)]
        reach = 0.42 * w if dice.chance(0.7) else 0.15 * w
        points = [
            (side * (0.5 * s - 0.06 * s - reach * math.cos(t)), reach * math.sin(t)) for t in arc
        ]
        segments += list(pairwise(points))
    ring = ellipse(0.065 * s, 0.065 * s, steps=14)
    if dice.chance(0.5):
        brush.shape(ring, key)
    segments += [(tuple(ring[k - 1]), tuple(ring[k])) for k in range(len(ring))]
    _lines(brush, segments, s)
    return [outline]


def baseball_field(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """The dirt from home plate to the arc; grass outfield around, grass or dirt diamond within."""
    dice, s = brush.canvas.dice, brush.pose.length
    home = -0.5 * s
    green = dice.uniform(0, 1)
    grass = (64 + 50 * green, 92 + 44 * green, 52 + 30 * green)
    if dice.chance(0.75):
        reach = s * dice.uniform(1.7, 2.8)
        angles = [math.pi / 4 * (k / 6 - 1) for k in range(13)]
        field = np.array(
            [
                (home - 0.1 * s, 0.0),
                *((home + reach * math.cos(t), reach * math.sin(t)) for t in angles),
            ]
        )
        brush.shape(field, grass)
    dirt = (dice.uniform(150, 215), dice.uniform(112, 172), dice.uniform(76, 132))
    radius = dice.uniform(0.36, 0.44) * s
    middle = home + dice.uniform(0.46, 0.52) * s
    open_ = dice.uniform(0.6, 0.85) * math.pi
    arc = [open_ * (k / 9 - 1) for k in range(19)]
    fan = [(middle + radius * math.cos(t), radius * math.sin(t)) for t in arc]
    plate = 0.07 * s
    infield = np.array(
        [
            *fan,
            (home + plate, plate),
            (home, 0.4 * plate),
            (home, -0.4 * plate),
            (home + plate, -plate),
        ]
    )
    outline = brush.shape(infield, dirt)
    base = dice.uniform(0.38, 0.46) * s
    corner = home + 0.12 * s
    diamond = np.array(
        [
            (corner, 0),
            (corner + base / 2, -base / 2),
            (corner + base, 0),
            (corner + base / 2, base / 2),
        ]
    )
    if variant < 0.75:
        brush.shape(diamond, grass)
        brush.shape(ellipse(0.05 * s, 0.05 * s, corner + base * 0.48, 0, 12), dirt)
    if dice.chance(0.35):
        for side in (-1, 1):
            brush.stroke(
                (home + 0.05 * s, 0),
                (home + 1.1 * s, side * 1.05 * s),
                (226, 224, 214),
                max(0.4, 0.006 * s),
            )
    if dice.chance(0.5):
        for side in (-1, 1):
            shed = rectangle(0.16 * s, 0.05 * s, home + 0.25 * s, side * 0.42 * s)
            brush.flat_shadow(shed, 0.2)
            brush.shape(shed, (dice.uniform(120, 220),) * 3)
    return [outline]


def _stadium(length: float, width: float) -> np.ndarray:
    r, half = width / 2, (length - width) / 2
    arc = [math.pi * k / 12 for k in range(13)]
    right = [(half + r * math.sin(t), -r * math.cos(t)) for t in arc]
    left = [(-half - r * math.sin(t), r * math.cos(t)) for t in arc]
    return np.array(right + left)


def running_track(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Lanes around a lawn or pitch, sometimes with stands."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    lane = dice.uniform(0.06, 0.11) * s
    if dice.chance(0.4):
        for side in (-1, 1) if dice.chance(0.4) else (1,):
            stand = rectangle(dice.uniform(0.3, 0.8) * s, 0.12 * w, 0, side * 0.6 * w)
            brush.shadow(stand, 0.4)
            brush.shape(stand, (dice.uniform(110, 220),) * 3)
    track = (
        colour
        if dice.chance(0.7)
        else (dice.uniform(90, 170), dice.uniform(84, 130), dice.uniform(70, 120))
    )
    outline = brush.shape(_stadium(s, w), track)
    for k in range(1, 4):
        inset = 2 * lane * k / 4
        brush.ring(_stadium(s - inset, w - inset), shade(track, 1.25), 0.4)
    if dice.chance(0.35):  # the bends are paved as well
        brush.shape(_stadium(s - 2 * lane, w - 2 * lane), shade(track, dice.uniform(0.9, 1.1)))
    green = dice.uniform(0, 1)
    lawn = (56 + 60 * green, 92 + 54 * green, 50 + 36 * green)
    if dice.chance(0.35):
        brush.shape(rectangle((s - w) * dice.uniform(1.0, 1.25), w - 2.2 * lane), lawn)
    else:
        brush.shape(_stadium(s - 2 * lane, w - 2 * lane), lawn)
    a, b = (s - w) / 2 * 1.05, (w - 2 * lane) / 2 * 0.86
    if variant < 0.7:
        if dice.chance(0.5):
            brush.shape(rectangle(2 * a, 2 * b), shade(lawn, dice.uniform(0.8, 1.15)))
        segments: list[Segment] = [((-a, v), (a, v)) for v in (-b, b)] + [
            ((u, -b), (u, b)) for u in (-a, 0.0, a)
        ]
        if dice.chance(0.4):
            segments += [((u * a / 5, -b), (u * a / 5, b)) for u in range(-4, 5)]
        _lines(brush, segments, s * 0.6)
    return [outline]
