"""Metres and square metres on the ellipsoid of a CRS: right in degrees, feet, stretched projections, and on Mars.

Measured at one place: a Mercator metre at 60° north is half a metre, and a pixel in degrees is narrower than high.
"""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsPointXY,
)

from ..core.ellipsoid import Ellipsoid, LonLat
from ..core.frame import Frame
from .reference import base_of, crs_from, wkt2

SPAN_PX = 8.0
"""Length over which a pixel is measured: one pixel of a drone photograph in degrees is near the rounding of the
ellipsoidal formula, eight are not, and the scale does not change over eight."""
POINTS_PER_EDGE = 32
"""An edge is straight on the map, which on the ellipsoid is a curve."""
POINTS_PER_RING = 1024
"""The many edges of a mask are short, and hardly curved."""


class Measure:
    """Lengths and areas in one CRS, on its own ellipsoid (so Mars is measured on Mars)."""

    def __init__(self, crs: QgsCoordinateReferenceSystem) -> None:
        """Prepare.

        Raises:
            QgsCsException: if the CRS has no ellipsoid: a local grid, or none at all.
        """
        base = base_of(wkt2(crs)) if crs.isValid() else None
        if base is None or not base.semi_major_m:
            raise QgsCsException("no ellipsoid")
        self._ellipsoid = Ellipsoid(base.semi_major_m, base.flattening)
        self._radians_per_unit = base.radians_per_unit
        # The base has the same datum: no choice of datum shifts can matter here.
        self._to_base = QgsCoordinateTransform(
            crs,
            QgsCoordinateReferenceSystem.fromWkt(base.wkt),
            QgsCoordinateTransformContext(),
        )

    def length_m(self, start: Tuple[float, float], end: Tuple[float, float]) -> float:
        """Straight distance of two places that are not far apart.

        Raises:
            QgsCsException: if a place does not exist.
        """
        return self._ellipsoid.chord_m(self._lon_lat(start), self._lon_lat(end))

    def area_m2(self, ring: Sequence[Tuple[float, float]]) -> float:
        """Area inside a closed ring of many points.

        Raises:
            QgsCsException: if a place does not exist.
        """
        return self._ellipsoid.area_m2([self._lon_lat(place) for place in ring])

    def around_m(
        self, middle: Tuple[float, float], place: Tuple[float, float]
    ) -> Tuple[float, float]:
        """How far east and north of a middle a place lies, in a flat frame about it.

        Raises:
            QgsCsException: if a place does not exist.
        """
        return self._ellipsoid.around_m(self._lon_lat(middle), self._lon_lat(place))

    def _lon_lat(self, place: Tuple[float, float]) -> LonLat:
        point = self._to_base.transform(QgsPointXY(*place))
        if not (math.isfinite(point.x()) and math.isfinite(point.y())):
            raise QgsCsException("no such place")
        return point.x() * self._radians_per_unit, point.y() * self._radians_per_unit


def m_per_px_at(
    centre: QgsPointXY,
    right: Tuple[float, float],
    down: Tuple[float, float],
    crs: QgsCoordinateReferenceSystem,
) -> float:
    """Ground size of one pixel: the root of width times height; 0 where it is not known.

    Args:
        centre: where to measure, in `crs`.
        right: one pixel to the right, in units of `crs`.
        down: one pixel down.
        crs: what the numbers are in.
    """
    try:
        measure = Measure(crs)
        width_m, height_m = (_step_m(measure, centre, step) for step in (right, down))
    except QgsCsException:
        return 0.0
    size_m = math.sqrt(width_m * height_m)
    return size_m if math.isfinite(size_m) else 0.0


def area_m2(
    polygons_px: Sequence[Sequence[Sequence[Sequence[float]]]], frame: Frame
) -> Optional[float]:
    """Geodesic area of polygons in chip pixels (polygon, ring, point); none where a pixel's size is not known.

    The edges are straight in the frame, as the polygon is; holes are taken off.
    """
    if not frame.m_per_px:
        return None
    try:
        measure = Measure(crs_from(frame.crs_authid, frame.crs_wkt))
        return math.fsum(
            (1 if index == 0 else -1) * measure.area_m2(_dense(ring, frame))
            for polygon in polygons_px
            for index, ring in enumerate(polygon)
        )
    except QgsCsException:
        return None


def _dense(ring_px: Sequence[Sequence[float]], frame: Frame) -> List[Tuple[float, float]]:
    closed = [*ring_px, ring_px[0]] if tuple(ring_px[0]) != tuple(ring_px[-1]) else list(ring_px)
    steps = min(POINTS_PER_EDGE, max(1, POINTS_PER_RING // len(closed)))
    dense = [frame.px_to_map(closed[0][0], closed[0][1])]
    for (x0, y0), (x1, y1) in zip(closed, closed[1:]):
        for step in range(1, steps + 1):
            share = step / steps
            dense.append(frame.px_to_map(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share))
    return dense


def _step_m(measure: Measure, centre: QgsPointXY, step: Tuple[float, float]) -> float:
    dx, dy = step[0] * SPAN_PX / 2, step[1] * SPAN_PX / 2
    start, end = (centre.x() - dx, centre.y() - dy), (centre.x() + dx, centre.y() + dy)
    return measure.length_m(start, end) / SPAN_PX
