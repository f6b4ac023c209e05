"""Which pixels of a whole raster will be looked at, at what size, through how many tiles. Reads no pixel.

The scene's own pixels lie in the layer's CRS, on the raster's own grid where it is looked at as it is (so its pixels
travel untouched), else on a grid that is square on the ground. A raster that is turned or upside down in its file is
straight for QGIS, which shows it through a warp; the corners that this leaves have no data and are not sent.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Iterator, List, Optional, Protocol, Sequence, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsGeometry,
    QgsPointXY,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QTransform

from ..core.errors import CaptureError
from ..core.frame import Frame
from ..core.tiling import MIN_TILE_PX, OVERLAP_SHARE, Tile, TilePlan, Window
from .ground import has_own_pixels
from .plan import crs_note, layer_problem, short_metres
from .render import undrawn_type
from .scene_frame import scene_frame

translate = QCoreApplication.translate

TILE_PX = 448
"""What the embedded model sees without shrinking; `ModelInfo.max_view_px` says it of the others."""
MAX_TILE_PX = 1024
USUAL_LEVELS = 2
MARGIN_SHARE, MARGIN_PX = 0.1, 16
"""Around an area that is looked at: what stands at its edge is seen whole."""


@dataclass(frozen=True)
class SceneArea:
    """One area of its own: answers carry its id, and a comparison is made within it."""

    id: str
    polygon: QgsGeometry
    """In the CRS of the raster layer."""


@dataclass(frozen=True)
class PlannedArea:
    """An area on the scene's pixels."""

    number: int
    id: str
    window: Window
    tiles: TilePlan
    polygon: Optional[QgsGeometry] = None
    """In pixels of the scene, y down; none = all of the window."""

    def holds(self, x_px: float, y_px: float) -> bool:
        """Whether a place of the scene belongs to the area."""
        return self.polygon is None or self.polygon.contains(QgsPointXY(x_px, y_px))

    def meets(self, tile: Tile) -> bool:
        """Whether a tile shows any of the area."""
        if self.polygon is None:
            return True
        left, top, right, bottom = self.placed(tile)
        return self.polygon.intersects(QgsGeometry.fromRect(QgsRectangle(left, top, right, bottom)))

    def placed(self, tile: Tile) -> Window:
        """Window of a tile in pixels of the scene."""
        left, top = self.window[:2]
        return (
            tile.window[0] + left,
            tile.window[1] + top,
            tile.window[2] + left,
            tile.window[3] + top,
        )


class Web(Protocol):
    """What a plan must know of a web map layer; `web_scene.WebScene` is one."""

    def over(self, extent: QgsRectangle, areas: Optional[Sequence[SceneArea]] = None) -> ScenePlan:
        """The pictures that cover an extent, or areas."""

    def requests_for(self, pictures: int, side_px: int) -> int:
        """About how many requests so many pictures cost the server."""


@dataclass(frozen=True)
class ScenePlan:
    """What would be looked at. Good as long as the layer stays; make a new one when it changes."""

    layer: Optional[QgsRasterLayer] = None
    layer_name: str = ""
    frame: Optional[Frame] = None
    """Of the whole raster at the chosen size: boxes of all answers are in its pixels."""
    crs: Optional[QgsCoordinateReferenceSystem] = None
    context: Optional[QgsCoordinateTransformContext] = None
    tile_px: int = TILE_PX
    levels: int = USUAL_LEVELS
    areas: Tuple[PlannedArea, ...] = ()
    outside: int = 0
    """How many of the given areas the raster does not cover."""
    problem: str = ""
    """One sentence on why nothing can be looked at; empty = it can."""
    note: str = ""
    """One sentence on something to know (a layer without CRS); empty = nothing."""
    web: Optional[Web] = None
    """Of a web map layer."""

    @property
    def tile_count(self) -> int:
        """At most so many looks; those without data and those beside an area's polygon are not taken."""
        return sum(area.tiles.count for area in self.areas)

    @property
    def summary(self) -> str:
        """What will be sent, in words: ``12 tiles of 448 px at 0.30 m/px``."""
        if self.problem or self.frame is None:
            return self.problem
        count = self.tile_count
        words = (
            translate("ScenePlan", "{count} tiles of {size} px")
            if count != 1
            else translate("ScenePlan", "1 tile of {size} px")
        ).format(count=f"{count:,}", size=self.tile_px)
        if self.frame.m_per_px:
            at = translate("ScenePlan", "at {size} m/px")
            words = f"{words} {at.format(size=short_metres(self.frame.m_per_px))}"
        if len(self.areas) != 1 or self.areas[0].id:
            areas = (
                translate("ScenePlan", "in {count} areas")
                if len(self.areas) != 1
                else translate("ScenePlan", "in 1 area")
            )
            words = f"{words} {areas.format(count=f'{len(self.areas):,}')}"
        if self.web is not None and not self.areas[0].id:
            words = f"{words} {translate('ScenePlan', 'of what the map shows')}"
        if self.requests:
            asked = translate("ScenePlan", "(up to {count} requests to its server)")
            words = f"{words} {asked.format(count=f'{self.requests:,}')}"
        return words

    @property
    def requests(self) -> int:
        """About so many are made to the server of a web map layer; 0 for files."""
        return self.web.requests_for(self.tile_count, self.tile_px) if self.web is not None else 0

    @property
    def fingerprint(self) -> str:
        """Tells whether another plan takes the same looks: a run may only go on with one that does."""
        digest = hashlib.sha256(self.frame.to_json().encode())
        digest.update(f"{self.tile_px} {self.levels}".encode())
        for area in self.areas:
            digest.update(f"{area.id} {area.window}".encode())
            if area.polygon is not None:
                digest.update(bytes(area.polygon.asWkb()))
        return digest.hexdigest()

    def tile_frame(self, area: PlannedArea, tile: Tile) -> Frame:
        """Geometry of the picture of one tile."""
        left, top, right, bottom = area.placed(tile)
        a, b, _, d, e, _ = self.frame.affine
        across = (right - left) / tile.width_px
        down = (bottom - top) / tile.height_px
        x, y = self.frame.px_to_map(left, top)
        return Frame(
            width_px=tile.width_px,
            height_px=tile.height_px,
            affine=(a * across, b * down, x, d * across, e * down, y),
            crs_wkt=self.frame.crs_wkt,
            crs_authid=self.frame.crs_authid,
            m_per_px=self.frame.m_per_px * math.sqrt(across * down),
            native_m_per_px=self.frame.native_m_per_px,
        )

    def looks(self) -> Iterator[Tuple[PlannedArea, Tile]]:
        """Every look in its order: area by area, each from top to bottom."""
        for area in self.areas:
            for tile in area.tiles.tiles():
                yield area, tile


def plan_scene(
    layer: Optional[QgsRasterLayer],
    *,
    context: QgsCoordinateTransformContext,
    map_crs: Optional[QgsCoordinateReferenceSystem] = None,
    tile_px: int = TILE_PX,
    m_per_px: float = 0.0,
    levels: int = USUAL_LEVELS,
    areas: Optional[Sequence[SceneArea]] = None,
    extent: Optional[QgsRectangle] = None,
) -> ScenePlan:
    """Plan the looks at a whole raster, or at areas of it. Call it on the GUI thread; it only computes.

    Args:
        layer: with pixels of its own.
        context: the project's choice of datum shifts.
        map_crs: the project's CRS, in which a layer without a CRS is taken to be.
        tile_px: side of the pictures that are sent.
        m_per_px: ground size of a sent pixel; 0 = the raster's own.
        levels: how many resolutions, see `core.tiling.TilePlan`.
        areas: look at these only (see `capture.scene_areas`); each has its own answers. None = everything.
        extent: look at this part only, in the layer's CRS; not with `areas`.

    Returns:
        A plan with a `problem` where nothing can be looked at.
    """
    problem = _problem(layer)
    if problem:
        return ScenePlan(problem=problem)
    crs = layer.crs() if layer.crs().isValid() else map_crs or QgsCoordinateReferenceSystem()
    try:
        frame = scene_frame(layer, crs, m_per_px)
    except CaptureError as error:
        return ScenePlan(layer=layer, problem=str(error))
    side = min(max(tile_px, MIN_TILE_PX), MAX_TILE_PX)
    if extent is not None:
        areas = [SceneArea("", QgsGeometry.fromRect(extent))]
    planned, outside = planned_areas(frame, areas, side, levels)
    if not planned:
        return ScenePlan(layer=layer, outside=outside, problem=_no_pixels(layer.name()))
    note = crs_note(layer, crs)
    return ScenePlan(
        layer, layer.name(), frame, crs, context, side, levels, planned, outside, note=note
    )


def within(plan: ScenePlan, areas: Sequence[SceneArea]) -> ScenePlan:
    """The same plan for these areas only; for any thread, there may be many."""
    if plan.problem:
        return plan
    if plan.web is not None:
        return plan.web.over(QgsRectangle(), areas)
    planned, outside = planned_areas(plan.frame, areas, plan.tile_px, plan.levels)
    problem = "" if planned else _no_pixels(plan.layer_name)
    return replace(plan, areas=planned, outside=outside, problem=problem)


def _no_pixels(name: str) -> str:
    problem = translate("ScenePlan", "“{layer}” has no pixels in the areas that were chosen.")
    return problem.format(layer=name)


def _problem(layer: Optional[QgsRasterLayer]) -> str:
    problem = layer_problem(layer)
    if problem:
        return problem
    if not has_own_pixels(layer):
        return translate(
            "ScenePlan",
            "“{layer}” is drawn by a server at any size and has no pixels of its own: look at it in the dock, which asks "
            "for a part and a size, or at a raster file.",
        ).format(layer=layer.name())
    kind = undrawn_type(layer)
    if kind:
        return translate(
            "ScenePlan",
            "The numbers of “{layer}” are of the type {type}, which QGIS does not draw.",
        ).format(layer=layer.name(), type=kind)
    return ""


def planned_areas(
    frame: Frame, areas: Optional[Sequence[SceneArea]], tile_px: int, levels: int
) -> Tuple[Tuple[PlannedArea, ...], int]:
    """Areas on the scene's pixels, and how many the raster does not cover."""
    if areas is None:
        window = (0, 0, frame.width_px, frame.height_px)
        return (PlannedArea(0, "", window, _tiles(window, tile_px, levels)),), 0
    planned: List[PlannedArea] = []
    outside = 0
    for area in areas:
        polygon = _in_pixels(area.polygon, frame)
        bounds = polygon.boundingBox()
        margin = max(MARGIN_PX, MARGIN_SHARE * max(bounds.width(), bounds.height()))
        window = (
            max(0, math.floor(bounds.xMinimum() - margin)),
            max(0, math.floor(bounds.yMinimum() - margin)),
            min(frame.width_px, math.ceil(bounds.xMaximum() + margin)),
            min(frame.height_px, math.ceil(bounds.yMaximum() + margin)),
        )
        whole = QgsGeometry.fromRect(QgsRectangle(0, 0, frame.width_px, frame.height_px))
        if window[2] <= window[0] or window[3] <= window[1] or not whole.intersects(polygon):
            outside += 1
            continue
        tiles = _tiles(window, tile_px, levels)
        planned.append(PlannedArea(len(planned), area.id, window, tiles, polygon))
    return tuple(planned), outside


def _in_pixels(polygon: QgsGeometry, frame: Frame) -> QgsGeometry:
    """A polygon of the layer's CRS in pixels of the scene: the scene's grid is straight in that CRS."""
    a, _, c, _, e, f = frame.affine
    moved = QgsGeometry(polygon)
    moved.translate(-c, -f)
    moved.transform(QTransform.fromScale(1 / a, 1 / e))
    return moved


def _tiles(window: Window, tile_px: int, levels: int) -> TilePlan:
    width, height = window[2] - window[0], window[3] - window[1]
    return TilePlan(width, height, tile_px, round(tile_px * OVERLAP_SHARE), levels)
