"""What must be true of a data set before anything is learned from it; the first thing that is not is an error.

Pure: it is told the size of each chip. Bounds of single fields are those of `training_wire.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geo_r1_backend.errors import BoxOutsideChip, NothingToLearn, PlaceInTwoParts, SampleInvalid
from geo_r1_backend.training_wire import MAX_OBJECTS_PER_SAMPLE, MAX_POINTS_PER_SAMPLE, Sample

SizePx = tuple[int, int]
"""Width and height."""
ROUNDING_PX = 0.01
"""How far a coordinate may be over the edge: what is left of a number that was rounded on its way."""
RING_POINTS = 4
"""Of the smallest closed ring, its first point twice."""


def check_samples(samples: Sequence[Sample], sizes_px: Mapping[str, SizePx]) -> None:
    """Refuse what cannot be learned from, or would be tested where it was learned.

    Args:
        samples: of one data set, in order.
        sizes_px: of every chip that they name.

    Raises:
        SampleInvalid, BoxOutsideChip: a sample contradicts itself or its chip.
        PlaceInTwoParts: a place, or a chip, lies in two parts.
        NothingToLearn: no sample is for training.
    """
    for index, sample in enumerate(samples):
        _check_words(index, sample)
        width_px, height_px = sizes_px[sample.chip]
        for number, box in enumerate(sample.boxes_px):
            _check_box(index, number, box, width_px, height_px)
        if sample.polygons_px is not None:
            _check_polygons(index, sample.polygons_px, width_px, height_px)
    _check_parts(samples)
    if not any(sample.part == "train" for sample in samples):
        raise NothingToLearn(samples=len(samples))


def _check_words(index: int, sample: Sample) -> None:
    for name in ("query", "label"):
        if not getattr(sample, name).strip():
            raise SampleInvalid(sample=index, field=name, reason="has only spaces")
    count = len(sample.boxes_px)
    if sample.task == "rec" and count > 1:
        raise SampleInvalid(
            sample=index,
            field="boxes_px",
            reason=f"has {count} objects, and the task “rec” is about one",
            hint="Describe the one that is meant, or ask for all of them with the task “ovd”.",
        )
    if count > MAX_OBJECTS_PER_SAMPLE:
        raise SampleInvalid(
            sample=index,
            field="boxes_px",
            reason=f"has {count} objects; {MAX_OBJECTS_PER_SAMPLE} is the limit of a view",
            hint="Use smaller chips.",
        )
    if sample.task == "gres" and count and not sample.polygons_px:
        raise SampleInvalid(
            sample=index,
            field="polygons_px",
            reason="is empty, and the task “gres” is about outlines",
            hint="Send the outlines of all objects, or ask for boxes with the task “ovd”.",
        )


def _check_box(
    index: int, number: int, box: Sequence[float], width_px: int, height_px: int
) -> None:
    shown = ", ".join(f"{value:.6g}" for value in box[:6])
    fine = (
        len(box) == 4
        and all(math.isfinite(value) for value in box)
        and -ROUNDING_PX <= box[0] < box[2] <= width_px + ROUNDING_PX
        and -ROUNDING_PX <= box[1] < box[3] <= height_px + ROUNDING_PX
    )
    if not fine:
        raise BoxOutsideChip(
            sample=index, box=number, given_px=shown, width_px=width_px, height_px=height_px
        )


def _check_polygons(
    index: int,
    polygons: Sequence[Sequence[Sequence[Sequence[float]]]],
    width_px: int,
    height_px: int,
) -> None:
    def wrong(reason: str) -> SampleInvalid:
        return SampleInvalid(sample=index, field="polygons_px", reason=reason)

    points = 0
    for polygon in polygons:
        if not polygon:
            raise wrong("has a polygon without an outline")
        for ring in polygon:
            points += len(ring)
            if points > MAX_POINTS_PER_SAMPLE:
                raise wrong(f"has more than {MAX_POINTS_PER_SAMPLE:,} points")
            if len(ring) < RING_POINTS or list(ring[0]) != list(ring[-1]):
                raise wrong("has a ring that is not closed, or has fewer than four points")
            for point in ring:
                inside = (
                    len(point) == 2
                    and all(math.isfinite(value) for value in point)
                    and -ROUNDING_PX <= point[0] <= width_px + ROUNDING_PX
                    and -ROUNDING_PX <= point[1] <= height_px + ROUNDING_PX
                )
                if not inside:
                    raise wrong(f"has a point outside of its chip of {width_px} × {height_px} px")


def _check_parts(samples: Sequence[Sample]) -> None:
    """Neither a place nor a chip may be learned from and tested."""
    for what in ("place", "chip"):
        seen: dict[str, str] = {}
        for index, sample in enumerate(samples):
            name = getattr(sample, what)
            if not name:
                continue  # a place of its own
            first = seen.setdefault(name, sample.part)
            if first != sample.part:
                raise PlaceInTwoParts(
                    place=name, first=first, second=sample.part, sample=index, what=what
                )
