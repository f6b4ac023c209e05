"""Outlines that are straight in a chip, in a CRS where they are not: bent edges, the date line, the pole.

A side of a small box is straight in any CRS, and its outline keeps its four corners. Where it is not (a box of 1,000 km
around the pole, kept in degrees), points are added until nothing is further off than a twentieth of a pixel.
"""

from __future__ import annotations

import math
from typing import Callable, List, Optional, Sequence, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsRectangle,
    QgsWkbTypes,
)

from ..core.frame import Frame
from .reference import World, base_of, crs_from, wkt2, world_of

MAX_OFF_PX = 0.05
"""How far a straight edge may be from the true one, in chip pixels."""
TORN_PX = 0.5
"""A piece of a pixel's length that is this far off is no bend: the CRS has a seam there."""
MAX_HALVINGS = 11
"""2048 pieces of an edge: half a pixel each on the largest chip."""

Place = Tuple[float, float]
RingsPx = Sequence[Sequence[Sequence[float]]]


def in_crs(
    polygons_px: Sequence[RingsPx],
    frame: Frame,
    target: QgsCoordinateReferenceSystem,
    context: QgsCoordinateTransformContext,
) -> QgsGeometry:
    """Multipolygon of outlines in chip pixels, in another CRS; cut in two where it crosses the edge of the world.

    Args:
        polygons_px: polygon, ring, point; holes are kept.
        frame: where the chip lies.
        target: of the result; without one (or without one of the frame) the frame's own numbers are kept.
        context: the project's choice of datum shifts.

    Raises:
        QgsCsException: if a place does not exist in `target`, or `target` is torn there in a way that cannot be mended.
    """
    source = crs_from(frame.crs_authid, frame.crs_wkt)
    if not source.isValid() or not target.isValid() or source == target:
        return QgsGeometry.fromMultiPolygonXY(
            [
                [[QgsPointXY(x, y) for x, y in ring] for ring in polygon]
                for polygon in frame.polygons_px_to_map(polygons_px)
            ]
        )
    transform = QgsCoordinateTransform(source, target, context)
    if not transform.isValid():  # another planet: QGIS would hand the numbers through
        raise QgsCsException(f"no transformation from {source.authid()} to {target.authid()}")

    def place(x_px: float, y_px: float) -> Place:
        point = transform.transform(QgsPointXY(*frame.px_to_map(x_px, y_px)))
        if not (math.isfinite(point.x()) and math.isfinite(point.y())):
            raise QgsCsException("no such place")
        return point.x(), point.y()

    follower = _Follower(place, target)
    parts: List[QgsGeometry] = []
    for polygon in polygons_px:
        parts += follower.polygons(polygon)
    return QgsGeometry.collectGeometry(parts)


class _Follower:
    """Follows edges of a chip through a transformation."""

    def __init__(
        self, place: Callable[[float, float], Place], target: QgsCoordinateReferenceSystem
    ) -> None:
        self._place = place
        self._target = target
        self._world: World = world_of(target)

    def polygons(self, rings_px: RingsPx) -> List[QgsGeometry]:
        """One polygon, as one or more in the target's numbers."""
        rings: List[List[Place]] = []
        for ring_px in rings_px:
            near_x = rings[0][0][0] if rings else None
            rings.append(self._ring(ring_px, near_x))
        rings[0] = self._closed(rings[0])
        whole = QgsGeometry.fromPolygonXY([[QgsPointXY(*place) for place in r] for r in rings])
        return self._cut(whole)

    def _ring(self, ring_px: Sequence[Sequence[float]], near_x: Optional[float]) -> List[Place]:
        corners = [(float(point[0]), float(point[1])) for point in ring_px]
        if corners[0] != corners[-1]:
            corners.append(corners[0])
        start = self._place(*corners[0])
        ring = [start if near_x is None else (self._world.near(start[0], near_x), start[1])]
        for begin, end in zip(corners, corners[1:]):
            ring += self._edge(begin, ring[-1], end, MAX_HALVINGS)
        return ring

    def _edge(self, begin: Place, begin_there: Place, end: Place, halvings: int) -> List[Place]:
        """Places along an edge, without the first: as few as are needed."""
        quarter, middle, three = (
            (begin[0] + (end[0] - begin[0]) * t, begin[1] + (end[1] - begin[1]) * t)
            for t in (0.25, 0.5, 0.75)
        )
        there = [begin_there]
        for each in (quarter, middle, three, end):
            there.append(self._near(each, there[-1]))
        off_px = self._off_px(middle, (end[0] - begin[0], end[1] - begin[1]), there)
        if off_px <= MAX_OFF_PX:
            return [there[4]]
        if halvings == 0:
            if off_px > TORN_PX:
                raise QgsCsException("the CRS has a seam here")
            return [there[4]]
        first = self._edge(begin, begin_there, middle, halvings - 1)
        return first + self._edge(middle, first[-1], end, halvings - 1)

    def _near(self, place_px: Place, neighbour: Place) -> Place:
        x, y = self._place(*place_px)
        return self._world.near(x, neighbour[0]), y

    def _off_px(self, middle_px: Place, along_px: Place, there: Sequence[Place]) -> float:
        """Distance of three places of an edge from the straight line between its ends, in chip pixels."""
        middle = there[2]
        right = self._near((middle_px[0] + 1, middle_px[1]), middle)
        down = self._near((middle_px[0], middle_px[1] + 1), middle)
        a, b = right[0] - middle[0], down[0] - middle[0]
        d, e = right[1] - middle[1], down[1] - middle[1]
        determinant = a * e - b * d
        length_px = math.hypot(*along_px)
        if determinant == 0 or length_px == 0:
            return math.inf if length_px else 0.0
        largest = 0.0
        for share, (x, y) in zip((0.25, 0.5, 0.75), there[1:4]):
            dx = x - there[0][0] - share * (there[4][0] - there[0][0])
            dy = y - there[0][1] - share * (there[4][1] - there[0][1])
            off = ((e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant)
            across = (off[0] * along_px[1] - off[1] * along_px[0]) / length_px
            largest = max(largest, abs(across))
        return largest

    def _closed(self, ring: List[Place]) -> List[Place]:
        """A ring that has gone once around the world encloses a pole: by way of the pole it comes back to its start."""
        gap = ring[-1][0] - ring[0][0]
        if not self._world.width or abs(gap) < self._world.width / 2:
            return ring
        base = base_of(wkt2(self._target))
        if not self._target.isGeographic() or base is None:
            raise QgsCsException("the pole does not exist in this CRS")
        pole = math.copysign(math.pi / 2 / base.radians_per_unit, sum(y for _, y in ring))
        return [*ring, (ring[-1][0], pole), (ring[0][0], pole), ring[0]]

    def _cut(self, whole: QgsGeometry) -> List[QgsGeometry]:
        """The parts on each side of the world's edge, each with the numbers that the CRS has there."""
        width, bounds = self._world.width, whole.boundingBox()
        west = self._world.middle_x - width / 2
        first = math.floor((bounds.xMinimum() - west) / width + 1e-9) if width else 0
        last = math.ceil((bounds.xMaximum() - west) / width - 1e-9) - 1 if width else 0
        if first == last == 0:
            return [whole]
        parts = []
        for turn in range(first, last + 1):
            strip = QgsRectangle(
                west + turn * width,
                bounds.yMinimum() - 1.0,
                west + (turn + 1) * width,
                bounds.yMaximum() + 1.0,
            )
            part = whole.intersection(QgsGeometry.fromRect(strip))
            part.translate(-turn * width, 0.0)
            parts += [
                each
                for each in part.asGeometryCollection()
                if each.type() == QgsWkbTypes.GeometryType.PolygonGeometry and not each.isEmpty()
            ]
        return parts
