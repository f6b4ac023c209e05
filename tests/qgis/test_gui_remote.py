"""A model that other servers run: the dock says where views and questions go on to, whenever such a model is chosen."""

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QMessageBox

from tests.qgis.stub_service import HEALTH, MODEL, StubService

TLS = "https://gpu1.office:8000, https://gpu2.office:8000 + 2"
FAR = {**MODEL, "id": "big", "title": "Geo-R1 7B", "engine": "remote", "device": TLS, "is_default": False}  # fmt: skip


@pytest.fixture
def stub(request):
    """A service with a model of its own and one of other servers, or with what a test says instead."""
    with StubService() as service:
        service.models.append(dict(FAR))
        for name, value in getattr(request, "param", {}).items():
            setattr(service, name, value)
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

    assert "gpu2.office:8000 + 2" in details
    assert text == "Views and questions go on to gpu1.office + 3"
    assert "passes your questions and pictures on to https://gpu1.office:8000" in details
    assert dock.header.leaves.text() == "Nothing leaves this machine"


@pytest.mark.parametrize(
    "stub", [{"models": [MODEL, {**FAR, "device": "http://gpu.office:8000"}]}], indirect=True
)
def test_open_way_is_a_warning(qtbot, plugin, dock):
    """Where the service sends them on unencrypted, the line warns as it does for an open way to the service."""
    choose(qtbot, dock, "Geo-R1 7B")

    text = dock.header.leaves.text()
    assert text == "⚠ Not encrypted: views go on to gpu.office"
    assert "1px solid" in dock.header.leaves.styleSheet()


@pytest.mark.parametrize(
    "stub",
    [{"models": [], "health": {**HEALTH, "engine": "remote", "device": TLS}}],
    indirect=True,
)
def test_default_model_of_other_servers_is_said_from_health_alone(qtbot, dock):
    """The line does not wait for the list of models: what health says of the default one is enough."""
    assert "go on to gpu1.office + 3" in dock.header.leaves.text()


def test_long_names_do_not_hide_the_beginning(qtbot, plugin, dock):
    """Where the dock is narrow the line is shortened at its end, so that what it warns of is read first."""
    choose(qtbot, dock, "Geo-R1 7B")
    button = dock.header.leaves
    button.resize(150, button.height())
    narrow = button.grab().toImage()
    button.setText("Views and questions go on to somewhere else")

    assert button.grab().toImage() == narrow
    assert "gpu1.office" in button.toolTip()
