"""Networks that are broken on purpose: half-open replies, slow-loris, resets, dead proxies, services of other versions."""

import contextlib
import json
import socket
import struct
import threading
import time

import pytest
from qgis.core import QgsNetworkAccessManager, QgsSettings
from qgis.PyQt.QtCore import QObject

from geo_r1_qgis.core.ask_state import Stage
from geo_r1_qgis.core.settings import Settings
from geo_r1_qgis.core.standing import Kind
from geo_r1_qgis.network import client, ground_call, transport
from geo_r1_qgis.network.client import Client
from geo_r1_qgis.network.connection import Connection
from tests.qgis.person import type_question, wait_for_end
from tests.qgis.stub_service import ACCESS, HEALTH, StubService, detection, result, started, token
from tests.qgis.test_network import CHIP, Asked

SHORT_S = 0.6
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
RECEIPT = json.dumps(
    {"sha256": CHIP, "width_px": 1, "height_px": 1, "size_bytes": 1, "expires_s": 9.0}
).encode()


class RawService:
    """A socket that answers as a test says; `behave` gets the verb and the connection, after the head was read."""

    def __init__(self, behave):
        self._behave = behave
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.is_over = threading.Event()
        self.seen = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(1)
                if not piece:
                    return
                head += piece
            verb = head.split(b" ", 1)[0].decode()
            self.seen.append(verb)
            self._behave(self, verb, connection)

    def trickle(self, connection, data, every_s=0.1):
        """One byte after the other until the test is over."""
        for number in range(100_000):
            if self.is_over.wait(every_s):
                return
            connection.sendall(data[number % len(data) : number % len(data) + 1])

    def hang(self):
        """Say nothing until the test is over."""
        self.is_over.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self._listening.close()
        for thread in self._threads[1:]:
            thread.join(5)


def reset(connection):
    """Not a goodbye but a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def has_chip(connection):
    """Answer that the chip is here."""
    length = b"Content-Length: %d\r\n\r\n" % len(RECEIPT)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length + RECEIPT)


def never_answers(service, verb, connection):
    service.hang()


def resets_at_once(service, verb, connection):
    reset(connection)


def trickles_headers(service, verb, connection):
    service.trickle(connection, b"HTTP/1.1 200 OK\r\n" + b"X-More: yes\r\n" * 10_000)


def trickles_body(service, verb, connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    service.trickle(connection, b" ")


def stops_in_the_body(service, verb, connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    service.hang()


def ends_in_the_body(service, verb, connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")


def never_takes_the_upload(service, verb, connection):
    if verb == "GET":
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")
        service._serve(connection)
    else:
        service.hang()


def resets_in_a_line(service, verb, connection):
    if verb == "GET":
        has_chip(connection)
        return
    line = json.dumps(started()).encode() + b"\n"
    connection.sendall(HEAD + b"\r\n" + line + b'{"event":"token","it')
    time.sleep(0.2)  # what was sent before a RST is dropped if it is not read yet
    reset(connection)


def line_without_end(service, verb, connection):
    if verb == "GET":
        has_chip(connection)
        return
    line = json.dumps(started()).encode() + b"\n"
    connection.sendall(HEAD + b"\r\n" + line)
    service.trickle(connection, b"x")


def stops_in_the_stream(service, verb, connection):
    if verb == "GET":
        has_chip(connection)
        return
    connection.sendall(HEAD + b"\r\n" + json.dumps(started()).encode() + b"\n")
    service.hang()


@pytest.fixture
def parent(qtbot):
    """Owner of the Qt objects of a test."""
    owner = QObject()
    yield owner
    owner.deleteLater()


@pytest.fixture
def _impatient(monkeypatch):
    """All limits short."""
    monkeypatch.setattr(client, "QUICK_S", SHORT_S)
    monkeypatch.setattr(Client.health, "__kwdefaults__", {"silence_s": SHORT_S})
    send = transport.Transport.send
    monkeypatch.setattr(send, "__kwdefaults__", {**send.__kwdefaults__, "silence_s": SHORT_S})
    monkeypatch.setattr(ground_call, "LINE_S", 3 * SHORT_S)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("behave", "codes"),
    [
        (never_answers, {"silent"}),
        (trickles_headers, {"silent"}),
        (trickles_body, {"silent"}),
        (stops_in_the_body, {"silent"}),
        (ends_in_the_body, {"connection-lost"}),
        (resets_at_once, {"unreachable"}),
        (never_takes_the_upload, {"silent"}),
        (resets_in_a_line, {"connection-lost"}),
        (stops_in_the_stream, {"silent"}),
        (line_without_end, {"connection-lost"}),
    ],
)
def test_a_broken_reply_is_one_error_in_time(qtbot, parent, behave, codes):
    """Whatever half of an answer comes, the question ends once, within its limits, with a code that has a sentence."""
    with RawService(behave) as service:
        began = time.monotonic()
        asked = Asked(service.url, parent)
        qtbot.waitUntil(lambda: asked.is_over, timeout=10_000)
        took_s = time.monotonic() - began
        qtbot.wait(50)

    assert {error.code for error in asked.errors} <= codes
    assert (len(asked.errors), asked.ends) == (1, 0)
    assert took_s < 6 * SHORT_S + 2


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (never_answers, Kind.FAILED),
        (trickles_headers, Kind.FAILED),
        (trickles_body, Kind.FAILED),
        (ends_in_the_body, Kind.NOT_OURS),
        (resets_at_once, Kind.ABSENT),
    ],
)
def test_the_header_is_not_held_up_by_a_broken_reply(qtbot, tmp_path, behave, kind):
    """The look at the service ends in a state of the header, within seconds, also where a byte comes now and then."""
    with RawService(behave) as service:
        content = {
            "url": service.url,
            "token": ACCESS,
            "pid": 1,
            "version": "0",
            "wire_version": "1.0",
        }
        (tmp_path / "server.json").write_text(json.dumps({**content, "started": ""}))
        connection = Connection(Settings(), folder=str(tmp_path))
        with qtbot.waitSignal(connection.settled, timeout=6000):
            connection.connect_service(may_start=False)
        connection.close()

    assert connection.standing.kind is kind


# ---- proxies -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dead_proxy(monkeypatch):
    """A proxy that refuses, set in QGIS's own settings and in the environment, as in a company without its network."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    settings = QgsSettings()
    values = {"Enabled": True, "Type": "HttpProxy", "Host": "127.0.0.1", "Port": str(port)}
    for name, value in values.items():
        settings.setValue(f"proxy/proxy{name}", value)
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    settings.setValue("proxy/proxyEnabled", True)
    manager = QgsNetworkAccessManager.instance()
    manager.setupDefaultProxyAndCache()
    yield port
    settings.remove("proxy")
    manager.setupDefaultProxyAndCache()


def test_a_dead_proxy_does_not_stand_before_this_machine(qtbot, dead_proxy, plugin, dock):
    """No network and a dead proxy in QGIS: the local service is asked all the same."""
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.DONE, dock.notice.text


def test_a_dead_proxy_is_named(qtbot, dead_proxy, parent):
    """A server behind a dead proxy is an error in time that speaks of the proxy, not of the server."""
    asked = Asked("http://geo-r1.invalid:8443", parent)
    began = time.monotonic()
    qtbot.waitUntil(lambda: asked.is_over, timeout=15_000)

    (error,) = asked.errors
    assert error.code == "proxy-failed"
    assert "geo-r1.invalid" in error.parameters["url"]
    assert error.parameters["proxy"] == f"127.0.0.1:{dead_proxy}"
    assert time.monotonic() - began < 10


# ---- other versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_another_minor_version_is_understood(qtbot, plugin, dock, stub, version):
    """A service of an older or newer minor version: new fields and events are passed over, the answer comes."""
    stub.health = {**HEALTH, "wire_version": version, "mood": "good"}
    stub.scripts = [
        [
            {**started(), "colour": "blue"},
            {"event": "weather", "item": "1", "sky": "clear"},
            token("Find"),
            {**detection(), "confidence": {"how": "sure"}},
            {**result(), "footnotes": []},
        ]
    ]
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.stage is Stage.DONE, dock.notice.text
    assert len(state.detections) == 1


@pytest.mark.parametrize(
    ("version", "words"), [("2.0", "plugin is too old"), ("0.9", "service is too old")]
)
def test_another_major_version_is_one_sentence(qtbot, plugin, dock, stub, version, words):
    """Nothing is sent to a service of another major version; header and notice say which one is older."""
    stub.health = {**HEALTH, "wire_version": version}
    before = len(stub.requests)
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.error.code == "wire-version"
    assert "different versions" in dock.notice.text
    assert words in dock.header.line.text()
    assert version in dock.header.hint.text()
    assert {request.path for request in stub.requests[before:]} <= {"/v1/health", "/v1/models"}


def test_another_program_at_the_address_is_said(qtbot, plugin, dock, stub):
    """Somebody else has taken the port: the notice says that, and not that nothing answers."""
    connection = plugin.services.connection
    connection.settings = connection.settings.with_changes(start_service=False)
    stub.health = b"<html>It works!</html>"
    type_question(dock)
    state = wait_for_end(qtbot, plugin)

    assert state.error.code == "not-ours"
    assert "Another program" in dock.notice.text
    assert stub.paths("POST") == []


# ---- the service goes away ---------------------------------------------------------------------------------------------


def test_the_header_says_at_once_that_the_service_died(qtbot, plugin, dock, tmp_path):
    """The stream breaks and nobody listens any more: a moment later the header says so and offers to start it."""
    with StubService() as dying:
        dying.scripts = [[started(), token("Find"), detection(), 0.3]]
        dying.write_server_file(tmp_path)
        type_question(dock)
        qtbot.waitUntil(lambda: plugin.services.asking.state.detections != [], timeout=5000)
    wait_for_end(qtbot, plugin)
    qtbot.waitUntil(lambda: plugin.services.connection.standing.kind is Kind.ABSENT, timeout=2000)

    assert plugin.services.asking.state.error.code == "connection-lost"
    assert "What it had found is kept" in dock.notice.text
    assert "not running" in dock.header.line.text()
    assert "starts by itself with your next question" in dock.header.hint.text()
    assert dock.header.button.isVisibleTo(dock)
