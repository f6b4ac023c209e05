"""From runs and detections to rows and geometry. Transforms to the file's CRS; knows no file and no thread."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone
from typing import List, Optional

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsDistanceArea,
    QgsGeometry,
    QgsPointXY,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core import wire
from ..core.errors import LayerError
from ..core.frame import Frame
from ..core.records import RunStart
from .geopackage import Row

translate = QCoreApplication.translate


def crs_from(authid: str, wkt: str) -> QgsCoordinateReferenceSystem:
    """The CRS of a frame or of a file; invalid where there is none."""
    if authid:
        crs = QgsCoordinateReferenceSystem(authid)
        if crs.isValid():
            return crs
    return QgsCoordinateReferenceSystem.fromWkt(wkt) if wkt else QgsCoordinateReferenceSystem()


def geometry_of(
    detection: wire.Detection,
    frame: Frame,
    file_crs: QgsCoordinateReferenceSystem,
    context: QgsCoordinateTransformContext,
) -> QgsGeometry:
    """Multipolygon of a detection in the file's CRS: masks as they are, boxes as true quadrilaterals.

    Raises:
        LayerError: if the place does not exist in the file's CRS.
    """
    if detection.kind == "mask" and detection.polygons_px:
        polygons = frame.polygons_px_to_map(detection.polygons_px)
    else:
        polygons = [[frame.box_px_to_ring_map(detection.box_px)]]
    geometry = QgsGeometry.fromMultiPolygonXY(
        [[[QgsPointXY(x, y) for x, y in ring] for ring in polygon] for polygon in polygons]
    )
    frame_crs = crs_from(frame.crs_authid, frame.crs_wkt)
    if frame_crs.isValid() and file_crs.isValid() and frame_crs != file_crs:
        try:
            geometry.transform(QgsCoordinateTransform(frame_crs, file_crs, context))
        except QgsCsException as error:
            message = translate("ResultFile", "The answer does not exist in the file's CRS, {crs}.")
            raise LayerError(
                message.format(crs=file_crs.authid() or file_crs.description()),
                code="layer-transform",
                reason=str(error),
            ) from error
    return geometry


def area_m2(
    geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext
) -> Optional[float]:
    """Area on the CRS's ellipsoid; none without a CRS."""
    if not crs.isValid():
        return None
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, context)
    measure.setEllipsoid(crs.ellipsoidAcronym() or "EPSG:7030")
    return measure.measureArea(geometry)


def detection_row(
    *, uid: str, run_uid: str, run: RunStart, detection: wire.Detection, reasoning: str
) -> Row:
    """Everything about a detection but its geometry and area."""
    x_min, y_min, x_max, y_max = (float(number) for number in detection.box_px)
    return {
        "uid": uid,
        "run_uid": run_uid,
        "query": run.query,
        "label": detection.label,
        "rank": detection.rank,
        "kind": detection.kind,
        "score": detection.score,
        "reasoning": reasoning,
        "model": run.model,
        "adapter": run.adapter or None,
        "seed": run.seed,
        "created": datetime.now(timezone.utc),
        "chip_m_per_px": run.frame.m_per_px or None,
        "x_min_px": x_min,
        "y_min_px": y_min,
        "x_max_px": x_max,
        "y_max_px": y_max,
    }


def run_row(run_uid: str, run: RunStart) -> Row:
    """What is known of a run when it begins."""
    frame, source = run.frame, run.source
    return {
        "run_uid": run_uid,
        "created": datetime.now(timezone.utc),
        "query": run.query,
        "task": run.task,
        "model": run.model,
        "engine": run.engine,
        "adapter": run.adapter or None,
        "seed": run.seed,
        "think": int(run.think),
        "versions": json.dumps(run.versions, sort_keys=True, ensure_ascii=False),
        "layer_name": source.layer_name,
        "layer_source": source.layer_source,
        "layer_provider": source.provider,
        "layer_crs_wkt": source.crs_wkt,
        "stretch": source.stretch,
        "chip_sha256": run.chip_sha256,
        "chip_width_px": frame.width_px,
        "chip_height_px": frame.height_px,
        "chip_affine": json.dumps(frame.affine),
        "chip_crs_wkt": frame.crs_wkt,
        "chip_m_per_px": frame.m_per_px or None,
        "native_m_per_px": frame.native_m_per_px,
        "rerun_of": run.rerun_of,
    }


def result_row(result: wire.ResultEvent) -> Row:
    """What is known when a run has ended."""
    dropped: List[dict] = [asdict(each) for each in result.dropped]
    return {
        "finished": datetime.now(timezone.utc),
        "outcome": result.outcome,
        "model": result.model,
        "engine": result.engine,
        "prompt": result.prompt,
        "reasoning": result.reasoning,
        "raw_answer": result.raw_answer,
        "dropped": json.dumps(dropped, ensure_ascii=False),
        "timings": json.dumps(asdict(result.timings)),
    }


def broken_off_row(outcome: str, reasoning: str) -> Row:
    """What is known of a run that was stopped, or failed, before its answer was complete."""
    return {
        "finished": datetime.now(timezone.utc),
        "outcome": outcome,
        "reasoning": reasoning,
    }
