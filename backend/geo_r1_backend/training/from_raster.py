"""Polygons and the raster they were drawn on → a data set, without QGIS and by the same rules as the plugin's Train tab.

Labels are checked row by row (`label_check.py`), chips are taken around them (`chip_windows.py`), places are divided
(`split.py`): the plugin has the same three files. Everything here happens in pixels of the raster.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geo_r1_backend.chip_windows import (
    chips_per_label,
    visible_box_px,
    visible_rings_px,
    windows_around,
)
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.geo.features import Row, read_rows
from geo_r1_backend.geo.raster import RasterChip, Window, read_raster
from geo_r1_backend.label_check import Box, Check, Label, Problem, Weight, judge
from geo_r1_backend.split import Split, split_windows
from geo_r1_backend.training_wire import Part, Sample
from geo_r1_backend.wire import Task

OVERVIEW_PX = 1024
"""What is read of the whole raster to know its contrast."""
TRIES = 8
"""Other windows around a label where the first shows a neighbour that the question also fits."""


@dataclass(frozen=True)
class Source:
    """What the samples are made from."""

    raster: Path
    labels: Path
    layer: str | None = None
    field: str | None = None
    """Field with the question of each polygon."""
    expression: str | None = None
    """One question for all, instead of a field."""
    task: Task = "rec"
    held_out: float | None = None
    """Share of the labels; None = by their number."""
    seed: int = 0


@dataclass(frozen=True)
class Built:
    """Samples with their chips, and what was found on the way."""

    check: Check
    split: Split
    samples: list[Sample] = field(default_factory=list)
    chips: dict[str, bytes] = field(default_factory=dict)
    """PNG by the SHA-256 of its bytes."""
    sizes_px: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Width and height of each chip."""
    ground: list[tuple[Part, Box]] = field(default_factory=list)
    """What the chip of each sample shows, in pixels of the raster."""


def read_labels(source: Source) -> tuple[Check, RasterChip]:
    """The labels with everything that is wrong with them, and the raster as a whole.

    Raises:
        ConfigError, ChipUnreadable, MissingExtra: what cannot be read at all.
    """
    whole = read_raster(source.raster, longest_side_px=OVERVIEW_PX)
    found = read_rows(source.labels, layer=source.layer, crs_wkt=whole.crs_wkt)
    if source.expression is None:
        _check_field(source, [list(row.attributes) for row in found.rows[:1]])
    problems: list[Problem] = []
    if bool(found.crs) != bool(whole.crs_wkt):
        which = source.raster if found.crs else source.labels
        problems.append(Problem("no-crs", Weight.NOTE, values={"file": which.name}))
    if found.was_transformed:
        problems.append(Problem("transformed", Weight.NOTE, values={"crs": found.crs}))
    to_pixel = _to_pixel(whole)
    labels = []
    for row in found.rows:
        problem, label = _label(row, source, to_pixel, whole)
        if problem is not None:
            problems.append(problem)
        if label is not None:
            labels.append(label)
    return judge(labels, problems, 1.0), whole


def build(source: Source, check: Check, whole: RasterChip) -> Built:
    """Chips around the labels, with their surroundings, divided by place.

    Args:
        source: as it was checked.
        check: labels that can be used; none of its problems may block.
        whole: the raster.
    """
    labels = check.labels
    size = (whole.source_width_px, whole.source_height_px)
    count = chips_per_label(len(labels))
    possible = [_possible(label, labels, source, size, count) for label in labels]
    split, windows = split_windows(possible, seed=source.seed, held_out=source.held_out)
    built = Built(check, split)
    for label, some, part, place in zip(labels, windows, split.parts, split.places, strict=True):
        if part is None:
            continue
        for window in some:
            _add(built, source, whole, label, window, part, place)
    return built


def _check_field(source: Source, fields: Sequence[Sequence[str]]) -> None:
    there = list(fields[0]) if fields else []
    if source.field not in there:
        raise ConfigError(
            f"{source.labels.name} has no field “{source.field}”; it has: {', '.join(there) or 'no row'}.",
            hint="Name it with --expression-field, or give one question for all with --expression.",
        )


def _to_pixel(whole: RasterChip) -> npt.NDArray[np.float64]:
    """Map units to pixels of the raster itself (the overview's are larger)."""
    a, b, c, d, e, f = whole.affine
    shrunk = np.diag(
        [whole.image.width / whole.source_width_px, whole.image.height / whole.source_height_px, 1]
    )
    inverse: npt.NDArray[np.float64] = np.linalg.inv(
        np.array([[a, b, c], [d, e, f], [0, 0, 1]]) @ shrunk
    )
    return inverse


def _label(
    row: Row, source: Source, to_pixel: npt.NDArray[np.float64], whole: RasterChip
) -> tuple[Problem | None, Label | None]:
    """One row as a label, or why it is none."""
    if row.problem and row.problem != "mended-geometry":
        return Problem(row.problem, Weight.LEFT_OUT, row.fid), None
    text = source.expression
    if text is None:
        text = str(row.attributes[source.field or ""] or "")
    text = " ".join(text.split())
    if not text:
        return Problem("no-expression", Weight.LEFT_OUT, row.fid), None
    polygons = tuple(tuple(_moved(to_pixel, ring) for ring in rings) for rings in row.polygons)
    corners = np.array([point for rings in polygons for point in rings[0]])
    (left, top), (right, bottom) = corners.min(0), corners.max(0)
    box = (float(left), float(top), float(right), float(bottom))
    if (
        not np.isfinite(corners).all()
        or visible_box_px(
            [(box[0], box[1]), (box[2], box[3])], whole.source_width_px, whole.source_height_px
        )
        == []
    ):
        return Problem("outside", Weight.LEFT_OUT, row.fid), None
    note = Problem(row.problem, Weight.NOTE, row.fid) if row.problem else None
    return note, Label(row.fid, text, box, polygons)


def _moved(
    matrix: npt.NDArray[np.float64], ring: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    points = np.column_stack([np.asarray(ring, float), np.ones(len(ring))]) @ matrix.T
    return tuple((float(x), float(y)) for x, y in points[:, :2])


def _around(label: Label, count: int, seed: int) -> Iterator[Box]:
    yield from windows_around(label, units_per_px=1.0, count=count, seed=seed)


def _inside(window: Box, size: tuple[int, int]) -> Box:
    """The window in whole pixels, moved into the raster where it looks over its edge."""
    edges = []
    for low, high, limit in ((window[0], window[2], size[0]), (window[1], window[3], size[1])):
        side = min(limit, round(high - low))
        first = min(max(0, round(low)), limit - side)
        edges.append((float(first), float(first + side)))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _possible(
    label: Label, labels: Sequence[Label], source: Source, size: tuple[int, int], count: int
) -> list[Box]:
    """Windows that may be shown of a label; where one object is asked for, those that its question has one answer in."""
    found = [_inside(window, size) for window in _around(label, count, source.seed)]
    if source.task == "rec":
        more = [
            _inside(window, size)
            for number in range(TRIES)
            for window in _around(label, 1 + count, source.seed + 1 + number)
        ]
        found = [w for w in [*found, *more] if len(_seen(label, labels, w)) == 1]
    return list(dict.fromkeys(found))[:count]


def _seen(label: Label, labels: Sequence[Label], window: Box) -> list[list[float]]:
    """Boxes of everything that a window shows and the question of a label fits, in pixels of the window."""
    return [box for _, box in _shown(label, labels, window)]


def _shown(label: Label, labels: Sequence[Label], window: Box) -> list[tuple[Label, list[float]]]:
    """What a window shows and the question of a label fits, each with its box in pixels of the window."""
    width_px, height_px = window[2] - window[0], window[3] - window[1]
    shown = []
    for one in labels:
        if one.expression != label.expression:
            continue
        left, top, right, bottom = one.box
        corners = [(left - window[0], top - window[1]), (right - window[0], bottom - window[1])]
        box = visible_box_px(corners, width_px, height_px)
        if box:
            shown.append((one, box))
    return shown


def _outlines(label: Label, labels: Sequence[Label], window: Box) -> list[list[list[list[float]]]]:
    """The outlines of the same objects, cut off at the window's edges."""
    left, top, right, bottom = window
    polygons = [
        visible_rings_px(
            [[(x - left, y - top) for x, y in ring] for ring in rings], right - left, bottom - top
        )
        for one, _ in _shown(label, labels, window)
        for rings in one.polygons
    ]
    return [polygon for polygon in polygons if polygon]


def _add(
    built: Built,
    source: Source,
    whole: RasterChip,
    label: Label,
    window: Box,
    part: Part,
    place: str,
) -> None:
    left, top, right, bottom = (int(edge) for edge in window)
    cut: Window = (left, top, right - left, bottom - top)
    chip = read_raster(
        source.raster, longest_side_px=max(cut[2:]), window_px=cut, stretch=whole.stretch
    )
    stream = io.BytesIO()
    chip.image.save(stream, "PNG")
    content = stream.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    sample = Sample(
        chip=sha256,
        query=label.expression,
        task=source.task,
        boxes_px=_seen(label, built.check.labels, window),
        label=label.name or label.expression[:200],
        part=part,
        place=place,
        polygons_px=_outlines(label, built.check.labels, window) if source.task == "gres" else None,
    )
    if sample not in built.samples:
        built.samples.append(sample)
        built.ground.append((part, window))
        built.chips[sha256] = content
        built.sizes_px[sha256] = chip.image.size
