"""What is found in the picture lies where it lies on the ground, to less than half a pixel."""

import math

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Done
from tests.qgis.make_rasters import COLOURS, make_marked, middle_of, picture, rotated

ROTATIONS = (0, 30, 90, 213)
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
DEGREE_PX = 0.3 / 111_320

RASTERS = {
    "north-up": {"geotransform": UTM, "epsg": 32633},
    "south-up": {"geotransform": (500_000.0, 0.3, 0.0, 5_399_910.0, 0.0, 0.3), "epsg": 32633},
    "rotated": {"geotransform": rotated(UTM, 25), "epsg": 32633},
    "sheared": {"geotransform": (500_000.0, 0.3, 0.06, 5_400_000.0, 0.03, -0.3), "epsg": 32633},
    "pixels not square": {
        "geotransform": (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.2),
        "epsg": 32633,
    },
    "degrees": {
        "geotransform": (15.0, DEGREE_PX / math.cos(math.radians(48.75)), 0, 48.75, 0, -DEGREE_PX),
        "epsg": 4326,
    },
    "no CRS": {"geotransform": UTM},
}
MAP_CRS = ("EPSG:32633", "EPSG:3857", "EPSG:4326", "EPSG:3035")


def settings_over(layer, map_crs, rotation_deg, size=(640, 480), zoom=1.0):
    """Canvas settings that show the whole raster, as a user would see it."""
    settings = QgsMapSettings()
    settings.setOutputDpi(96)
    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(map_crs))
    settings.setTransformContext(QgsProject.instance().transformContext())
    to_map = QgsCoordinateTransform(
        layer.crs(), settings.destinationCrs(), settings.transformContext()
    )
    extent = QgsRectangle(to_map.transformBoundingBox(layer.extent()))
    extent.scale(1.5 / zoom if rotation_deg % 180 else 1.05 / zoom)
    settings.setRotation(rotation_deg)
    settings.setExtent(extent)
    return settings, to_map


def capture(plan):
    """Run a task as the task manager would; tests of threads are elsewhere."""
    task = CaptureTask(plan)
    task.run()
    task.finished(True)
    assert isinstance(task.outcome, Done), task.outcome
    return task.outcome.value


def largest_error_px(chip, marked, to_map):
    """Distance between each square in the picture and the truth, in chip pixels; the largest."""
    pixels = picture(chip.image_bytes)
    errors = []
    for colour in COLOURS:
        found = middle_of(colour, pixels)
        if found is None:
            continue
        truth = to_map.transform(QgsPointXY(marked.middles[colour]))
        x_px, y_px = chip.frame.map_to_px(truth.x(), truth.y())
        errors.append(math.hypot(found[0] - x_px, found[1] - y_px))
    assert len(errors) >= 3, "the squares are not in the picture"
    return max(errors)


@pytest.mark.parametrize("rotation_deg", ROTATIONS)
@pytest.mark.parametrize("map_crs", MAP_CRS)
@pytest.mark.parametrize("raster", RASTERS)
def test_squares_lie_where_they_are_on_the_ground(
    tmp_path, qgis_app, raster, map_crs, rotation_deg
):
    """Whatever the raster's geometry, the project's CRS and the canvas's rotation, the answer is on the object."""
    marked = make_marked(tmp_path / "marked.tif", **RASTERS[raster])
    layer = QgsRasterLayer(marked.path, "marked")
    if raster == "no CRS":
        layer.setCrs(QgsCoordinateReferenceSystem())
        map_crs = "EPSG:32633"
    settings, to_map = settings_over(layer, map_crs, rotation_deg)

    plan = plan_view(settings, layer)
    chip = capture(plan)

    assert plan.problem == ""
    assert largest_error_px(chip, marked, to_map) < 0.5
