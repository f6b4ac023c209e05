"""Georeferenced rasters → an 8-bit chip and the map position of its pixels; the only importer of rasterio.

It reads at the resolution that is wanted, through overviews where there are some, so a raster of any size fits into
memory. It does not decide what a model sees; that is `engines/resize.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geo_r1_backend.errors import ChipUnreadable, MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".asc", ".gpkg")
NODATA_GREY = 127
"""Pixels without data: the colour that models see where there is nothing (`engines/resize.py` pads with it)."""
STRETCH_PERCENT = (2.0, 98.0)
"""Cumulative cut, as QGIS stretches rasters of more than 8 bits by default."""
RGB = 3

Affine6 = tuple[float, float, float, float, float, float]
"""``x = a·column + b·row + c``, ``y = d·column + e·row + f``."""


@dataclass(frozen=True)
class RasterChip:
    """An image that can be asked about, and where it lies."""

    image: Image
    affine: Affine6
    """Chip pixel to map."""
    crs_wkt: str
    """Empty = the raster says nothing about its place."""
    source_width_px: int
    source_height_px: int
    stretch: Stretch | None = None
    """How it was brought to 8 bits; none where it has them by itself."""

    def to_map(self, x_px: float, y_px: float) -> tuple[float, float]:
        """A chip position in map units."""
        a, b, c, d, e, f = self.affine
        return a * x_px + b * y_px + c, d * x_px + e * y_px + f


Window = tuple[int, int, int, int]
"""Left, top, width and height of a part of a raster, in its own pixels."""


Stretch = tuple[tuple[float, float], ...]
"""What becomes black and what white, band by band."""


def read_raster(
    path: Path,
    *,
    longest_side_px: int,
    window_px: Window | None = None,
    stretch: Stretch | None = None,
) -> RasterChip:
    """A raster, or a part of it, as a chip whose longer side is at most ``longest_side_px``.

    A raster of more than 8 bits is stretched over what is read: two parts of one raster may differ in contrast, unless
    they are told one ``stretch``, such as that of the whole (`RasterChip.stretch`).

    Raises:
        MissingExtra: if rasterio is not installed.
        ChipUnreadable: if GDAL cannot read the file.
    """
    try:
        import rasterio
        import rasterio.windows
        from rasterio.enums import ColorInterp, Resampling
        from rasterio.errors import RasterioError
    except ImportError as error:
        raise MissingExtra(extra="geo", package="rasterio", what="Reading a GeoTIFF") from error
    from PIL import Image

    try:
        with rasterio.open(path) as source:
            left, top, width, height = window_px or (0, 0, source.width, source.height)
            part = rasterio.windows.Window(left, top, width, height)
            shrink = max(1.0, max(width, height) / longest_side_px)
            width_px = max(1, round(width / shrink))
            height_px = max(1, round(height / shrink))
            palette = ColorInterp.palette in source.colorinterp[:1]
            # indices of a palette and categories have no average
            how = Resampling.nearest if palette else Resampling.average
            bands = _band_numbers(source, ColorInterp)
            shape = (len(bands), height_px, width_px)
            values = source.read(bands, window=part, out_shape=shape, resampling=how)
            valid = source.dataset_mask(window=part, out_shape=(height_px, width_px)) > 0
            colours = source.colormap(1) if palette else None
            a, b, c, d, e, f = tuple(source.transform)[:6]
            corner = (a, b, a * left + b * top + c, d, e, d * left + e * top + f)
            affine = _scaled(corner, width / width_px, height / height_px)
            crs_wkt = source.crs.to_wkt() if source.crs else ""
            size = (source.width, source.height)
    except RasterioError as error:
        # rasterio's own words are often only "see previous exception"
        said = str(error.__cause__ or error).strip().rstrip(".")
        raise ChipUnreadable(
            reason=f"GDAL says: {said}", hint="Check the file with gdalinfo."
        ) from error
    if stretch is None and values.dtype != np.uint8:
        stretch = tuple(_limits(band, valid) for band in values)
    pixels = _through_palette(values[0], colours) if colours else _to_8_bit(values, stretch)
    pixels[~valid] = NODATA_GREY
    return RasterChip(Image.fromarray(pixels), affine, crs_wkt, *size, stretch=stretch)


def _scaled(affine: Affine6, columns: float, rows: float) -> Affine6:
    """The affine of pixels that are so many source columns wide and rows high."""
    a, b, c, d, e, f = affine
    return a * columns, b * rows, c, d * columns, e * rows, f


def _band_numbers(source: Any, colour: Any) -> list[int]:
    """Red, green and blue where the raster names them, else the first three, else the first."""
    named = {interpretation: number for number, interpretation in enumerate(source.colorinterp, 1)}
    wanted = (colour.red, colour.green, colour.blue)
    if all(one in named for one in wanted):
        return [named[one] for one in wanted]
    others = [n for n, one in enumerate(source.colorinterp, 1) if one != colour.alpha]
    return others[:RGB] if len(others) >= RGB else others[:1]


def _to_8_bit(values: npt.NDArray[Any], stretch: Stretch | None) -> npt.NDArray[np.uint8]:
    """Bands ``(B, H, W)`` of any type as RGB ``(H, W, 3)``; more than 8 bits are stretched, band by band."""
    if values.dtype != np.uint8 and stretch is not None:
        values = np.stack([_stretch(*both) for both in zip(values, stretch, strict=True)])
    if len(values) == 1:
        values = np.repeat(values, RGB, axis=0)
    return np.ascontiguousarray(np.moveaxis(values, 0, -1))


def _limits(band: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """What becomes black and what white; the same number where nothing is there to be seen."""
    numbers = band.astype(np.float32)
    usable = numbers[valid & np.isfinite(numbers)]
    if usable.size == 0:
        return math.inf, math.inf
    low, high = np.percentile(usable, STRETCH_PERCENT)
    return float(low), float(high)


def _stretch(band: npt.NDArray[Any], limits: tuple[float, float]) -> npt.NDArray[np.uint8]:
    low, high = limits
    if not math.isfinite(low):
        return np.zeros(band.shape, np.uint8)
    numbers = band.astype(np.float32)
    span = max(high - low, 1e-12)
    scaled = np.nan_to_num((numbers - low) / span * 255.0)
    stretched: npt.NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return stretched


def _through_palette(
    indices: npt.NDArray[Any], colours: dict[int, tuple[int, ...]]
) -> npt.NDArray[np.uint8]:
    table = np.zeros((max(256, max(colours) + 1), RGB), np.uint8)
    for index, colour in colours.items():
        table[index] = colour[:RGB]
    pixels: npt.NDArray[np.uint8] = table[indices]
    return pixels
