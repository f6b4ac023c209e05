"""The header's states over true sockets and true processes: who is there, and what starts whom."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QTimer

from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.network.connection import Connection
from geo_r1_qgis.network.launcher import is_alive
from tests.qgis.alive import calmest
from tests.qgis.stub_service import HEALTH, StubService

HERE = Path(__file__).resolve().parent
NOWHERE = "/nowhere/geo-r1"


@pytest.fixture
def stub():
    """A service that is well."""
    with StubService() as service:
        yield service


@pytest.fixture
def connect(qtbot, tmp_path):
    """Connect with some settings and return the connection once it has settled."""
    made = []

    def connect_with(*, may_start=False, timeout_ms=8000, access="", **settings):
        connection = Connection(Settings(**settings), folder=str(tmp_path))
        connection.access.keep_for_session(access, settings.get("service_url", ""))
        connection.history = []
        connection.standing_changed.connect(
            lambda standing: connection.history.append(standing.kind)
        )
        made.append(connection)
        with qtbot.waitSignal(connection.settled, timeout=timeout_ms):
            connection.connect_service(may_start=may_start)
        return connection

    yield connect_with
    for connection in made:
        connection.close()
        connection.deleteLater()


def script(folder, name, text):
    """A command that can be run."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def serving_command(folder, *, after_s=0.0, seconds=20):
    """A command that behaves like `geo-r1 serve`, made of the stub."""
    return script(
        folder,
        "geo r1 ☃",  # spaces and letters of a real user's path
        f"""
import pathlib, sys, time, os
assert sys.argv[1:] == ["serve"]
sys.path.insert(0, {str(HERE.parent.parent)!r})
from tests.qgis.stub_service import StubService
folder = pathlib.Path({str(folder)!r})
(folder / "pid.part").write_text(str(os.getpid()))
(folder / "pid.part").rename(folder / "pid")
(folder / "environment").write_text(repr(dict(os.environ)))
time.sleep({after_s})
with StubService() as stub:
    stub.write_server_file(folder)
    time.sleep({seconds})
""",
    )


def end_process(folder):
    """End the process that a test started, by its id."""
    os.kill(int((folder / "pid").read_text()), 15)


@pytest.mark.parametrize(
    ("health", "status", "kind"),
    [
        (HEALTH, 200, Kind.READY),
        ({**HEALTH, "status": "busy", "queue_length": 3}, 200, Kind.BUSY),
        (
            {**HEALTH, "status": "failed", "error": {"code": "model-failed", "message": "m"}},
            200,
            Kind.FAILED,
        ),
        ({**HEALTH, "wire_version": "2.0"}, 200, Kind.TOO_NEW),
        ({**HEALTH, "wire_version": "0.3"}, 200, Kind.TOO_OLD),
        ({"hello": "world"}, 200, Kind.NOT_OURS),
        (b"<html>It works!</html>", 200, Kind.NOT_OURS),
        (b"", 404, Kind.NOT_OURS),
    ],
)
def test_each_state_is_recognised(stub, connect, tmp_path, health, status, kind):
    """What answers at the address of server.json decides the header's state."""
    stub.health, stub.health_status = health, status
    stub.write_server_file(tmp_path)

    assert connect().standing.kind is kind


def test_a_service_that_is_starting_is_waited_for(qtbot, stub, connect, tmp_path):
    """A service that somebody else has just started is neither failed nor started a second time."""
    stub.health = {**HEALTH, "status": "starting"}
    stub.write_server_file(tmp_path)
    QTimer.singleShot(500, lambda: setattr(stub, "health", HEALTH))

    connection = connect(may_start=True, service_command=NOWHERE)

    assert connection.history == [Kind.STARTING] * (len(connection.history) - 1) + [Kind.READY]
    assert len(connection.history) > 1


def test_a_wrong_token_is_not_taken_for_absence(stub, connect, tmp_path):
    """A service that refuses the token is there."""
    stub.write_server_file(tmp_path, token="old")  # noqa: S106

    assert connect().standing.kind is Kind.REFUSED


def test_nothing_is_there(connect):
    """Without server.json there is no service, and none is started unasked."""
    connection = connect()

    assert (connection.standing.kind, connection.standing.endpoint) == (Kind.ABSENT, None)


def test_a_service_that_was_killed_is_absent(stub, connect, tmp_path):
    """server.json outlives a killed service; a closed port means absent."""
    stub.write_server_file(tmp_path, url="http://127.0.0.1:1")

    assert connect().standing.kind is Kind.ABSENT


@pytest.mark.parametrize("text", ["", "{", '{"url": 5}', "\x00"])
def test_a_damaged_server_file_is_absent(connect, tmp_path, text):
    """Whatever stands in the file, the answer is a state and not an exception."""
    (tmp_path / "server.json").write_text(text, encoding="utf-8")

    assert connect().standing.kind is Kind.ABSENT


def test_something_that_accepts_and_says_nothing_is_a_fault(connect, stub, tmp_path, monkeypatch):
    """A port that swallows requests is given up after the limit."""
    monkeypatch.setattr("geo_r1_qgis.network.client.QUICK_S", 0.3)
    monkeypatch.setattr(
        "geo_r1_qgis.network.client.Client.health",
        lambda self: self._transport.send("GET", "/v1/health", silence_s=0.3),
    )
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        stub.write_server_file(tmp_path, url=f"http://127.0.0.1:{silent.getsockname()[1]}")

        standing = connect().standing

    assert (standing.kind, standing.error.code) == (Kind.FAILED, "silent")


def test_a_server_of_somebody_else_is_used_with_its_own_token(connect, stub):
    """An address in the settings is asked instead of this machine's service, and nothing is ever started for it."""
    right = connect(service_url=stub.url, access=stub.access, may_start=True)
    wrong = connect(service_url=stub.url, access="guess", may_start=True)

    assert (right.standing.kind, right.standing.endpoint.is_local) == (Kind.READY, False)
    assert wrong.standing.kind is Kind.REFUSED


def test_the_service_is_started_and_waited_for(connect, tmp_path, monkeypatch):
    """Absent, starting, ready: the process is its own, in a clean environment, and lives on when QGIS closes."""
    monkeypatch.setenv("PYTHONHOME_OF_QGIS", "x")
    monkeypatch.setenv("PROJ_LIB", "/qgis/proj")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/qgis/lib")
    connection = connect(may_start=True, service_command=serving_command(tmp_path, after_s=0.3))

    assert connection.standing.kind is Kind.READY
    assert connection.history[0] is Kind.STARTING
    environment = (tmp_path / "environment").read_text()
    assert "PROJ_LIB" not in environment
    assert "LD_LIBRARY_PATH" not in environment
    assert "PYTHONHOME" not in environment
    connection.close()
    time.sleep(0.1)
    os.kill(int((tmp_path / "pid").read_text()), 0)  # still there
    end_process(tmp_path)


def test_without_a_shell_qt_starts_it(connect, tmp_path, monkeypatch):
    """Where the system cannot spawn (Windows), Qt starts the same program in the same environment."""
    monkeypatch.delattr("os.posix_spawn")
    monkeypatch.setenv("PROJ_LIB", "/qgis/proj")
    connection = connect(may_start=True, service_command=serving_command(tmp_path))
    environment = (tmp_path / "environment").read_text()
    end_process(tmp_path)

    assert connection.standing.kind is Kind.READY
    assert "PROJ_LIB" not in environment
    assert f"'GEO_R1_HOME': {str(tmp_path)!r}" in environment


def test_starting_does_not_hold_up_the_event_loop(connect, tmp_path):
    """While a slow service starts, the GUI thread is never busy for 50 ms."""

    def phase(meter):
        (tmp_path / "server.json").unlink(missing_ok=True)
        meter.start()
        connection = connect(may_start=True, service_command=serving_command(tmp_path, after_s=0.6))
        meter.stop()
        end_process(tmp_path)
        assert connection.standing.kind is Kind.READY

    calmest("waiting for a slow service", phase)


def test_a_running_service_is_adopted(connect, stub, tmp_path):
    """Nothing is started where something answers, whoever started it."""
    stub.write_server_file(tmp_path)
    connection = connect(
        may_start=True, service_command=script(tmp_path, "never", "raise SystemExit(1)")
    )

    assert connection.standing.kind is Kind.READY
    assert Kind.STARTING not in connection.history


def test_a_crash_at_the_start_is_explained(connect, tmp_path):
    """A service that dies is noticed at once, and its last words are in the message."""
    crash = script(
        tmp_path, "crash", "raise ModuleNotFoundError(\"No module named 'onnxruntime'\")"
    )
    began = time.monotonic()
    standing = connect(may_start=True, service_command=crash).standing

    assert (standing.kind, standing.error.code) == (Kind.FAILED, "launch-failed")
    assert "No module named 'onnxruntime'" in standing.error.parameters["reason"]
    assert "Traceback" in standing.error.details
    assert time.monotonic() - began < 5


def test_the_log_of_the_service_is_in_the_details(connect, tmp_path):
    """What the service wrote into its log in this start is shown; older lines are not."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "serve.log").write_text("old trouble\n")
    text = f"open({str(tmp_path / 'logs' / 'serve.log')!r}, 'a').write('port is taken\\n')"
    standing = connect(
        may_start=True, service_command=script(tmp_path, "logs-and-ends", text)
    ).standing

    assert "port is taken" in standing.error.details
    assert "old trouble" not in standing.error.details


def test_a_service_that_never_gets_ready_is_given_up(connect, tmp_path, monkeypatch):
    """Patience ends; the process is left alone."""
    monkeypatch.setattr(
        "geo_r1_qgis.network.launcher.Launcher.__init__.__kwdefaults__", {"patience_s": 0.5}
    )
    standing = connect(
        may_start=True, service_command=serving_command(tmp_path, after_s=9)
    ).standing

    assert standing.error.parameters["reason"] == "not ready after 0.5 s"
    end_process(tmp_path)


def test_a_program_that_cannot_be_run_is_said_so(connect, tmp_path):
    """A script with a broken first line is a failed start, not an exception."""
    path = tmp_path / "broken"
    path.write_text("#!/nowhere/python\n")
    path.chmod(0o755)
    standing = connect(may_start=True, service_command=str(path)).standing

    assert (standing.kind, standing.error.code) == (Kind.FAILED, "launch-failed")


def test_no_command_is_its_own_state(connect):
    """Without `geo-r1` on the machine the header can say how to install it, and where it looked."""
    standing = connect(may_start=True, service_command=NOWHERE).standing

    assert (standing.kind, standing.error.code) == (Kind.ABSENT, "command-not-found")
    assert standing.error.details == NOWHERE


def test_the_header_notices_that_the_service_went_away(qtbot, connect, tmp_path, monkeypatch):
    """While somebody looks, the standing is kept fresh."""
    monkeypatch.setattr("geo_r1_qgis.network.connection.WATCH_MS", 100)
    with StubService() as stub:
        stub.write_server_file(tmp_path)
        connection = connect()
        connection.watch(True)
        assert connection.standing.kind is Kind.READY
    qtbot.waitUntil(lambda: connection.standing.kind is Kind.ABSENT, timeout=3000)


def test_closing_in_the_middle_of_a_start_is_quiet(qtbot, tmp_path):
    """The plugin may be unloaded at any moment; nothing is emitted or raised after that."""
    connection = Connection(
        Settings(service_command=serving_command(tmp_path, after_s=0.5)), folder=str(tmp_path)
    )
    settled = []
    connection.settled.connect(settled.append)
    connection.start_service()
    qtbot.waitUntil((tmp_path / "pid").exists, timeout=5000)
    connection.close()
    connection.deleteLater()
    qtbot.wait(900)
    end_process(tmp_path)

    assert settled == []


def test_a_second_service_hands_over_to_the_first(connect, stub, tmp_path):
    """Two windows may start at the same moment: the one whose process ends at once uses the other's service."""
    text = f"""
import json, pathlib
pathlib.Path({str(tmp_path / "server.json")!r}).write_text(json.dumps({{
    "url": {stub.url!r}, "token": {stub.access!r}, "pid": 1, "version": "0.1.0", "wire_version": "1.0", "started": ""}}))
"""
    standing = connect(may_start=True, service_command=script(tmp_path, "second", text)).standing

    assert standing.kind is Kind.READY


def test_a_process_that_nobody_buried_is_dead():
    """In a container without an init a process that ended stays a zombie, and a start must not wait for it."""
    child = subprocess.Popen(["/bin/true"])
    deadline = time.monotonic() + 5
    while is_alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not is_alive(child.pid)
    assert child.poll() == 0
    assert is_alive(os.getpid())


def test_the_interpreter_of_qgis_is_not_needed():
    """The launcher never runs sys.executable, which inside QGIS may be anything."""
    source = (HERE.parent.parent / "geo_r1_qgis" / "network" / "launcher.py").read_text(
        encoding="utf-8"
    )

    assert "sys.executable" not in source
    assert subprocess.__name__ not in source
