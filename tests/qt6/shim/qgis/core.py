# ruff: noqa: N802, N803, N815 - the names are those of QGIS
"""The part of `qgis.core` that the plugin's widgets and network code use, on PyQt6; all else is named only."""

import enum
import tempfile
from pathlib import Path

from PyQt6.QtCore import QObject, QSettings, QThread, pyqtSignal
from PyQt6.QtNetwork import QNetworkAccessManager

from qgis import absent
from qgis.toolbox import QgsProcessingProvider, registry  # noqa: F401


class Qgis:
    """Version and enums."""

    class MessageLevel(enum.IntEnum):
        """As in QGIS."""

        Info = 0
        Warning = 1
        Critical = 2
        Success = 3

    class DataType(enum.IntEnum):
        """As in QGIS."""

        UnknownDataType = 0
        Byte = 1
        CInt16 = 8
        CInt32 = 9
        CFloat32 = 10
        CFloat64 = 11

    @staticmethod
    def version():
        return "0.0-stand-in for Qt 6"


class QgsCsException(Exception):
    """A place that does not exist."""


class QgsTask(QObject):
    """`run()` on a thread of its own, then `finished()` and the signal on the GUI thread."""

    class Flag(enum.Flag):
        """As in QGIS."""

        CanCancel = 2

    taskCompleted = pyqtSignal()
    taskTerminated = pyqtSignal()

    def __init__(self, description="", flags=None):
        super().__init__()
        self._is_cancelled = False

    def isCanceled(self):
        return self._is_cancelled

    def cancel(self):
        self._is_cancelled = True

    def finished(self, result):
        """For subclasses."""


class _Thread(QThread):
    def __init__(self, task):
        super().__init__()
        self.task, self.result = task, False

    def run(self):
        self.result = bool(self.task.run())


class _TaskManager:
    def __init__(self):
        self._threads = []

    def addTask(self, task):
        thread = _Thread(task)
        self._threads.append(thread)
        thread.finished.connect(lambda: self._end(thread))
        thread.start()

    def _end(self, thread):
        thread.wait()
        self._threads.remove(thread)
        thread.task.finished(thread.result)
        (thread.task.taskCompleted if thread.result else thread.task.taskTerminated).emit()


class QgsAuthMethodConfig:
    """One entry of the password store."""

    def __init__(self, method=""):
        self._values, self._texts = {}, {"method": method, "id": "", "name": "", "uri": ""}

    def setConfigMap(self, values):
        self._values = dict(values)

    def config(self, key):
        return self._values.get(key, "")

    def setName(self, name):
        self._texts["name"] = name

    def setUri(self, uri):
        self._texts["uri"] = uri

    def uri(self):
        return self._texts["uri"]

    def setId(self, authcfg):
        self._texts["id"] = authcfg

    def id(self):
        return self._texts["id"]


class _AuthManager(QObject):
    """An open password store in memory."""

    masterPasswordVerified = pyqtSignal(bool)

    def __init__(self):
        super().__init__()
        self.entries = {}

    def isDisabled(self):
        return False

    def masterPasswordIsSet(self):
        return True

    def setMasterPassword(self, _verify):
        return True

    def configIds(self):
        return list(self.entries)

    def loadAuthenticationConfig(self, authcfg, config, _full):
        return authcfg in self.entries, self.entries.get(authcfg, config)

    def storeAuthenticationConfig(self, config):
        config.setId(f"cfg{len(self.entries)}")
        return self.updateAuthenticationConfig(config), config

    def updateAuthenticationConfig(self, config):
        self.entries[config.id()] = config
        return True

    def removeAuthenticationConfig(self, authcfg):
        return self.entries.pop(authcfg, None) is not None

    def trustedCaCertsCache(self):
        return []


class QgsApplication:
    """The task manager, the password store and the locale."""

    _manager = _TaskManager()
    _passwords = None

    @classmethod
    def authManager(cls):
        cls._passwords = cls._passwords or _AuthManager()
        return cls._passwords

    @classmethod
    def taskManager(cls):
        return cls._manager

    processingRegistry = staticmethod(registry)
    locale = staticmethod(lambda: "en")
    qgisSettingsDirPath = staticmethod(lambda: str(Path.home()))


class QgsNetworkAccessManager:
    """For servers that are not this machine."""

    _manager = None

    @classmethod
    def instance(cls):
        cls._manager = cls._manager or QNetworkAccessManager()
        return cls._manager


class QgsMessageLog:
    """Keeps what was logged."""

    lines = []

    @classmethod
    def logMessage(cls, message, tag="", level=Qgis.MessageLevel.Warning, notifyUser=True):
        assert isinstance(level, Qgis.MessageLevel)
        cls.lines.append((tag, message))


class QgsSettings(QSettings):
    """Settings in a file of this process."""

    _folder = tempfile.TemporaryDirectory(prefix="geo-r1-qt6-")

    def __init__(self):
        super().__init__(f"{self._folder.name}/settings.ini", QSettings.Format.IniFormat)


class QgsCoordinateReferenceSystem:
    """No system at all: a place needs no transformation."""

    def isValid(self):
        return False

    def __eq__(self, other):
        return isinstance(other, QgsCoordinateReferenceSystem)

    __hash__ = None


class QgsPointXY:
    """A place."""

    def __init__(self, x, y):
        self._x, self._y = float(x), float(y)

    def x(self):
        return self._x

    def y(self):
        return self._y


class QgsRectangle:
    """Bounds."""

    def __init__(self, left, bottom, right, top):
        self.left, self.bottom, self.right, self.top = left, bottom, right, top

    def contains(self, other):
        return (
            self.left <= other.left
            and self.bottom <= other.bottom
            and self.right >= other.right
            and self.top >= other.top
        )

    def width(self):
        return self.right - self.left

    def height(self):
        return self.top - self.bottom

    def center(self):
        return QgsPointXY((self.left + self.right) / 2, (self.bottom + self.top) / 2)

    def scale(self, factor):
        middle = self.center()
        half_x = (self.right - self.left) / 2 * factor
        half_y = (self.top - self.bottom) / 2 * factor
        self.left, self.right = middle.x() - half_x, middle.x() + half_x
        self.bottom, self.top = middle.y() - half_y, middle.y() + half_y


class QgsGeometry:
    """Points; enough for bounds."""

    def __init__(self, points=()):
        self.points = list(points)

    @classmethod
    def fromPolygonXY(cls, rings):
        return cls(point for ring in rings for point in ring)

    @classmethod
    def fromMultiPolylineXY(cls, lines):
        return cls(point for line in lines for point in line)

    def boundingBox(self):
        xs, ys = [p.x() for p in self.points], [p.y() for p in self.points]
        return QgsRectangle(min(xs), min(ys), max(xs), max(ys))


class QgsWkbTypes:
    """Enums."""

    class GeometryType(enum.IntEnum):
        """As in QGIS."""

        PointGeometry = 0
        LineGeometry = 1
        PolygonGeometry = 2


class QgsMapLayerProxyModel:
    """Enums."""

    class Filter(enum.Flag):
        """As in QGIS."""

        RasterLayer = 1
        PolygonLayer = 8


class _LayerTree:
    def layerOrder(self):
        return []


class QgsProject(QObject):
    """An empty project with entries."""

    cleared = pyqtSignal()
    readProject = pyqtSignal(object)
    layersRemoved = pyqtSignal(list)
    _instance = None

    def __init__(self):
        super().__init__()
        self._entries = {}

    @classmethod
    def instance(cls):
        cls._instance = cls._instance or cls()
        return cls._instance

    def clear(self):
        self._entries = {}
        self.cleared.emit()

    def crs(self):
        return QgsCoordinateReferenceSystem()

    def layerTreeRoot(self):
        return _LayerTree()

    def mapLayer(self, _layer_id):
        return None

    def readEntry(self, scope, key, default=""):
        found = self._entries.get((scope, key))
        return (default, False) if found is None else (found, True)

    def writeEntry(self, scope, key, value):
        self._entries[scope, key] = value
        return True


def __getattr__(name):
    """Every other class of QGIS is there by name, so that modules can be imported."""
    if not name.startswith("Qgs"):
        raise AttributeError(name)
    return globals().setdefault(name, absent(name))
