"""Which labelled photographs no training of ours may see: the one place that says so, for training and for evaluation.

Only the names of originals and scenes decide, so the answer never changes when pictures are added, and every
augmented copy of an original lies on the same side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from geo_r1_backend.evaluation.real.labels import STREET_SCENES, LabelledImage

HELD_OUT_SHARE = 0.25
"""Of the airports. They are a part of what `groups.split_of` calls `test`: nothing that few-shot training may see is here."""

_ONE_PLACE = (
    (6, 7),
    (23, 78),
    (32, 264),
    (35, 266),
    (40, 271),
    (42, 270),
    (45, 267),
    (49, 257),
    (70, 265),
    (134, 135),
    (145, 147, 148),
    (161, 162),
    (193, 194, 346),
    (228, 334, 335),
    (284, 294, 295),
    (285, 292, 293),
    (289, 298),
    (290, 321),
    (333, 347),
)
"""Originals that show a piece of the same ground: SIFT matches under one affine map, also mirrored (50 to 731 of them; 8 at
most in all other pairs), and the same picture after warping (correlation 0.70 to 1.00). docs/experiments.md, 2026-11-25."""

SAME_PLACE = {f"airport_{n}": f"airport_{place[0]}" for place in _ONE_PLACE for n in place[1:]}
"""Airport -> the airport that it is another picture of."""


def held_out_airport(image_or_group: LabelledImage | str) -> bool:
    """Whether an airport is kept for evaluation.

    Args:
        image_or_group: a picture of `labels.read_airports`, or the name of its original (`airport_102`).
    """
    digest = hashlib.sha256(airport_place(image_or_group).encode()).digest()
    return digest[0] / 256 >= 1 - HELD_OUT_SHARE


def airport_place(image_or_group: LabelledImage | str) -> str:
    """The name that all pictures of one place share."""
    original = _group(image_or_group)
    return SAME_PLACE.get(original, original)


def street_fold(image_or_scene: LabelledImage | str) -> int:
    """0, 1 or 2: the fold in which a street scene is the one held out.

    Raises:
        ValueError: if there is no such scene.
    """
    scene = _group(image_or_scene)
    if scene not in STREET_SCENES:
        raise ValueError(f"{scene} is no street scene; there are {', '.join(STREET_SCENES)}.")
    return STREET_SCENES.index(scene)


def one_per_original(images: Iterable[LabelledImage]) -> list[LabelledImage]:
    """The first copy of each original by file name: three augmentations of one airport are one airport."""
    first: dict[str, LabelledImage] = {}
    for image in sorted(images, key=lambda one: one.path.name):
        first.setdefault(image.group, image)
    return list(first.values())


def _group(image_or_group: LabelledImage | str) -> str:
    return image_or_group if isinstance(image_or_group, str) else image_or_group.group
