"""From the picture to the polygon in the file: an object found in the chip lies where it is on the ground."""

import math

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDistanceArea,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
)

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.core import wire
from geo_r1_qgis.core.records import RunStart
from geo_r1_qgis.layers.store import DetectionStore
from tests.qgis.make_rasters import BACKGROUND, COLOURS, SQUARE_PX, make_marked, picture
from tests.qgis.test_capture_exactness import RASTERS, capture, settings_over


def box_of(colour, pixels):
    """Box of one colour's pixels, as a perfect model would answer."""
    to_colour = np.array(COLOURS[colour], float) - BACKGROUND
    share = (pixels - float(BACKGROUND)) @ to_colour / (to_colour @ to_colour)
    off_axis = np.abs(pixels - float(BACKGROUND) - share[..., None] * to_colour).sum(axis=2)
    ys, xs = np.nonzero((share > 0.5) & (off_axis < 60))
    return [float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)]


@pytest.mark.parametrize("rotation_deg", [0, 30, 90, 213])
@pytest.mark.parametrize("file_crs", ["EPSG:32633", "EPSG:4326", "EPSG:3035"])
@pytest.mark.parametrize("raster", ["north-up", "rotated", "degrees"])
def test_polygon_in_the_file_is_on_the_object(
    tmp_path, qtbot, qgis_new_project, raster, file_crs, rotation_deg
):
    """Layer CRS, project CRS and file CRS all differ, the map is turned: still on the object, to half a pixel."""
    marked = make_marked(tmp_path / "marked.tif", **RASTERS[raster])
    layer = QgsRasterLayer(marked.path, "marked")
    project = QgsProject.instance()
    project.setFileName(str(tmp_path / "p.qgz"))
    project.setCrs(QgsCoordinateReferenceSystem(file_crs))
    settings, _ = settings_over(layer, "EPSG:3857", rotation_deg)
    chip = capture(plan_view(settings, layer))
    box_px = box_of("yellow", picture(chip.image_bytes))
    store = DetectionStore(project)

    with qtbot.waitSignal(store.layer_ready, timeout=8000):
        run_uid = store.begin_run(RunStart(query="the yellow square", frame=chip.frame))
        store.add(run_uid, wire.Detection(rank=0, label="square", box_px=box_px), chip.frame, "")
    store.close()

    (feature,) = store.layer.getFeatures()
    found = feature.geometry().centroid().asPoint()
    to_file = QgsCoordinateTransform(layer.crs(), store.layer.crs(), project)
    truth = to_file.transform(QgsPointXY(marked.middles["yellow"]))
    measure = QgsDistanceArea()
    measure.setSourceCrs(store.layer.crs(), project.transformContext())
    measure.setEllipsoid("EPSG:7030")
    side_px = (box_px[2] - box_px[0], box_px[3] - box_px[1])
    assert store.layer.crs().authid() == file_crs
    # A box around jagged pixels is known to a pixel, so its middle to half of one.
    assert measure.measureLine(found, truth) < 0.75 * chip.frame.m_per_px
    assert feature["area_m2"] == pytest.approx(
        side_px[0] * side_px[1] * chip.frame.m_per_px**2, rel=0.02
    )
    if raster == "north-up":
        turn = abs(math.cos(math.radians(rotation_deg))) + abs(math.sin(math.radians(rotation_deg)))
        assert side_px[0] == pytest.approx(SQUARE_PX * turn, abs=3)
    project.clear()
