"""A raster with heaps of tyres, and a GeoPackage with their outlines: what a user of `geo-r1 train` has. Not a test itself."""

from __future__ import annotations

import numpy as np
import pyogrio
import pyproj
import rasterio
import shapely
from rasterio.transform import Affine

EAST, NORTH, PIXEL_M = 500_000.0, 5_800_000.0, 0.5
CRS = "EPSG:32633"


def write_raster(path, *, side_px=2400, heaps_px=(), dtype="uint8", crs=CRS, seed=0):
    """A noisy ground with dark squares at these boxes (pixels)."""
    dice = np.random.default_rng(seed)
    scale = 1 if dtype == "uint8" else 20
    ground = dice.integers(120, 160, (3, side_px, side_px), endpoint=True) * scale
    for left, top, right, bottom in heaps_px:
        ground[:, top:bottom, left:right] = np.array([40, 30, 60])[:, None, None] * scale
    profile = {
        "driver": "GTiff",
        "width": side_px,
        "height": side_px,
        "count": 3,
        "dtype": dtype,
        "crs": crs,
        "transform": Affine(PIXEL_M, 0, EAST, 0, -PIXEL_M, NORTH),
        "photometric": "RGB",
        "tiled": True,
    }
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(ground.astype(dtype))
    return path


def outline(box_px):
    """A box of pixels in map units."""
    left, top, right, bottom = (value * PIXEL_M for value in box_px)
    return shapely.box(EAST + left, NORTH - bottom, EAST + right, NORTH - top)


def write_labels(path, shapes, texts, *, crs=CRS, field="what"):
    """Outlines in map units with one text each, in a CRS of choice; None is a row without geometry."""
    shapes = np.array(shapes, dtype=object)
    there = np.array([shape is not None for shape in shapes])
    if crs != CRS:
        onto = pyproj.Transformer.from_crs(CRS, crs, always_xy=True)
        shapes[there] = shapely.transform(shapes[there], onto.transform, interleaved=False)
    geometry = np.array(
        [shape.wkb if shape is not None else None for shape in shapes], dtype=object
    )
    pyogrio.raw.write(
        path, geometry, [np.array(texts, dtype=object)], [field],
        layer="labels", crs=crs, geometry_type="Unknown", driver="GPKG",
    )  # fmt: skip
    return path


def scattered(count, *, side_px=2400, size_px=24, apart_px=500, seed=1):
    """Boxes of objects on a loose grid, so far apart that each is a place of its own."""
    dice = np.random.default_rng(seed)
    places = [(x, y) for x in range(120, side_px - 120, apart_px) for y in range(120, side_px - 120, apart_px)]  # fmt: skip
    dice.shuffle(places)
    assert len(places) >= count
    return [(x, y, x + size_px, y + size_px) for x, y in places[:count]]
