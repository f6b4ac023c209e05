"""Small GeoTIFFs with coloured squares at known places, and the finding of those squares in a picture."""

import math
from dataclasses import dataclass

import numpy as np
from osgeo import gdal, osr
from qgis.core import QgsPointXY
from qgis.PyQt.QtGui import QImage

gdal.UseExceptions()

WIDTH_PX, HEIGHT_PX = 400, 300
SQUARE_PX = 24
COLOURS = {
    "red": (230, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 230),
    "yellow": (230, 220, 10),
}
PLACES = {"red": (60, 50), "green": (200, 40), "blue": (90, 220), "yellow": (260, 170)}
"""Upper left corner of each square, in raster pixels; no two at mirrored places."""
BACKGROUND = 90


@dataclass(frozen=True)
class Marked:
    """A raster file and where the middles of its squares lie, in the raster's CRS."""

    path: str
    middles: dict


def make_marked(path, geotransform, epsg=None, wkt=None, bands=3, nodata=None) -> Marked:
    """Write the raster with the four squares."""
    pixels = np.full((bands, HEIGHT_PX, WIDTH_PX), BACKGROUND, np.uint8)
    for name, (x, y) in PLACES.items():
        for band in range(min(3, bands)):
            pixels[band, y : y + SQUARE_PX, x : x + SQUARE_PX] = COLOURS[name][band]
    write_tiff(path, pixels, geotransform, epsg, wkt, nodata)
    middles = {}
    for name, (x, y) in PLACES.items():
        middle_x, middle_y = gdal.ApplyGeoTransform(
            geotransform, x + SQUARE_PX / 2, y + SQUARE_PX / 2
        )
        middles[name] = QgsPointXY(middle_x, middle_y)
    return Marked(str(path), middles)


def write_tiff(
    path, pixels, geotransform, epsg=None, wkt=None, nodata=None, data_type=gdal.GDT_Byte
):
    """Write ``pixels`` (band, row, column) as a GeoTIFF."""
    bands, height, width = pixels.shape
    file = gdal.GetDriverByName("GTiff").Create(str(path), width, height, bands, data_type)
    file.SetGeoTransform(geotransform)
    if epsg or wkt:
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(epsg) if epsg else crs.ImportFromWkt(wkt)
        file.SetProjection(crs.ExportToWkt())
    for index in range(bands):
        band = file.GetRasterBand(index + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.WriteRaster(0, 0, width, height, np.ascontiguousarray(pixels[index]).tobytes())
    file.FlushCache()


def rotated(geotransform, degrees):
    """The same raster turned about its first corner."""
    x, a, b, y, d, e = geotransform
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (
        x,
        a * cosine - d * sine,
        b * cosine - e * sine,
        y,
        a * sine + d * cosine,
        b * sine + e * cosine,
    )


def picture(image) -> np.ndarray:
    """PNG bytes or a QImage as (row, column, rgb)."""
    if isinstance(image, bytes):
        image = QImage.fromData(image, "PNG")
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.height() * image.bytesPerLine())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4)[:, :, :3].copy()


def middle_of(colour, pixels):
    """Middle of the square of one colour in the picture (x, y); mixed pixels on its edge count by their share."""
    to_colour = np.array(COLOURS[colour], float) - BACKGROUND
    share = np.clip((pixels - float(BACKGROUND)) @ to_colour / (to_colour @ to_colour), 0, 1)
    off_axis = np.abs(pixels - float(BACKGROUND) - share[..., None] * to_colour).sum(axis=2)
    sure = (share > 0.8) & (off_axis < 60)
    if not sure.any():
        return None
    ys, xs = np.nonzero(sure)
    left, right, top, bottom = xs.min() - 3, xs.max() + 4, ys.min() - 3, ys.max() + 4
    if left < 0 or top < 0 or right > pixels.shape[1] or bottom > pixels.shape[0]:
        return None  # cut by the border of the picture
    near = share[top:bottom, left:right]
    ys, xs = np.mgrid[top:bottom, left:right] + 0.5
    return (xs * near).sum() / near.sum(), (ys * near).sum() / near.sum()


HUGE_PX, FILLED_PX, FILLED_AT_PX = 30_000, 2048, 14_000


def make_huge(path, geotransform, epsg, *, overviews):
    """30,000 × 30,000 pixels in tiles, with noise in the middle and nothing elsewhere; 13 MB on disk."""
    options = ["TILED=YES", "COMPRESS=DEFLATE", "SPARSE_OK=TRUE", "BIGTIFF=YES"]
    driver = gdal.GetDriverByName("GTiff")
    file = driver.Create(str(path), HUGE_PX, HUGE_PX, 3, gdal.GDT_Byte, options)
    file.SetGeoTransform(geotransform)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    file.SetProjection(crs.ExportToWkt())
    noise = np.random.default_rng(1).integers(1, 255, (3, FILLED_PX, FILLED_PX), np.uint8)
    file.WriteRaster(
        FILLED_AT_PX, FILLED_AT_PX, FILLED_PX, FILLED_PX, noise.tobytes(), band_list=[1, 2, 3]
    )
    if overviews:
        _add_overviews(file, noise)
    file.FlushCache()


def _add_overviews(file, noise):
    """Every second, fourth, … pixel; computing them from 900 million empty ones would take half a minute."""
    factors = [2, 4, 8, 16, 32, 64]
    gdal.SetConfigOption("SPARSE_OK_OVERVIEW", "ON")
    file.BuildOverviews("NONE", factors)
    gdal.SetConfigOption("SPARSE_OK_OVERVIEW", None)
    for number, factor in enumerate(factors):
        for index in range(3):
            small = np.ascontiguousarray(noise[index, ::factor, ::factor])
            at, side = FILLED_AT_PX // factor, small.shape[0]
            band = file.GetRasterBand(index + 1).GetOverview(number)
            band.WriteRaster(at, at, side, side, small.tobytes())
