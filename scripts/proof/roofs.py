"""What the proof is about: 20 roofs that a person draws on one mosaic, and 150 roofs of other mosaics that are asked about.

Real imagery (0.075 m, OpenStreetMap outlines; `GEO_R1_DATA`). The mosaic that is learned from is no other's ground.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import new_kind
import rasterio

QUERY = "the roof"
DRAWN, ASKED = 20, 150
SHOWN = "oam_1_0"
"""The mosaic that is asked about in the window."""
NEAR_PX = 150.0
"""The tutorial asks to draw every object of the kind that is so near to one that is drawn."""
BLOCK_PX = 1024
"""Roofs of one square of a mosaic (76 m) are one place: they count once in an interval."""


@dataclass(frozen=True)
class Question:
    """One roof that the tab never sees."""

    png: bytes
    box_px: list[float]
    """In pixels of the picture."""
    place: str


def raster_path(data: Path) -> Path:
    """The mosaic that the polygons are drawn on."""
    return data / "fair-oam-buildings" / "mosaics" / f"{new_kind.LEARNED}_z21_3857.tif"


def draw(data: Path, seed: int, count: int = DRAWN) -> dict[str, Any]:
    """GeoJSON of the polygons, in degrees: a person goes from place to place and draws every roof there, until there are enough.

    Args:
        data: folder of the real images.
        seed: which places, in which order.
        count: how many polygons.
    """
    labels = json.loads((data / "fair-oam-buildings" / "data" / "1" / "labels.geojson").read_text())
    with rasterio.open(raster_path(data)) as raster:
        found = []
        for feature in labels["features"]:
            left, top, right, bottom = new_kind._outline(feature["geometry"], raster)
            if left >= 0 and top >= 0 and right <= raster.width and bottom <= raster.height:
                found.append(((left, top, right, bottom), feature["geometry"]))
    places = _places([box for box, _ in found])
    random.Random(seed).shuffle(places)  # noqa: S311 - no secret
    chosen = [index for place in places for index in place][:count]
    features = [
        {"type": "Feature", "properties": {"number": number}, "geometry": found[index][1]}
        for number, index in enumerate(chosen, start=1)
    ]
    return {"type": "FeatureCollection", "features": features}


def questions(data: Path, count: int = ASKED) -> list[Question]:
    """Pictures that show one roof each, of the mosaics that nothing is learned from; the same ones for every seed."""
    tiles = [
        one for one in new_kind.roofs(data, 0, "rec") if not one[2].startswith(new_kind.LEARNED)
    ]
    random.Random(0).shuffle(tiles)  # noqa: S311 - no secret
    found = []
    for png, boxes, name in tiles[:count]:
        mosaic, left, top = name.split("/")
        found.append(
            Question(png, boxes[0], f"{mosaic}/{int(left) // BLOCK_PX}/{int(top) // BLOCK_PX}")
        )
    return found


def _places(boxes: list[tuple[float, float, float, float]]) -> list[list[int]]:
    """Roofs that hang together by being near, each place from west to east."""
    left = sorted(range(len(boxes)), key=lambda index: boxes[index])
    places = []
    while left:
        place = [left.pop(0)]
        for index in place:
            near = [other for other in left if _gap(boxes[index], boxes[other]) <= NEAR_PX]
            left = [other for other in left if other not in near]
            place += near
        places.append(sorted(place, key=lambda index: boxes[index]))
    return places


def _gap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    across = max(0.0, first[0] - second[2], second[0] - first[2])
    along = max(0.0, first[1] - second[3], second[1] - first[3])
    return max(across, along)


def views(data: Path, count: int) -> tuple[Path, list[list[Any]]]:
    """Squares of another mosaic for a person to look at: [left, top, side, true box], in its pixels, one roof each."""
    mosaics = data / "fair-oam-buildings" / "mosaics"
    path = mosaics / f"{SHOWN}_z21_3857.tif"
    dice = random.Random(0)  # noqa: S311 - no secret
    labels = json.loads((data / "fair-oam-buildings" / "data" / "1" / "labels.geojson").read_text())
    found: list[list[Any]] = []
    with rasterio.open(path) as raster:
        outlines = [new_kind._outline(one["geometry"], raster) for one in labels["features"]]
        for outline in outlines:
            square = new_kind._around(outline, outlines, raster, dice)
            if square is not None and len(found) < count:
                found.append([*square, list(outline)])
    return path, found
