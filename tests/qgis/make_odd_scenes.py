"""Whole rasters of every kind of number, band and geometry, with three bright blocks, and eyes that see what is bright."""

import numpy as np
from osgeo import gdal, osr
from scipy import ndimage

from tests.qgis.make_rasters import picture, rotated

WIDTH_PX, HEIGHT_PX = 640, 400
BLOCKS = ((60, 50, 130, 110), (240, 200, 330, 290), (470, 60, 560, 150))
"""Boxes in pixels of the file; the last one has tiles of its own."""
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
SOUTH_UP = (500_000.0, 0.3, 0.0, 5_400_000.0 - 0.3 * HEIGHT_PX, 0.0, 0.3)
SHEARED = (500_000.0, 0.3, 0.06, 5_400_000.0, 0.03, -0.3)
ODD = {
    "1 band": {"bands": 1},
    "palette": {"bands": 1, "palette": True},
    "16 bits, no data": {"kind": gdal.GDT_UInt16, "low": 900, "high": 41_000, "nodata": 0},
    "numbers with a point, no data": {"bands": 1, "kind": gdal.GDT_Float32, "low": -0.2, "high": 0.9, "nodata": -9999.0},
    "not a number is no data": {"bands": 1, "kind": gdal.GDT_Float32, "low": 1e3, "high": 1e5, "nodata": float("nan")},
    "rotated": {"geotransform": rotated(UTM, 25)},
    "sheared": {"geotransform": SHEARED},
    "south-up": {"geotransform": SOUTH_UP},
    "no CRS": {"epsg": None},
}  # fmt: skip


def make_odd(
    path, *, bands=3, kind=gdal.GDT_Byte, low=20, high=250, nodata=None, palette=False, geotransform=UTM, epsg=32633
):  # fmt: skip
    """Write one; with `nodata`, the eastern half has none but for the block in it.

    Args:
        path: of the GeoTIFF.
        bands: how many.
        kind: GDAL's type.
        low: number of the ground, which rises a little to the east.
        high: number of the blocks.
        nodata: number of what is not known.
        palette: the numbers stand for colours.
        geotransform: GDAL's six numbers.
        epsg: of the CRS, or none.
    """
    pixels = np.linspace(low, low + (high - low) * 0.3, WIDTH_PX)[None].repeat(HEIGHT_PX, axis=0)
    if palette:
        pixels = np.zeros((HEIGHT_PX, WIDTH_PX))
    for x0, y0, x1, y1 in BLOCKS:
        pixels[y0:y1, x0:x1] = 5 if palette else high
    if nodata is not None:
        pixels[HEIGHT_PX // 2 :, WIDTH_PX // 2 + 30 :] = nodata
    file = gdal.GetDriverByName("GTiff").Create(str(path), WIDTH_PX, HEIGHT_PX, bands, kind)
    file.SetGeoTransform(geotransform)
    if epsg:
        crs = osr.SpatialReference()
        crs.ImportFromEPSG(epsg)
        file.SetProjection(crs.ExportToWkt())
    for number in range(1, bands + 1):
        band = file.GetRasterBand(number)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if palette:
            table = gdal.ColorTable()
            table.SetColorEntry(0, (40, 60, 30, 255))
            table.SetColorEntry(5, (250, 250, 240, 255))
            band.SetColorTable(table)
        band.WriteArray(pixels)
    file.FlushCache()
    return str(path)


def bright_things(_item, image):
    """The box of everything bright, for `StubService.answer_items`."""
    bright = picture(image).min(axis=2) > 200
    parts = ndimage.find_objects(ndimage.label(ndimage.binary_opening(bright, iterations=2))[0])
    return [
        {"rank": rank, "label": "roof", "box_px": [float(x.start), float(y.start), float(x.stop), float(y.stop)]}
        for rank, (y, x) in enumerate(parts)
    ]  # fmt: skip


def outlines(geotransform):
    """Bounds (left, bottom, right, top) in map units of the blocks of a file."""
    found = []
    for x0, y0, x1, y1 in BLOCKS:
        corners = [gdal.ApplyGeoTransform(geotransform, x, y) for x in (x0, x1) for y in (y0, y1)]
        xs, ys = zip(*corners, strict=True)
        found.append((min(xs), min(ys), max(xs), max(ys)))
    return sorted(found)


def make_empty(path, width_px, height_px):
    """A tiled file of any size without a pixel in it, which takes no room on the disk."""
    options = ["SPARSE_OK=TRUE", "TILED=YES", "BIGTIFF=YES"]
    file = gdal.GetDriverByName("GTiff").Create(str(path), width_px, height_px, 3, options=options)
    file.SetGeoTransform(UTM)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    file.SetProjection(crs.ExportToWkt())
    del file
    return str(path)
