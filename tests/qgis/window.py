# ruff: noqa: N802 - the names are those of QGIS's interface
"""A window with a canvas that offers what the plugin asks of QGIS's own, for tests without the desktop program."""

from qgis.core import QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QMainWindow, QMenu


class Window(QObject):
    """The part of `iface` that the plugin uses, on a real main window; `added` says what is in it now."""

    initializationCompleted = pyqtSignal()  # noqa: N815 - QGIS's name

    def __init__(self):
        super().__init__()
        self.window = QMainWindow()
        self.canvas = QgsMapCanvas(self.window)
        self.canvas.resize(448, 448)
        self.window.setCentralWidget(self.canvas)
        self.window.resize(1280, 800)
        self.added = []
        self.raster_menu = QMenu("Raster", self.window)

    def mainWindow(self):
        return self.window

    def mapCanvas(self):
        return self.canvas

    def registerMainWindowAction(self, action, shortcut):
        self.added.append(("shortcut", action))

    def unregisterMainWindowAction(self, action):
        self.added.remove(("shortcut", action))

    def rasterMenu(self):
        return self.raster_menu

    def addPluginToRasterMenu(self, menu, action):
        self.submenu = QMenu(menu, self.window)
        self.submenu.addAction(action)
        self.raster_menu.addMenu(self.submenu)
        self.added.append((menu, action))

    def removePluginRasterMenu(self, menu, action):
        self.submenu.removeAction(action)
        self.raster_menu.removeAction(self.submenu.menuAction())  # as QGIS does: the object stays
        self.added.remove((menu, action))

    def addToolBarIcon(self, action):
        self.added.append(("toolbar", action))

    def removeToolBarIcon(self, action):
        self.added.remove(("toolbar", action))

    def addDockWidget(self, area, dock):
        self.window.addDockWidget(area, dock)
        self.added.append(("dock", dock))

    def removeDockWidget(self, dock):
        self.window.removeDockWidget(dock)
        self.added.remove(("dock", dock))

    def show_raster(self, layer):
        """Put a raster into the project and on the canvas."""
        project = QgsProject.instance()
        project.addMapLayer(layer)
        project.setCrs(layer.crs())
        self.canvas.setDestinationCrs(layer.crs())
        self.canvas.setLayers([layer])
        self.canvas.setExtent(layer.extent())
