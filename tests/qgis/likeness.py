"""How like a sent picture is to what QGIS shows and to what is in the file: colour, and place to a part of a pixel."""

import numpy as np
from osgeo import gdal
from qgis.core import QgsMapRendererSequentialJob
from qgis.PyQt.QtGui import QColor

from geo_r1_qgis.capture.canvas_render import chip_settings
from tests.qgis.make_rasters import picture

GREY = (128, 128, 128)
FINER = 4
EDGE = 8
"""Difference between neighbours, in 0 .. 255, from which a pixel is on an edge."""


def shown_finely(plan, finer=FINER) -> np.ndarray:
    """The chip as QGIS's own renderer draws it, several times finer and averaged, on our grey: (row, column, rgb).

    QGIS takes the nearest raster pixel for each pixel that it draws, so its picture at the chip's own size is beside
    the truth by up to half a pixel; drawn finer it is beside by so much less.
    """
    settings = chip_settings(plan, finer)
    settings.setBackgroundColor(QColor(*GREY))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return _averaged(picture(job.renderedImage()).astype(np.float32), plan.frame, finer)


def off_edges(pixels: np.ndarray) -> np.ndarray:
    """Pixels that are like their four neighbours, as a mask."""
    mask = np.ones(pixels.shape[:2], bool)
    for axis in (0, 1):
        step = np.abs(np.diff(pixels.astype(np.float32), axis=axis)).max(axis=2) <= EDGE
        padding = [(0, 0), (0, 0)]
        for side in ((0, 1), (1, 0)):
            padding[axis] = side
            mask &= np.pad(step, padding, constant_values=True)
    return mask


def in_file(path: str, band_number: int, frame) -> np.ndarray:
    """The numbers of the file under each pixel of a chip, by its geotransform alone; NaN where there are none."""
    file = gdal.Open(path)
    band = file.GetRasterBand(band_number)
    numbers = band.ReadAsArray().astype(np.float64)
    numbers[~np.isfinite(numbers) | (band.GetMaskBand().ReadAsArray() == 0)] = np.nan
    to_file = gdal.InvGeoTransform(file.GetGeoTransform())
    ys, xs = (np.mgrid[0 : frame.height_px * FINER, 0 : frame.width_px * FINER] + 0.5) / FINER
    a, b, c, d, e, f = frame.affine
    x_map, y_map = a * xs + b * ys + c, d * xs + e * ys + f
    columns = np.floor(to_file[0] + to_file[1] * x_map + to_file[2] * y_map).astype(int)
    rows = np.floor(to_file[3] + to_file[4] * x_map + to_file[5] * y_map).astype(int)
    height, width = numbers.shape
    found = numbers[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    found[(rows < 0) | (columns < 0) | (rows >= height) | (columns >= width)] = np.nan
    return _averaged(found, frame, FINER)


def shift_from_file_px(grey: np.ndarray, numbers: np.ndarray) -> float:
    """How far a channel of a picture lies beside the numbers it was made from.

    The stretch is a straight line between black and white, so it is fitted first; what is then left is explained by a
    shift. NaN where there is too little structure to tell.
    """
    sure = np.isfinite(numbers) & (grey > 5) & (grey < 250)
    if sure.sum() < 200 or np.ptp(numbers[sure]) == 0:
        return float("nan")
    straight = np.polyfit(numbers[sure], grey[sure], 1)
    truth = np.where(sure, np.polyval(straight, np.where(sure, numbers, 0)), 0)
    grey = np.where(sure, grey, 0)
    down, right = np.gradient((truth + grey) / 2)
    inner = sure.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            inner &= np.roll(sure, step, axis)
    right, down, difference = right[inner], down[inner], (grey - truth)[inner]
    matrix = np.array([[right @ right, right @ down], [right @ down, down @ down]])
    if len(difference) == 0 or min(np.linalg.eigvalsh(matrix)) < 0.5 * len(difference):
        return float("nan")
    return float(np.hypot(*np.linalg.solve(matrix, [right @ difference, down @ difference])))


def _averaged(pixels: np.ndarray, frame, finer: int) -> np.ndarray:
    shape = (frame.height_px, finer, frame.width_px, finer, *pixels.shape[2:])
    return pixels.reshape(shape).mean(axis=(1, 3))
