"""Your own data: a polygon layer and the raster it was drawn on.

One text field says what each polygon is (`query` where the layer has it; --field names another). The raster is cut into windows side by
side. Asked for all objects (`ovd`, the default), every text that occurs anywhere in the layer is asked for in every window, also
where nothing of it is: so the layer must be complete within the raster. Asked for one (`rec`) or for masks (`gres`), only windows with
such an object are used. A text of which an object is cut by the border of a window is not asked for there. Windows without data are left
out. Nothing here is a published format: it is the plugin's own result layer, or any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.formats.needed import needed
from geo_r1_backend.evaluation.masks import Mask, polygon_mask
from geo_r1_backend.evaluation.sample import Sample
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.geo.features import Feature, read_features
from geo_r1_backend.geo.raster import NODATA_GREY, SUFFIXES, RasterChip, Window, read_raster
from geo_r1_backend.wire import Task

USUAL_FIELDS = ("query", "label", "class", "name", "kind")
WINDOW_PX = 448
WHOLE = 0.97
"""Visible share of an object's box from which it counts as whole."""
GONE = 0.03
"""Visible share below which it is not in the window."""

Outline = tuple[npt.NDArray[np.float64], ...]
"""Rings of one polygon, ``(n, 2)`` pixels of the raster."""


@dataclass(frozen=True)
class _Object:
    text: str
    outlines: tuple[Outline, ...]
    box_px: Box


def read_geopackage(
    data: Path,
    *,
    raster: Path | None = None,
    layer: str | None = None,
    text_field: str | None = None,
    task: Task = "ovd",
    window_px: int = WINDOW_PX,
) -> list[Sample]:
    """Questions about windows of a raster.

    Args:
        data: the GeoPackage, or a folder with one GeoPackage and one raster.
        raster: where it does not lie beside the GeoPackage.
        layer: of the GeoPackage.
        text_field: field with what is asked for.
        task: `ovd`, `rec` or `gres`.
        window_px: side of a window, in pixels of the raster.

    Raises:
        ConfigError: naming what is missing or cannot be used.
    """
    vectors = needed(data) if data.suffix else _only(data, (".gpkg",), "GeoPackage")
    pixels = needed(raster) if raster else _only(vectors.parent, SUFFIXES, "raster", vectors)
    whole = read_raster(pixels, longest_side_px=64)
    features = read_features(vectors, layer=layer, crs_wkt=whole.crs_wkt)
    name = _field_of(features, text_field, vectors)
    objects = _in_pixels(features, name, whole)
    return list(_asked(pixels, whole, objects, task, window_px))


def _only(folder: Path, suffixes: Sequence[str], what: str, other: Path | None = None) -> Path:
    there = needed(folder)
    found = sorted(p for p in there.iterdir() if p.suffix.lower() in suffixes and p != other)
    if len(found) != 1:
        listed = ", ".join(p.name for p in found) or "none"
        raise ConfigError(
            f"{folder} should hold one {what}; there is: {listed}.",
            hint=f"One file ending in {', '.join(suffixes)} is expected in that folder; or name both: --data FILE.gpkg --raster FILE.tif.",
        )
    return found[0]


def _field_of(features: Sequence[Feature], wanted: str | None, path: Path) -> str:
    there = list(features[0].attributes) if features else []
    for name in [wanted] if wanted else USUAL_FIELDS:
        if name in there:
            return name
    raise ConfigError(
        f"{path.name} has no field {' or '.join([wanted] if wanted else USUAL_FIELDS)}; it has: {', '.join(there) or 'no feature'}.",
        hint="Name the field that says what each polygon is: --field NAME.",
    )


def _in_pixels(features: Sequence[Feature], name: str, whole: RasterChip) -> list[_Object]:
    a, b, c, d, e, f = whole.affine
    to_map = np.array([[a, b, c], [d, e, f], [0, 0, 1]])
    # the chip was shrunk; the raster's own pixels are wanted
    shrunk = np.diag(
        [whole.image.width / whole.source_width_px, whole.image.height / whole.source_height_px, 1]
    )
    to_pixel = np.linalg.inv(to_map @ shrunk)
    objects = []
    for feature in features:
        text = str(feature.attributes[name] or "").strip()
        outlines = tuple(
            tuple(_through(to_pixel, ring) for ring in rings) for rings in feature.polygons
        )
        corners = np.concatenate([rings[0] for rings in outlines])
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        if text:
            objects.append(_Object(text, outlines, (float(x0), float(y0), float(x1), float(y1))))
    return objects


def _through(
    matrix: npt.NDArray[np.float64], ring: Sequence[tuple[float, float]]
) -> npt.NDArray[np.float64]:
    points = np.column_stack([np.asarray(ring, float), np.ones(len(ring))])
    moved: npt.NDArray[np.float64] = (points @ matrix.T)[:, :2]
    return moved


def _asked(
    path: Path, whole: RasterChip, objects: Sequence[_Object], task: Task, window_px: int
) -> Iterator[Sample]:
    texts = sorted({one.text for one in objects})
    for window in _windows(whole.source_width_px, whole.source_height_px, window_px):
        left, top, *_ = window
        inside: dict[str, list[_Object]] = defaultdict(list)
        cut: set[str] = set()
        for one in objects:
            share = _visible(one.box_px, window)
            if share >= WHOLE:
                inside[one.text].append(one)
            elif share > GONE:
                cut.add(one.text)
        wanted = [t for t in texts if t not in cut and (inside[t] or task == "ovd")]
        if not wanted or _is_empty(path, window):
            continue
        for text in wanted:
            if task == "rec" and len(inside[text]) != 1:
                continue  # which one is meant is not said
            yield Sample(
                id=f"{text} at {left},{top}",
                picture=f"{path.name} {left},{top}",
                task=task,
                query=text,
                read_image=lambda window=window: _chip(path, window).image,  # type: ignore[misc]
                kind=text,
                unique=True if task == "rec" else None,
                truth_px=tuple(_shifted(o.box_px, window) for o in inside[text]),
                read_mask=(
                    lambda found=tuple(inside[text]), window=window: _mask(found, window)  # type: ignore[misc]
                )
                if task == "gres"
                else None,
            )


def _windows(width_px: int, height_px: int, side_px: int) -> Iterator[Window]:
    """Side by side; a rest at the right and at the bottom of less than half a window is left out, unless it is all there is."""
    for top in range(0, max(1, height_px - side_px // 2), side_px):
        for left in range(0, max(1, width_px - side_px // 2), side_px):
            yield left, top, min(side_px, width_px - left), min(side_px, height_px - top)


def _visible(box: Box, window: Window) -> float:
    left, top, width, height = window
    across = min(box[2], left + width) - max(box[0], left)
    down = min(box[3], top + height) - max(box[1], top)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0.0, across) * max(0.0, down) / area if area > 0 else 0.0


def _shifted(box: Box, window: Window) -> Box:
    left, top, width, height = window
    return (
        max(0.0, box[0] - left),
        max(0.0, box[1] - top),
        min(float(width), box[2] - left),
        min(float(height), box[3] - top),
    )


def _mask(objects: Sequence[_Object], window: Window) -> Mask:
    left, top, width, height = window
    polygons = [
        [(ring - (left, top)).tolist() for ring in rings] for o in objects for rings in o.outlines
    ]
    return polygon_mask(polygons, height, width)


@lru_cache(maxsize=4)
def _chip(path: Path, window: Window) -> RasterChip:
    return read_raster(path, longest_side_px=max(window[2:]), window_px=window)


def _is_empty(path: Path, window: Window) -> bool:
    return bool((np.asarray(_chip(path, window).image) == NODATA_GREY).all())
