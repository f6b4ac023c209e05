"""Tanks, buildings and what else stands or lies on the ground, on a `PhotoBrush`."""

from __future__ import annotations

import math

import cv2
import numpy as np

from geo_r1_backend.pretraining.drawing import Rgb, ellipse, rectangle, shade
from geo_r1_backend.pretraining.photo.canvas import PhotoBrush


def storage_tank(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A cylinder with wall, roof, shadow on the ground and, under a floating roof, on the inside."""
    dice, r = brush.canvas.dice, brush.pose.length / 2
    canvas, pose = brush.canvas, brush.pose
    foot = brush.place(ellipse(r, r))
    tall = dice.uniform(0.3, 2.6)
    light = np.array([pose.shadow_x, pose.shadow_y])
    swept = cv2.convexHull(np.concatenate([foot, foot + light * tall]).astype(np.float32))[:, 0]
    canvas.darken(swept, brush.darkness * dice.uniform(0.7, 1.0), 0.5)
    lean = np.array([dice.uniform(-0.16, 0.16), dice.uniform(-0.16, 0.16)]) * r
    top = brush.place(ellipse(r * 0.985, r * 0.985)) + lean
    hull = cv2.convexHull(np.concatenate([foot, top]).astype(np.float32))[:, 0].astype(float)
    brush.polygon(hull, shade(colour, dice.uniform(0.55, 0.85)))
    centre = top.mean(0)
    brush.polygon(top, shade(colour, dice.uniform(0.85, 1.08)))
    inner = centre + (top - centre) * dice.uniform(0.88, 0.96)
    brush.polygon(inner, colour)
    roof = dice.weighted((("cone", 3.0), ("floating", 2.0), ("plain", 3.0), ("dome", 1.0)))
    if roof == "floating":
        canvas.darken(inner, dice.uniform(0.45, 0.8), 0.3)
        lit = (
            centre
            + (inner - centre) * dice.uniform(0.8, 0.95)
            + light / (np.hypot(*light) + 1e-6) * r * 0.1
        )
        brush.polygon(lit, shade(colour, dice.uniform(0.8, 1.05)))
    elif roof == "cone":
        start = dice.uniform(0, 2 * math.pi)
        for k in range(dice.integer(2, 5)):
            a, b = start + k * 0.5, start + (k + 1) * 0.5
            wedge = (
                np.array([(0, 0), (math.cos(a), math.sin(a)), (math.cos(b), math.sin(b))])
                * r
                * 0.86
            )
            canvas.fill(wedge + centre, shade(colour, 0.88 + 0.03 * k), alpha=0.6)
    elif roof == "dome":
        spot = ellipse(r * 0.45, r * 0.45) + centre - light / (np.hypot(*light) + 1e-6) * r * 0.3
        canvas.fill(spot, shade(colour, 1.15), alpha=0.6)
    if variant < 0.5 and r > 7:
        a = dice.uniform(0, 2 * math.pi)
        end = centre + np.array([math.cos(a), math.sin(a)]) * r * 0.92
        side = np.array([-math.sin(a), math.cos(a)]) * max(0.35, r * 0.02)
        canvas.fill(
            np.array([centre + side, end + side, end - side, centre - side]),
            shade(colour, 0.6),
            texture=0,
        )
    if variant < 0.35:
        canvas.fill(centre + ellipse(r * 0.12, r * 0.12, steps=10), shade(colour, 0.7))
    if dice.chance(0.3):
        stain = (
            ellipse(r * dice.uniform(0.2, 0.6), r * 0.2) + centre + (dice.uniform(-0.3, 0.3) * r, 0)
        )
        canvas.fill(stain, (120, 92, 66), alpha=dice.uniform(0.1, 0.45), texture=0.3)
    return [hull]


def building(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """A gabled, hipped, flat or L-shaped roof with walls seen a little from the side."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    plan = rectangle(s, w)
    if variant > 0.72:
        notch = dice.uniform(-0.1, 0.2)
        plan = np.array(
            [(-0.5, -0.5), (0.5, -0.5), (0.5, notch), (notch, notch), (notch, 0.5), (-0.5, 0.5)]
        ) * (s, w)
    brush.shadow(plan, dice.uniform(0.8, 2.2))
    lean = np.array([dice.uniform(-0.05, 0.05), dice.uniform(-0.05, 0.05)]) * s
    foot = brush.place(plan)
    roof = foot + lean
    hull = cv2.convexHull(np.concatenate([foot, roof]).astype(np.float32))[:, 0].astype(float)
    if variant <= 0.72:
        brush.polygon(hull, shade(colour, 0.6))
    brush.polygon(roof, colour)
    shift = brush.pose
    moved = PhotoBrush(
        brush.canvas,
        type(shift)(shift.x + lean[0], shift.y + lean[1], *_rest(shift)),
        brush.darkness,
        brush.texture,
    )
    if variant < 0.4:
        dark = dice.uniform(0.65, 0.85)
        moved.shape(
            np.array([(-0.5, 0), (0.5, 0), (0.5, 0.5), (-0.5, 0.5)]) * (s, w), shade(colour, dark)
        )
        moved.stroke((-0.5 * s, 0), (0.5 * s, 0), shade(colour, 1.15), max(0.6, 0.02 * s))
    elif variant < 0.58:
        moved.shape(
            np.array([(-0.5, 0.5), (-0.22, 0), (0.22, 0), (0.5, 0.5)]) * (s, w), shade(colour, 0.72)
        )
        moved.shape(np.array([(0.5, -0.5), (0.22, 0), (0.5, 0.5)]) * (s, w), shade(colour, 0.88))
    else:
        moved.ring(plan * 0.97, shade(colour, dice.uniform(0.75, 1.2)), max(0.7, 0.015 * s))
        for _ in range(dice.integer(0, 9)):
            size = dice.uniform(0.03, 0.1) * s
            unit = rectangle(
                size,
                size * dice.uniform(0.5, 1),
                dice.uniform(-0.4, 0.4) * s,
                dice.uniform(-0.42, -0.05) * w,
            )
            moved.flat_shadow(unit, 0.15)
            moved.shape(unit, (dice.uniform(90, 230),) * 3)
    return [hull if variant <= 0.72 else roof]


def _rest(pose: object) -> tuple[float, ...]:
    return (pose.length, pose.width, pose.cos, pose.sin, pose.shadow_x, pose.shadow_y)  # type: ignore[attr-defined]


def swimming_pool(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Water of any blue in a deck, rectangular, round or bent."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    water = (dice.uniform(40, 130), dice.uniform(140, 205), dice.uniform(175, 225))
    if variant > 0.8:
        turn = [2 * math.pi * k / 24 for k in range(24)]
        plan = np.array(
            [(0.5 * math.cos(t), (0.5 + 0.14 * math.cos(2 * t)) * math.sin(t)) for t in turn]
        ) * (s, w)
    else:
        plan = ellipse(s / 2, w / 2) if variant > 0.6 else rectangle(s, w)
    tone = dice.uniform(150, 225)
    brush.shape(plan * dice.uniform(1.08, 1.5), (tone, tone * 0.98, tone * 0.94))
    outline = brush.shape(plan, water)
    brush.shape(plan * (0.7, 0.62), shade(water, dice.uniform(0.85, 1.1)))
    if variant < 0.25 and s > 26:
        for k in (-0.3, -0.1, 0.1, 0.3):
            brush.stroke((-0.46 * s, k * w), (0.46 * s, k * w), shade(water, 0.75), 0.7)
    return [outline]


def solar_array(brush: PhotoBrush, colour: Rgb, variant: float) -> list[np.ndarray]:
    """Rows of panels, dark blue to black."""
    dice, s, w = brush.canvas.dice, brush.pose.length, brush.pose.width
    tone = dice.uniform(0, 1)
    panel = (24 + 30 * tone, 34 + 30 * tone, 58 + 60 * tone)
    rows = dice.integer(2, 7) if w > 18 else 2
    gap = dice.uniform(0.08, 0.4)
    ground = (dice.uniform(120, 180),) * 3
    plan = rectangle(s, w)
    outline = brush.shape(plan, ground) if variant < 0.7 else brush.place(plan)
    for k in range(rows):
        v = (-0.5 + (k + 0.5) / rows) * w
        brush.shape(rectangle(0.98 * s, (1 - gap) * w / rows, 0, v), panel)
    for k in range(1, max(2, int(s / dice.uniform(7, 18)))):
        u = (-0.5 + k / max(2, int(s / 10))) * s
        if abs(u) < 0.5 * s:
            brush.stroke((u, -0.48 * w), (u, 0.48 * w), shade(panel, 1.9), 0.4)
    return [outline]
