"""What the tests of the dock share: a window with a raster, a service that plays a part, the plugin between them."""

import os
import tempfile

# read when QGIS starts: the password store of the tests is not the user's
os.environ["QGIS_AUTH_DB_DIR_PATH"] = tempfile.mkdtemp(prefix="geo-r1-auth-")

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsSettings

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.standing import Kind
from tests.qgis.alive import measured
from tests.qgis.make_rasters import make_marked
from tests.qgis.person import UTM
from tests.qgis.stub_service import StubService
from tests.qgis.window import Window


@pytest.fixture
def stub():
    """A service that answers well until told otherwise."""
    with StubService() as service:
        yield service


@pytest.fixture
def window(qtbot, tmp_path, monkeypatch):
    """An empty project in an empty folder, and a window with the raster that the tests ask about."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path))
    monkeypatch.setenv("GEO_R1_COMMAND", "/nowhere/geo-r1")
    QgsSettings().remove("geo_r1")
    project = QgsProject.instance()
    project.clear()
    project.setFileName(str(tmp_path / "project.qgz"))
    made = Window()
    marked = make_marked(tmp_path / "ortho.tif", UTM, epsg=32633)
    made.show_raster(QgsRasterLayer(marked.path, "ortho"))
    made.window.show()
    yield made
    project.clear()
    made.window.close()
    made.window.deleteLater()


@pytest.fixture
def plugin(qtbot, window, stub, tmp_path):
    """The plugin in the window, connected to the stub."""
    stub.write_server_file(tmp_path)
    loaded = classFactory(window)
    loaded.initGui()
    connection = loaded.services.connection
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.READY, timeout=3000)
    yield loaded
    loaded.unload()


@pytest.fixture
def dock(plugin):
    """The dock of the plugin."""
    return plugin.services.dock


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests that measure how long the window stands still are marked: `make test` runs them when nothing else runs."""
    for item in items:
        if "calmest" in getattr(item, "function", pytest_collection_modifyitems).__code__.co_names:
            item.add_marker("alone")


def pytest_terminal_summary(terminalreporter):
    """Say how long the window stood still, phase by phase, where that was measured."""
    if measured:
        terminalreporter.section("longest time without a turn of the event loop")
        for phase, gap_ms in measured.items():
            terminalreporter.line(f"{gap_ms:6.1f} ms  {phase}")
