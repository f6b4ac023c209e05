"""Crops with their truth: what the net sees in training, cut exactly as `engines.crop_segmenter` cuts them in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from geo_r1_backend.engines.crop_pixels import crop_channels
from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.geo.boxes import Box, iou
from geo_r1_backend.geo.crops import sample, window_around
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds, read_tile
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.photo.compose import Sources, draw_photo
from geo_r1_backend.pretraining.photo.recipe import DENSE, PhotoRecipe
from geo_r1_backend.pretraining.photo.textures import Materials, warm_up
from geo_r1_backend.pretraining.scenes import Scene, SceneRecipe, draw_scene
from geo_r1_backend.segmentation.settings import CONTEXT, SMALLEST_PX
from geo_r1_backend.segmentation.shapes import draw_shapes

VIEWS_PX = ((448, 448), (560, 336), (336, 560))
CROPS_PER_PICTURE = 10
LEAST_IOU = 0.7
"""Of a shown box with the true one: a model's boxes are off by some pixels."""
DENSE_SHARE = 0.15
"""Of the photograph-like scenes: up to 60 objects, close together."""


@dataclass(frozen=True)
class Picture:
    """An image and the objects on it that may be cut out."""

    image: np.ndarray
    boxes_px: list[tuple[int, int, int, int]]
    mask_of: Callable[[int], np.ndarray]
    """``(height, width)`` bool of an object by its number."""


class PictureSource:
    """Draws pictures of all sorts; made once before the loader's processes are forked.

    Args:
        backgrounds: folder of real tiles; None = generated ground alone, and no photograph-like scenes.
        evaluation: draw on the tiles that training never sees.
    """

    def __init__(self, backgrounds: Path | None, *, evaluation: bool = False) -> None:
        self.real = RealBackgrounds(backgrounds, evaluation=evaluation) if backgrounds else None
        self.sources: Sources | None = None
        if self.real is not None:
            for (
                path
            ) in self.real.paths:  # decoded once before a fork: the processes share the pages
                read_tile(path)
            warm_up()
            self.sources = Sources(self.real, Materials(self.real.paths))
        photo = 0.5 if self.sources else 0.0
        self.shares = (("photo", photo), ("plain", 0.6 - photo), ("shapes", 0.4))

    def draw(self, seed: int) -> Picture:
        """The picture with this seed."""
        dice = Dice(seed)
        view = dice.choice(VIEWS_PX)
        sort = dice.weighted(self.shares)
        if sort == "shapes":
            return _shapes(seed, self.real, view)
        if sort == "photo" and self.sources is not None:
            recipe = DENSE if dice.chance(DENSE_SHARE) else PhotoRecipe()
            return picture_of(draw_photo(seed, recipe, self.sources, view))
        return picture_of(draw_scene(seed, SceneRecipe(), self.real, view))


def picture_of(scene: Scene) -> Picture:
    """A scene as a picture."""
    return Picture(scene.image, [o.box_px for o in scene.objects], scene.mask)


def crops_of(
    picture: Picture, dice: Dice, side: int, most: int = CROPS_PER_PICTURE
) -> Iterator[np.ndarray]:
    """Crops of some of the picture's objects, each ``(6, side, side)`` uint8: what the net sees, and the truth."""
    image = weathered(dice, picture.image)
    height, width = image.shape[:2]
    for number in dice.shuffled(range(len(picture.boxes_px)))[:most]:
        mask = picture.mask_of(number)
        box = tight_box(mask)
        if box is None:
            continue
        shown = jittered(dice, box, (width, height)) if dice.chance(0.75) else box
        prompt = MaskPrompt(shown, points_on(dice, mask) if dice.chance(0.4) else ())
        window = window_around(shown, CONTEXT, SMALLEST_PX)
        seen = crop_channels(image, prompt, window, side)
        truth = sample(mask, window, side)
        yield np.rint(np.concatenate([seen, truth[None]]) * 255).astype(np.uint8)


def tight_box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """The box of a mask; none where it has less than two rows or columns."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) < 2 or len(columns) < 2:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def jittered(
    dice: Dice, box_px: Box, size_px: tuple[int, int], least_iou: float = LEAST_IOU
) -> tuple[float, float, float, float]:
    """A box near the true one, in the picture, as a model might draw it."""
    x_min, y_min, x_max, y_max = box_px
    width, height = x_max - x_min, y_max - y_min
    for reach in (0.16, 0.12, 0.08, 0.04):
        for _ in range(4):
            moved = (
                max(0.0, x_min + dice.uniform(-reach, reach) * width),
                max(0.0, y_min + dice.uniform(-reach, reach) * height),
                min(float(size_px[0]), x_max + dice.uniform(-reach, reach) * width),
                min(float(size_px[1]), y_max + dice.uniform(-reach, reach) * height),
            )
            if iou(moved, box_px) >= least_iou:
                return moved
    return float(x_min), float(y_min), float(x_max), float(y_max)


def points_on(dice: Dice, mask: np.ndarray) -> tuple[tuple[float, float], ...]:
    """One to three points on an object."""
    rows, columns = np.nonzero(mask)
    chosen = [dice.integer(0, len(rows) - 1) for _ in range(dice.integer(1, 3))]
    return tuple((float(columns[k]) + 0.5, float(rows[k]) + 0.5) for k in chosen)


def weathered(dice: Dice, image: np.ndarray) -> np.ndarray:
    """Other light, other sharpness, other storage."""
    if dice.chance(0.5):
        gamma, gain = dice.log_uniform(0.65, 1.5), dice.uniform(0.75, 1.2)
        table = np.empty((1, 256, 3), np.uint8)
        ramp = (np.arange(256) / 255) ** gamma * 255
        contrast, haze = dice.uniform(0.6, 1.15), dice.uniform(0, 50)
        for channel in range(3):
            curve = ((ramp - 120) * contrast + 120) * gain * dice.uniform(0.88, 1.12) + haze
            table[0, :, channel] = np.clip(curve, 0, 255)
        image = cv2.LUT(image, table)
    if dice.chance(0.08):
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    elif dice.chance(0.08):  # colour infrared and other orders of bands
        image = np.ascontiguousarray(image[..., dice.shuffled((0, 1, 2))])
    if dice.chance(0.35):
        image = cv2.GaussianBlur(image, (0, 0), dice.uniform(0.4, 1.6))
    if dice.chance(0.3):
        height, width = image.shape[:2]
        grain = dice.grid(height, width).astype(np.float32)[..., None] - 127.5
        image = np.clip(image + grain * dice.uniform(0.01, 0.1), 0, 255).astype(np.uint8)
    if dice.chance(0.4):
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, dice.integer(35, 95)])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return image


def _shapes(seed: int, real: RealBackgrounds | None, view_px: tuple[int, int]) -> Picture:
    image, shapes = draw_shapes(seed, real, view_px)

    def mask_of(number: int) -> np.ndarray:
        whole = np.zeros(image.shape[:2], bool)
        x0, y0, x1, y1 = shapes[number].box_px
        whole[y0:y1, x0:x1] = shapes[number].mask
        return whole

    return Picture(image, [shape.box_px for shape in shapes], mask_of)
