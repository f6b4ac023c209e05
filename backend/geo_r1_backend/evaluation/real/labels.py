"""Labelled photographs in the formats of their publishers. Reads; judges nothing.

Boxes are `(x_min, y_min, x_max, y_max)` in pixels of the file, half-open. Kinds carry the names of the generator's
catalogue where it has one (`storage tank`), else the publisher's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.geo.boxes import Box

NWPU_KINDS = {
    "airplane": "airplane",
    "ship": "ship",
    "storage_tank": "storage tank",
    "baseball_diamond": "baseball field",
    "tennis_court": "tennis court",
    "basketball_court": "basketball court",
    "ground_track_field": "running track",
    "vehicle": "car",
}
"""Classes that the generator draws, too; `harbor` and `bridge` it does not."""

STREET_SCENES = ("street 1", "street 2", "street 3")
"""Scenes of KIT AIS; frames of one are a moment apart."""


@dataclass(frozen=True)
class LabelledObject:
    """One object as its publisher drew it."""

    kind: str
    box_px: Box
    outline_px: np.ndarray
    """``(n, 2)`` float64 polygon; the box's corners where there is no other."""


@dataclass(frozen=True)
class LabelledImage:
    """One photograph with all its objects."""

    path: Path
    group: str
    """Copies and augmentations of one original share it: they are never split."""
    objects: tuple[LabelledObject, ...]
    kinds: tuple[str, ...]
    """Kinds that were looked for: one of them that is not among the objects is not in the picture."""


def read_nwpu(data: Path) -> list[LabelledImage]:
    """NWPU VHR-10 with polygons (COCO): `nwpu-vhr10/annotations.json` and the images beside it.

    Raises:
        ConfigError: naming the file that is missing.
    """
    folder = data / "nwpu-vhr10"
    document = json.loads(_needed(folder / "annotations.json").read_text(encoding="utf-8"))
    names = {c["id"]: NWPU_KINDS.get(c["name"], c["name"]) for c in document["categories"]}
    images = {i["id"]: i["file_name"] for i in document["images"]}
    objects: dict[int, list[LabelledObject]] = {number: [] for number in images}
    for note in document["annotations"]:
        x, y, width, height = note["bbox"]
        outline = np.asarray(note["segmentation"][0], float).reshape(-1, 2)
        objects[note["image_id"]].append(
            LabelledObject(names[note["category_id"]], (x, y, x + width, y + height), outline)
        )
    found = {path.name: path for path in folder.rglob("*.jpg")}
    return [
        LabelledImage(
            _needed(found.get(name, folder / name)),
            name,
            tuple(objects[number]),
            tuple(NWPU_KINDS.values()),
        )
        for number, name in sorted(images.items())
    ]


def read_airports(data: Path) -> list[LabelledImage]:
    """Aerial Airport (DOTA text: four corners, class, difficulty); three augmented copies of each original.

    Raises:
        ConfigError: naming the file that is missing.
    """
    images = []
    for path in sorted((_needed(data / "aerial-airport")).glob("*/images/*.jpg")):
        lines = (
            _needed(path.parent.parent / "labelTxt" / f"{path.stem}.txt").read_text().split("\n")
        )
        objects = []
        for words in (line.split() for line in lines):
            if len(words) >= 9:
                corners = np.asarray(words[:8], float).reshape(4, 2)
                objects.append(_object("airplane", corners))
        original = path.name.split("_jpg.rf.")[0]
        images.append(LabelledImage(path, original, tuple(objects), ("airplane",)))
    return images


def read_streets(data: Path) -> list[LabelledImage]:
    """KIT AIS cars (YOLO text: class, centre and size as shares of the picture); frames of a scene share a group.

    Raises:
        ConfigError: naming the file that is missing.
    """
    images = []
    for path in sorted(_needed(data / "kit-ais-cars").glob("*.png")):
        with Image.open(path) as picture:
            width, height = picture.size
        objects = []
        for line in _needed(path.with_suffix(".txt")).read_text().splitlines():
            words = line.split()
            if len(words) < 5:
                continue
            x, y, w, h = (float(word) for word in words[1:5])
            left, right = (x - w / 2) * width, (x + w / 2) * width
            top, bottom = (y - h / 2) * height, (y + h / 2) * height
            corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
            objects.append(_object("car", corners))
        images.append(LabelledImage(path, _street_scene(path.stem), tuple(objects), ("car",)))
    return images


READERS: dict[str, Callable[[Path], list[LabelledImage]]] = {
    "nwpu": read_nwpu,
    "airports": read_airports,
    "streets": read_streets,
}


def _object(kind: str, corners_px: np.ndarray) -> LabelledObject:
    (x_min, y_min), (x_max, y_max) = corners_px.min(0), corners_px.max(0)
    return LabelledObject(
        kind, (float(x_min), float(y_min), float(x_max), float(y_max)), corners_px
    )


def _street_scene(stem: str) -> str:
    """Frames of one street follow one another by number."""
    if stem.startswith("Munich"):
        return STREET_SCENES[1]
    return STREET_SCENES[0 if int(stem.removeprefix("MOS")) < 120 else 2]


def _needed(path: Path) -> Path:
    if not path.exists():
        raise ConfigError(
            f"{path.name} is not there.",
            hint=f"It is expected at {path}. GEO_R1_DATA names the folder above it.",
        )
    return path
