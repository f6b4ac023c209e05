"""The Models tab with the true service and a hub on loopback: from a plan to a model that is whole, and away again."""

import json
import os
import sys
from pathlib import Path

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsSettings

from geo_r1_qgis import classFactory
from tests.backend.hub_server import HubServer, config, model_files, weights
from tests.qgis.make_rasters import make_marked
from tests.qgis.test_gui_models import choose, click, look_up, rows, wait_for_list
from tests.qgis.test_real_service import COMMAND, UTM
from tests.qgis.window import Window

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not installed (make setup)"),
    pytest.mark.skipif(sys.platform == "win32", reason="the service is ended by a signal"),
]

REPOSITORY = "Geo-R1/Tiny-3B"
WIDE = {"vocabulary": 40_000}


@pytest.fixture
def hub():
    """A hub with one model of 5 MB."""
    with HubServer() as server:
        files = model_files(
            **{"model.safetensors": weights(**WIDE), "config.json": config(**WIDE), "old.bin": b"x"}
        )
        server.add(REPOSITORY, files, {"license": "apache-2.0"})
        yield server


@pytest.fixture
def plugin(qtbot, tmp_path, monkeypatch, hub):
    """The plugin, which starts the service by itself; the service finds that hub."""
    home = tmp_path / "home"
    for name, value in {
        "GEO_R1_HOME": home, "GEO_R1_COMMAND": COMMAND, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    QgsSettings().remove("geo_r1")
    project = QgsProject.instance()
    project.clear()
    window = Window()
    marked = make_marked(tmp_path / "ortho.tif", UTM, epsg=32633)
    window.show_raster(QgsRasterLayer(marked.path, "ortho"))
    window.window.show()
    loaded = classFactory(window)
    loaded.initGui()
    loaded.services.dock.setUserVisible(True)
    qtbot.waitUntil(lambda: loaded.services.connection.standing.can_ask, timeout=30_000)
    yield loaded
    loaded.unload()
    project.clear()
    window.window.close()
    server = home / "server.json"
    if server.exists():
        os.kill(json.loads(server.read_text())["pid"], 15)


def test_model_comes_through_a_cut_and_goes_again(qtbot, plugin, hub, tmp_path):
    """Planned and agreed to in the window, cut off and gone on with by range, stopped, gone on with, listed, deleted."""
    dock = plugin.services.dock
    dock.tabs.setCurrentIndex(2)
    panel = dock.models
    qtbot.waitUntil(lambda: panel.tree.topLevelItemCount() > 0, timeout=10_000)
    hub.cuts["model.safetensors"] = [1_000_000]
    hub.stands_still_after["model.safetensors"] = 3_000_000

    dialog = look_up(qtbot, plugin, panel, REPOSITORY)
    assert dialog.plan is not None, dialog.notice.text
    click(dialog.fetch)
    qtbot.waitUntil(lambda: hub.reached.is_set() and panel.bar.value() > 500, timeout=20_000)
    click(panel.stop)
    wait_for_list(qtbot, panel, "Tiny-3B")
    assert "Not finished" in rows(panel)
    hub.go_on.set()
    choose(panel, "Tiny-3B")
    click(panel.use)  # it says "Go on"
    qtbot.waitUntil(lambda: "From the hub" in rows(panel), timeout=20_000)

    first, second, third = hub.ranges("model.safetensors")
    assert (first, second) == (0, 1_000_000)
    assert third > 1_000_000
    folder = Path(tmp_path / "home" / "models" / "tiny-3b")
    assert (folder / "model.safetensors").read_bytes() == weights(**WIDE)
    assert not (folder / "old.bin").exists()
    ((title, state, _size),) = rows(panel)["From the hub"]
    assert (title, state) == ("Tiny-3B", "")
    choose(panel, "Tiny-3B")
    assert "apache-2.0" in panel.details.text()
    click(panel.delete)
    box = plugin.services.models.box
    click(next(button for button in box.buttons() if button.text().replace("&", "") == "Delete"))
    qtbot.waitUntil(lambda: "From the hub" not in rows(panel), timeout=10_000)
    assert not folder.exists()
