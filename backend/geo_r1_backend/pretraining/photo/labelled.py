"""Views of photographs with published boxes that may enter shipped weights: planes on airports, cars in streets.

Only what `evaluation.real.held_out` leaves for training is read. Their kinds are labelled completely; what else may stand
in them is in `UNLABELLED` and `looked_at`. All other kinds are asked for, too: the answer is *none*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from geo_r1_backend.evaluation.real.held_out import one_per_original
from geo_r1_backend.evaluation.real.labels import LabelledImage, read_airports, read_streets
from geo_r1_backend.pretraining.catalogue import BY_NAME, CLASSES
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.photo import lens, looked_at
from geo_r1_backend.pretraining.photo.canvas import SCALE, Canvas
from geo_r1_backend.pretraining.photo.compose import Composer
from geo_r1_backend.pretraining.photo.textures import Materials
from geo_r1_backend.pretraining.scenes import Scene, SceneObject

UNLABELLED = {
    "airplane": frozenset(
        {"car", "bus", "building", "shipping container", "swimming pool", "solar array"}
    ),
    "car": frozenset({"bus", "building", "swimming pool", "solar array"}),
}
SHOWN_PX = {"airplane": (130, 620), "car": (110, 540)}
"""Side of what a view shows, in pixels of the file."""
WHOLE, HALF, GONE = 0.97, 0.45, 0.04
"""Visible shares of a box: whole; cut, and its visible part is the truth; too little to ask about; not there."""
TRIES = 10


@dataclass(frozen=True)
class Photograph:
    """A labelled picture in memory."""

    kind: str
    name: str
    """Of the original or the scene."""
    image: np.ndarray
    boxes_px: np.ndarray
    """``(n, 4)`` float64."""


def read_photographs(
    data: Path, held_out_airport: Callable[[str], bool], held_out_street: Callable[[str], bool]
) -> list[Photograph]:
    """The labelled pictures that training may see, one copy of each original.

    Raises:
        ConfigError: naming a file that is missing.
    """
    found: list[Photograph] = []
    for kind, images, is_held_out in (
        ("airplane", read_airports(data), held_out_airport),
        ("car", read_streets(data), held_out_street),
    ):
        chosen = one_per_original(images) if kind == "airplane" else images
        found += [
            Photograph(kind, image.group, _pixels(image.path), _boxes(image))
            for image in chosen
            if not is_held_out(image.group)
        ]
    return found


def _pixels(path: Path) -> np.ndarray:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{path} cannot be read as a picture.")
    return np.ascontiguousarray(pixels[..., ::-1])


def _boxes(image: LabelledImage) -> np.ndarray:
    return np.array([o.box_px for o in image.objects], np.float64).reshape(-1, 4)


def draw_labelled(
    seed: int,
    photographs: list[Photograph],
    bank: Materials,
    view_px: tuple[int, int],
    *,
    least: int = 0,
    most: int,
) -> Scene | None:
    """A view of one of the photographs with ``least`` to ``most`` objects; none where no fair view was found."""
    dice = Dice(seed)
    picture = dice.choice(photographs)
    for _ in range(TRIES):
        window = _window(dice, picture, view_px)
        seen = _seen(picture, window, view_px)
        if seen is None or not least <= len(seen) <= most:
            continue
        if len(seen) or dice.chance(0.1):
            return _scene(dice, picture, window, seen, bank, view_px)
    return None


Window = tuple[float, float, float, float]


def _window(dice: Dice, picture: Photograph, view_px: tuple[int, int]) -> Window:
    """Left, top, width, height in pixels of the file; somewhere around an object, mostly."""
    rows, columns = picture.image.shape[:2]
    side = dice.log_uniform(*SHOWN_PX[picture.kind])
    scale = side / (view_px[0] * view_px[1]) ** 0.5
    width, height = view_px[0] * scale, view_px[1] * scale
    shrink = min(1.0, columns / width, rows / height)
    width, height = width * shrink, height * shrink
    if len(picture.boxes_px) and dice.chance(0.9):
        x0, y0, x1, y1 = picture.boxes_px[dice.integer(0, len(picture.boxes_px) - 1)]
        x, y = (
            (x0 + x1) / 2 - width * dice.uniform(0.1, 0.9),
            (y0 + y1) / 2 - height * dice.uniform(0.1, 0.9),
        )
    else:
        x, y = dice.uniform(0, columns - width), dice.uniform(0, rows - height)
    return min(max(0.0, x), columns - width), min(max(0.0, y), rows - height), width, height


def _seen(picture: Photograph, window: Window, view_px: tuple[int, int]) -> np.ndarray | None:
    """Visible parts of the boxes in pixels of the view; none where one is cut beyond recognition."""
    left, top, width, _ = window
    factor = view_px[0] / width
    boxes = (picture.boxes_px - (left, top, left, top)) * factor
    if not len(boxes):
        return boxes
    clipped = np.stack([boxes[:, k].clip(0, view_px[k % 2]) for k in range(4)], 1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    share = np.prod(clipped[:, 2:] - clipped[:, :2], 1) / np.maximum(area, 1e-9)
    if ((share > GONE) & (share < HALF)).any():
        return None
    kept = clipped[share >= HALF]
    return None if len(kept) and (kept[:, 2:] - kept[:, :2]).min() < 5 else kept


def _scene(
    dice: Dice,
    picture: Photograph,
    window: Window,
    boxes: np.ndarray,
    bank: Materials,
    view_px: tuple[int, int],
) -> Scene:
    left, top, width, _ = window
    size = (view_px[0] * SCALE, view_px[1] * SCALE)
    # Half a pixel: centres of pixels lie at .5 in both pictures.
    factor = size[0] / width
    matrix = np.array(
        [
            [factor, 0, 0.5 * factor - 0.5 - left * factor],
            [0, factor, 0.5 * factor - 0.5 - top * factor],
        ]
    )
    how = cv2.INTER_CUBIC if dice.chance(0.6) else cv2.INTER_LINEAR
    big = cv2.warpAffine(picture.image, matrix, size, flags=how, borderMode=cv2.BORDER_REFLECT)
    view = cv2.resize(big, view_px, interpolation=cv2.INTER_AREA)
    objects = tuple(_object(picture.kind, box, view) for box in boxes)
    mirrored, turns = dice.chance(0.5), 2 * dice.integer(0, 1)
    if mirrored:
        big = big[:, ::-1]
        objects = tuple(_mirrored(o, view_px[0]) for o in objects)
    if turns:
        big = big[::-1, ::-1]
        objects = tuple(_turned(o, view_px) for o in objects)
    absent = UNLABELLED[picture.kind]
    composer = Composer(Canvas(np.ascontiguousarray(big), dice), bank, objects)
    others = [k for k in CLASSES if k.name not in absent and k.name != picture.kind]
    if dice.chance(0.4):
        composer.group(dice.choice(others), dice.integer(1, 4), stand_alone=True)
    image = composer.canvas.reduced()
    objects = tuple(composer.objects)
    roll = dice.uniform(0, 1)
    if roll < (0.2 if picture.kind == "car" else 0.06):
        image = lens.colour_infrared(image)
        objects = tuple(replace(o, colour="") for o in objects)
    elif dice.chance(0.3):
        objects = tuple(replace(o, colour="") if o.kind == picture.kind else o for o in objects)
    image = lens.photographed(dice, image, gentle=True)
    possible: frozenset[str] = frozenset()
    if picture.kind == "airplane":
        possible = looked_at.possible_on_airport(picture.name, max(window[2:]), len(boxes))
    return Scene(image, objects, "real", absent, possible)


def _object(kind: str, box: np.ndarray, view: np.ndarray) -> SceneObject:
    x0, y0, x1, y1 = (int(np.floor(v + 0.5)) for v in box)
    x1, y1 = max(x1, x0 + 3), max(y1, y0 + 3)
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    colour = colour_of(view[y0:y1, x0:x1])
    allowed = BY_NAME[kind].colours
    return SceneObject(
        kind,
        colour if colour in allowed else "",
        (x0, y0, x1, y1),
        float((x1 - x0) * (y1 - y0)),
        (corners,),
    )


def colour_of(patch: np.ndarray) -> str:
    """The colour's name of what fills the middle of a box, by the median of its brighter half; empty where there is no clear one.

    Args:
        patch: ``(h, w, 3)`` uint8 RGB.
    """
    height, width = patch.shape[:2]
    middle = patch[
        int(height * 0.3) : int(height * 0.7) + 1, int(width * 0.3) : int(width * 0.7) + 1
    ].reshape(-1, 3)
    # The brighter part: a windscreen is dark on a white car, too.
    ranked = middle[np.argsort(middle.sum(1))]
    red, green, blue = (float(v) for v in np.median(ranked[len(ranked) // 2 :], 0))
    top, low = max(red, green, blue), min(red, green, blue)
    if top - low < 0.22 * top + 8:
        return "white" if top > 172 else "black" if top < 76 else "gray"
    if red == top:
        return "yellow" if green > 0.75 * red else "red"
    return "blue" if blue == top else "green"


def _mirrored(item: SceneObject, width: int) -> SceneObject:
    x0, y0, x1, y1 = item.box_px
    return _moved(item, (width - x1, y0, width - x0, y1))


def _turned(item: SceneObject, view_px: tuple[int, int]) -> SceneObject:
    x0, y0, x1, y1 = item.box_px
    return _moved(item, (view_px[0] - x1, view_px[1] - y1, view_px[0] - x0, view_px[1] - y0))


def _moved(item: SceneObject, box: tuple[int, int, int, int]) -> SceneObject:
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    return replace(item, box_px=box, outlines_px=(corners,))
