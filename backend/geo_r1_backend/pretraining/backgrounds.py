"""What lies under the objects: generated ground, or a real photograph with everything that stands on it.

Only integer image operations with exact variants are used (`INTER_LINEAR_EXACT`, look-up tables, whole-pixel crops), so
that generated ground is the same on every machine. Photographs are as exact as the JPEG decoder is.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.drawing import Brush, Pose, ellipse, rectangle, shade

GROUNDS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "grass": ((92, 120, 70), (70, 95, 55), (112, 132, 84)),
    "dry": ((156, 138, 106), (120, 105, 80), (178, 162, 130)),
    "asphalt": ((122, 122, 122), (98, 99, 102), (142, 140, 136)),
    "concrete": ((172, 170, 164), (146, 145, 142), (190, 186, 178)),
    "water": ((58, 84, 98), (42, 66, 84), (76, 100, 108)),
    "forest": ((58, 82, 50), (40, 62, 38), (76, 96, 60)),
    "sand": ((204, 188, 152), (182, 164, 128), (214, 202, 172)),
    "soil": ((126, 96, 72), (102, 78, 60), (146, 116, 90)),
}

EVALUATION_SHARE = 16
"""One real tile in so many is kept for evaluation and never trained on."""


def _fractal(dice: Dice, height: int, width: int) -> np.ndarray:
    """Smooth random field, ``(height, width)`` uint8, several octaves."""
    field = np.zeros((height, width), np.uint16)
    for cells, weight in ((3, 4), (9, 3), (29, 2), (83, 1)):
        grid = dice.grid(
            max(2, cells * height // max(height, width)),
            max(2, cells * width // max(height, width)),
        )
        field += (
            cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR_EXACT).astype(
                np.uint16
            )
            * weight
        )
    return (field // 10).astype(np.uint8)


def _colour_ramp(dice: Dice, ground: str) -> np.ndarray:
    """Look-up table ``(256, 1, 3)`` from the field's value to RGB."""
    low, high = dice.shuffled(GROUNDS[ground])[:2]
    contrast = dice.uniform(0.5, 1.4)
    ramp = np.empty((256, 1, 3), np.uint8)
    for value in range(256):
        t = 0.5 + (value - 128) / 160 * contrast
        for channel in range(3):
            ramp[value, 0, channel] = int(
                min(255, max(0, low[channel] + (high[channel] - low[channel]) * t))
            )
    return ramp


def _paint(field: np.ndarray, ramp: np.ndarray) -> np.ndarray:
    """Field through a ramp, ``(height, width, 3)`` uint8."""
    return cv2.LUT(cv2.merge([field, field, field]), ramp.reshape(1, 256, 3))


def generated(dice: Dice, width_px: int, height_px: int, ground: str | None = None) -> np.ndarray:
    """Ground, fields, roads and trees; nothing on it is of a class that may be asked for."""
    ground = ground or dice.choice(tuple(GROUNDS))
    field = _fractal(dice, height_px, width_px)
    image = _paint(field, _colour_ramp(dice, ground))
    for _ in range(dice.integer(0, 4) if ground != "water" else dice.integer(0, 1)):
        _patch(dice, image, field, dice.choice(tuple(GROUNDS)))
    for _ in range(dice.weighted(((0, 3.0), (1, 3.0), (2, 2.0), (3, 1.0)))):
        _road(dice, image)
    if dice.chance(0.55):
        _trees(dice, image)
    return image


def _patch(dice: Dice, image: np.ndarray, field: np.ndarray, ground: str) -> None:
    """A field, lot or pond with its own ground."""
    height_px, width_px = field.shape
    mask = np.zeros((height_px, width_px), np.uint8)
    if dice.chance(0.6):
        size = dice.log_uniform(60, 400)
        pose = _pose(dice, dice.uniform(0, width_px), dice.uniform(0, height_px), size)
        corners = Brush(mask, pose).place(rectangle(size, size * dice.uniform(0.3, 1.0)))
    else:
        points = [(dice.uniform(0, width_px), dice.uniform(0, height_px)) for _ in range(5)]
        corners = cv2.convexHull(np.array(points, np.float32))[:, 0]
    cv2.fillPoly(mask, [np.floor(corners + 0.5).astype(np.int32)], 255)
    painted = _paint(field, _colour_ramp(dice, ground))
    cv2.copyTo(painted, mask, image)


def _road(dice: Dice, image: np.ndarray) -> None:
    """A straight road, sometimes with a centre line."""
    height_px, width_px = image.shape[:2]
    pose = _pose(dice, dice.uniform(0, width_px), dice.uniform(0, height_px), 1)
    brush = Brush(image, pose)
    width = dice.log_uniform(6, 44)
    tone = dice.uniform(88, 150)
    brush.shape(rectangle(3000, width), (tone, tone, tone * 0.98))
    if width > 12 and dice.chance(0.6):
        brush.line((-1500, 0), (1500, 0), (206, 204, 190) if dice.chance(0.7) else (198, 170, 70))
    if width > 18 and dice.chance(0.5):
        for side in (-1, 1):
            brush.line((-1500, side * width * 0.46), (1500, side * width * 0.46), (190, 190, 186))


def _trees(dice: Dice, image: np.ndarray) -> None:
    """Round dark crowns with shadows, singly or in woods: they look like tanks and are none."""
    height_px, width_px = image.shape[:2]
    x0, y0 = dice.uniform(0, width_px), dice.uniform(0, height_px)
    spread = dice.uniform(40, 400)
    size = dice.log_uniform(7, 26)
    tone = (dice.uniform(44, 84), dice.uniform(72, 112), dice.uniform(36, 64))
    for _ in range(dice.integer(3, 28)):
        r = size * dice.uniform(0.35, 0.8)
        x, y = x0 + dice.uniform(-spread, spread), y0 + dice.uniform(-spread, spread)
        brush = Brush(image, Pose(x, y, 1, 1, 1, 0, 0, 0))
        crown = ellipse(r, r * dice.uniform(0.8, 1.2), steps=10)
        brush.shape(crown + np.array((r * 0.35, r * 0.45)), (40, 48, 38))
        brush.shape(crown, tone)
        brush.shape(crown * 0.5 - r * 0.2, shade(tone, 1.2))


def _pose(dice: Dice, x: float, y: float, length: float) -> Pose:
    cos, sin = direction(dice)
    return Pose(x, y, length, length, cos, sin, 0, 0)


def direction(dice: Dice) -> tuple[float, float]:
    """Cosine and sine of a random direction, without a call whose last bit depends on the machine."""
    while True:
        x, y = dice.uniform(-1, 1), dice.uniform(-1, 1)
        square = x * x + y * y
        if 0.05 < square <= 1:
            norm = square**0.5  # IEEE square root is exact to the last bit everywhere
            return x / norm, y / norm


class RealBackgrounds:
    """Photographs without labels, split by name into training and evaluation tiles."""

    def __init__(self, folder: Path, *, evaluation: bool) -> None:
        paths = sorted(folder.glob("*.jpg"))
        if not paths:
            msg = f"No *.jpg background tiles in {folder}; set GEO_R1_DATA to the folder that holds naip-backgrounds/."
            raise FileNotFoundError(msg)
        self.paths = [path for path in paths if _is_evaluation_tile(path.name) == evaluation]

    def draw(self, dice: Dice, width_px: int, height_px: int) -> np.ndarray:
        """A crop of a tile and its mirror images, turned by right angles, scaled by 1 to 3."""
        return self.draw_named(dice, width_px, height_px)[0]

    def draw_named(self, dice: Dice, width_px: int, height_px: int) -> tuple[np.ndarray, str]:
        """The same, with the name of the tile."""
        scale = dice.log_uniform(1.0, 2.6)
        need_w, need_h = math_ceil(width_px / scale), math_ceil(height_px / scale)
        columns, rows = -(-need_w // 256), -(-need_h // 256)
        canvas = np.empty((rows * 256, columns * 256, 3), np.uint8)
        first, name = self._tile(dice)
        for row in range(rows):
            for column in range(columns):
                # Neighbours are mirror images: no seam where a road or roof is cut.
                tile = first
                if row % 2:
                    tile = tile[::-1]
                if column % 2:
                    tile = tile[:, ::-1]
                canvas[row * 256 : row * 256 + 256, column * 256 : column * 256 + 256] = tile
        x = dice.integer(0, canvas.shape[1] - need_w)
        y = dice.integer(0, canvas.shape[0] - need_h)
        crop = np.ascontiguousarray(canvas[y : y + need_h, x : x + need_w])
        view = cv2.resize(crop, (width_px, height_px), interpolation=cv2.INTER_LINEAR_EXACT)
        return view, name

    def _tile(self, dice: Dice) -> tuple[np.ndarray, str]:
        path = self.paths[dice.integer(0, len(self.paths) - 1)]
        tile = np.rot90(read_tile(path), dice.integer(0, 3))
        return (tile[:, ::-1] if dice.chance(0.5) else tile), path.stem


def math_ceil(value: float) -> int:
    """Smallest integer not below the value."""
    return int(-(-value // 1))


@lru_cache(maxsize=2048)
def read_tile(path: Path) -> np.ndarray:
    """A tile as ``(256, 256, 3)`` uint8 RGB, decoded once per process."""
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    bgr = cv2.imdecode(raw, cv2.IMREAD_COLOR)
    if bgr is None or bgr.shape != (256, 256, 3):
        msg = f"{path} is not a 256 x 256 RGB JPEG."
        raise ValueError(msg)
    return np.ascontiguousarray(bgr[..., ::-1])


def _is_evaluation_tile(name: str) -> bool:
    # Tiles of one place are numbered along its grid: the place and tens together keep neighbours on one side.
    stem = name.rsplit(".", 1)[0]
    place, _, number = stem.rpartition("_")
    block = f"{place}_{int(number) // 8}" if number.isdigit() else stem
    return hashlib.sha256(block.encode()).digest()[0] % EVALUATION_SHARE == 0
