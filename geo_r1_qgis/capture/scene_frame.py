"""The pixels of a whole scene: on the raster's own grid where it is looked at as it is, else square on the ground."""

from __future__ import annotations

import math
from typing import Optional, Tuple

from qgis.core import QgsCoordinateReferenceSystem, QgsCsException, QgsPointXY, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import CaptureError
from ..core.frame import Frame
from ..crs.measure import SPAN_PX, Measure
from ..crs.reference import wkt2
from .ground import has_ground_size
from .plan import short_metres

translate = QCoreApplication.translate

SQUARE_ENOUGH = 0.02
"""A raster pixel whose sides on the ground differ by less is taken as it is."""
FINEST = 4.0
"""How many scene pixels a raster pixel may be spread over."""


def scene_frame(layer: QgsRasterLayer, crs: QgsCoordinateReferenceSystem, m_per_px: float) -> Frame:
    """The whole raster at the chosen size.

    Raises:
        CaptureError: if there is no such size here.
    """
    extent = layer.extent()
    pixel_x, pixel_y = layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    sides_m = None
    if has_ground_size(layer, crs):
        sides_m = _pixel_m(crs, extent.center(), pixel_x, pixel_y)
    native_m = math.sqrt(sides_m[0] * sides_m[1]) if sides_m else 0.0
    wanted_m = m_per_px or native_m
    if m_per_px and not native_m:
        raise CaptureError(
            translate(
                "ScenePlan",
                "The ground size of “{layer}” is not known: give it a CRS, or look at its own pixels.",
            ).format(layer=layer.name())
        )
    if m_per_px and m_per_px * FINEST < native_m:
        raise CaptureError(
            translate(
                "ScenePlan", "{size} m/px is finer than “{layer}” can be looked at ({native} m/px)."
            ).format(size=short_metres(m_per_px), layer=layer.name(), native=short_metres(native_m))
        )
    unit_x, unit_y = pixel_x, pixel_y
    is_native = not m_per_px or abs(m_per_px / native_m - 1) < 1e-3
    if sides_m and not (is_native and abs(sides_m[0] / sides_m[1] - 1) < SQUARE_ENOUGH):
        unit_x, unit_y = pixel_x * wanted_m / sides_m[0], pixel_y * wanted_m / sides_m[1]
    return Frame(
        width_px=max(1, math.ceil(extent.width() / unit_x - 1e-6)),
        height_px=max(1, math.ceil(extent.height() / unit_y - 1e-6)),
        affine=(unit_x, 0.0, extent.xMinimum(), 0.0, -unit_y, extent.yMaximum()),
        crs_wkt=wkt2(crs),
        crs_authid=crs.authid(),
        m_per_px=wanted_m,
        native_m_per_px=native_m or None,
    )


def _pixel_m(
    crs: QgsCoordinateReferenceSystem, at: QgsPointXY, pixel_x: float, pixel_y: float
) -> Optional[Tuple[float, float]]:
    """Width and height of a raster pixel on the ground; none where that is not known."""
    try:
        measure = Measure(crs)
        dx, dy = SPAN_PX * pixel_x / 2, SPAN_PX * pixel_y / 2
        width_m = measure.length_m((at.x() - dx, at.y()), (at.x() + dx, at.y())) / SPAN_PX
        height_m = measure.length_m((at.x(), at.y() - dy), (at.x(), at.y() + dy)) / SPAN_PX
    except QgsCsException:
        return None
    is_known = all(math.isfinite(side) and side > 0 for side in (width_m, height_m))
    return (width_m, height_m) if is_known else None
