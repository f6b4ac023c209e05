"""The chain from a raster file to polygons in a GeoPackage, with a faultless model in its middle; and what was measured."""

import contextlib
import itertools
from dataclasses import dataclass

from osgeo import gdal, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QSize

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.core import wire
from geo_r1_qgis.core.records import RunStart
from geo_r1_qgis.layers.store import DetectionStore
from geo_r1_qgis.tasks.capture_task import CaptureTask
from geo_r1_qgis.tasks.outcome import Done
from tests.qgis.ground_truth import box_around, sides_off_px
from tests.qgis.make_rasters import picture

MEASURED = {}
"""Largest error in pixels of the chip by group and case, for the table of `make exactness`."""


@dataclass(frozen=True)
class Answer:
    """One polygon as another program reads it from the file."""

    colour: str
    geometry: QgsGeometry
    area_m2: float
    crs_wkt: str


def crs_of(name):
    """A CRS from its name, from a PROJ string, or as it is."""
    if isinstance(name, QgsCoordinateReferenceSystem):
        return name
    if name.startswith("+proj"):
        return QgsCoordinateReferenceSystem.fromProj(name)
    return QgsCoordinateReferenceSystem(name)


def view_of(layer, map_crs, rotation_deg=0.0, extent=None, size=(640, 480)):
    """Map settings of a canvas that shows the whole raster, or an extent of the map."""
    settings = QgsMapSettings()
    settings.setOutputDpi(96)
    settings.setOutputSize(QSize(*size))
    settings.setDestinationCrs(map_crs)
    settings.setTransformContext(QgsProject.instance().transformContext())
    if extent is None:
        to_map = QgsCoordinateTransform(layer.crs(), map_crs, settings.transformContext())
        extent = QgsRectangle(to_map.transformBoundingBox(layer.extent()))
        extent.scale(1.5 if rotation_deg % 180 else 1.05)
    settings.setRotation(rotation_deg)
    settings.setExtent(extent)
    return settings


def chip_of(layer, settings):
    """What would be sent."""
    plan = plan_view(settings, layer)
    assert plan.problem == ""
    task = CaptureTask(plan)
    task.run()
    task.finished(True)
    assert isinstance(task.outcome, Done), task.outcome
    return task.outcome.value


def written(folder, chip, colours, file_crs):
    """Boxes of the discs in a chip, through the store into a file of that CRS, read back by GDAL."""
    project = QgsProject.instance()
    project.setFileName(str(folder / "project.qgz"))
    project.setCrs(file_crs)
    pixels = picture(chip.image_bytes)
    boxes = {colour: box_around(colour, pixels) for colour in colours}
    store = DetectionStore(project)
    run_uid = store.begin_run(RunStart(query="discs", frame=chip.frame))
    for rank, (colour, box_px) in enumerate(boxes.items()):
        if box_px is not None:
            found = wire.Detection(rank=rank, label=colour, box_px=box_px)
            store.add(run_uid, found, chip.frame, "")
    store.close()
    path = store.path
    sip.delete(store)  # what it still had to show is of no interest here
    return answers_in(path)


def answers_in(path):
    """Every detection of a result file, without QGIS."""
    answers = []
    with contextlib.closing(_Opened(path)) as opened:
        table = opened.file.GetLayerByName("detections")
        reference = table.GetSpatialRef()
        wkt = reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference else ""
        for feature in table:
            shape = feature.GetGeometryRef()
            geometry = QgsGeometry()
            if shape is not None:
                geometry.fromWkb(bytes(shape.ExportToWkb()))
            answers.append(Answer(feature["label"], geometry, feature["area_m2"], wkt))
    return answers


class _Opened:
    def __init__(self, path):
        self.file = gdal.OpenEx(path, gdal.OF_VECTOR)

    def close(self):
        self.file = None


def largest_error_px(answers, chip, ground, note):
    """Of all polygons, in pixels of the chip; kept for the table under `note` (group, case)."""
    frame = chip.frame
    scale = frame.native_m_per_px / frame.m_per_px if frame.m_per_px else 1.0
    worst = max(
        sides_off_px(each.geometry, each.crs_wkt, ground, each.colour) * min(1.0, scale)
        for each in answers
    )
    group, case = note
    MEASURED.setdefault(group, {})[case] = max(worst, MEASURED.get(group, {}).get(case, 0.0))
    return worst


def true_area_m2(answer):
    """Area of a polygon on the ground: in Lambert's area-true projection around it, by GDAL."""
    reference = osr.SpatialReference(answer.crs_wkt)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    geographic = reference.CloneGeogCS()
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    middle = answer.geometry.asMultiPolygon()[0][0][0]
    lon, lat = osr.CoordinateTransformation(reference, geographic).TransformPoint(*middle)[:2]
    plane = osr.SpatialReference()
    plane.SetProjCS("around the polygon")
    plane.SetLAEA(lat, lon, 0, 0)
    plane.CopyGeogCSFrom(geographic)
    to_plane = osr.CoordinateTransformation(reference, plane)
    area = 0.0
    for polygon in answer.geometry.asMultiPolygon():
        ring = QgsGeometry.fromPolygonXY([polygon[0]]).densifyByCount(63).asPolygon()[0]
        there = [to_plane.TransformPoint(point.x(), point.y())[:2] for point in ring]
        doubled = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise(there))
        area += abs(doubled) / 2
    return area
