"""A server of an office, end to end: the true service with TLS and a kept token on another address, asked by the plugin."""

import os
import subprocess
import time

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtNetwork import QAbstractSocket, QNetworkInterface  # noqa: TID251 - looks for an address
from qgis.PyQt.QtTest import QTest

from geo_r1_qgis import classFactory
from geo_r1_qgis.core.checkup import iou
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.gui.server_dialog import ServerDialog
from geo_r1_qgis.tasks.known_answer import LEFT, M_PER_PX, TOP, known_answer, write_raster
from tests.qgis.person import type_question, wait_for_end
from tests.qgis.test_real_service import COMMAND, EMBEDDED
from tests.qgis.test_server import (  # noqa: F401 - fixtures
    authority,
    fill,
    known_authority,
    locked,
    prompts,
    store,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not installed (make setup)"),
    pytest.mark.skipif(not EMBEDDED.exists(), reason="the embedded model is not in this clone"),
]


def own_address():
    """An address of this machine that is not loopback, or the nearest thing to it."""
    for address in QNetworkInterface.allAddresses():
        is_four = address.protocol() == QAbstractSocket.NetworkLayerProtocol.IPv4Protocol
        if is_four and not address.isLoopback() and not address.isLinkLocal():
            return address.toString()
    return "127.0.0.2"


@pytest.fixture
def server(known_authority, tmp_path):  # noqa: F811
    """`geo-r1 serve` as the user guide tells to run it; its address and token."""
    address, data = own_address(), tmp_path / "server"
    made = known_authority.sign("office", address)
    token_file = tmp_path / "token"
    process = subprocess.Popen(
        [str(COMMAND), "serve", "--host", address, "--data-dir", str(data), "--token-file", str(token_file),
         "--tls-cert", str(made.chain), "--tls-key", str(made.key), "--idle-minutes", "5"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "GEO_R1_HOME": str(data)},
    )  # fmt: skip
    until = time.monotonic() + 20
    line = ""
    while "listens at" not in line:
        line = process.stdout.readline()
        assert time.monotonic() < until
        assert line, "the server ended"
    yield line.split(" listens at ")[1].split()[0], token_file.read_text().strip()
    process.terminate()
    process.communicate(timeout=10)


def test_an_office_server_answers_into_the_map(
    qtbot, window, server, store, locked, prompts, tmp_path  # noqa: F811
):  # fmt: skip
    """Entered, tested, taken over; asked over TLS; the polygon lies on the object. After a restart nothing is prompted for."""
    url, token = server
    known = known_answer()
    layer = QgsRasterLayer(str(write_raster(known, tmp_path / "known.tif")), "known")
    QgsProject.instance().removeAllMapLayers()
    window.show_raster(layer)
    loaded = classFactory(window)
    loaded.initGui()
    services = loaded.services
    services.dock.setUserVisible(True)
    services.actions.edit_server()
    dialog = services.dock.findChild(ServerDialog)
    fill(dialog, url, token)
    words = starting = "The service is starting"
    while words.startswith(starting):  # it listens before its model is loaded
        QTest.mouseClick(dialog.test_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(dialog.test_button.isEnabled, timeout=10_000)
        words = dialog.result.text()
    assert "Geo-R1 Nano on CPU answers" in words
    dialog.accept()
    connection = services.connection
    qtbot.waitUntil(lambda: connection.standing.can_ask, timeout=10_000)
    assert url.split("//")[1].split(":")[0] in services.dock.header.leaves.text()

    type_question(services.dock, known.query)
    state = wait_for_end(qtbot, loaded, timeout=60_000)
    assert state.error is None, services.dock.notice.text
    (drawn,) = [each for each in QgsProject.instance().mapLayers().values() if isinstance(each, QgsVectorLayer)]  # fmt: skip
    (feature,) = drawn.getFeatures()
    box = feature.geometry().boundingBox()
    found = (
        (box.xMinimum() - LEFT) / M_PER_PX,
        (TOP - box.yMaximum()) / M_PER_PX,
        (box.xMaximum() - LEFT) / M_PER_PX,
        (TOP - box.yMinimum()) / M_PER_PX,
    )
    assert iou(found, known.box_px) >= 0.5
    window.window.grab().save(str(tmp_path / "office.png"))
    loaded.unload()
    assert prompts.count == 0

    locked()
    again = classFactory(window)
    again.initGui()
    again.services.dock.setUserVisible(True)
    qtbot.waitUntil(lambda: again.services.connection.standing.kind is Kind.LOCKED, timeout=5000)
    assert prompts.count == 0
    again.unload()
