"""Shows a place of a chip on the canvas for a moment. Knows frames and the canvas, nothing of answers."""

from __future__ import annotations

from typing import List, Optional, Sequence

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import QObject, QTimer
from qgis.PyQt.QtGui import QColor

from ..core.frame import Frame
from .colours import ACCENT

SHOWN_MS = 1800
BLINK_MS = 150
BLINKS = 4
CROSS_PX = 9
"""Half size of the cross at a point, in pixels of the chip at most, so that it stays on its object."""


TINY_SHARE = 1 / 60
"""Of the canvas's side; about 20 pixels of a window."""

PolygonsPx = Sequence[Sequence[Sequence[Sequence[float]]]]
"""Polygon, ring, point, x/y."""


class CanvasFlash(QObject):
    """One pair of rubber bands (a white rim under a coloured line), moved from place to place."""

    def __init__(self, canvas: QgsMapCanvas, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._bands: List[QgsRubberBand] = []
        self._blinks_left = 0
        self._hide = QTimer(self)
        self._hide.setSingleShot(True)
        self._hide.timeout.connect(self.clear)
        self._blink = QTimer(self)
        self._blink.setInterval(BLINK_MS)
        self._blink.timeout.connect(self._toggle)

    @property
    def is_shown(self) -> bool:
        """Whether a place is shown now."""
        return bool(self._bands)

    def show_place(
        self,
        frame: Frame,
        place_px: Sequence[float],
        *,
        polygons_px: Optional[PolygonsPx] = None,
        hold: bool = False,
    ) -> None:
        """Flash a box (four numbers), a point (two numbers) or a mask of a chip.

        Args:
            frame: geometry of the chip.
            place_px: in pixels of the chip.
            polygons_px: outlines of what is in the box, if they are known; they are shown in its place.
            hold: stay until `clear`, without blinking: the mouse rests on a link.
        """
        outline = self._on_canvas(frame, place_px, polygons_px)
        self.clear()
        if outline is None:
            return
        rim, line = QColor(255, 255, 255, 210), ACCENT
        fill = QColor(ACCENT.red(), ACCENT.green(), ACCENT.blue(), 50)
        is_box = len(place_px) == 4
        kind = (
            QgsWkbTypes.GeometryType.PolygonGeometry
            if is_box
            else QgsWkbTypes.GeometryType.LineGeometry
        )
        for colour, width in ((rim, 6), (line, 3)):
            band = QgsRubberBand(self._canvas, kind)
            band.setStrokeColor(colour)
            band.setFillColor(fill if width == 3 else QColor(0, 0, 0, 0))
            band.setWidth(width)
            band.setToGeometry(outline, None)
            self._bands.append(band)
        if not hold:
            self._blinks_left = BLINKS
            self._blink.start()
            self._hide.start(SHOWN_MS)

    def bring_into_view(self, frame: Frame, place_px: Sequence[float]) -> None:
        """Move the canvas to the place, if it does not show it; the scale stays."""
        outline = self._on_canvas(frame, place_px)
        if outline is not None and not self._canvas.extent().contains(outline.boundingBox()):
            self._canvas.setCenter(outline.boundingBox().center())
            self._canvas.refresh()

    def is_tiny(self, frame: Frame, place_px: Sequence[float]) -> bool:
        """Whether a box would be a dot on the canvas: the map may show a whole town."""
        outline = self._on_canvas(frame, place_px) if len(place_px) == 4 else None
        if outline is None:
            return False
        bounds, shown = outline.boundingBox(), self._canvas.extent()
        return (
            bounds.width() < TINY_SHARE * shown.width()
            and bounds.height() < TINY_SHARE * shown.height()
        )

    def zoom_to(self, frame: Frame, place_px: Sequence[float]) -> None:
        """Fill a third of the canvas with the place."""
        outline = self._on_canvas(frame, place_px)
        if outline is not None:
            bounds = outline.boundingBox()
            bounds.scale(3.0)
            self._canvas.setExtent(bounds)
            self._canvas.refresh()

    def clear(self) -> None:
        """Show nothing."""
        self._hide.stop()
        self._blink.stop()
        for band in self._bands:
            self._canvas.scene().removeItem(band)
        self._bands = []

    def _toggle(self) -> None:
        self._blinks_left -= 1
        for band in self._bands:
            band.setVisible(self._blinks_left % 2 == 0)
        if self._blinks_left <= 0:
            self._blink.stop()

    def _on_canvas(
        self, frame: Frame, place_px: Sequence[float], polygons_px: Optional[PolygonsPx] = None
    ) -> Optional[QgsGeometry]:
        if polygons_px:
            polygons = frame.polygons_px_to_map(polygons_px)
            geometry = QgsGeometry.fromMultiPolygonXY(
                [[[QgsPointXY(*point) for point in ring] for ring in rings] for rings in polygons]
            )
        elif len(place_px) == 4:
            ring = [QgsPointXY(x, y) for x, y in frame.box_px_to_ring_map(place_px)]
            geometry = QgsGeometry.fromPolygonXY([ring])
        else:
            geometry = _cross(frame, place_px)
        crs = QgsCoordinateReferenceSystem.fromWkt(frame.crs_wkt) if frame.crs_wkt else None
        target = self._canvas.mapSettings().destinationCrs()
        if crs is None or not crs.isValid() or crs == target:
            return geometry
        try:
            geometry.transform(QgsCoordinateTransform(crs, target, QgsProject.instance()))
        except (
            QgsCsException
        ):  # the place does not exist in the canvas's CRS: there is nothing to show
            return None
        return geometry


def _cross(frame: Frame, place_px: Sequence[float]) -> QgsGeometry:
    x, y = place_px
    half = min(CROSS_PX, max(frame.width_px, frame.height_px) / 40)
    ends = (((x - half, y), (x + half, y)), ((x, y - half), (x, y + half)))
    lines = [[QgsPointXY(*frame.px_to_map(*end)) for end in line] for line in ends]
    return QgsGeometry.fromMultiPolylineXY(lines)
