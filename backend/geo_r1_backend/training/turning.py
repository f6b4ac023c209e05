"""A sample seen from eight sides: turned by quarters and mirrored, boxes with it. Pure.

Nothing on an image from above has a right way up, so one polygon teaches eight times. Queries that speak of directions stay as
they are: "the left tank" is another one in a mirror.
"""

from __future__ import annotations

import re
from dataclasses import replace

from PIL import Image

from geo_r1_backend.training_wire import Sample

TURNS = 8
"""0 = as it is."""

_OPERATIONS = (
    None,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)
_DIRECTIONS = re.compile(
    r"left|right|up|top|upper|above|bottom|down|lower|below|beneath|under|over|north|south|east|west|horizontal|vertical|diagonal"
    r"|link|recht|oben|ober|unten|unter|über|nord|süd|ost|west|waagrecht|senkrecht"
    r"|gauche|droit|haut|bas|dessus|dessous|sud|ouest"
    r"|izquierd|derech|arriba|abajo|superior|inferior|oeste|esquerd|direit|acima|abaixo|sinistr|destr|sopra|sotto",
    re.IGNORECASE,
)
"""Parts of words, rather too many than too few: a query that is kept as it is only learns a little slower."""


def can_turn(query: str) -> bool:
    """Whether a query means the same from every side."""
    return _DIRECTIONS.search(query) is None


def turned_image(image: Image.Image, turn: int) -> Image.Image:
    """The chip seen from that side."""
    operation = _OPERATIONS[turn]
    return image if operation is None else image.transpose(operation)


def turned_sample(sample: Sample, turn: int, width_px: int, height_px: int) -> Sample:
    """The sample whose chip is `turned_image` of a chip of this size (before it is turned)."""
    if turn == 0:
        return sample

    def moved(x: float, y: float) -> tuple[float, float]:
        return _moved(x, y, turn, width_px, height_px)

    boxes = []
    for box in sample.boxes_px:
        (x1, y1), (x2, y2) = moved(box[0], box[1]), moved(box[2], box[3])
        boxes.append([min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)])
    polygons = sample.polygons_px
    if polygons is not None:
        polygons = [[[[*moved(p[0], p[1])] for p in ring] for ring in one] for one in polygons]
    return replace(sample, boxes_px=boxes, polygons_px=polygons)


def _moved(x: float, y: float, turn: int, width: float, height: float) -> tuple[float, float]:
    """Where a point goes; the order is that of `_OPERATIONS` (Pillow turns counter-clockwise)."""
    return (
        (x, y),
        (y, width - x),
        (width - x, height - y),
        (height - y, x),
        (width - x, y),
        (x, height - y),
        (y, x),
        (height - y, width - x),
    )[turn]
