"""The plugin with the true service: started by the launcher, asked by the dock, stopped by Esc.

The model is the embedded one, or a small random one where it is not there; what is said does not matter here.
"""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.gui.doctor_dialog import DoctorDialog
from tests.qgis.make_rasters import make_marked
from tests.qgis.window import Window

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = ROOT / ".venv" / "bin" / "geo-r1"
EMBEDDED = ROOT / "resources" / "models" / "geo-r1-nano" / "config.json"
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
WRITE_TINY = "from tests.backend.tiny_model import write_tiny_model; import pathlib, sys; write_tiny_model(pathlib.Path(sys.argv[1]), 2048)"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not installed (make setup)"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Data folder of a service with a model; the service that a test started is stopped at the end."""
    folder = tmp_path_factory.mktemp("home")
    if not EMBEDDED.exists():
        made = folder / "models" / "tiny"
        made.parent.mkdir()
        python = COMMAND.with_name("python")
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'backend'}"}
        subprocess.run(
            [str(python), "-c", WRITE_TINY, str(made)], check=True, env=environment, timeout=60
        )
    yield folder
    server = folder / "server.json"
    if server.exists():
        os.kill(json.loads(server.read_text())["pid"], 15)


@pytest.fixture
def plugin(qtbot, home, tmp_path, monkeypatch):
    """The plugin, which finds the command and starts the service by itself."""
    monkeypatch.setenv("GEO_R1_HOME", str(home))
    monkeypatch.setenv("GEO_R1_COMMAND", str(COMMAND))
    QgsSettings().remove("geo_r1")
    project = QgsProject.instance()
    project.clear()
    project.setFileName(str(tmp_path / "project.qgz"))
    window = Window()
    marked = make_marked(tmp_path / "ortho.tif", UTM, epsg=32633)
    window.show_raster(QgsRasterLayer(marked.path, "ortho"))
    window.window.show()
    loaded = classFactory(window)
    loaded.initGui()
    connection = loaded.services.connection
    loaded.services.dock.setUserVisible(True)
    qtbot.waitUntil(lambda: connection.standing.can_ask, timeout=30_000)
    yield loaded
    loaded.unload()
    project.clear()
    window.window.close()


def ask(plugin, text="the red square"):
    """Type and press Enter."""
    query = plugin.services.dock.ask_panel.query
    query.clear()
    QTest.keyClicks(query, text)
    QTest.keyClick(query, Qt.Key.Key_Return)


def test_the_installed_service_is_started_and_answers(qtbot, plugin, home):
    """From nothing to an answer: start, handshake, picture, stream, end; and once more."""
    asking, header = plugin.services.asking, plugin.services.dock.header
    assert "ready" in header.line.text()
    for _ in range(2):
        ask(plugin)
        qtbot.waitUntil(lambda: not asking.state.is_running, timeout=60_000)

        assert asking.state.stage is Stage.DONE, plugin.services.dock.notice.text
        assert asking.state.result.model
        assert asking.state.started.model_width_px % 28 == 0
    assert oct((home / "server.json").stat().st_mode & 0o777) == "0o600"


def test_stop_frees_the_engine_within_a_second(qtbot, plugin):
    """Esc while the model writes: a second later the service says that it is ready."""
    services = plugin.services
    ask(plugin, "all storage tanks")
    qtbot.waitUntil(
        lambda: (
            services.asking.state.stage is Stage.STREAMING or not services.asking.state.is_running
        ),
        timeout=60_000,
    )
    QTest.keyClick(services.dock.ask_panel.query, Qt.Key.Key_Escape)
    began = time.monotonic()
    with qtbot.waitSignal(services.connection.settled, timeout=5000):
        qtbot.wait(500)
        services.connection.connect_service(may_start=False)

    assert services.connection.standing.kind is Kind.READY
    assert time.monotonic() - began < 1.0


def test_a_second_window_uses_the_same_service(qtbot, plugin, home):
    """Whoever comes later adopts what runs: one process for all windows."""
    pid = json.loads((home / "server.json").read_text())["pid"]
    plugin.services.connection.start_service()
    qtbot.waitUntil(lambda: not plugin.services.connection.is_settling, timeout=5000)

    assert json.loads((home / "server.json").read_text())["pid"] == pid
    assert plugin.services.connection.standing.health.pid == pid


def test_the_doctor_is_content(qtbot, plugin):
    """The whole chain and the service's own steps, on the picture with the known answer, with the true service."""
    services = plugin.services
    services.actions.examine()
    dialog = services.dock.findChild(DoctorDialog)
    qtbot.waitUntil(lambda: dialog.examination.is_over, timeout=90_000)

    assert dialog.verdict.text() == "All is well.", dialog.report
    assert "service/answer" in dialog.examination.steps
