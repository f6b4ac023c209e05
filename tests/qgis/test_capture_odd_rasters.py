"""Every odd raster that we know: the picture is what QGIS shows, or there is a sentence."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsRasterLayer

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.capture.render import ChipRender
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Failed
from tests.qgis.make_rasters import picture
from tests.qgis.test_capture_render import settings_over, shown_by_qgis

SENTENCES = {
    "odd-rasterio/all-nodata.tif": "has no data in this area",
    "odd-rasterio/corrupt.tif": "could not be drawn",
    "odd-riotiler/inverted_lat.tif": "has no data in this area",  # QGIS 3.22 shows nothing of it either
}

RASTERS = (
    "deepforest/2018_SJER_3_252000_4107000_image_477.tif",
    "deepforest/5b90f92da0d7280005fab355_4310.tif",  # Mercator on the ellipsoid, part of it black
    "deepforest/OSBS_029.tif",
    "deepforest/australia.tif",
    "deepforest/test_tiled.tif",  # the Dutch grid
    "deepness/dummy_fotomap_small.tif",
    "naip-nd/m_4709963_se_14_1_20200831.tif",  # four bands
    "odd-geotiff/umbra_mount_yasur.tiff",  # radar
    "odd-hyperspectral/enmap_potsdam_tile_128_128.tif",  # 224 bands, int16
    "odd-rasterio/RGB.byte.tif",
    "odd-rasterio/RGBA.byte.tif",
    "odd-rasterio/RGBA.uint16.tif",
    "odd-rasterio/float_raster_with_extra_nodata.tif",
    "odd-rasterio/rgb1_fake_nir_epsg3857.tif",
    "odd-rasterio/rotated.tif",
    "odd-rasterio/shade.tif",
    "odd-rasterio/test_esri_wkt.tif",
    "odd-rasterio/world.rgb.tif",
    "odd-riocogeo/image_colormap.tif",  # palette, no CRS
    "odd-riocogeo/image_geos.tif",  # seen from a satellite
    "odd-riocogeo/image_nan.tif",  # float with NaN
    "odd-riocogeo/image_rgba_nodata.tif",
    "odd-riotiler/201404_13SED190110_201404_0x1500m_CL_1.tif",
    "odd-riotiler/201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "odd-riotiler/cog_cmap.tif",
    "odd-riotiler/cog_dateline.tif",
    "odd-riotiler/cog_fullearth.tif",
    "odd-riotiler/cog_nonearth.tif",
    "odd-riotiler/cog_rgb_mask.tif",
    "odd-riotiler/cog_uint8_rgb_nodata.tif",
    "odd-riotiler/pix4d_alpha_nodata.tif",
    "odd-stars/L7_ETMs.tif",  # six bands
    "odd-stars/geomatrix.tif",  # rotated
    "opengeos/2020.tif",
    "opengeos/cog.tif",
    "opengeos/dsm.tif",
    "qgis-training/3420B_2010_328_RGB_LATLNG.tif",
    "qgis-training/srtm_41_19.tif",  # heights
    "solaris-spacenet/ms1.tif",
    "solaris-spacenet/road_mask_input.tif",
    "solaris-spacenet/sample_geotiff.tif",
)


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


@pytest.mark.parametrize("name", RASTERS)
def test_odd_raster_is_sent_as_it_is_shown(geo_r1_data, qgis_app, name):
    """Whatever its bands, types, palette, nodata and geometry: beside QGIS's own drawing it is the same picture."""
    layer = layer_of(geo_r1_data, name)
    plan = plan_view(settings_over(layer, zoom=1.02), layer)
    assert plan.problem == ""

    pixels = picture(ChipRender(plan).render().image_bytes).astype(float)

    shown = shown_by_qgis(plan).astype(float)
    # Averages of blocks: QGIS draws by nearest neighbour, up to a pixel beside.
    blocks = [
        np.add.reduceat(
            np.add.reduceat(p, np.arange(0, p.shape[0], 8), 0), np.arange(0, p.shape[1], 8), 1
        )
        for p in (pixels, shown)
    ]
    # QGIS 3.40 and later find no contrast range for the scaled numbers of EnMAP and draw them all black: one colour, and
    # a correlation of it is not defined
    same = np.array_equal(*blocks)
    likeness = 1.0 if same else np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1]
    assert likeness > 0.93


@pytest.mark.parametrize("name", SENTENCES)
def test_raster_that_cannot_be_sent_has_a_sentence(geo_r1_data, qgis_app, name):
    """Nothing to see or a damaged file: refused with its name and the reason."""
    layer = layer_of(geo_r1_data, name)
    task = CaptureTask(plan_view(settings_over(layer), layer))

    task.run()

    assert isinstance(task.outcome, Failed)
    assert name in str(task.outcome.error)
    assert SENTENCES[name] in str(task.outcome.error)
    task.finished(False)
