"""What will be sent: sizes, resolutions in the true metres, and a sentence where nothing can be."""

import math
import time

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsGeometry,
    QgsMapSettings,
    QgsPointXY,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QImage

from geo_r1_qgis.capture.plan import MAX_SIDE_PX, MIN_SIDE_PX, plan_capture, plan_view
from geo_r1_qgis.capture.scene_plan import plan_scene
from geo_r1_qgis.crs.flat import FlatFrame
from geo_r1_qgis.crs.measure import area_m2
from tests.qgis.make_rasters import make_marked

UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
RASTER = QgsRectangle(500_000.0, 5_399_910.0, 500_120.0, 5_400_000.0)
"""400 x 300 pixels of 0.3 m."""


@pytest.fixture
def layer(tmp_path, qgis_app):
    """A raster of 400 x 300 pixels in UTM."""
    return QgsRasterLayer(make_marked(tmp_path / "marked.tif", UTM, 32633).path, "Harbour")


def settings_of(extent=RASTER, crs="EPSG:32633", rotation_deg=0.0, size=(800, 600)):
    settings = QgsMapSettings()
    settings.setOutputDpi(96)
    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setRotation(rotation_deg)
    settings.setExtent(QgsRectangle(extent))
    return settings


def test_summary_says_size_and_both_resolutions(layer):
    """The line below the question is the one that product.md promises."""
    plan = plan_view(settings_of(), layer)

    assert plan.summary == "1 chip 400×300 px at 0.30 m/px (native 0.30)"
    assert plan.problem == ""


def test_nothing_is_enlarged_beyond_its_own_pixels(layer):
    """A small part of the raster on a large screen is sent as it is in the file."""
    plan = plan_view(
        settings_of(QgsRectangle(500_030, 5_399_940, 500_060, 5_399_960), size=(1200, 800)), layer
    )

    assert (plan.frame.width_px, plan.frame.height_px) == (100, 66)
    assert plan.frame.m_per_px == pytest.approx(0.3, rel=1e-3)


def test_tiny_area_is_enlarged_to_one_cell_of_the_model(layer):
    """Below 28 pixels the model has nothing to look at, so these few are enlarged."""
    plan = plan_view(settings_of(QgsRectangle(500_030, 5_399_940, 500_033, 5_399_942)), layer)

    assert min(plan.frame.width_px, plan.frame.height_px) == MIN_SIDE_PX
    assert plan.frame.native_m_per_px == pytest.approx(0.3, rel=1e-3)


@pytest.fixture
def large(tmp_path, qgis_app):
    """A raster of 8,000 x 8,000 pixels in UTM."""
    file = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "large.tif"), 8000, 8000, 3, options=["SPARSE_OK=TRUE"]
    )
    file.SetGeoTransform(UTM)
    file.SetProjection(QgsCoordinateReferenceSystem("EPSG:32633").toWkt())
    file.FlushCache()
    del file
    return QgsRasterLayer(str(tmp_path / "large.tif"), "large")


@pytest.mark.parametrize("size", [(1600, 900), (900, 1600), (1000, 1000)])
def test_wide_views_are_shrunk_and_keep_their_shape(large, size):
    """Longest side 1024, the shape of the view, and both resolutions said."""
    inside = QgsRectangle(large.extent())
    inside.scale(0.4)

    plan = plan_view(settings_of(inside, size=size), large)

    assert max(plan.frame.width_px, plan.frame.height_px) == MAX_SIDE_PX
    assert plan.frame.width_px / plan.frame.height_px == pytest.approx(size[0] / size[1], rel=5e-3)
    assert plan.frame.m_per_px > plan.frame.native_m_per_px * 2
    assert "native 0.30" in plan.summary


@pytest.mark.parametrize("rotation_deg", [0, 90, 180])
def test_what_lies_beside_the_raster_is_not_sent(layer, rotation_deg):
    """Zoomed out so far that the raster is small on the screen, the chip is the raster and not the emptiness."""
    wide = QgsRectangle(RASTER)
    wide.scale(8)

    plan = plan_view(settings_of(wide, rotation_deg=rotation_deg), layer)

    assert sorted((plan.frame.width_px, plan.frame.height_px)) == [300, 400]
    assert plan.frame.m_per_px == pytest.approx(0.3, rel=1e-3)
    assert plan.frame.centre_map() == pytest.approx((500_060.0, 5_399_955.0))


def test_view_that_only_touches_the_raster_is_not_cut_to_a_strip(layer):
    """A few rows of the raster at the border of the view do not make a chip of 400 x 10 pixels."""
    over_the_edge = QgsRectangle(500_000, 5_399_997, 500_120, 5_400_087)

    plan = plan_view(settings_of(over_the_edge), layer)

    assert plan.frame.width_px / plan.frame.height_px == pytest.approx(4 / 3, rel=0.02)


@pytest.mark.parametrize("rotation_deg", [0, 30, 90, 213])
def test_affine_is_the_canvas_own(layer, rotation_deg):
    """Corners of the chip are where QGIS's own map-to-pixel puts the corners of the screen, to half a chip pixel."""
    settings = settings_of(
        QgsRectangle(500_030, 5_399_925, 500_090, 5_399_970), rotation_deg=rotation_deg
    )
    plan = plan_view(settings, layer)
    frame = plan.frame
    scale = 800 / frame.width_px

    for x_px, y_px in ((0, 0), (frame.width_px, 0), (0, frame.height_px), (77, 33)):
        on_screen = settings.mapToPixel().transform(QgsPointXY(*frame.px_to_map(x_px, y_px)))
        assert on_screen.x() / scale == pytest.approx(
            x_px, abs=0.75
        )  # moved onto the raster's grid, even sizes
        assert on_screen.y() / scale == pytest.approx(y_px, abs=0.75)


@pytest.mark.parametrize(
    ("crs", "geotransform", "expected_m"),
    [
        ("EPSG:32633", UTM, 0.3),
        (
            "EPSG:3857",
            (1_669_792.0, 0.3, 0, 8_399_737.0, 0, -0.3),
            0.15,
        ),  # 60° north: a Mercator metre is half a metre
        (
            "EPSG:4326",
            (15.0, 1e-5, 0, 60.0, 0, -1e-5),
            1e-5 * 111_320 * math.sqrt(0.5),
        ),  # narrow degrees
        ("EPSG:2263", (980_000.0, 1.0, 0, 200_000.0, 0, -1.0), 0.3048),  # US feet, New York
        ("EPSG:3395", (0.0, 1.0, 0, 0.0, 0, -1.0), 1.0),
        (
            "EPSG:3031",
            (1000.0, 10.0, 0, -1000.0, 0, -10.0),
            10.3,
        ),  # Antarctica, scale 0.973 at the pole
    ],
)
def test_metres_per_pixel_are_metres_on_the_ground(
    tmp_path, qgis_app, crs, geotransform, expected_m
):
    """In degrees, feet and stretched projections a pixel is as large as it is on the ellipsoid."""
    epsg = int(crs.split(":")[1])
    layer = QgsRasterLayer(make_marked(tmp_path / "marked.tif", geotransform, epsg).path, "marked")

    plan = plan_view(settings_of(layer.extent(), crs), layer)

    assert plan.frame.native_m_per_px == pytest.approx(expected_m, rel=0.01)
    assert plan.frame.m_per_px == pytest.approx(plan.frame.native_m_per_px, rel=0.01)


@pytest.mark.parametrize("canvas_deg", [0, 30, 200])
@pytest.mark.parametrize("rectangle_deg", [0, 30])
def test_drawn_rectangle_keeps_its_own_direction(layer, canvas_deg, rectangle_deg):
    """The chip is the rectangle itself, not the larger one around it, with the screen's upper side up."""
    rectangle = QgsGeometry.fromRect(QgsRectangle(500_030, 5_399_940, 500_060, 5_399_952))
    rectangle.rotate(-rectangle_deg, QgsPointXY(500_045, 5_399_946))

    plan = plan_view(settings_of(rotation_deg=canvas_deg), layer, rectangle)

    ring = plan.frame.outline_map()
    chip = QgsGeometry.fromPolygonXY([[QgsPointXY(x, y) for x, y in ring]])
    assert chip.intersection(rectangle).area() / chip.combine(rectangle).area() > 0.97
    up = math.degrees(math.atan2(-plan.frame.affine[4], -plan.frame.affine[1])) - 90 - canvas_deg
    assert abs((up + 180) % 360 - 180) <= 46


@pytest.mark.parametrize(
    ("area", "words"),
    [
        (QgsGeometry.fromRect(QgsRectangle(0, 0, 10, 10)), "not in this area"),
        (QgsGeometry.fromRect(QgsRectangle(500_030, 5_399_940, 500_030, 5_399_940)), "empty"),
        (QgsGeometry(), "empty"),
        (QgsGeometry.fromRect(QgsRectangle(500_000, 5_399_940, 500_100, 5_399_940.5)), "narrow"),
    ],
)
def test_impossible_areas_are_one_sentence(layer, area, words):
    """Outside, empty or a sliver: said before anything is sent."""
    plan = plan_view(settings_of(), layer, area)

    assert words in plan.problem
    assert plan.summary == plan.problem


def test_missing_wrong_and_broken_layers_are_one_sentence(qgis_app, tmp_path):
    """No layer, a vector layer, a file that is gone."""
    vector = QgsVectorLayer("Point?crs=EPSG:4326", "Wells", "memory")
    gone = QgsRasterLayer(str(tmp_path / "gone.tif"), "Gone")

    assert "no raster layer" in plan_view(settings_of(), None).problem
    assert "Wells" in plan_view(settings_of(), vector).problem
    assert "Gone" in plan_view(settings_of(), gone).problem


def test_layer_without_crs_is_said(layer):
    """The project's CRS is assumed, as QGIS does, and the user is told."""
    layer.setCrs(QgsCoordinateReferenceSystem())

    plan = plan_view(settings_of(), layer)

    assert "has no CRS" in plan.note
    assert plan.frame.crs_authid == "EPSG:32633"
    assert plan.problem == ""


def test_project_without_crs_takes_the_layers(layer):
    """QGIS then draws the layer in its own numbers, so these are what the frame is in."""
    plan = plan_view(settings_of(crs=""), layer)

    assert plan.frame.crs_authid == "EPSG:32633"
    assert plan.frame.m_per_px == pytest.approx(0.3, rel=1e-3)


def test_no_crs_at_all_invents_no_metres(layer):
    """Without any CRS the chip is sent, and its ground size is called unknown."""
    layer.setCrs(QgsCoordinateReferenceSystem())

    plan = plan_view(settings_of(crs=""), layer)

    assert plan.frame.m_per_px == 0.0
    assert plan.frame.crs_wkt == ""
    assert "not known" in plan.summary


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_a_photograph_without_a_place_has_no_metres(tmp_path, qgis_app, crs):
    """QGIS draws a pixel of it one degree or one metre wide; neither is its size on the ground, so none is said."""
    photo = QImage(1024, 362, QImage.Format.Format_RGB32)
    photo.fill(200)
    photo.save(str(tmp_path / "photo.png"))
    layer = QgsRasterLayer(str(tmp_path / "photo.png"), "photo")

    plan = plan_view(settings_of(layer.extent(), crs), layer)
    scene = plan_scene(
        layer, context=QgsCoordinateTransformContext(), map_crs=QgsCoordinateReferenceSystem(crs)
    )
    corner = [[[[0, 0], [50, 0], [50, 50], [0, 50]]]]

    assert "1024×362 px (ground size not known)" in plan.summary
    assert "no place on the map: sizes are in pixels" in plan.note
    assert (plan.frame.m_per_px, plan.frame.native_m_per_px) == (0.0, None)
    assert scene.frame.m_per_px == 0.0
    assert area_m2(corner, plan.frame) is None
    assert FlatFrame(plan.frame).precision_m == pytest.approx(1.0)


def test_a_raster_that_would_leave_the_earth_is_said(layer):
    """Metres taken for degrees: the CRS is doubted and no size is invented."""
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:4326"))

    plan = plan_view(settings_of(crs="EPSG:4326"), layer)

    assert plan.frame.m_per_px == 0.0
    assert "beyond the earth in EPSG:4326" in plan.note


def test_plan_is_cheap_enough_for_every_move_of_the_canvas(layer, qgis_app):
    """Planning takes a few milliseconds, with reprojection and rotation."""
    canvas = QgsMapCanvas()  # the session's own would go on to draw every raster of later tests
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3035"))
    canvas.setRotation(30)
    canvas.setExtent(QgsRectangle(4_685_000, 2_850_000, 4_690_000, 2_855_000))
    plan_capture(canvas, layer)
    began = time.perf_counter()
    for _ in range(20):
        plan_capture(canvas, layer)

    assert (time.perf_counter() - began) / 20 < 0.02
