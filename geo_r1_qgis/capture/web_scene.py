"""Which pictures of a web map layer will be taken, and how many requests that costs its server. Asks nothing of it.

A web layer is drawn by its server at any size and may show the whole world, so a person says which part of it and at
what ground size. The number of requests is said before anything is asked, and above a limit it is refused: map servers
are run for people who look at maps, and many forbid to be copied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple
from urllib.parse import parse_qs

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsPointXY,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.frame import Frame
from ..core.tiling import MIN_TILE_PX
from ..crs.measure import m_per_px_at
from ..crs.reference import wkt2
from .plan import layer_problem, short_metres
from .scene_plan import MAX_TILE_PX, SceneArea, ScenePlan, planned_areas

translate = QCoreApplication.translate

USUAL_M_PER_PX = 0.3
"""What the models have seen most of: photographs from the air and the sharpest satellites."""
MOST_REQUESTS = 5_000
"""About 600 pictures, 10 km² at 0.3 m; `geo_r1/most_web_requests` in QGIS's settings is another limit."""
SERVED_PX = 256
"""Side of a tile as most servers have them."""
EVEN_PX = 4
"""Sides of a scene are multiples: the coarser looks are then exact halves."""
MARGIN_PX = 16


@dataclass(frozen=True)
class WebScene:
    """A web layer at a chosen ground size; `over` an extent or areas it becomes a plan. For any thread."""

    layer: QgsRasterLayer
    layer_name: str
    crs: QgsCoordinateReferenceSystem
    context: QgsCoordinateTransformContext
    bounds: QgsRectangle
    """What the server has, in `crs`."""
    m_per_px: float
    tile_px: int
    levels: int
    most_requests: int
    is_tiled: bool
    """The server has tiles of its own; else it draws each picture for itself."""

    def over(self, extent: QgsRectangle, areas: Optional[Sequence[SceneArea]] = None) -> ScenePlan:
        """The pictures that cover an extent, or areas.

        Args:
            extent: in the layer's CRS.
            areas: look at these only; `extent` is then not used.
        """
        if areas is not None:
            extent = QgsRectangle()
            for area in areas:
                extent.combineExtentWith(area.polygon.boundingBox())
        shown = extent.intersect(self.bounds)
        if shown.isEmpty():
            words = translate(
                "ScenePlan", "“{layer}” is not in this area: move the map to where it is."
            )
            return ScenePlan(layer=self.layer, problem=words.format(layer=self.layer_name))
        frame = self._frame(shown)
        if frame is None:
            words = translate(
                "ScenePlan", "The ground size of “{layer}” is not known here: give it a CRS."
            )
            return ScenePlan(layer=self.layer, problem=words.format(layer=self.layer_name))
        side = min(max(self.tile_px, MIN_TILE_PX), MAX_TILE_PX)
        planned, outside = planned_areas(frame, areas, side, self.levels)
        plan = ScenePlan(
            self.layer, self.layer_name, frame, self.crs, self.context, side, self.levels, planned, outside, web=self
        )  # fmt: skip
        if plan.requests > self.most_requests:
            return ScenePlan(layer=self.layer, problem=self._too_many(plan.requests))
        return plan

    def requests_for(self, pictures: int, side_px: int) -> int:
        """About how many requests so many pictures cost the server."""
        if not self.is_tiled:
            return pictures
        # the nearest finer zoom has up to twice as many pixels a side, 1.4 on the average; edges are begun tiles
        per_picture = (1.4 * side_px / SERVED_PX + 0.5) ** 2
        return math.ceil(pictures * per_picture)

    def _too_many(self, requests: int) -> str:
        words = translate(
            "ScenePlan",
            "That would be up to {requests} requests to the server of “{layer}”; the limit is {limit}. Zoom in, choose fewer "
            "areas or coarser pixels ({size} m now), or look at a raster file.",
        )
        return words.format(
            requests=f"{requests:,}",
            layer=self.layer_name,
            limit=f"{self.most_requests:,}",
            size=short_metres(self.m_per_px),
        )

    def _frame(self, extent: QgsRectangle) -> Optional[Frame]:
        middle = QgsPointXY(extent.center())
        span = max(extent.width(), extent.height()) / 1000
        metres = m_per_px_at(middle, (span, 0.0), (0.0, -span), self.crs)
        if not metres:
            return None
        units = self.m_per_px * span / metres
        sides = [
            max(MIN_TILE_PX * EVEN_PX, EVEN_PX * math.ceil(side / units / EVEN_PX - 1e-6))
            for side in (extent.width(), extent.height())
        ]
        left, top = middle.x() - units * sides[0] / 2, middle.y() + units * sides[1] / 2
        return Frame(
            width_px=sides[0],
            height_px=sides[1],
            affine=(units, 0.0, left, 0.0, -units, top),
            crs_wkt=wkt2(self.crs),
            crs_authid=self.crs.authid(),
            m_per_px=self.m_per_px,
        )


def web_scene(
    layer: QgsRasterLayer,
    *,
    context: QgsCoordinateTransformContext,
    m_per_px: float,
    tile_px: int,
    levels: int,
    most_requests: int = MOST_REQUESTS,
) -> Tuple[Optional[WebScene], str]:
    """A web layer at a ground size, or one sentence on why there is none. On the GUI thread; it only computes."""
    problem = layer_problem(layer)
    if problem:
        return None, problem
    crs = QgsCoordinateReferenceSystem(layer.crs())
    if not crs.isValid() or crs.isGeographic():
        words = translate(
            "ScenePlan",
            "“{layer}” is served in degrees: add it in a projected CRS, such as EPSG:3857, to look at more than a view.",
        )
        return None, words.format(layer=layer.name())
    source = parse_qs(layer.source())
    is_tiled = source.get("type") == ["xyz"] or "tileMatrixSet" in source
    scene = WebScene(
        layer, layer.name(), crs, context, QgsRectangle(layer.extent()), m_per_px, tile_px, levels, most_requests, is_tiled
    )  # fmt: skip
    return scene, ""
