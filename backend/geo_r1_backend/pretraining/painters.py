"""How one object of each class is painted, and the outlines that are its exact mask."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from geo_r1_backend.pretraining.drawing import Brush, Rgb, ellipse, rectangle, sector, shade

Painter = Callable[[Brush, Rgb, float], list[np.ndarray]]
"""(brush, colour, variant in [0, 1)) -> outlines in pixels whose union is the mask."""


def storage_tank(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A cylinder from above, with rim and sometimes a stair or a vent."""
    r = brush.pose.length / 2
    rim = ellipse(r, r)
    brush.shadow(rim)
    outline = brush.shape(rim, shade(colour, 0.82))
    brush.shape(ellipse(r * 0.9, r * 0.9), colour)
    if variant < 0.6 and r > 6:
        brush.line((0, 0), (r * 0.88, 0), shade(colour, 0.7))
    if variant < 0.3:
        brush.shape(ellipse(r * 0.2, r * 0.2, steps=12), shade(colour, 0.86))
    return [outline]


def airplane(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Fuselage, swept wings, tail, engines."""
    s, span = brush.pose.length, brush.pose.width
    sweep = 0.1 + 0.12 * variant
    body = (
        np.array(
            [(0.5, 0), (0.42, 0.05), (-0.42, 0.045), (-0.5, 0), (-0.42, -0.045), (0.42, -0.05)]
        )
        * s
    )
    wing = np.array(
        [
            (0.16, 0.0),
            (-sweep + 0.06, 0.5),
            (-sweep - 0.02, 0.5),
            (-0.08, 0.0),
            (-sweep - 0.02, -0.5),
            (-sweep + 0.06, -0.5),
        ]
    ) * (s, span)
    tail = np.array(
        [(-0.36, 0), (-0.47, 0.18), (-0.52, 0.18), (-0.46, 0), (-0.52, -0.18), (-0.47, -0.18)]
    ) * (s, span)
    for part in (body, wing, tail):
        brush.shadow(part, 0.8)
    outlines = [brush.shape(part, colour) for part in (wing, tail, body)]
    if s > 30:
        for side in (-1, 1):
            brush.shape(
                rectangle(0.09 * s, 0.035 * s, 0.02 * s, side * 0.2 * span), shade(colour, 0.6)
            )
        brush.line((-0.4 * s, 0), (0.4 * s, 0), shade(colour, 0.85))
    return outlines


def helicopter(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Cabin, boom, tail and rotor; the mask holds the rotor disc."""
    s = brush.pose.length
    cabin = ellipse(0.25 * s, 0.12 * s, 0.16 * s, 0, 16)
    boom = rectangle(0.5 * s, 0.05 * s, -0.25 * s)
    tail = rectangle(0.05 * s, 0.2 * s, -0.47 * s)
    for part in (cabin, boom):
        brush.shadow(part, 0.8)
    outlines = [brush.shape(part, colour) for part in (boom, tail, cabin)]
    turn = math.pi * variant
    for k in range(2):
        c, d = math.cos(turn + k * math.pi / 2), math.sin(turn + k * math.pi / 2)
        blade = rectangle(0.72 * s, 0.03 * s)
        u, v = blade[:, 0], blade[:, 1]
        brush.shape(np.stack([0.14 * s + u * c - v * d, u * d + v * c], 1), (60.0, 60.0, 62.0))
    outlines.append(brush.place(ellipse(0.36 * s, 0.36 * s, 0.14 * s, 0, 16)))
    return outlines


def ship(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A hull in darker water with a bridge or deck."""
    s, w = brush.pose.length, brush.pose.width
    hull = np.array(
        [(0.5, 0), (0.3, 0.5), (-0.46, 0.5), (-0.5, 0.3), (-0.5, -0.3), (-0.46, -0.5), (0.3, -0.5)]
    )
    brush.shape(hull * (s * 1.06 + 3, w * 1.2 + 3), (60.0, 88.0, 104.0))
    outline = brush.shape(hull * (s, w), shade(colour, 0.8))
    brush.shape(hull * (s * 0.9, w * 0.76), colour)
    if variant < 0.5:
        brush.shape(rectangle(0.16 * s, 0.6 * w, -0.3 * s), shade(colour, 0.62))
    else:
        brush.shape(rectangle(0.3 * s, 0.5 * w, -0.05 * s), shade(colour, 1.15))
    if variant > 0.7 and s > 40:
        for k in range(3):
            brush.line(
                (0.1 * s + k * 0.08 * s, -0.3 * w),
                (0.1 * s + k * 0.08 * s, 0.3 * w),
                shade(colour, 0.6),
            )
    return [outline]


def car(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A body with windows."""
    s, w = brush.pose.length, brush.pose.width
    body = np.array(
        [
            (-0.5, -0.36),
            (-0.42, -0.5),
            (0.4, -0.5),
            (0.5, -0.3),
            (0.5, 0.3),
            (0.4, 0.5),
            (-0.42, 0.5),
            (-0.5, 0.36),
        ]
    ) * (s, w)
    brush.shadow(body, 0.5)
    outline = brush.shape(body, colour)
    glass = (46.0, 52.0, 62.0)
    brush.shape(rectangle(0.16 * s, 0.76 * w, 0.16 * s), glass)
    if variant < 0.6:
        brush.shape(rectangle(0.1 * s, 0.72 * w, -0.32 * s), glass)
    return [outline]


def bus(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A long body with hatches on its roof."""
    s, w = brush.pose.length, brush.pose.width
    body = rectangle(s, w)
    brush.shadow(body, 0.8)
    outline = brush.shape(body, colour)
    for k in range(2 if variant < 0.5 else 3):
        brush.shape(rectangle(0.08 * s, 0.4 * w, (-0.28 + 0.26 * k) * s), shade(colour, 0.78))
    brush.shape(rectangle(0.035 * s, 0.86 * w, 0.46 * s), (44.0, 50.0, 58.0))
    return [outline]


def tennis_court(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A court with its lines and net."""
    s, w = brush.pose.length, brush.pose.width
    outline = brush.shape(rectangle(s, w), colour)
    inner = shade(colour, 1.16) if variant < 0.5 else shade(colour, 0.84)
    a, b = 0.33 * s, 0.3 * w
    brush.shape(rectangle(2 * a, 2 * b), inner)
    white = (232.0, 232.0, 228.0)
    for v in (-b, -0.75 * b, 0.75 * b, b):
        brush.line((-a, v), (a, v), white)
    for u in (-a, -0.54 * a, 0.54 * a, a):
        brush.line(
            (u, -b if abs(u) == a else -0.75 * b), (u, b if abs(u) == a else 0.75 * b), white
        )
    brush.line((-0.54 * a, 0), (0.54 * a, 0), white)
    brush.line((0, -1.15 * b), (0, 1.15 * b), (70.0, 74.0, 78.0))
    return [outline]


def basketball_court(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A court with keys and lines."""
    s, w = brush.pose.length, brush.pose.width
    outline = brush.shape(rectangle(s, w), colour)
    key = (196.0, 132.0, 70.0) if variant < 0.5 else shade(colour, 0.7)
    for side in (-1, 1):
        brush.shape(rectangle(0.2 * s, 0.36 * w, side * 0.37 * s), key)
        brush.shape(ellipse(0.09 * s, 0.17 * w, side * 0.27 * s, 0, 14), key)
    white = (230.0, 230.0, 226.0)
    for v in (-0.46 * w, 0.46 * w):
        brush.line((-0.47 * s, v), (0.47 * s, v), white)
    for u in (-0.47 * s, 0, 0.47 * s):
        brush.line((u, -0.46 * w), (u, 0.46 * w), white)
    return [outline]


def baseball_field(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Grass sector, dirt infield, diamond."""
    s = brush.pose.length
    radius = 0.92 * s
    grass = (88.0 + 24 * variant, 140.0 + 12 * variant, 74.0)
    outline = brush.shape(sector(radius, -0.46 * s), grass)
    dirt = (182.0, 140.0, 98.0) if variant < 0.7 else (166.0, 110.0, 76.0)
    brush.shape(sector(0.46 * radius, -0.46 * s), dirt)
    diamond = np.array([(0.04, 0), (0.19, -0.15), (0.34, 0), (0.19, 0.15)]) * radius
    brush.shape(diamond + np.array((-0.46 * s, 0)), grass)
    brush.shape(ellipse(0.03 * s, 0.03 * s, -0.28 * s, 0, 10), dirt)
    return [outline]


def running_track(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Lanes around a lawn."""
    s, w = brush.pose.length, brush.pose.width

    def stadium(length: float, width: float) -> np.ndarray:
        r, half = width / 2, (length - width) / 2
        arc = [math.pi * k / 12 for k in range(13)]
        right = [(half + r * math.sin(t), -r * math.cos(t)) for t in arc]
        left = [(-half - r * math.sin(t), r * math.cos(t)) for t in arc]
        return np.array(right + left)

    outline = brush.shape(stadium(s, w), colour)
    brush.shape(stadium(s * 0.93, w - s * 0.07), shade(colour, 1.12))
    brush.shape(stadium(s * 0.82, w - s * 0.18), (92.0, 140.0, 78.0))
    if variant < 0.6:
        a, b = 0.26 * s, 0.28 * w
        for v in (-b, b):
            brush.line((-a, v), (a, v), (226.0, 228.0, 222.0))
        for u in (-a, 0, a):
            brush.line((u, -b), (u, b), (226.0, 228.0, 222.0))
    return [outline]


def swimming_pool(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Water in a pale deck."""
    s, w = brush.pose.length, brush.pose.width
    water = (70.0 + 40 * variant, 168.0 + 26 * variant, 202.0 + 16 * variant)
    make = (lambda a, b: ellipse(a / 2, b / 2)) if variant > 0.65 else rectangle
    brush.shape(make(s * 1.12 + 3, w * 1.16 + 3), (206.0, 200.0, 190.0))
    outline = brush.shape(make(s, w), water)
    if variant < 0.2 and s > 30:
        for k in (-0.25, 0.0, 0.25):
            brush.line((-0.46 * s, k * w), (0.46 * s, k * w), shade(water, 0.8))
    return [outline]


def building(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Gabled, hipped, flat or L-shaped roof."""
    s, w = brush.pose.length, brush.pose.width
    plan = rectangle(s, w)
    if variant > 0.75:  # an L-shaped roof
        plan = np.array(
            [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.1), (0.05, 0.1), (0.05, 0.5), (-0.5, 0.5)]
        ) * (s, w)
    brush.shadow(plan, 1.4)
    outline = brush.shape(plan, colour)
    if variant < 0.45:  # gable: one slope lies in shade
        half = np.array([(-0.5, 0), (0.5, 0), (0.5, 0.5), (-0.5, 0.5)]) * (s, w)
        brush.shape(half, shade(colour, 0.78))
    elif variant < 0.6:  # hipped
        hip = np.array([(-0.5, 0.5), (-0.22, 0), (0.22, 0), (0.5, 0.5)]) * (s, w)
        brush.shape(hip, shade(colour, 0.76))
        side = np.array([(0.5, -0.5), (0.22, 0), (0.5, 0.5)]) * (s, w)
        brush.shape(side, shade(colour, 0.88))
    elif s > 24:  # flat with machinery
        for k in range(3):
            brush.shape(
                rectangle(0.09 * s, 0.09 * s, (-0.32 + 0.16 * k) * s, -0.2 * w), shade(colour, 0.7)
            )
    return [outline]


def roundabout(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A ring of asphalt with arms; the mask is the ring and its island."""
    s = brush.pose.length
    asphalt = (112.0, 111.0, 110.0)
    for k in range(3 if variant < 0.4 else 4):
        t = 2 * math.pi * k / (3 if variant < 0.4 else 4)
        c, d = math.cos(t), math.sin(t)
        arm = rectangle(0.3 * s, 0.16 * s, 0.55 * s)
        u, v = arm[:, 0], arm[:, 1]
        brush.shape(np.stack([u * c - v * d, u * d + v * c], 1), asphalt)
    outline = brush.shape(ellipse(s / 2, s / 2), asphalt)
    brush.shape(
        ellipse(0.27 * s, 0.27 * s), (92.0, 134.0, 76.0) if variant < 0.8 else (188.0, 176.0, 152.0)
    )
    if variant < 0.3:
        brush.shape(ellipse(0.08 * s, 0.08 * s, steps=12), (60.0, 96.0, 54.0))
    return [outline]


def solar_array(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Rows of dark panels."""
    s, w = brush.pose.length, brush.pose.width
    panel = (38.0 + 20 * variant, 50.0 + 16 * variant, 92.0 + 24 * variant)
    outline = brush.shape(rectangle(s, w), (148.0, 150.0, 150.0))
    rows = 3 if w < 24 else 5
    for k in range(rows):
        v = (-0.5 + (k + 0.5) / rows) * w
        brush.shape(rectangle(0.97 * s, 0.76 * w / rows, 0, v), panel)
    columns = max(2, min(8, int(s / 14)))
    for k in range(1, columns):
        u = (-0.5 + k / columns) * s
        brush.line((u, -0.48 * w), (u, 0.48 * w), (142.0, 150.0, 176.0))
    return [outline]


def shipping_container(brush: Brush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A ribbed box."""
    s, w = brush.pose.length, brush.pose.width
    box = rectangle(s, w)
    brush.shadow(box, 0.7)
    outline = brush.shape(box, colour)
    for k in range(1, max(3, int(s / 6))):
        u = (-0.5 + k / max(3, int(s / 6))) * s
        brush.line((u, -0.48 * w), (u, 0.48 * w), shade(colour, 0.84))
    return [outline]


PAINTERS: dict[str, Painter] = {
    "storage tank": storage_tank,
    "airplane": airplane,
    "helicopter": helicopter,
    "ship": ship,
    "car": car,
    "bus": bus,
    "tennis court": tennis_court,
    "basketball court": basketball_court,
    "baseball field": baseball_field,
    "running track": running_track,
    "swimming pool": swimming_pool,
    "building": building,
    "roundabout": roundabout,
    "solar array": solar_array,
    "shipping container": shipping_container,
}
