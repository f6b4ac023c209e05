"""Overhead scenes with exact boxes, masks and attributes.

A scene is a pure function of its seed and recipe. It knows nothing of language: `expressions.py` asks about it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from geo_r1_backend.pretraining import backgrounds
from geo_r1_backend.pretraining.catalogue import (
    BY_NAME,
    CLASSES,
    COLOURS,
    REAL_BACKGROUND_UNLABELLED,
    ObjectClass,
)
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import Brush, Pose, Rgb
from geo_r1_backend.pretraining.painters import PAINTERS

VIEWS_PX: tuple[tuple[int, int], ...] = ((448, 448), (560, 336), (336, 560), (672, 224), (224, 672))
"""(width, height): multiples of 112 px, at most 256 visual tokens."""


@dataclass(frozen=True)
class SceneObject:
    """One drawn object with its truth."""

    kind: str
    colour: str
    """Empty where the kind has no colour worth asking for."""
    box_px: tuple[int, int, int, int]
    area_px: float
    outlines_px: tuple[np.ndarray, ...] = field(repr=False)
    """Polygons whose union is the mask, each ``(n, 2)`` float64."""

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of the box."""
        x0, y0, x1, y1 = self.box_px
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def longest_px(self) -> int:
        """Longer side of the box."""
        x0, y0, x1, y1 = self.box_px
        return max(x1 - x0, y1 - y0)


@dataclass(frozen=True)
class Scene:
    """A picture and everything that is known of it."""

    image: np.ndarray
    """``(height, width, 3)`` uint8 RGB."""
    objects: tuple[SceneObject, ...]
    background: str
    """`generated` or `real`."""
    unlabelled: frozenset[str]
    """Kinds that may stand in the background without a label: never to be asked for."""
    uncertain: frozenset[str] = frozenset()
    """Kinds that hardly ever do: may be asked for where drawn, but never taught to be absent."""

    @property
    def width_px(self) -> int:
        """Width of the picture."""
        return int(self.image.shape[1])

    @property
    def height_px(self) -> int:
        """Height of the picture."""
        return int(self.image.shape[0])

    def of_kind(self, kind: str) -> list[SceneObject]:
        """Objects of one kind, in drawing order."""
        return [o for o in self.objects if o.kind == kind]

    def mask(self, index: int) -> np.ndarray:
        """Mask of one object, ``(height, width)`` bool."""
        canvas = np.zeros((self.height_px, self.width_px), np.uint8)
        for outline in self.objects[index].outlines_px:
            cv2.fillPoly(canvas, [np.floor(outline * 16 + 0.5).astype(np.int32)], 1, cv2.LINE_8, 4)
        return canvas.astype(bool)


@dataclass(frozen=True)
class SceneRecipe:
    """What kind of scenes to draw."""

    views_px: tuple[tuple[int, int], ...] = VIEWS_PX
    real_share: float = 0.5
    group_sizes: tuple[tuple[int, float], ...] = (
        (1, 1.6),
        (2, 1.6),
        (3, 1.6),
        (4, 1.5),
        (5, 1.3),
        (6, 1.1),
        (7, 0.8),
        (8, 0.6),
        (10, 0.5),
        (12, 0.4),
        (16, 0.25),
    )
    """Objects in the first group of a scene; further groups are smaller."""
    other_sizes: tuple[tuple[int, float], ...] = ((1, 3.0), (2, 1.5), (3, 1.2), (4, 1.0), (6, 0.6))
    further_groups: tuple[tuple[int, float], ...] = (
        (0, 0.8),
        (1, 2.0),
        (2, 2.5),
        (3, 2.0),
        (4, 1.0),
    )
    small_share: float = 0.4
    """Share of groups whose objects are drawn at the small end of their range."""
    first_kinds: tuple[str, ...] = ()
    """Kinds of the first group; empty = any that may be asked for."""


MIN_BOX_PX = 8


def draw_scene(
    seed: int,
    recipe: SceneRecipe,
    real: backgrounds.RealBackgrounds | None = None,
    view_px: tuple[int, int] | None = None,
) -> Scene:
    """The scene with this seed.

    Args:
        seed: any integer; equal seeds give equal scenes.
        recipe: shares and sizes.
        real: photographs to draw on; without them every scene has generated ground.
        view_px: (width, height), or one of the recipe's views by the seed.
    """
    dice = Dice(seed)
    width_px, height_px = view_px or dice.choice(recipe.views_px)
    on_photograph = real is not None and dice.chance(recipe.real_share)
    if on_photograph and real is not None:
        image = real.draw(dice, width_px, height_px)
        unlabelled = REAL_BACKGROUND_UNLABELLED
    else:
        image = backgrounds.generated(dice, width_px, height_px)
        unlabelled = frozenset()
    painter = _Composer(dice, image)
    first = [
        k
        for k in CLASSES
        if k.name not in unlabelled and (not recipe.first_kinds or k.name in recipe.first_kinds)
    ]
    kinds = [dice.choice(first)]
    others = dice.shuffled([k for k in CLASSES if k is not kinds[0]])
    kinds += others[: dice.weighted(recipe.further_groups)]
    for rank, kind in enumerate(kinds):
        count = (
            dice.weighted(recipe.group_sizes) if rank == 0 else dice.weighted(recipe.other_sizes)
        )
        painter.group(kind, count, small=dice.chance(recipe.small_share))
    _weather(dice, image)
    return Scene(
        image, tuple(painter.objects), "real" if on_photograph else "generated", unlabelled
    )


class _Composer:
    """Places groups of objects without overlap and remembers their truth."""

    def __init__(self, dice: Dice, image: np.ndarray) -> None:
        self.dice = dice
        self.image = image
        self.height_px, self.width_px = image.shape[:2]
        self.objects: list[SceneObject] = []
        self.taken: list[tuple[float, float, float]] = []
        light = backgrounds.direction(dice)
        reach = dice.uniform(0.03, 0.16)
        self.light = (light[0] * reach, light[1] * reach)

    def group(self, kind: ObjectClass, count: int, *, small: bool) -> None:
        dice = self.dice
        low, high = kind.length_px
        high = min(
            high,
            0.42 * max(self.width_px, self.height_px),
            0.8 * min(self.width_px, self.height_px),
        )
        if count > 6:
            high = min(high, max(low * 1.3, 640 / count))
        top = min(high, max(low * 1.5, 24)) if small else high
        base = dice.log_uniform(low, max(top, low * 1.05))
        spread = dice.uniform(0.0, 0.45)
        layout = dice.choice(kind.layouts) if count > 2 else "scatter"
        palette = dice.shuffled(kind.colours)[
            : dice.weighted(((1, 1.0), (2, 2.0), (3, 2.0), (5, 1.0)))
        ]
        align = backgrounds.direction(dice) if (layout != "scatter" or dice.chance(0.3)) else None
        spots = self._spots(layout, count, base * (1 + spread / 2), kind, align)
        variant = dice.uniform(0, 1)
        for x, y in spots:
            length = min(high * 1.1, max(low * 0.9, base * (1 + dice.uniform(-spread, spread))))
            turn = align or backgrounds.direction(dice)
            if dice.chance(0.3):
                variant = dice.uniform(0, 1)
            self._place(
                kind, dice.choice(palette) if palette else "", x, y, length, turn, variant, layout
            )

    def _spots(
        self,
        layout: str,
        count: int,
        size: float,
        kind: ObjectClass,
        align: tuple[float, float] | None,
    ) -> list[tuple[float, float]]:
        dice = self.dice
        if layout == "scatter" or align is None:
            return [(-1.0, -1.0)] * count
        across = size * max(kind.width_ratio) * dice.uniform(1.25, 2.2) + 2
        along = size * dice.uniform(1.12, 1.5) + 2
        per_row = count if layout == "row" else math_ceil_root(count)
        x0 = dice.uniform(0.12, 0.6) * self.width_px
        y0 = dice.uniform(0.12, 0.6) * self.height_px
        spots = []
        for k in range(count):
            i, j = k % per_row, k // per_row
            if dice.chance(0.08):
                continue  # a free place in the row
            u, v = j * along, i * across
            spots.append((x0 + u * align[0] - v * align[1], y0 + u * align[1] + v * align[0]))
        return spots

    def _place(
        self,
        kind: ObjectClass,
        colour: str,
        x: float,
        y: float,
        length: float,
        turn: tuple[float, float],
        variant: float,
        layout: str,
    ) -> None:
        dice = self.dice
        width = length * dice.uniform(*kind.width_ratio)
        radius = length * 0.62 if max(kind.width_ratio) > 0.45 else length * 0.55
        if layout != "scatter":
            radius = max(width, length * 0.3) * 0.62
        for _ in range(14):
            if x < 0 and layout == "scatter":
                px, py = dice.uniform(0, self.width_px), dice.uniform(0, self.height_px)
            else:
                px, py = x, y
            reach = length * 0.6 + 2
            inside = reach < px < self.width_px - reach and reach < py < self.height_px - reach
            if inside and all(
                (px - a) ** 2 + (py - b) ** 2 > (radius + r) ** 2 for a, b, r in self.taken
            ):
                break
            if layout != "scatter":
                return
        else:
            return
        pose = Pose(
            px, py, length, width, turn[0], turn[1], self.light[0] * length, self.light[1] * length
        )
        before = len(self.taken)
        outlines = PAINTERS[kind.name](Brush(self.image, pose), self._rgb(colour), variant)
        points = np.concatenate(outlines)
        box = (
            max(0, math.floor(points[:, 0].min() + 0.5)),
            max(0, math.floor(points[:, 1].min() + 0.5)),
            min(self.width_px, math.floor(points[:, 0].max() + 0.5)),
            min(self.height_px, math.floor(points[:, 1].max() + 0.5)),
        )
        if min(box[2] - box[0], box[3] - box[1]) < 3:
            box = (box[0], box[1], max(box[2], box[0] + 3), max(box[3], box[1] + 3))
        area = sum(abs(_signed_area(outline)) for outline in outlines)
        self.objects.append(SceneObject(kind.name, colour, box, area, tuple(outlines)))
        self.taken.append((px, py, radius if before >= 0 else 0))

    def _rgb(self, colour: str) -> Rgb:
        dice = self.dice
        base = dice.choice(COLOURS[colour]) if colour else (150, 150, 150)
        gain = dice.uniform(0.92, 1.06)
        return tuple(c * gain + dice.uniform(-7, 7) for c in base)  # type: ignore[return-value]


def math_ceil_root(count: int) -> int:
    """Side of the smallest square that holds so many."""
    return math.isqrt(count - 1) + 1 if count > 1 else 1


def _signed_area(outline: np.ndarray) -> float:
    x, y = outline[:, 0], outline[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


_NOISE_PX = 768


def _noise_field() -> np.ndarray:
    """Zero-mean triangular noise, ``(768, 768, 3)`` int16, the same in every process."""
    dice = Dice(20260101)
    planes = [
        dice.grid(_NOISE_PX, _NOISE_PX).astype(np.int16) + dice.grid(_NOISE_PX, _NOISE_PX) - 255
        for _ in range(3)
    ]
    return np.stack(planes, -1)


_NOISE: list[np.ndarray] = []


def _weather(dice: Dice, image: np.ndarray) -> None:
    """Exposure, colour cast, haze, blur and sensor noise, in place."""
    if not _NOISE:
        _NOISE.append(_noise_field())
    gain, haze = dice.uniform(0.82, 1.15), dice.uniform(0, 34) if dice.chance(0.4) else 0.0
    contrast = dice.uniform(0.84, 1.1)
    table = np.empty((1, 256, 3), np.uint8)
    for channel in range(3):
        cast = dice.uniform(0.93, 1.07)
        curve = ((np.arange(256) - 118) * contrast + 118) * gain * cast * (1 - haze / 320) + haze
        table[0, :, channel] = np.clip(np.floor(curve + 0.5), 0, 255)
    image[:] = cv2.LUT(image, table)
    if dice.chance(0.45):
        size = 3 if dice.chance(0.75) else 5
        image[:] = cv2.blur(image, (size, size)) if dice.chance(0.3) else cv2.medianBlur(image, 3)
    amount = dice.integer(0, 14)
    if amount:
        h, w = image.shape[:2]
        y, x = dice.integer(0, _NOISE_PX - h), dice.integer(0, _NOISE_PX - w)
        noise = (_NOISE[0][y : y + h, x : x + w] * amount) >> 7
        np.clip(image + noise, 0, 255, out=noise)
        image[:] = noise.astype(np.uint8)


def kind_named(name: str) -> ObjectClass:
    """The class with this canonical name."""
    return BY_NAME[name]
