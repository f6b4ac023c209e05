"""From runs and detections to rows and geometry. Transforms to the file's CRS; knows no file and no thread."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import datetime, timezone
from typing import List

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsGeometry,
    QgsWkbTypes,
)

from ..core import wire
from ..core.errors import LayerError
from ..core.frame import Frame
from ..core.records import RunStart, is_ambiguous
from ..crs.outline import in_crs
from ..crs.reference import name_of
from .geopackage import Row

LINE = 1e-6
"""An outline with less than this share of the square of its length is a line; a thousand pixels by one are 1e-3."""


def polygons_px_of(detection: wire.Detection) -> List[List[List[List[float]]]]:
    """Outlines of a detection in chip pixels: masks as they are, a box as its four corners."""
    if detection.kind == "mask" and detection.polygons_px:
        return detection.polygons_px
    return _box_px(detection)


def _box_px(detection: wire.Detection) -> List[List[List[List[float]]]]:
    x_min, y_min, x_max, y_max = (float(number) for number in detection.box_px)
    corners = ((x_min, y_min), (x_min, y_max), (x_max, y_max), (x_max, y_min), (x_min, y_min))
    return [[[list(corner) for corner in corners]]]


def geometry_of(
    detection: wire.Detection,
    frame: Frame,
    file_crs: QgsCoordinateReferenceSystem,
    context: QgsCoordinateTransformContext,
) -> QgsGeometry:
    """Valid multipolygon of a detection in the file's CRS: masks with their holes, boxes as true quadrilaterals.

    Raises:
        LayerError: if the place does not exist in the file's CRS.
    """
    try:
        if detection.kind == "box":  # valid wherever it lies
            return in_crs(_box_px(detection), frame, file_crs, context)
        geometry = in_crs(polygons_px_of(detection), frame, file_crs, context)
        # The outline of a mask comes from a service, and two of its edges may be so close to each other that the
        # transformation makes them cross.
        valid = geometry if geometry.isGeosValid() else _made_valid(geometry)
        if _has_no_area(valid):
            return in_crs(_box_px(detection), frame, file_crs, context)
    except QgsCsException as error:
        raise LayerError(
            code="layer-transform", crs=name_of(file_crs), reason=str(error)
        ) from error
    return valid


def _made_valid(geometry: QgsGeometry) -> QgsGeometry:
    """The same area without crossing edges; what has no area is left out."""
    parts = [
        part
        for part in geometry.makeValid().asGeometryCollection()
        if part.type() == QgsWkbTypes.GeometryType.PolygonGeometry and not part.isEmpty()
    ]
    return QgsGeometry.collectGeometry(parts)


def _has_no_area(geometry: QgsGeometry) -> bool:
    """Whether an outline is nothing, or a line but for rounding."""
    bounds = geometry.boundingBox()
    span = math.hypot(bounds.width(), bounds.height())
    return geometry.isNull() or geometry.isEmpty() or geometry.area() <= LINE * span * span


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


def result_row(result: wire.ResultEvent, task: str) -> Row:
    """What is known when a run has ended."""
    dropped: List[dict] = [asdict(each) for each in result.dropped]
    return {
        "finished": datetime.now(timezone.utc),
        "outcome": "ambiguous" if is_ambiguous(task, result) else result.outcome,
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
