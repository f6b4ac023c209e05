"""Where a raster lies on the map: its places in the map's CRS and back, over the date line and the poles."""

from __future__ import annotations

import math
from typing import List, Optional, Tuple

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsRasterDataProvider,
    QgsRasterInterface,
    QgsRasterLayer,
    QgsRectangle,
)

from ..core.errors import CaptureError
from ..crs.measure import SPAN_PX
from ..crs.reference import World, world_of
from .view import View, outline

EDGE_STEPS = 17
GRID_STEPS = 9


def has_own_pixels(layer: QgsRasterLayer) -> bool:
    """Whether the layer has one pixel size of its own; web map services draw at any."""
    provider = layer.dataProvider()
    return (
        isinstance(provider, QgsRasterDataProvider)
        and bool(provider.capabilities() & QgsRasterInterface.Capability.Size)
        and layer.width() > 0
    )


def has_ground_size(layer: QgsRasterLayer, crs: QgsCoordinateReferenceSystem) -> bool:
    """Whether a pixel of the layer, taken to be in `crs`, has a size on the ground.

    A photograph without a place on the map has none: QGIS draws a pixel of it one unit wide, which a new project takes for a
    degree. Nor has a raster that would reach beyond the poles or around the earth.
    """
    return crs.isValid() and not is_unplaced(layer) and not _leaves_earth(layer.extent(), crs)


def is_unplaced(layer: QgsRasterLayer) -> bool:
    """Neither CRS nor geotransform: the picture's pixels are its coordinates."""
    extent = layer.extent()
    is_plain = layer.rasterUnitsPerPixelX() == 1 and layer.rasterUnitsPerPixelY() == 1
    is_at_origin = extent.xMinimum() == 0 and 0 in (extent.yMinimum(), extent.yMaximum())
    return not layer.crs().isValid() and has_own_pixels(layer) and is_plain and is_at_origin


def _leaves_earth(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> bool:
    width = world_of(crs).width
    if not (crs.isGeographic() and width):
        return False
    # global grids may reach half a pixel beyond the poles, and go from 0 to 360 or over the date line
    highest = 0.27 * width
    return (
        extent.yMaximum() > highest
        or extent.yMinimum() < -highest
        or extent.width() > 1.03 * width
        or max(abs(extent.xMinimum()), abs(extent.xMaximum())) > 1.53 * width
    )


class Ground:
    """A raster's extent under a map. Copies what it needs of the layer, so it may be used on another thread.

    Where the layer's CRS goes around the world, a raster over the date line is one raster: PROJ calls the places east of it
    -179°, the raster calls them 181°. QGIS itself draws only one side of such a raster in another CRS.
    """

    def __init__(
        self,
        layer: QgsRasterLayer,
        map_crs: QgsCoordinateReferenceSystem,
        context: QgsCoordinateTransformContext,
    ) -> None:
        """Prepare.

        Raises:
            CaptureError: if there is no way from one CRS to the other: they are of different planets.
        """
        self._to_map = QgsCoordinateTransform(layer.crs(), map_crs, context)
        if layer.crs().isValid() and map_crs.isValid() and not self._to_map.isValid():
            raise CaptureError(code="capture-no-transform")  # QGIS would hand the numbers through
        self.extent = QgsRectangle(layer.extent())
        self.is_same_crs = self._to_map.isShortCircuited()
        self._world = World() if self.is_same_crs else world_of(layer.crs())
        self._map_world = World() if self.is_same_crs else world_of(map_crs)

    @property
    def once_around(self) -> float:
        """Width of the world in the layer's CRS if the raster goes all around it; else 0."""
        is_whole = self._world.width and self.extent.width() > self._world.width * (1 - 1e-6)
        return self._world.width if is_whole else 0.0

    def on_layer(self, x_map: float, y_map: float) -> QgsPointXY:
        """The place on the raster under a place of the map; may lie outside of the raster.

        Raises:
            QgsCsException: if there is none.
        """
        point = self._to_map.transform(QgsPointXY(x_map, y_map), Qgis.TransformDirection.Reverse)
        if not (math.isfinite(point.x()) and math.isfinite(point.y())):
            raise QgsCsException("no such place")
        return QgsPointXY(self._world.near(point.x(), self.extent.center().x()), point.y())

    def nearest_on_layer(self, centre_map: Tuple[float, float]) -> QgsPointXY:
        """The nearest place of the raster: a view over its corner is measured on the raster, not beside it."""
        point, extent = self.on_layer(*centre_map), self.extent
        return QgsPointXY(
            min(max(point.x(), extent.xMinimum()), extent.xMaximum()),
            min(max(point.y(), extent.yMinimum()), extent.yMaximum()),
        )

    def touches(self, view: View) -> bool:
        """Whether the view shows any of the raster, as far as its middle, its edges and a grid of places tell."""
        covered = self.covered(view)
        if covered is not None and covered.intersects(outline(view)):
            return True
        angle = math.radians(view.rotation_deg)
        cosine, sine = math.cos(angle), math.sin(angle)
        for column in range(GRID_STEPS):
            for row in range(GRID_STEPS):
                u = (column / (GRID_STEPS - 1) - 0.5) * view.width_map
                v = (row / (GRID_STEPS - 1) - 0.5) * view.height_map
                try:
                    x, y = view.centre_map
                    place = self.on_layer(x + u * cosine - v * sine, y + u * sine + v * cosine)
                except QgsCsException:
                    continue
                if self.extent.contains(place):
                    return True
        return False

    def covered(self, view: View) -> Optional[QgsGeometry]:
        """What the raster covers of the map, beside the view rather than once around the world; none if not known."""
        ring: List[QgsPointXY] = []
        try:
            for x, y in self._edge():
                point = self._to_map.transform(QgsPointXY(x, y))
                if not (math.isfinite(point.x()) and math.isfinite(point.y())):
                    return None
                x_near = ring[-1].x() if ring else view.centre_map[0]
                ring.append(QgsPointXY(self._map_world.near(point.x(), x_near), point.y()))
        except QgsCsException:  # a raster of the whole earth does not fit into every CRS
            return None
        if self._map_world.width and abs(ring[-1].x() - ring[0].x()) > self._map_world.width / 2:
            return None  # around a pole
        polygon = QgsGeometry.fromPolygonXY([ring])
        middle_x = polygon.boundingBox().center().x()
        polygon.translate(self._map_world.near(middle_x, view.centre_map[0]) - middle_x, 0.0)
        return polygon if polygon.isGeosValid() else None

    def native_units_per_px(self, at: QgsPointXY, pixel: Tuple[float, float]) -> float:
        """Side of one raster pixel near a place of the raster, in map units.

        Args:
            at: on the raster.
            pixel: width and height of a pixel in units of the layer.

        Raises:
            QgsCsException: if the place does not exist in the map's CRS.
        """
        across = self._map_length(at, SPAN_PX * pixel[0] / 2, 0.0)
        along = self._map_length(at, 0.0, SPAN_PX * pixel[1] / 2)
        return math.sqrt(across * along) / SPAN_PX

    def _map_length(self, at: QgsPointXY, dx: float, dy: float) -> float:
        start = self._to_map.transform(QgsPointXY(at.x() - dx, at.y() - dy))
        end = self._to_map.transform(QgsPointXY(at.x() + dx, at.y() + dy))
        return math.hypot(self._map_world.near(end.x(), start.x()) - start.x(), end.y() - start.y())

    def _edge(self) -> List[Tuple[float, float]]:
        """Places along the raster's outline, closed."""
        extent, steps = self.extent, range(EDGE_STEPS)
        corners = [
            (extent.xMinimum(), extent.yMaximum()),
            (extent.xMinimum(), extent.yMinimum()),
            (extent.xMaximum(), extent.yMinimum()),
            (extent.xMaximum(), extent.yMaximum()),
            (extent.xMinimum(), extent.yMaximum()),
        ]
        places = [
            (x0 + (x1 - x0) * step / EDGE_STEPS, y0 + (y1 - y0) * step / EDGE_STEPS)
            for (x0, y0), (x1, y1) in zip(corners, corners[1:])
            for step in steps
        ]
        return [*places, corners[0]]
