"""Draw a rectangle on the canvas, parallel to the screen even where the map is turned."""

from __future__ import annotations

from typing import List, Optional

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QPoint, QRect, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

from .colours import ACCENT

MIN_DRAG_PX = 4
"""Less than this is a click that slipped, not a rectangle."""


class RectangleTool(QgsMapTool):
    """Press, drag, release: `drawn` brings the rectangle as a polygon in the canvas's CRS; Esc gives up."""

    drawn = pyqtSignal(QgsGeometry)
    given_up = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._begin: Optional[QPoint] = None
        self._band = outline_band(canvas)

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._begin = event.pos()

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        if self._begin is not None:
            self._band.setToGeometry(self._rectangle(event.pos()), None)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        begin, end = self._begin, event.pos()
        if begin is None or event.button() != Qt.MouseButton.LeftButton:
            return
        is_rectangle = min(abs(end.x() - begin.x()), abs(end.y() - begin.y())) >= MIN_DRAG_PX
        rectangle = self._rectangle(end)
        self._reset()
        if is_rectangle:
            self.drawn.emit(rectangle)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._reset()
            self.given_up.emit()
            event.accept()

    def deactivate(self) -> None:
        self._reset()
        super().deactivate()

    def remove(self) -> None:
        """Take the rubber band off the canvas, and this tool, which is a child of the canvas and would stay with it."""
        self.canvas().scene().removeItem(self._band)
        sip.delete(self)

    def _reset(self) -> None:
        self._begin = None
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def _rectangle(self, end: QPoint) -> QgsGeometry:
        box = QRect(self._begin, end).normalized()
        left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
        corners = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
        ring: List[QgsPointXY] = [self.toMapCoordinates(QPoint(x, y)) for x, y in corners]
        return QgsGeometry.fromPolygonXY([ring])


def outline_band(canvas: QgsMapCanvas) -> QgsRubberBand:
    """An empty dashed outline on the canvas."""
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
    band.setStrokeColor(ACCENT)
    band.setFillColor(QColor(0, 0, 0, 0))
    band.setSecondaryStrokeColor(QColor(255, 255, 255, 160))
    band.setLineStyle(Qt.PenStyle.DashLine)
    band.setWidth(2)
    return band
