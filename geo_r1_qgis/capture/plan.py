"""What will be sent when the user presses Enter: size, place and resolution of the chip, or why there is none.

Cheap enough for every move of the canvas: it reads no pixel. The drawing is `render.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCsException,
    QgsGeometry,
    QgsMapSettings,
    QgsPointXY,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import CaptureError
from ..core.frame import Frame, view_affine
from ..crs.measure import m_per_px_at
from ..crs.reference import name_of, wkt2
from .ground import Ground, has_ground_size, has_own_pixels, is_unplaced
from .view import View, area_view, canvas_view, cropped, has_area

translate = QCoreApplication.translate

MAX_SIDE_PX = 1024
"""Longest side that is sent. The models look at 224 .. 672 px (`ModelProfile.view_sizes_px`); more than twice that
would travel only to be shrunk."""
MIN_SIDE_PX = 28
"""One cell of the Qwen2.5-VL grid; what is smaller on the raster is enlarged to this."""
MAX_ASPECT = 50
"""The service refuses 200 : 1 (`wire.MAX_ASPECT_RATIO`); a sliver is of no use long before."""


@dataclass(frozen=True)
class CapturePlan:
    """What would be sent. Good as long as the layer and the view stay; make a new one when they change."""

    layer: Optional[QgsRasterLayer] = None
    frame: Optional[Frame] = None
    view: Optional[View] = None
    settings: Optional[QgsMapSettings] = None
    """The canvas's own settings: CRS, datum shifts, ellipsoid."""
    problem: str = ""
    """One sentence on why nothing can be sent; empty = it can."""
    note: str = ""
    """One sentence on something to know (a layer without CRS); empty = nothing."""

    @property
    def summary(self) -> str:
        """What will be sent, in words: ``1 chip 448×448 px at 0.30 m/px (native 0.30)``."""
        if self.problem or self.frame is None:
            return self.problem
        frame = self.frame
        size = translate("CapturePlan", "1 chip {width}×{height} px").format(
            width=frame.width_px, height=frame.height_px
        )
        if not frame.m_per_px:
            return size + " " + translate("CapturePlan", "(ground size not known)")
        at = translate("CapturePlan", "at {size} m/px").format(size=short_metres(frame.m_per_px))
        if frame.native_m_per_px is None:
            return f"{size} {at}"
        native = translate("CapturePlan", "(native {size})").format(
            size=short_metres(frame.native_m_per_px)
        )
        return f"{size} {at} {native}"


def plan_capture(
    canvas: object, layer: Optional[QgsRasterLayer], area_map: Optional[QgsGeometry] = None
) -> CapturePlan:
    """Plan the chip of what `canvas` shows of `layer`.

    Args:
        canvas: a QgsMapCanvas.
        layer: the raster to look at.
        area_map: a polygon in the project's CRS instead of the whole view; a drawn rectangle keeps its own
            direction, whether it follows the map's axes or the screen's.
    """
    return plan_view(canvas.mapSettings(), layer, area_map)  # type: ignore[attr-defined]


def plan_view(
    settings: QgsMapSettings,
    layer: Optional[QgsRasterLayer],
    area_map: Optional[QgsGeometry] = None,
) -> CapturePlan:
    """Plan the chip for given map settings; see `plan_capture`."""
    problem = layer_problem(layer)
    if problem:
        return CapturePlan(problem=problem)
    view = canvas_view(settings) if area_map is None else area_view(settings, area_map)
    if not has_area(view):
        return CapturePlan(
            layer=layer,
            problem=translate(
                "CapturePlan", "The area is empty: draw a rectangle or zoom to the raster."
            ),
        )
    if max(view.width_map, view.height_map) > MAX_ASPECT * min(view.width_map, view.height_map):
        return CapturePlan(
            layer=layer,
            problem=translate(
                "CapturePlan", "The area is too narrow: draw one that is less of a line."
            ),
        )
    try:
        return _plan_on_layer(settings, layer, view)
    except QgsCsException:
        problem = translate(
            "CapturePlan", "This area is not in the CRS of “{layer}” ({crs}): zoom to the layer."
        )
        return CapturePlan(
            layer=layer,
            problem=problem.format(layer=layer.name(), crs=name_of(layer.crs())),
        )


def _plan_on_layer(settings: QgsMapSettings, layer: QgsRasterLayer, view: View) -> CapturePlan:
    # Without a project CRS, QGIS draws every layer in its own: the map's numbers are the layer's.
    map_crs = settings.destinationCrs() if settings.destinationCrs().isValid() else layer.crs()
    try:
        ground = Ground(layer, map_crs, settings.transformContext())
    except CaptureError:
        problem = translate(
            "CapturePlan",
            "QGIS knows no way from the CRS of “{layer}” ({crs}) to the project's ({map_crs}); they may be of different "
            "planets. Set the project's CRS to the layer's.",
        )
        names = {"crs": name_of(layer.crs()), "map_crs": name_of(map_crs)}
        return CapturePlan(layer=layer, problem=problem.format(layer=layer.name(), **names))
    if not ground.touches(view):
        problem = translate(
            "CapturePlan", "“{layer}” is not in this area: zoom to it, or choose another one."
        )
        return CapturePlan(layer=layer, problem=problem.format(layer=layer.name()))

    covered = ground.covered(view)
    view = view if covered is None else cropped(view, covered)
    centre = QgsPointXY(*view.centre_map)
    layer_crs = layer.crs() if layer.crs().isValid() else map_crs
    is_measurable = not has_own_pixels(layer) or has_ground_size(layer, layer_crs)
    native_m, native_units = None, view.width_map / max(1.0, view.screen_width_px)
    if has_own_pixels(layer):
        pixel = (layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY())
        centre_layer = ground.nearest_on_layer(view.centre_map)
        native_units = ground.native_units_per_px(centre_layer, pixel)
        if is_measurable:
            native_m = m_per_px_at(centre_layer, (pixel[0], 0.0), (0.0, pixel[1]), layer_crs)
    if not (math.isfinite(native_units) and native_units > 0):
        raise QgsCsException("no pixel size here")

    width_px, height_px, units_per_px = _chip_size(view, native_units)
    if units_per_px == native_units and ground.is_same_crs:
        view = _on_raster_grid(view, width_px, height_px, layer)
    affine = view_affine(
        centre_map=view.centre_map,
        units_per_px=units_per_px,
        width_px=width_px,
        height_px=height_px,
        rotation_deg=view.rotation_deg,
    )
    a, b, _, d, e, _ = affine
    m_per_px = m_per_px_at(centre, (a, d), (b, e), map_crs) if is_measurable else 0.0
    frame = Frame(
        width_px=width_px,
        height_px=height_px,
        affine=affine,
        crs_wkt=wkt2(map_crs),
        crs_authid=map_crs.authid(),
        m_per_px=m_per_px,
        native_m_per_px=native_m or None,
    )
    return CapturePlan(
        layer=layer, frame=frame, view=view, settings=settings, note=crs_note(layer, map_crs)
    )


def _chip_size(view: View, native_units: float) -> Tuple[int, int, float]:
    """Width and height of the chip and map units per pixel: native where that fits, never larger than needed."""
    longest_px = max(view.width_map, view.height_map) / native_units
    shortest_px = min(view.width_map, view.height_map) / native_units
    units_per_px = native_units
    if shortest_px < MIN_SIDE_PX:
        units_per_px *= shortest_px / MIN_SIDE_PX
        longest_px *= MIN_SIDE_PX / shortest_px
    if longest_px > MAX_SIDE_PX:
        units_per_px *= longest_px / MAX_SIDE_PX
    return _even(view.width_map / units_per_px), _even(view.height_map / units_per_px), units_per_px


def _on_raster_grid(view: View, width_px: int, height_px: int, layer: QgsRasterLayer) -> View:
    """The view moved by less than half a pixel onto the raster's own pixels, where they can be sent untouched."""
    size_x, size_y = layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    if not has_own_pixels(layer) or view.rotation_deg % 90 or abs(size_x - size_y) > 1e-9 * size_x:
        return view
    if view.rotation_deg % 180:
        width_px, height_px = height_px, width_px
    extent = layer.extent()
    x, y = view.centre_map
    left = round((x - extent.xMinimum()) / size_x - width_px / 2) + width_px / 2
    top = round((extent.yMaximum() - y) / size_y - height_px / 2) + height_px / 2
    return replace(
        view, centre_map=(extent.xMinimum() + left * size_x, extent.yMaximum() - top * size_y)
    )


def _even(size_px: float) -> int:
    # QGIS turns a rotated raster about width // 2: with an odd side the picture would be half a pixel off.
    return max(2, 2 * round(size_px / 2))


def layer_problem(layer: Optional[QgsRasterLayer]) -> str:
    """One sentence on why a layer cannot be looked at; empty = it can."""
    if layer is None:
        return translate("CapturePlan", "There is no raster layer to look at: add one to the map.")
    if not isinstance(layer, QgsRasterLayer):
        return translate("CapturePlan", "“{layer}” is not a raster layer: choose one.").format(
            layer=layer.name()
        )
    if not layer.isValid():
        return translate(
            "CapturePlan", "“{layer}” cannot be read: its file or address is not available."
        ).format(layer=layer.name())
    return ""


def crs_note(layer: QgsRasterLayer, map_crs: QgsCoordinateReferenceSystem) -> str:
    """One sentence on a layer whose place or size on the ground is not sure; empty for all others."""
    if is_unplaced(layer):
        unplaced = translate(
            "CapturePlan", "“{layer}” has no place on the map: sizes are in pixels."
        )
        return unplaced.format(layer=layer.name())
    if has_own_pixels(layer) and layer.crs().isValid() and not has_ground_size(layer, layer.crs()):
        beyond = translate(
            "CapturePlan", "“{layer}” reaches beyond the earth in {crs}: is that its CRS?"
        )
        return beyond.format(layer=layer.name(), crs=name_of(layer.crs()))
    if layer.crs().isValid():
        return ""
    if not map_crs.isValid():
        note = translate(
            "CapturePlan",
            "“{layer}” has no CRS: nothing is known in metres, and answers lie in its own units.",
        )
        return note.format(layer=layer.name())
    note = translate(
        "CapturePlan", "“{layer}” has no CRS: it is taken to be in the project's, {crs}."
    )
    return note.format(layer=layer.name(), crs=name_of(map_crs))


def short_metres(metres: float) -> str:
    """A ground size as it is shown."""
    if metres >= 100:
        return f"{metres:.0f}"
    return f"{metres:.2f}" if metres >= 0.1 else f"{metres:.2g}"
