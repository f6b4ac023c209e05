"""The plugin on Qt 6: its real window, network and controllers; pictures and the layer are played (they need QGIS)."""

import hashlib
from types import SimpleNamespace

import pytest
from qgis.core import QgsProject, QgsSettings, QgsTask
from qgis.PyQt.QtCore import QBuffer, QIODevice, QObject
from qgis.PyQt.QtGui import QImage

from geo_r1_qgis import classFactory
from geo_r1_qgis.capture.chip import Chip
from geo_r1_qgis.core.frame import Frame
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.layers.store import DetectionStore
from geo_r1_qgis.tasks.outcome import Cancelled, Done
from tests.qgis.stub_service import StubService
from tests.qgis.window import Window

SIDE_PX = 448


class PictureTask(QgsTask):
    """Gives a grey picture where the real one asks QGIS to draw."""

    def __init__(self, plan):
        super().__init__("picture", QgsTask.Flag.CanCancel)
        self.outcome = None

    def run(self):
        if self.isCanceled():
            self.outcome = Cancelled()
            return False
        image = QImage(SIDE_PX, SIDE_PX, QImage.Format.Format_RGB888)
        image.fill(0x808080)
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        encoded = bytes(buffer.data())
        frame = Frame(SIDE_PX, SIDE_PX, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        self.outcome = Done(Chip(encoded, hashlib.sha256(encoded).hexdigest(), frame))
        return True


class KeptInMemory(DetectionStore):
    """The layer store with its own signals, and a list where it would write a file."""

    def __init__(self, project=None, parent=None):
        QObject.__init__(self, parent)
        self.runs, self.kept, self.finished = [], [], []

    @property
    def path(self):
        return "memory_geo-r1.gpkg"

    def begin_run(self, start):
        self.runs.append(start)
        return f"run-{len(self.runs)}"

    def add(self, run_uid, detection, frame, reasoning):
        self.kept.append((run_uid, detection, reasoning))
        self.layer_ready.emit(None)
        return f"uid-{len(self.kept)}"

    def finish_run(self, run_uid, result, geometry_check=""):
        self.finished.append((run_uid, result.outcome))

    def break_off_run(self, run_uid, outcome, reasoning):
        self.finished.append((run_uid, outcome))

    def look_back(self):
        """There is no file to look into."""

    def retry(self):
        """Nothing waits."""

    def flush(self, _seconds):
        return True

    def close(self):
        """Nothing is open."""


@pytest.fixture
def stub():
    """A service that answers well until told otherwise."""
    with StubService() as service:
        yield service


@pytest.fixture
def plugin(qtbot, stub, tmp_path, monkeypatch):
    """The plugin in a window, connected to the stub."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path))
    monkeypatch.setenv("GEO_R1_COMMAND", "/nowhere/geo-r1")
    plan = SimpleNamespace(layer=object(), problem="", note="", summary="448 × 448 px, 1 KB")
    monkeypatch.setattr("geo_r1_qgis.gui.preview.plan_capture", lambda *_: plan)
    monkeypatch.setattr("geo_r1_qgis.gui.ask_controller.CaptureTask", PictureTask)
    monkeypatch.setattr("geo_r1_qgis.services.DetectionStore", KeptInMemory)
    QgsSettings().remove("geo_r1")
    QgsProject.instance().clear()
    window = Window()
    window.window.show()
    stub.write_server_file(tmp_path)
    loaded = classFactory(window)
    loaded.initGui()
    connection = loaded.services.connection
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=5000)
    loaded.window = window
    yield loaded
    loaded.unload()
    assert window.added == []
    window.window.close()
    window.window.deleteLater()


@pytest.fixture
def dock(plugin):
    """The dock of the plugin."""
    return plugin.services.dock
