"""Rasters far larger than the picture: right, in memory that does not grow with the file, and stopped at once."""

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsRasterLayer, QgsRectangle

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Cancelled, Done
from tests.qgis.make_big_raster import MARK, BigRaster
from tests.qgis.make_rasters import picture, write_tiff
from tests.qgis.test_capture_render import UTM, settings_over

MEGAPIXELS = {1: 1_000, 62: 7_874, 900: 30_000}
MAX_GROWTH_MB = 40


def big_layer(tmp_path, side_px, with_overviews, marked_tile=(0, 0)):
    big = BigRaster(side_px, marked_tile)
    path = big.write(tmp_path / "big.tif", with_overviews)
    return big, QgsRasterLayer(str(path), "big")


def test_made_raster_is_a_true_one(tmp_path, qgis_app):
    """The generator's files are read by GDAL as what they say they are, overviews included."""
    path = BigRaster(2_000, (2, 1)).write(tmp_path / "big.tif", with_overviews=True)
    file = gdal.Open(str(path))

    assert (file.RasterXSize, file.RasterYSize, file.RasterCount) == (2_000, 2_000, 3)
    assert file.GetGeoTransform() == UTM
    assert file.GetRasterBand(1).GetOverviewCount() == 2
    full = file.ReadAsArray().transpose(1, 2, 0)
    assert (full[512:1024, 1024:1536] == MARK).all()
    half = np.stack([file.GetRasterBand(n).GetOverview(0).ReadAsArray() for n in (1, 2, 3)], 2)
    assert np.abs(half - full.reshape(1000, 2, 1000, 2, 3).mean(axis=(1, 3))).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("with_overviews", [False, True], ids=["no overviews", "overviews"])
@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:3857"])
def test_whole_of_900_megapixels_is_right(tmp_path, qgis_app, crs, with_overviews):
    """Zoomed out over 30,000 x 30,000 pixels, a mark of 512 pixels is where and as large as it is on the ground."""
    big, layer = big_layer(tmp_path, 30_000, with_overviews, marked_tile=(41, 17))
    plan = plan_view(settings_over(layer, crs), layer)

    task = CaptureTask(plan)
    task.run()

    assert isinstance(task.outcome, Done), task.outcome
    pixels = picture(task.outcome.value.image_bytes).astype(float)
    red = np.clip((pixels[..., 0] - pixels[..., 1]) / (MARK[0] - MARK[1]), 0, 1)
    red[red < 0.1] = 0
    ys, xs = np.mgrid[0 : red.shape[0], 0 : red.shape[1]] + 0.5
    found = (xs * red).sum() / red.sum(), (ys * red).sum() / red.sum()
    to_map = settings_over(layer, crs).layerTransform(layer)
    extent = QgsRectangle(*big.marked_map())
    middle = to_map.transform(extent.center())
    truth = plan.frame.map_to_px(middle.x(), middle.y())
    assert np.hypot(found[0] - truth[0], found[1] - truth[1]) < 0.25
    area_map = (
        to_map.transformBoundingBox(extent).width() * to_map.transformBoundingBox(extent).height()
    )
    area_px = area_map / abs(plan.frame.affine[0] * plan.frame.affine[4])
    assert red.sum() == pytest.approx(area_px, rel=0.03)
    assert task.outcome.value.empty_share < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["tiles", "rows"])
def test_zoomed_out_read_averages_and_keeps_its_place(tmp_path, qgis_app, layout):
    """Cells that are read apart and averaged one by one leave no seam: beside numpy's own average they are equal."""
    rng = np.random.default_rng(8)
    rough = sum(
        np.kron(rng.normal(0, 25, (3, 3072 // n, 3072 // n)), np.ones((n, n)))
        for n in (16, 64, 256)
    )
    pixels = np.clip(rough + 120, 0, 255).astype(np.uint8)
    path = tmp_path / "seams.tif"
    write_tiff(path, pixels, UTM, 32633)
    if layout == "tiles":
        gdal.Translate(str(tmp_path / "tiled.tif"), str(path), creationOptions=["TILED=YES"])
        path = tmp_path / "tiled.tif"
    layer = QgsRasterLayer(str(path), "seams")
    plan = plan_view(settings_over(layer, size=(1024, 1024)), layer)
    assert (plan.frame.width_px, plan.frame.height_px) == (1024, 1024)

    task = CaptureTask(plan)
    task.run()

    sent = picture(task.outcome.value.image_bytes).astype(float)
    truth = pixels.reshape(3, 1024, 3, 1024, 3).mean(axis=(2, 4)).transpose(1, 2, 0)
    difference = np.abs(sent - truth)[2:-2, 2:-2]
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99.5) < 12


def measured(tmp_path, megapixels, with_overviews):
    """Memory that a process takes, at most, to ask for a part and the whole of a raster of that size."""
    side_px = MEGAPIXELS[megapixels]
    path = BigRaster(side_px).write(tmp_path / f"{megapixels}.tif", with_overviews)
    # At the first load QGIS reads a sample for its statistics and leaves them beside the file; that is not measured here.
    QgsRasterLayer(str(path), "first load")
    assert path.with_suffix(".tif.aux.xml").exists()
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), HOME=str(tmp_path))
    told = subprocess.run(
        [sys.executable, "-m", "tests.qgis.measure_capture", str(path), str(1_000 / side_px)],
        env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])["grown_mb"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path, qgis_app):
    """A part and the whole of 62 and of 900 million pixels take no more memory than those of one million."""
    small_mb = measured(tmp_path, 1, with_overviews=False)
    grown_mb = {
        (size, with_overviews): measured(tmp_path, size, with_overviews) - small_mb
        for size in (62, 900)
        for with_overviews in (False, True)
    }

    assert max(grown_mb.values()) < MAX_GROWTH_MB, grown_mb


@pytest.mark.slow
def test_cache_of_gdal_keeps_the_users_limit(tmp_path, qgis_app):
    """A picture leaves neither its decoded blocks in GDAL's cache nor another limit of it."""
    _, layer = big_layer(tmp_path, 7_874, with_overviews=False)
    limit_bytes, used_bytes = gdal.GetCacheMax(), gdal.GetCacheUsed()

    CaptureTask(plan_view(settings_over(layer), layer)).run()

    assert gdal.GetCacheMax() == limit_bytes
    assert gdal.GetCacheUsed() - used_bytes < 10_000_000


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["tiles", "rows"])
@pytest.mark.parametrize("wait_s", [0.0, 0.05, 0.3])
def test_stop_ends_the_whole_view_of_a_big_raster(tmp_path, qgis_app, wait_s, layout):
    """Without overviews 900 million pixels must be decoded; Stop at any moment ends that within a second."""
    if layout == "tiles":
        _, layer = big_layer(tmp_path, 30_000, with_overviews=False)
    else:
        layer = QgsRasterLayer(str(by_rows(tmp_path / "rows.tif")), "rows")
    task = CaptureTask(plan_view(settings_over(layer, size=(1_200, 900)), layer))
    stopped = []

    def stop():
        stopped.append(time.perf_counter())
        task.cancel()

    timer = threading.Timer(wait_s, stop)
    timer.start()
    task.run()
    ended = time.perf_counter()
    timer.join()

    assert isinstance(task.outcome, Cancelled) or ended < stopped[0], task.outcome
    assert ended - stopped[0] < 1.0


def by_rows(path):
    """30,000 x 30,000 grey pixels compressed in rows of the whole width, as many programs write; one empty file."""
    options = ["COMPRESS=DEFLATE", "SPARSE_OK=TRUE", "BLOCKYSIZE=64"]
    file = gdal.GetDriverByName("GTiff").Create(
        str(path), 30_000, 30_000, 1, gdal.GDT_Byte, options
    )
    file.SetGeoTransform(UTM)
    row = np.full((64, 30_000), 90, np.uint8)
    row[:, ::7] = 200
    for top in range(0, 30_000 - 64, 64 * 8):
        file.WriteRaster(0, top, 30_000, 64, row.tobytes())
    file.FlushCache()
    return path
