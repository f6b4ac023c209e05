"""Small rasters of every kind of number, band and file, made in a moment."""

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()

WIDTH_PX, HEIGHT_PX = 240, 160
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
RGBA = (gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand, gdal.GCI_AlphaBand)
HOLE = (slice(20, 60), slice(20, 90))
"""Rows and columns that a raster with a hole has no data in."""


def scene(bands: int, low: float, high: float, seed: int = 3) -> np.ndarray:
    """Fields of several sizes (band, row, column) from `low` to `high`."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((bands, HEIGHT_PX, WIDTH_PX))
    for size in (5, 12, 30):
        shape = (bands, HEIGHT_PX // size + 1, WIDTH_PX // size + 1)
        rough = np.kron(rng.normal(0, 1, shape), np.ones((1, size, size)))
        pixels += rough[:, :HEIGHT_PX, :WIDTH_PX]
    pixels -= pixels.min()
    return low + pixels / pixels.max() * (high - low)


def with_hole(pixels: np.ndarray, value: float) -> np.ndarray:
    """The same with one number in the hole of every band."""
    pixels = pixels.copy()
    pixels[(slice(None), *HOLE)] = value
    return pixels


def make(path, pixels, kind, *, options=(), nodata=None, colours=(), before=None, driver="GTiff"):
    """Write a raster in EPSG:32633.

    Args:
        path: where to.
        pixels: (band, row, column).
        kind: GDAL's type.
        options: of the driver.
        nodata: number of no data.
        colours: colour interpretation of the first bands.
        before: called with the open file before the pixels are written.
        driver: GDAL's name of the format.
    """
    bands, height, width = pixels.shape
    file = gdal.GetDriverByName(driver).Create(str(path), width, height, bands, kind, list(options))
    file.SetGeoTransform(UTM)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    file.SetProjection(crs.ExportToWkt())
    for index in range(bands):
        band = file.GetRasterBand(index + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if index < len(colours):
            band.SetColorInterpretation(colours[index])
    if before is not None:
        before(file)
    for index in range(bands):
        file.GetRasterBand(index + 1).WriteArray(pixels[index])
    file.FlushCache()
    del file
    return path


def palette(file) -> None:
    """Eight colours, one of them transparent."""
    table = gdal.ColorTable()
    for number in range(8):
        alpha = 0 if number == 3 else 255
        table.SetColorEntry(number, (number * 30, 255 - number * 30, number * 70 % 256, alpha))
    file.GetRasterBand(1).SetColorTable(table)


def mask(file) -> None:
    """A mask of the whole file, with the hole in it."""
    file.CreateMaskBand(gdal.GMF_PER_DATASET)
    shown = np.full((HEIGHT_PX, WIDTH_PX), 255, np.uint8)
    shown[HOLE] = 0
    file.GetRasterBand(1).GetMaskBand().WriteArray(shown)
