"""A model that other servers run: the dock says where views and questions go on to, whenever such a model is chosen."""

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QMessageBox

from tests.qgis.stub_service import HEALTH, MODEL, StubService

TLS = "https://gpu1.office:8000, https://gpu2.office:8000 + 2"
FAR = {**MODEL, "id": "big", "title": "Geo-R1 7B", "engine": "remote", "device": TLS, "is_default": False}  # fmt: skip


@pytest.fixture
def stub():
    """A service with a model of its own and one of other servers."""
    with StubService() as service:
        service.models.append(dict(FAR))
        yield service


def choose(qtbot, dock, title):
    """Pick a model in the menu, as a person does."""

    def actions():
        menus = [a.menu() for a in dock.menu.actions() if a.menu() is not None]
        return {a.text(): a for menu in menus for a in menu.actions()}

    qtbot.waitUntil(lambda: title in actions(), timeout=3000)
    actions()[title].trigger()


def test_header_follows_the_chosen_model(qtbot, plugin, dock):
    """With a local model nothing leaves; with one of other servers their addresses stand there; back again with the first."""
    assert dock.header.leaves.text() == "Nothing leaves this machine"

    choose(qtbot, dock, "Geo-R1 7B")
    text = dock.header.leaves.text()
    QTest.mouseClick(dock.header.leaves, Qt.MouseButton.LeftButton)
    box = dock.findChild(QMessageBox, "geoR1Leaves")
    details = box.text()
    box.close()
    choose(qtbot, dock, "Geo-R1 Nano")

    assert text == "Views and questions go on to gpu1.office:8000, gpu2.office:8000 + 2"
    assert "passes your questions and pictures on to gpu1.office:8000" in details
    assert dock.header.leaves.text() == "Nothing leaves this machine"


def test_open_way_is_a_warning(qtbot, stub, plugin, dock):
    """Where the service sends them on unencrypted, the line warns as it does for an open way to the service."""
    stub.models[1]["device"] = "http://gpu.office:8000"
    plugin.services.actions._use(plugin.services.connection.settings)
    choose(qtbot, dock, "Geo-R1 7B")
    qtbot.waitUntil(lambda: "not encrypted" in dock.header.leaves.text(), timeout=3000)

    assert dock.header.leaves.text().startswith("⚠ Views and questions go on to gpu.office:8000")
    assert "1px solid" in dock.header.leaves.styleSheet()


def test_default_model_of_other_servers_is_said_from_health_alone(qtbot, stub, plugin, dock):
    """The line does not wait for the list of models: what health says of the default one is enough."""
    stub.models.clear()
    stub.health = {**HEALTH, "engine": "remote", "device": TLS}
    plugin.services.actions._use(plugin.services.connection.settings)
    plugin.services.actions.look_again()

    qtbot.waitUntil(lambda: "go on to gpu1.office" in dock.header.leaves.text(), timeout=3000)
