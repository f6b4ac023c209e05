"""The true service, started and examined out of a QGIS whose environment would break any other Python."""

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QBuffer, QIODevice, QProcess
from qgis.PyQt.QtGui import QImage

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.network.client import Client
from geo_r1_qgis.network.connection import Connection
from geo_r1_qgis.network.ground_call import GroundCall
from geo_r1_qgis.network.launcher import clean_environment

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = ROOT / ".venv" / "bin" / "geo-r1"
NAMES = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA",
    "GDAL_DRIVER_PATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "OSGEO4W_ROOT", "VIRTUAL_ENV",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not installed (make setup)"),
]


@pytest.fixture
def command(tmp_path):
    """The installed command, in a folder like a real user's."""
    folder = tmp_path / "Jörg Ž" / "meine Programme"
    folder.mkdir(parents=True)
    copied = folder / "geo-r1"
    copied.write_bytes(COMMAND.read_bytes())
    copied.chmod(0o755)
    return str(copied)


@pytest.fixture
def poison(tmp_path, monkeypatch):
    """What QGIS may carry around, each pointing at a folder in which everything is wrong."""
    folder = tmp_path / "poison"
    folder.mkdir()
    for module in ("numpy", "json", "sitecustomize", "geo_r1_backend"):
        (folder / f"{module}.py").write_text("raise SystemExit('poisoned')")
    for library in ("libstdc++.so.6", "libz.so.1", "libm.so.6", "libexpat.so.1"):
        (folder / library).write_text("not a library")
    for name in NAMES:
        monkeypatch.setenv(name, str(folder))
    return folder


def a_picture():
    """A grey picture as it is sent."""
    image = QImage(224, 224, QImage.Format.Format_RGB888)
    image.fill(0x808080)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())


def ask(qtbot, endpoint):
    """Ask the service about a grey picture; its last event."""
    png = a_picture()
    sha256 = hashlib.sha256(png).hexdigest()
    item = wire.GroundItem("1", sha256, "the red square", "rec")
    client, events, errors = Client(endpoint), [], []
    request = wire.GroundRequest(items=[item], max_new_tokens=24)
    call = GroundCall(client, request, {sha256: png})
    call.event_read.connect(events.append)
    call.failed.connect(errors.append)
    call.start()
    qtbot.waitUntil(
        lambda: errors or any(isinstance(e, wire.ResultEvent) for e in events), timeout=60_000
    )
    client.deleteLater()
    assert errors == []
    return events[-1]


def test_the_poison_is_real(poison, command):
    """With this environment the command cannot even say its version."""
    told = subprocess.run([command, "--version"], capture_output=True, check=False, timeout=60)

    assert told.returncode != 0


def test_none_of_it_is_passed_on(poison):
    """The environment of a child process names the poisoned folder nowhere."""
    environment = clean_environment()

    assert [k for k in environment.keys() if str(poison) in environment.value(k)] == []  # noqa: SIM118 - Qt's keys()
    assert environment.value("HOME") == os.environ["HOME"]


def test_the_service_starts_and_answers(qtbot, poison, command, tmp_path):
    """Launcher, handshake, picture, answer: out of the poisoned QGIS, by a path with spaces and umlauts, into a data
    folder of that kind."""
    home = tmp_path / "Jörg Ž" / "geo r1 Daten"
    home.mkdir()
    connection = Connection(Settings(service_command=command), folder=str(home))
    try:
        with qtbot.waitSignal(connection.settled, timeout=60_000):
            connection.start_service()
        standing = connection.standing
        assert standing.kind is Kind.READY, standing.error and standing.error.details
        assert isinstance(ask(qtbot, standing.endpoint), wire.ResultEvent)
        assert (home / "logs" / "serve.log").exists()
    finally:
        connection.close()
        connection.deleteLater()
        if (home / "server.json").exists():
            end_service(json.loads((home / "server.json").read_text())["pid"])


def test_the_doctor_passes(qtbot, poison, command, tmp_path, monkeypatch):
    """The doctor, started out of the poisoned QGIS with the environment that the plugin gives it, finds all well."""
    monkeypatch.setenv("GEO_R1_HOME", str(tmp_path / "Jörg Ž" / "doctor"))
    doctor = QProcess()
    doctor.setProcessEnvironment(clean_environment())
    doctor.setWorkingDirectory(str(tmp_path))
    with qtbot.waitSignal(doctor.finished, timeout=110_000):
        doctor.start(command, ["doctor"])
    report = bytes(doctor.readAllStandardOutput()).decode()

    assert doctor.exitCode() == 0, report + bytes(doctor.readAllStandardError()).decode()
    assert "All is well." in report
    assert str(poison) not in report


def end_service(pid):
    """Ask it to stop, and wait until it has."""
    os.kill(pid, 15)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
