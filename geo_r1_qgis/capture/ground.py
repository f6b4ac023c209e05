"""Metres per pixel, on the ellipsoid: right in degrees, feet and stretched projections.

Measured at one place: a Mercator metre at 60° north is half a metre, and a pixel in degrees is narrower than high.
"""

from __future__ import annotations

import math
from typing import Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsDistanceArea,
    QgsPointXY,
    QgsRasterDataProvider,
    QgsRasterInterface,
    QgsRasterLayer,
)

SPAN_PX = 8.0
"""Length over which a pixel is measured: one pixel of a drone photograph in degrees is near the rounding of the
ellipsoidal formula, eight are not, and the scale does not change over eight."""


def measure_for(
    crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext
) -> Optional[QgsDistanceArea]:
    """A measure on the CRS's own ellipsoid (so Mars is measured on Mars), or none without a CRS."""
    if not crs.isValid():
        return None
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, context)
    measure.setEllipsoid(crs.ellipsoidAcronym() or "EPSG:7030")
    return measure


def m_per_px_at(
    centre: QgsPointXY,
    right: Tuple[float, float],
    down: Tuple[float, float],
    crs: QgsCoordinateReferenceSystem,
    context: QgsCoordinateTransformContext,
) -> float:
    """Ground size of one pixel: the root of width times height; 0 where it is not known.

    Args:
        centre: where to measure, in `crs`.
        right: one pixel to the right, in units of `crs`.
        down: one pixel down.
        crs: what the numbers are in.
        context: the project's choice of datum shifts.
    """
    measure = measure_for(crs, context)
    if measure is None:
        return 0.0
    try:
        width_m, height_m = (_length_m(measure, centre, step) for step in (right, down))
    except QgsCsException:
        return 0.0
    size_m = math.sqrt(width_m * height_m)
    return size_m if math.isfinite(size_m) else 0.0


def _length_m(measure: QgsDistanceArea, centre: QgsPointXY, step: Tuple[float, float]) -> float:
    dx, dy = step[0] * SPAN_PX / 2, step[1] * SPAN_PX / 2
    start = QgsPointXY(centre.x() - dx, centre.y() - dy)
    end = QgsPointXY(centre.x() + dx, centre.y() + dy)
    return measure.measureLine(start, end) / SPAN_PX


def has_own_pixels(layer: QgsRasterLayer) -> bool:
    """Whether the layer has one pixel size of its own; web map services draw at any."""
    provider = layer.dataProvider()
    return (
        isinstance(provider, QgsRasterDataProvider)
        and bool(provider.capabilities() & QgsRasterInterface.Capability.Size)
        and layer.width() > 0
    )


def native_units_per_px(
    layer: QgsRasterLayer, centre_layer: QgsPointXY, to_map: QgsCoordinateTransform
) -> float:
    """Side of one raster pixel near `centre_layer`, in map units.

    Raises:
        QgsCsException: if the place does not exist in the map's CRS.
    """
    half_x = SPAN_PX * layer.rasterUnitsPerPixelX() / 2
    half_y = SPAN_PX * layer.rasterUnitsPerPixelY() / 2
    x, y = centre_layer.x(), centre_layer.y()
    west, east = (to_map.transform(QgsPointXY(x + s * half_x, y)) for s in (-1, 1))
    south, north = (to_map.transform(QgsPointXY(x, y + s * half_y)) for s in (-1, 1))
    return math.sqrt(west.distance(east) * south.distance(north)) / SPAN_PX
