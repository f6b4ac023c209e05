"""The part of the map that a chip shows: the canvas's view, or a drawn area, turned as it is. Knows no layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Tuple

from qgis.core import QgsGeometry, QgsMapSettings, QgsPointXY

MAX_CROPPED_ASPECT = 4
"""A view that only just touches the raster is not cut down to a strip."""


@dataclass(frozen=True)
class View:
    """A rectangle of the map, turned as the screen is."""

    centre_map: Tuple[float, float]
    width_map: float
    height_map: float
    rotation_deg: float
    """Clockwise, as QGIS's canvas rotation."""
    screen_width_px: float
    """Pixels that the canvas spends on it; the size for layers without pixels of their own."""


def canvas_view(settings: QgsMapSettings) -> View:
    """What the canvas shows."""
    extent, size = settings.extent(), settings.outputSize()
    units = settings.mapUnitsPerPixel()
    return View(
        centre_map=(extent.center().x(), extent.center().y()),
        width_map=units * size.width(),
        height_map=units * size.height(),
        rotation_deg=settings.rotation(),
        screen_width_px=size.width() * settings.devicePixelRatio(),
    )


def area_view(settings: QgsMapSettings, area_map: QgsGeometry) -> View:
    """The rectangle around `area_map`, along its own first edge, with the side up that is up on the screen."""
    points = [QgsPointXY(vertex) for vertex in area_map.vertices()]
    rotation_deg = settings.rotation()
    if len(points) == 5 and _is_rectangle(points):
        dx, dy = points[1].x() - points[0].x(), points[1].y() - points[0].y()
        edge_deg = math.degrees(math.atan2(dy, dx))
        rotation_deg = edge_deg + 90.0 * round((rotation_deg - edge_deg) / 90.0)
    units = settings.mapUnitsPerPixel() or 1.0
    return _around(points, rotation_deg, settings.devicePixelRatio() / units)


def outline(view: View) -> QgsGeometry:
    """The view's rectangle on the map."""
    angle = math.radians(view.rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = view.centre_map
    corners = [
        (side_u * view.width_map / 2, side_v * view.height_map / 2)
        for side_u, side_v in ((-1, 1), (-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    ring = [QgsPointXY(x + u * cosine - v * sine, y + u * sine + v * cosine) for u, v in corners]
    return QgsGeometry.fromPolygonXY([ring])


def cropped(view: View, covered_map: QgsGeometry) -> View:
    """The smallest part of the view, as it is turned, that shows all of an area; the view itself if that is a sliver."""
    part = outline(view).intersection(covered_map)
    points = [QgsPointXY(vertex) for vertex in part.vertices()]
    smaller = _around(points, view.rotation_deg, view.screen_width_px / view.width_map)
    if not has_area(smaller):
        return view
    longer = max(smaller.width_map, smaller.height_map)
    shorter = min(smaller.width_map, smaller.height_map)
    return smaller if longer <= MAX_CROPPED_ASPECT * shorter else view


def _around(points: List[QgsPointXY], rotation_deg: float, screen_px_per_unit: float) -> View:
    angle = math.radians(rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    along = [(p.x() * cosine + p.y() * sine, -p.x() * sine + p.y() * cosine) for p in points]
    if not along:
        return View((0.0, 0.0), 0.0, 0.0, rotation_deg, 0.0)
    left, right = min(u for u, _ in along), max(u for u, _ in along)
    bottom, top = min(v for _, v in along), max(v for _, v in along)
    u, v = (left + right) / 2, (bottom + top) / 2
    return View(
        centre_map=(u * cosine - v * sine, u * sine + v * cosine),
        width_map=right - left,
        height_map=top - bottom,
        rotation_deg=rotation_deg,
        screen_width_px=(right - left) * screen_px_per_unit,
    )


def _is_rectangle(points: List[QgsPointXY]) -> bool:
    first, second, third, fourth = points[:4]
    size = first.distance(third)
    same_middle = math.hypot(
        first.x() + third.x() - second.x() - fourth.x(),
        first.y() + third.y() - second.y() - fourth.y(),
    )
    return (
        size > 0 and same_middle < 1e-6 * size and abs(size - second.distance(fourth)) < 1e-6 * size
    )


def has_area(view: View) -> bool:
    """Whether there is anything to draw."""
    numbers = (*view.centre_map, view.width_map, view.height_map)
    return (
        all(math.isfinite(number) for number in numbers)
        and min(view.width_map, view.height_map) > 0
    )
