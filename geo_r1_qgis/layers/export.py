"""Chosen detections into a file of their own: GeoPackage or GeoJSON, in a CRS of choice. Blocks while it writes."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Optional, Sequence

from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsFeedback,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import LayerError
from .geopackage import append_style
from .schema import DETECTIONS, GEOMETRY_COLUMN

translate = QCoreApplication.translate

ENDINGS = {"GPKG": ".gpkg", "GeoJSON": ".geojson"}


def export_detections(
    source_path: str,
    uids: Sequence[str],
    path: str,
    *,
    crs: QgsCoordinateReferenceSystem,
    driver: str,
    context: QgsCoordinateTransformContext,
    feedback: Optional[QgsFeedback] = None,
) -> int:
    """Copy detections; the target appears under its name, and replaces what was there, only when it is whole.

    Args:
        source_path: the result file.
        uids: which detections.
        path: the file to make.
        crs: of the new file; an invalid one keeps the source's.
        driver: ``GPKG`` or ``GeoJSON``.
        context: the project's choice of datum shifts.
        feedback: to cancel.

    Returns:
        How many were written.

    Raises:
        LayerError: if the copy cannot be made.
    """
    source = QgsVectorLayer(f"{source_path}|layername={DETECTIONS}", "source", "ogr")
    if not source.isValid():
        message = translate("ResultFile", "{path} cannot be read.")
        raise LayerError(
            message.format(path=source_path), code="layer-unreadable", path=source_path
        )
    wanted = set(uids)
    source.selectByIds(
        [feature.id() for feature in source.getFeatures() if feature["uid"] in wanted]
    )
    target = Path(path)
    half_made = target.with_name(
        f".{target.stem}-{uuid.uuid4().hex[:8]}{ENDINGS.get(driver, target.suffix)}"
    )
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = driver
    options.layerName = DETECTIONS
    options.fileEncoding = "UTF-8"
    options.onlySelectedFeatures = True
    if driver == "GPKG":
        options.layerOptions = [f"GEOMETRY_NAME={GEOMETRY_COLUMN}"]
    if crs.isValid():
        options.ct = QgsCoordinateTransform(source.crs(), crs, context)
    if feedback is not None:
        options.feedback = feedback
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        code, reason = QgsVectorFileWriter.writeAsVectorFormatV3(
            source, str(half_made), context, options
        )[:2]
        if code != QgsVectorFileWriter.WriterError.NoError:
            raise _not_written(path, reason)
        if driver == "GPKG":
            _add_style(str(half_made))
        half_made.replace(target)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    finally:
        for left in target.parent.glob(f"{half_made.name}*"):
            left.unlink()
    return source.selectedFeatureCount()


def _not_written(path: str, reason: str) -> LayerError:
    message = translate("ResultFile", "{path} cannot be written: {reason}")
    return LayerError(
        message.format(path=path, reason=reason), code="layer-file", path=path, reason=reason
    )


def _add_style(path: str) -> None:
    file = gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_UPDATE, ["GPKG"])
    if file is not None:
        append_style(file, DETECTIONS, GEOMETRY_COLUMN)
