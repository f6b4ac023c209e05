"""Boxes whose masks are known: frozen generated scenes, and the polygons of NWPU VHR-10."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.evaluation.masks import polygon_mask
from geo_r1_backend.evaluation.real.groups import grouped
from geo_r1_backend.evaluation.real.labels import read_nwpu
from geo_r1_backend.geo.boxes import Box, iou
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.scenes import VIEWS_PX, SceneRecipe, draw_scene

RECIPE_NAME = "masks-generated-1"
"""Frozen: a change of what is drawn here is a new recipe with a new name."""
SCENES = 240
SEED_BASE = 7_500_000_000_000_000
"""Far above any seed of a training run, and above those of the frozen questions."""
JITTER = 0.12
"""Of a box's sides, at most, by which each edge of a jittered box is off; the IoU with the true box stays over 0.6."""


@dataclass(frozen=True)
class Case:
    """One picture, the boxes that are shown, and what lies in them."""

    group: str
    """Pictures of one place share it: no further evidence."""
    image: np.ndarray
    kinds: tuple[str, ...]
    prompts: tuple[MaskPrompt, ...]
    truth: tuple[np.ndarray, ...]
    """``(height, width)`` bool each."""


def generated_cases(
    real: RealBackgrounds | None, *, jittered: bool, count: int = SCENES
) -> Iterator[Case]:
    """Frozen scenes, half of them on photographs that training never saw (none where there are none).

    Args:
        real: evaluation tiles.
        jittered: show boxes that are some pixels off instead of the true ones.
        count: how many scenes; every prefix is balanced over views.
    """
    for index in range(count):
        on_photograph = (index // len(VIEWS_PX)) % 2 == 1
        if on_photograph and real is None:
            continue
        seed = SEED_BASE + index
        recipe = SceneRecipe(real_share=1.0)
        view = VIEWS_PX[index % len(VIEWS_PX)]
        scene = draw_scene(seed, recipe, real if on_photograph else None, view)
        if not scene.objects:
            continue
        dice = Dice(seed)
        boxes = [
            shaken(dice, o.box_px, (scene.width_px, scene.height_px)) if jittered else o.box_px
            for o in scene.objects
        ]
        yield Case(
            f"scene {index}",
            scene.image,
            tuple(o.kind for o in scene.objects),
            tuple(MaskPrompt(box) for box in boxes),
            tuple(scene.mask(number) for number in range(len(scene.objects))),
        )


def nwpu_cases(data: Path, *, every: int = 1) -> Iterator[Case]:
    """NWPU VHR-10 with the published boxes; near-duplicate pictures share a group.

    Args:
        data: folder that holds `nwpu-vhr10/`.
        every: each N-th picture.

    Raises:
        ConfigError: naming the file that is missing.
    """
    pictures = read_nwpu(data)
    groups = grouped(pictures)
    for picture, group in list(zip(pictures, groups, strict=True))[::every]:
        if not picture.objects:
            continue
        with Image.open(picture.path) as file:
            image = np.asarray(file.convert("RGB"))
        yield Case(
            group,
            image,
            tuple(o.kind for o in picture.objects),
            tuple(MaskPrompt(o.box_px) for o in picture.objects),
            tuple(
                polygon_mask([[o.outline_px.tolist()]], *image.shape[:2]) for o in picture.objects
            ),
        )


def shaken(dice: Dice, box_px: Box, size_px: tuple[int, int]) -> tuple[float, ...]:
    """A box of which every edge is off by up to a tenth or so, at least a pixel, in the picture."""
    x_min, y_min, x_max, y_max = (float(value) for value in box_px)
    across, down = max(1.0, JITTER * (x_max - x_min)), max(1.0, JITTER * (y_max - y_min))
    while True:
        moved = (
            max(0.0, x_min + dice.uniform(-across, across)),
            max(0.0, y_min + dice.uniform(-down, down)),
            min(float(size_px[0]), x_max + dice.uniform(-across, across)),
            min(float(size_px[1]), y_max + dice.uniform(-down, down)),
        )
        if iou(moved, box_px) > 0.6:
            return moved
