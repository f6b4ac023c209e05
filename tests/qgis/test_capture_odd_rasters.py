"""Every odd raster that we know: the picture is what QGIS shows and lies where the file says, or there is a sentence."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsMapSettings, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QSize

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Done, Failed
from tests.qgis.likeness import GREY, in_file, off_edges, shift_from_file_px, shown_finely
from tests.qgis.make_rasters import picture
from tests.qgis.test_capture_render import settings_over

VIEW_PX = (320, 240)


class Odd(NamedTuple):
    """What a file is, and what must come of it."""

    what: str
    sentence: str = ""
    """Part of the error that is expected instead of a picture."""
    warning: str = ""
    """Part of the remark that is expected beside the picture of the whole."""
    look_at: tuple = (0.5, 0.5)
    """Share of width and height where the view at native resolution is taken: where the file has a picture."""
    is_warped: bool = False
    """QGIS straightens it when it loads it, to the nearest pixel: placed to half a pixel only."""


RASTERS = {
    "deepforest/2018_SJER_3_252000_4107000_image_477.tif": Odd(
        "3 uint8, pixels not square, nodata 255"
    ),
    "deepforest/5b90f92da0d7280005fab355_4310.tif": Odd(
        "3 uint8, 4 Mpx, Mercator on the ellipsoid"
    ),
    "deepforest/5dded5bc0140b80006d2e565_23.tif": Odd("3 uint8, 4 Mpx, Mercator on the ellipsoid"),
    "deepforest/OSBS_029.tif": Odd("3 uint8, nodata 255"),
    "deepforest/australia.tif": Odd("3 uint8, pixels of 18 mm, southern zone"),
    "deepforest/test_tiled.tif": Odd("3 uint8, the Dutch grid"),
    "deepness/dummy_fotomap_small.tif": Odd("3 uint8 and alpha, pixels of 2 cm"),
    "naip-nd/m_4709963_se_14_1_20200831.tif": Odd("4 uint8 without colour names, nodata 0"),
    "odd-geotiff/umbra_mount_yasur.tiff": Odd("radar, 1 uint8, rotated", is_warped=True),
    "odd-hyperspectral/enmap_potsdam_tile_128_128.tif": Odd("224 float32, 32 x 32 px"),
    "odd-rasterio/RGB.byte.tif": Odd("3 uint8, nodata 0"),
    "odd-rasterio/RGBA.byte.tif": Odd("3 uint8 and alpha"),
    "odd-rasterio/RGBA.uint16.tif": Odd("3 uint16 in the order BGR, and 16-bit alpha"),
    "odd-rasterio/all-nodata.tif": Odd(
        "4 uint16, nothing but nodata", sentence="has no data in this area"
    ),
    "odd-rasterio/corrupt.tif": Odd(
        "3 uint8 with a mask; one of four tiles is damaged",
        sentence="could not be drawn",
        warning="Parts of",
        look_at=(0.75, 0.75),
    ),
    "odd-rasterio/float_raster_with_extra_nodata.tif": Odd("1 float32, nodata -3.4e38, 28 x 22 px"),
    "odd-rasterio/rgb1_fake_nir_epsg3857.tif": Odd("1 uint8, nodata 0, pixels not square"),
    "odd-rasterio/rotated.tif": Odd("1 uint8, 10 x 15 px, rotated, unnamed CRS", is_warped=True),
    "odd-rasterio/shade.tif": Odd(
        "1 uint8, nine tenths nodata, the rest of one value", warning="one colour"
    ),
    "odd-rasterio/test_esri_wkt.tif": Odd("1 uint16, 2 x 2 px, CRS in Esri's WKT"),
    "odd-rasterio/world.rgb.tif": Odd("3 uint8, the whole earth in degrees"),
    "odd-riocogeo/image_colormap.tif": Odd("palette, unnamed CRS"),
    "odd-riocogeo/image_geos.tif": Odd("3 uint8, the earth as a satellite sees it, with a mask"),
    "odd-riocogeo/image_nan.tif": Odd("1 float64, NaN is nodata"),
    "odd-riocogeo/image_rgba_nodata.tif": Odd("3 uint8, alpha, and nodata 0"),
    "odd-riotiler/201404_13SED190110_201404_0x1500m_CL_1.tif": Odd("3 uint8, US survey zone"),
    "odd-riotiler/201404_13SED190110_201404_0x1500m_CL_1_alpha.tif": Odd("3 uint8 and alpha"),
    "odd-riotiler/cog_cmap.tif": Odd("palette, 62 Mpx, overviews, nodata 0", look_at=(0.35, 0.55)),
    "odd-riotiler/cog_dateline.tif": Odd("1 uint16, across the antimeridian"),
    "odd-riotiler/cog_fullearth.tif": Odd("1 float64, the whole earth, nodata -1.27e30"),
    "odd-riotiler/cog_nonearth.tif": Odd("1 float32, of another planet", look_at=(0.97, 0.96)),
    "odd-riotiler/cog_rgb_mask.tif": Odd("3 uint8 with a mask"),
    "odd-riotiler/cog_uint8_rgb_nodata.tif": Odd(
        "3 uint8 of one value, nodata 0", warning="one colour"
    ),
    "odd-riotiler/inverted_lat.tif": Odd(
        "1 float32, south-up, nothing but nodata", sentence="has no data in this area"
    ),
    "odd-riotiler/pix4d_alpha_nodata.tif": Odd(
        "3 uint8, alpha, nodata -10000 that no uint8 can be"
    ),
    "odd-stars/L7_ETMs.tif": Odd("6 uint8, overviews"),
    "odd-stars/geomatrix.tif": Odd("1 uint8, 20 x 20 px, sheared", is_warped=True),
    "opengeos/2020.tif": Odd("4 uint8 without colour names, degrees"),
    "opengeos/cog.tif": Odd("4 float64, degrees"),
    "opengeos/dsm.tif": Odd("1 float32, heights, nodata -9999"),
    "qgis-training/3420B_2010_328_RGB_LATLNG.tif": Odd("3 uint8 and alpha, degrees"),
    "qgis-training/srtm_41_19.tif": Odd("1 int16, heights"),
    "solaris-spacenet/ms1.tif": Odd("4 float64"),
    "solaris-spacenet/road_mask_input.tif": Odd("1 uint16, degrees"),
    "solaris-spacenet/sample_geotiff.tif": Odd("1 uint16, nodata 0"),
}
WITH_PICTURE = [name for name, odd in RASTERS.items() if not odd.sentence]
WITH_SENTENCE = [name for name, odd in RASTERS.items() if odd.sentence]


@pytest.fixture(autouse=True)
def _leave_no_statistics():
    """QGIS would write its statistics beside other people's rasters."""
    gdal.SetConfigOption("GDAL_PAM_ENABLED", "NO")
    yield
    gdal.SetConfigOption("GDAL_PAM_ENABLED", None)


def layer_of(data: Path, name: str) -> QgsRasterLayer:
    path = data / "geotiff" / name
    if not path.exists():
        pytest.skip(f"{name} is not in GEO_R1_DATA")
    return QgsRasterLayer(str(path), name)


def native_view(layer: QgsRasterLayer, look_at) -> QgsMapSettings:
    """A view of a part of the raster at its own resolution, as far as its pixels are square."""
    settings, extent = QgsMapSettings(), layer.extent()
    settings.setOutputDpi(96)
    settings.setOutputSize(QSize(*VIEW_PX))
    settings.setDestinationCrs(layer.crs())
    units = min(layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY())
    width = min(VIEW_PX[0] * units, extent.width())
    height = min(VIEW_PX[1] * units, extent.height())
    left = extent.xMinimum() + look_at[0] * (extent.width() - width)
    top = extent.yMaximum() - look_at[1] * (extent.height() - height)
    settings.setExtent(QgsRectangle(left, top - height, left + width, top))
    return settings


def captured(plan):
    """What a task makes of a plan."""
    task = CaptureTask(plan)
    task.run()
    task.finished(True)
    return task.outcome


def is_raster(path: Path) -> bool:
    try:
        return gdal.OpenEx(str(path), gdal.OF_RASTER) is not None
    except RuntimeError:
        return False


def test_every_raster_is_in_the_table(geo_r1_data):
    """Nothing in the folder that GDAL opens as a raster is left out."""
    folder = geo_r1_data / "geotiff"
    found = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and is_raster(path)
    }

    assert found - set(RASTERS) == set()


@pytest.mark.parametrize("name", WITH_PICTURE)
def test_odd_raster_is_sent_as_it_is_shown(geo_r1_data, qgis_app, name):
    """At its own resolution the picture has QGIS's colours, and lies where the file's geotransform says."""
    layer, odd = layer_of(geo_r1_data, name), RASTERS[name]
    plan = plan_view(native_view(layer, odd.look_at), layer)
    assert plan.problem == ""

    outcome = captured(plan)

    assert isinstance(outcome, Done), outcome.error
    sent = picture(outcome.value.image_bytes).astype(np.float32)
    shown = shown_finely(plan)
    difference = np.abs(sent - shown).max(axis=2)
    if layer.width() >= 28:  # smaller ones are enlarged: smoothly by us, in blocks by QGIS
        assert difference.mean() < 7
        assert np.percentile(difference[off_edges(shown)], 99) <= 8
    channel, band = (0, layer.renderer().usesBands()[0])
    beside_px = shift_from_file_px(sent[..., channel], in_file(layer.source(), band, plan.frame))
    allowed_px = 0.5 if odd.is_warped else 0.05
    assert np.isnan(beside_px) or beside_px < allowed_px


@pytest.mark.parametrize("name", WITH_PICTURE)
def test_whole_odd_raster_is_sent_as_it_is_shown(geo_r1_data, qgis_app, name):
    """The whole of it, averaged where it is finer than the picture, is what QGIS shows when it draws finely."""
    layer, odd = layer_of(geo_r1_data, name), RASTERS[name]
    plan = plan_view(settings_over(layer, zoom=1.02), layer)

    outcome = captured(plan)

    assert isinstance(outcome, Done), outcome.error
    sent = picture(outcome.value.image_bytes).astype(np.float32)
    shown = shown_finely(plan, finer=2)
    difference = np.abs(sent - shown).max(axis=2)
    if layer.width() >= 28:
        assert difference.mean() < 7
        assert np.percentile(difference[off_edges(shown)], 99) <= 14
    assert odd.warning in outcome.value.warning
    if not outcome.value.warning.startswith("Parts of"):
        # which rasters QGIS draws in one colour depends on its version: EnMAP is black from 3.40 on
        colours = {tuple(colour) for colour in sent.reshape(-1, 3)} - {GREY}
        assert ("one colour" in outcome.value.warning) == (len(colours) == 1)


@pytest.mark.parametrize("name", WITH_SENTENCE)
def test_raster_that_cannot_be_sent_has_a_sentence(geo_r1_data, qgis_app, name):
    """Nothing to see or damaged just here: refused with its name, the reason and what to do."""
    layer, odd = layer_of(geo_r1_data, name), RASTERS[name]

    outcome = captured(plan_view(native_view(layer, odd.look_at), layer))

    assert isinstance(outcome, Failed)
    assert name in str(outcome.error)
    assert odd.sentence in str(outcome.error)
    assert outcome.error.hint


def test_readable_part_of_a_damaged_raster_is_sent_with_a_remark(geo_r1_data, qgis_app):
    """One tile of four is damaged: the rest is sent, and the remark says that parts are missing and why."""
    name = "odd-rasterio/corrupt.tif"
    layer = layer_of(geo_r1_data, name)

    outcome = captured(plan_view(settings_over(layer), layer))

    assert isinstance(outcome, Done)
    assert RASTERS[name].warning in outcome.value.warning
    assert "TIFFReadEncodedTile" in outcome.value.warning
    assert 0.2 < outcome.value.empty_share < 0.8
