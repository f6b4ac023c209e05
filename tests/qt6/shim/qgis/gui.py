# ruff: noqa: N802, N815 - the names are those of QGIS
"""The part of `qgis.gui` that the plugin's widgets use, made of PyQt6's widgets."""

import enum

from PyQt6.QtCore import QObject, QRectF, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QDockWidget,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QHBoxLayout,
    QLineEdit,
    QWidget,
)

from qgis import absent
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsRectangle

QgsMapMouseEvent = QMouseEvent


class QgsDockWidget(QDockWidget):
    """A dock that an action shows and hides."""

    def setUserVisible(self, visible):
        self.setVisible(visible)

    def setToggleVisibilityAction(self, action):
        action.setCheckable(True)
        action.toggled.connect(self.setVisible)
        self.visibilityChanged.connect(action.setChecked)


class QgsMapLayerComboBox(QComboBox):
    """Without layers."""

    layerChanged = pyqtSignal(object)

    def setFilters(self, filters):
        self.filters = filters

    def currentLayer(self):
        return None


class QgsPasswordLineEdit(QLineEdit):
    """Without its eye."""


class QgsFileWidget(QWidget):
    """A line for a path."""

    class StorageMode(enum.Enum):
        """As in QGIS."""

        GetFile = 0
        SaveFile = 3

    fileChanged = pyqtSignal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._line = QLineEdit(self)
        QHBoxLayout(self).addWidget(self._line)
        self._line.textChanged.connect(self.fileChanged)

    def lineEdit(self):
        return self._line

    def filePath(self):
        return self._line.text()

    def setFilePath(self, path):
        self._line.setText(path)

    def setStorageMode(self, mode):
        assert isinstance(mode, self.StorageMode)

    def setFilter(self, text):
        self.filter = text

    def setDialogTitle(self, text):
        self.title = text


class QgsProjectionSelectionWidget(QWidget):
    """Keeps a CRS."""

    def setCrs(self, crs):
        self._crs = crs

    def crs(self):
        return self._crs


class _MapSettings:
    def destinationCrs(self):
        return QgsCoordinateReferenceSystem()


class QgsMapCanvas(QGraphicsView):
    """One map unit is one pixel; mouse events go to the tool."""

    extentsChanged = pyqtSignal()
    rotationChanged = pyqtSignal(float)
    destinationCrsChanged = pyqtSignal()
    layersChanged = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(QGraphicsScene(), parent)
        self.scene().setParent(self)
        self._tool = None
        self._extent = QgsRectangle(0, 0, 448, 448)
        self.moves = []

    def mapTool(self):
        return self._tool

    def setMapTool(self, tool):
        if self._tool is not None:
            self._tool.deactivate()
        self._tool = tool

    def unsetMapTool(self, tool):
        if self._tool is tool:
            self._tool = None
            tool.deactivate()

    def mapSettings(self):
        return _MapSettings()

    def extent(self):
        return self._extent

    def setExtent(self, extent):
        self._extent = extent
        self.moves.append("extent")
        self.extentsChanged.emit()

    def setCenter(self, centre):
        self.moves.append("centre")

    def refresh(self):
        self.viewport().update()

    def mousePressEvent(self, event):
        if self._tool is not None:
            self._tool.canvasPressEvent(event)

    def mouseMoveEvent(self, event):
        if self._tool is not None:
            self._tool.canvasMoveEvent(event)

    def mouseReleaseEvent(self, event):
        if self._tool is not None:
            self._tool.canvasReleaseEvent(event)

    def keyPressEvent(self, event):
        if self._tool is not None:
            self._tool.keyPressEvent(event)


class QgsMapTool(QObject):
    """A tool on the canvas."""

    def __init__(self, canvas):
        super().__init__(canvas)
        self._canvas = canvas

    def canvas(self):
        return self._canvas

    def setCursor(self, cursor):
        self._canvas.setCursor(cursor)

    def toMapCoordinates(self, point):
        return QgsPointXY(point.x(), point.y())

    def deactivate(self):
        """For subclasses."""


class QgsRubberBand(QGraphicsItem):
    """An outline that knows its colours."""

    def __init__(self, canvas, kind):
        super().__init__()
        self.kind, self.geometry = kind, None
        canvas.scene().addItem(self)

    def boundingRect(self):
        return QRectF()

    def paint(self, *_):
        """Nothing is drawn."""

    def setToGeometry(self, geometry, _layer):
        self.geometry = geometry

    def reset(self, kind):
        self.kind, self.geometry = kind, None

    def setStrokeColor(self, colour):
        self.stroke = QColor(colour)

    def setFillColor(self, colour):
        self.fill = QColor(colour)

    def setSecondaryStrokeColor(self, colour):
        self.second = QColor(colour)

    def setLineStyle(self, style):
        self.style = style

    def setWidth(self, width):
        self.width = width


def __getattr__(name):
    """Every other class of QGIS is there by name, so that modules can be imported."""
    if not name.startswith("Qgs"):
        raise AttributeError(name)
    return globals().setdefault(name, absent(name))
