"""Which photographs belong together: copies, augmentations and near-duplicates are never split."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from geo_r1_backend.evaluation.real.labels import LabelledImage

NEAR_BITS = 6
"""Of 64: pictures whose difference hashes are this close show the same place."""
SHOTS_SHARE = 0.3


def difference_hash(path: Path) -> int:
    """64 bits that say where brightness falls to the right, on a 9 x 8 picture."""
    with Image.open(path) as image:
        small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def grouped(images: Sequence[LabelledImage]) -> list[str]:
    """A group's name per picture: the first of the pictures that it is a copy or near-duplicate of.

    Neighbours of neighbours belong together, too (union-find over all pairs).
    """
    hashes = [difference_hash(image.path) for image in images]
    parent = list(range(len(images)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first_of: dict[str, int] = {}
    for index, image in enumerate(images):
        parent[root(index)] = root(first_of.setdefault(image.group, index))
        for other in range(index):
            if (hashes[index] ^ hashes[other]).bit_count() <= NEAR_BITS:
                a, b = sorted((root(index), root(other)))
                parent[b] = a
    return [images[root(index)].group for index in range(len(images))]


def split_of(group: str) -> str:
    """`shots` (what few-shot training may see) or `test`, by the group's name alone."""
    digest = hashlib.sha256(group.encode()).digest()
    return "shots" if digest[0] / 256 < SHOTS_SHARE else "test"
