"""A photograph-like scene from a seed: ground, groups of objects in their surroundings, and the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from geo_r1_backend.pretraining import painters
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds, direction
from geo_r1_backend.pretraining.catalogue import BY_NAME, CLASSES, COLOURS, ObjectClass
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import Pose, Rgb
from geo_r1_backend.pretraining.photo import (
    grounds,
    grounds_real,
    lens,
    looked_at,
    structures,
    vehicles,
)
from geo_r1_backend.pretraining.photo.canvas import Canvas, PhotoBrush
from geo_r1_backend.pretraining.photo.recipe import (
    HEIGHT,
    LENGTH_PX,
    MOST,
    PADS,
    STANDING_IN_PHOTOGRAPHS,
    THEMES,
    WIDTH_RATIO,
    PhotoRecipe,
)
from geo_r1_backend.pretraining.photo.textures import Materials
from geo_r1_backend.pretraining.scenes import Scene, SceneObject

PAINTERS = {
    **painters.PAINTERS,
    **{
        f.__name__.replace("_", " "): f
        for f in (
            vehicles.airplane, vehicles.ship, vehicles.car, vehicles.bus,
            structures.storage_tank, structures.building, structures.swimming_pool, structures.solar_array,
            grounds.tennis_court, grounds.basketball_court, grounds.baseball_field, grounds.running_track,
        )
    },
}  # fmt: skip
SHARED_SURROUND = ("tennis court", "basketball court")
COMMON = {"storage tank": ("white", "white", "white", "gray"), "airplane": ("white", "white", "white", "gray"),
          "car": ("white", "gray", "black"), "ship": ("white", "gray", "brown")}  # fmt: skip
"""What most of a kind look like; half of the groups are drawn so."""


@dataclass(frozen=True)
class Sources:
    """Photographs to draw on."""

    real: RealBackgrounds
    materials: Materials


def draw_photo(seed: int, recipe: PhotoRecipe, sources: Sources, view_px: tuple[int, int]) -> Scene:
    """The scene with this seed.

    Args:
        seed: any integer.
        recipe: shares and sizes.
        sources: backgrounds and materials.
        view_px: (width, height).
    """
    dice = Dice(seed)
    width_px, height_px = view_px
    ground = dice.weighted(recipe.ground)
    possible: frozenset[str] = frozenset()
    if ground == "photograph":
        pixels, tile = grounds_real.photograph(dice, sources.real, width_px, height_px)
        possible = looked_at.possible_on_tile(tile)
    elif ground == "materials":
        pixels = grounds_real.materials(dice, sources.materials, width_px, height_px)
    else:
        pixels = grounds_real.generated(dice, width_px, height_px)
    is_real = ground == "photograph"
    composer = Composer(Canvas(np.ascontiguousarray(pixels), dice), sources.materials)
    absent = STANDING_IN_PHOTOGRAPHS if is_real else frozenset()
    if not (is_real and dice.chance(recipe.bare_share)):
        _populate(composer, recipe, absent)
    image = composer.canvas.reduced()
    objects = tuple(composer.objects)
    roll = dice.uniform(0, 1)
    if roll < recipe.infrared_share + recipe.gray_share:
        objects = tuple(replace(o, colour="") for o in objects)
        if roll < recipe.infrared_share:
            image = lens.colour_infrared(image)
        else:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    image = lens.photographed(dice, image)
    return Scene(image, objects, "real" if is_real else "generated", absent, possible)


def _populate(composer: Composer, recipe: PhotoRecipe, absent: frozenset[str]) -> None:
    dice = composer.canvas.dice
    kinds = dice.shuffled([k for k in CLASSES if k.name not in absent])
    if dice.chance(recipe.theme_share):
        names = dice.shuffled(THEMES[dice.choice(tuple(THEMES))])
        kinds = [BY_NAME[name] for name in names if name not in absent] or kinds
    for rank, kind in enumerate(kinds[: 1 + dice.weighted(recipe.groups)]):
        counts = recipe.counts if rank == 0 else recipe.other_counts
        composer.group(kind, dice.weighted(counts))


class Composer:
    """Places groups of objects without overlap and remembers their truth."""

    def __init__(
        self, canvas: Canvas, bank: Materials, objects: tuple[SceneObject, ...] = ()
    ) -> None:
        self.canvas = canvas
        self.bank = bank
        height, width = canvas.pixels.shape[:2]
        self.width_px, self.height_px = width // 2, height // 2
        self.objects = list(objects)
        self.taken: list[tuple[float, float, float]] = [
            (*o.centre_px, 0.5 * o.longest_px) for o in objects
        ]
        dice = canvas.dice
        cos, sin = direction(dice)
        reach = dice.uniform(0.03, 0.36)
        self.light = (cos * reach, sin * reach)
        self.darkness = dice.uniform(0.2, 0.65)
        """What a shadow leaves of the light."""

    def group(self, kind: ObjectClass, count: int, *, stand_alone: bool = False) -> None:
        """Up to ``count`` objects of a kind: scattered, in a row or in a grid; on what is there if they stand alone."""
        dice = self.canvas.dice
        count = min(count, MOST.get(kind.name, count))
        low, high = LENGTH_PX[kind.name]
        room = min(self.width_px, self.height_px)
        fair = math.sqrt(self.width_px * self.height_px / count)
        high = min(high, 0.78 * room, fair * (0.5 if count > 12 else 0.8))
        base = dice.log_uniform(low, max(high, low * 1.3))
        spread = dice.uniform(0.0, 0.35) if dice.chance(0.6) else 0.04
        layout = dice.choice(("scatter", "row", "grid")) if count > 1 else "scatter"
        if count > 20:
            layout = dice.choice(("grid", "grid", "scatter"))
        palette = kind.colours
        if palette and dice.chance(0.5) and kind.name in COMMON:
            palette = COMMON[kind.name]
        elif palette:
            palette = tuple(dice.shuffled(palette)[: dice.weighted(((1, 1.0), (2, 2.0), (4, 2.0)))])
        ratio = WIDTH_RATIO.get(kind.name, kind.width_ratio)
        poses = self._poses(layout, count, base, base * ratio[1], spread)
        if poses and not stand_alone and dice.chance(0.9 if kind.name == "ship" else 0.55):
            self._pad(kind, [(x, y) for x, y, *_ in poses], base)
        surround = None
        if poses and kind.name in SHARED_SURROUND and layout != "scatter" and dice.chance(0.8):
            surround = self._surround([(x, y) for x, y, *_ in poses], base)
            palette = palette[:1]
        others = len(self.taken) if layout != "scatter" else None
        variant, texture = dice.uniform(0, 1), dice.uniform(0.01, 0.09)
        for x, y, cos, sin, wanted in poses:
            if dice.chance(0.3):
                variant = dice.uniform(0, 1)
            length = min(max(wanted, low * 0.9), high * 1.15)
            pose = Pose(
                x, y, length, length * dice.uniform(*ratio), cos, sin, *self._shadow(kind, length)
            )
            self._place(
                kind, pose, dice.choice(palette) if palette else "", variant, texture,
                others=others, surround=surround,
            )  # fmt: skip

    def _shadow(self, kind: ObjectClass, length: float) -> tuple[float, float]:
        tall = HEIGHT.get(kind.name, 0.3) * length
        return self.light[0] * tall, self.light[1] * tall

    def _poses(
        self, layout: str, count: int, length: float, width: float, spread: float
    ) -> list[tuple[float, float, float, float, float]]:
        """(x, y, cos, sin, length) of each, those outside left out."""
        dice = self.canvas.dice
        poses = []
        if layout == "scatter":
            same = direction(dice) if dice.chance(0.3) else None
            for _ in range(count):
                size = length * (1 + dice.uniform(-spread, spread))
                spot = self._free_spot(size)
                if spot is not None:
                    turn = same or direction(dice)
                    poses.append((*spot, *turn, size))
                    self.taken.append((*spot, 0.55 * size))
            del self.taken[len(self.taken) - len(poses) :]
            return poses
        row = direction(dice)
        side_by_side = dice.chance(0.65)
        heading = (-row[1], row[0]) if side_by_side else row
        if dice.chance(0.15):
            heading = direction(dice)  # herringbone
            width = length
        along = (width if side_by_side else length) * dice.uniform(1.06, 1.7) + 1
        across = (length if side_by_side else width) * dice.uniform(1.06, 1.9) + 1
        per_row = count if layout == "row" else math.ceil(math.sqrt(count * dice.uniform(0.5, 2.5)))
        rows = math.ceil(count / per_row)
        right, down = (min(per_row, count) - 1) * along / 2, (rows - 1) * across / 2
        loose = 0.12 if count > 12 else 0.3
        x0 = dice.uniform(0.5 - loose, 0.5 + loose) * self.width_px - right * row[0] + down * row[1]
        y0 = (
            dice.uniform(0.5 - loose, 0.5 + loose) * self.height_px - right * row[1] - down * row[0]
        )
        back = dice.chance(0.4)
        for k in range(count):
            if dice.chance(0.08):
                continue  # a free place
            i, j = k % per_row, k // per_row
            u, v = i * along, j * across
            x, y = x0 + u * row[0] - v * row[1], y0 + u * row[1] + v * row[0]
            flip = -1 if back and j % 2 else 1
            size = length * (1 + dice.uniform(-spread, spread) * 0.25)
            poses.append((x, y, heading[0] * flip, heading[1] * flip, size))
        return poses

    def _free_spot(self, size: float) -> tuple[float, float] | None:
        dice = self.canvas.dice
        reach, radius = size * 0.55 + 2, size * 0.55
        if 2 * reach >= min(self.width_px, self.height_px):
            return None
        for _ in range(16):
            x = dice.uniform(reach, self.width_px - reach)
            y = dice.uniform(reach, self.height_px - reach)
            if all((x - a) ** 2 + (y - b) ** 2 > (radius + r) ** 2 for a, b, r in self.taken):
                return x, y
        return None

    def _pad(self, kind: ObjectClass, spots: list[tuple[float, float]], length: float) -> None:
        """Ground of its own under a group; nothing that was drawn before is covered."""
        dice = self.canvas.dice
        material = dice.choice(PADS[kind.name])
        points = np.array(spots, np.float32)
        reach = length * dice.uniform(0.8, 2.5) + 6
        if material == "water":
            reach += dice.uniform(20, 200)
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * reach
        hull = cv2.convexHull(np.concatenate([points + c for c in corners]).astype(np.float32))[
            :, 0
        ]
        if dice.chance(0.5):
            hull = cv2.boxPoints(cv2.minAreaRect(hull.astype(np.float32)))
        if self._is_clear(hull):
            grounds_real.paste_material(self.canvas, self.bank, material, hull.astype(float))

    def _surround(self, spots: list[tuple[float, float]], length: float) -> Rgb:
        """One paved area around several courts; returns its colour."""
        dice = self.canvas.dice
        tone = dice.choice(
            (
                (70, 110, 80),
                (60, 84, 140),
                (150, 84, 66),
                (128, 128, 124),
                (100, 100, 98),
                (96, 124, 92),
            )
        )
        gain = dice.uniform(0.7, 1.15)
        colour = (tone[0] * gain, tone[1] * gain, tone[2] * gain)
        points = np.array(spots, np.float32)
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32) * (
            length * dice.uniform(0.35, 0.7)
        )
        box = cv2.boxPoints(
            cv2.minAreaRect(np.concatenate([points + c for c in corners]).astype(np.float32))
        )
        if self._is_clear(box):
            self.canvas.fill(box.astype(float), colour, texture=dice.uniform(0.02, 0.1))
        return colour

    def _is_clear(self, outline_px: np.ndarray) -> bool:
        """Whether nothing that was drawn before lies within the outline's bounds."""
        low, high = outline_px.min(0), outline_px.max(0)
        return all(
            a + r < low[0] or a - r > high[0] or b + r < low[1] or b - r > high[1]
            for a, b, r in self.taken
        )

    def _place(
        self, kind: ObjectClass, pose: Pose, colour: str, variant: float, texture: float,
        *, others: int | None, surround: Rgb | None = None,
    ) -> None:  # fmt: skip
        reach = 0.5 * math.hypot(pose.length * abs(pose.cos) + pose.width * abs(pose.sin), 0) + 1
        rise = 0.5 * (pose.length * abs(pose.sin) + pose.width * abs(pose.cos)) + 1
        if not (reach < pose.x < self.width_px - reach and rise < pose.y < self.height_px - rise):
            return
        in_row = others is not None  # objects of one row keep their distance by themselves
        mine = max(0.5 * pose.width, 0.3 * pose.length) if in_row else 0.5 * pose.length
        if any(
            (a - pose.x) ** 2 + (b - pose.y) ** 2 < (mine + r) ** 2
            for a, b, r in self.taken[:others]
        ):
            return
        brush = PhotoBrush(self.canvas, pose, self.darkness, texture, surround)
        outlines = PAINTERS[kind.name](brush, self._rgb(colour), variant)
        points = np.concatenate(outlines)
        low, high = np.floor(points.min(0) + 0.5), np.floor(points.max(0) + 0.5)
        box = (
            max(0, int(low[0])), max(0, int(low[1])), min(self.width_px, int(high[0])), min(self.height_px, int(high[1])),
        )  # fmt: skip
        if min(box[2] - box[0], box[3] - box[1]) < 3:
            box = (box[0], box[1], max(box[2], box[0] + 3), max(box[3], box[1] + 3))
        area = sum(abs(_area(outline)) for outline in outlines)
        self.objects.append(SceneObject(kind.name, colour, box, area, tuple(outlines)))
        self.taken.append((pose.x, pose.y, mine))

    def _rgb(self, colour: str) -> Rgb:
        dice = self.canvas.dice
        base = dice.choice(COLOURS[colour]) if colour else (150, 150, 150)
        gain, muted = dice.uniform(0.85, 1.08), dice.uniform(0, 0.45)
        gray = sum(base) / 3
        return tuple((c + (gray - c) * muted) * gain + dice.uniform(-9, 9) for c in base)  # type: ignore[return-value]


def _area(outline: np.ndarray) -> float:
    x, y = outline[:, 0], outline[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
