"""The network layer against a true server that plays answers and faults."""

import hashlib
import socket
import time

import pytest
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtNetwork import QNetworkProxy  # noqa: TID251 - a test of network/

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.standing import Endpoint
from geo_r1_qgis.network import transport
from geo_r1_qgis.network.client import Client
from geo_r1_qgis.network.ground_call import GroundCall
from tests.qgis.alive import calmest
from tests.qgis.stub_service import (
    ACCESS,
    CLOSE,
    GOOD_SCRIPT,
    HANG,
    StubService,
    detection,
    failure,
    queued,
    result,
    started,
    token,
)

IMAGE = b"\x89PNG not really"
CHIP = hashlib.sha256(IMAGE).hexdigest()
REQUEST = wire.GroundRequest([wire.GroundItem("1", CHIP, "the largest storage tank")])


@pytest.fixture
def stub():
    """A service that answers well until told otherwise."""
    with StubService() as service:
        yield service


@pytest.fixture
def parent(qtbot):
    """Owner of the Qt objects of a test."""
    owner = QObject()
    yield owner
    owner.deleteLater()


class Asked:
    """A ground call and what it emitted."""

    def __init__(self, url, parent, request=REQUEST, images=None):
        self.events, self.errors, self.ends, self.sendings = [], [], 0, 0
        self.client = Client(Endpoint(url, ACCESS), parent)
        self.call = GroundCall(self.client, request, {CHIP: IMAGE} if images is None else images)
        self.call.event_read.connect(self.events.append)
        self.call.failed.connect(self.errors.append)
        self.call.sending.connect(self._on_sending)
        self.call.ended.connect(self._on_ended)
        self.call.start()

    @property
    def is_over(self):
        return bool(self.errors or self.ends)

    @property
    def kinds(self):
        return [event.event for event in self.events]

    def _on_ended(self):
        self.ends += 1

    def _on_sending(self):
        self.sendings += 1


def ask(qtbot, stub, parent, **more):
    """Ask and wait for the end."""
    asked = Asked(stub.url, parent, **more)
    qtbot.waitUntil(lambda: asked.is_over, timeout=5000)
    qtbot.wait(30)  # a second end would come now
    return asked


def test_an_answer_streams_in(qtbot, stub, parent):
    """Events arrive while the answer is being written, not at its end."""
    stub.scripts = [[started(), token("Find"), 0.3, token(" more"), 0.3, result()]]
    asked = Asked(stub.url, parent)
    arrivals = []
    asked.call.event_read.connect(lambda _: arrivals.append(time.monotonic()))
    qtbot.waitUntil(lambda: asked.is_over, timeout=5000)

    assert asked.kinds == ["started", "token", "token", "result"]
    assert arrivals[2] - arrivals[1] > 0.2
    assert (asked.ends, asked.errors) == (1, [])


def test_other_hosts_use_the_proxy_of_qgis(qtbot, stub, parent, monkeypatch):
    """For other hosts, what the user has set in QGIS decides; streaming, refusals and Stop work the same way there."""
    asked = []

    class Factory:
        def queryProxy(self, query):  # noqa: N802 - Qt's name
            asked.append(query.url().toString())
            return [QNetworkProxy(QNetworkProxy.ProxyType.NoProxy)]

    class Manager:
        def proxyFactory(self):  # noqa: N802 - Qt's name
            return Factory()

    monkeypatch.setattr(transport, "is_loopback", lambda url: False)
    monkeypatch.setattr(transport.QgsNetworkAccessManager, "instance", Manager)

    good = ask(qtbot, stub, parent)
    stub.ground_refusal = (401, "unauthorized", {})
    refused = ask(qtbot, stub, parent)
    stub.ground_refusal = ()
    stub.scripts = [[started(), HANG]]
    stopped = Asked(stub.url, parent)
    qtbot.waitUntil(lambda: len(stopped.events) == 1, timeout=5000)
    stopped.call.abort()
    qtbot.waitUntil(lambda: bool(stub.left_after_s), timeout=1000)

    assert set(asked) == {stub.url}
    assert good.kinds[-1] == "result"
    assert [error.code for error in refused.errors] == ["unauthorized"]


def test_pixels_travel_once(qtbot, stub, parent):
    """The chip is looked for by its hash and sent only when the service does not have it."""
    first = ask(qtbot, stub, parent)
    second = ask(qtbot, stub, parent)

    assert (first.sendings, second.sendings) == (1, 0)
    assert stub.paths("PUT") == [f"/v1/chips/{CHIP}"]
    assert stub.chips[CHIP] == IMAGE


def test_a_forgotten_chip_is_sent_again(qtbot, stub, parent):
    """A chip that expired between the look and the question is sent once more, and the answer comes."""
    stub.scripts = [[failure("chip-unknown")], GOOD_SCRIPT]

    asked = ask(qtbot, stub, parent)

    assert asked.kinds[-1] == "result"
    assert len(stub.paths("POST")) == 2


def test_a_chip_that_is_always_forgotten_is_an_error(qtbot, stub, parent):
    """Sending again happens once, not for ever."""
    stub.scripts = [[failure("chip-unknown")]]

    asked = ask(qtbot, stub, parent)

    assert asked.events[-1].error.code == "chip-unknown"
    assert len(stub.paths("POST")) == 2


def test_requests_carry_token_and_version(qtbot, stub, parent):
    """Every request is authenticated and says which contract it speaks; no Origin, which a web page would have."""
    ask(qtbot, stub, parent)

    for request in stub.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["authorization"] == f"Bearer {ACCESS}"
        assert headers["x-geo-r1-wire"] == wire.WIRE_VERSION
        assert "origin" not in headers


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([started(), token("Fi"), CLOSE], "connection-lost"),  # the service was killed
        ([CLOSE], "connection-lost"),  # before a word
        (
            [started(), b'{"event":"token","item"', CLOSE],
            "connection-lost",
        ),  # in the middle of a line
        ([started(), b"<html>oops</html>\n"], "protocol"),  # a proxy's page
        ([started(), b"x" * 5_000_000], "protocol"),  # a line without end
        ([started(), {"event": "token", "item": "1", "text": 5, "section": "think"}], "protocol"),
    ],
)
def test_a_broken_stream_is_one_error(qtbot, stub, parent, script, code):
    """Whatever breaks, the call ends once, with a code that has a sentence, and keeps what came before."""
    stub.scripts = [script]

    asked = ask(qtbot, stub, parent)

    assert [error.code for error in asked.errors] == [code]
    assert asked.ends == 0


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ((503, "queue-full", {"limit": 8}), "queue-full"),
        ((401, "unauthorized", {}), "unauthorized"),
        ((413, "image-too-large", {"given_px": 9, "limit_px": 1}), "image-too-large"),
        ((500, "internal", {}), "internal"),
    ],
)
def test_a_refusal_keeps_code_and_values(qtbot, stub, parent, refusal, code):
    """Error bodies become exceptions with the same code, parameters and request id."""
    stub.ground_refusal = refusal

    (error,) = ask(qtbot, stub, parent).errors

    assert (error.code, error.parameters, error.request_id) == (code, refusal[2], "r-1")


def test_an_error_event_ends_the_call(qtbot, stub, parent):
    """An error in mid-stream is an event like any other, and the last one."""
    stub.scripts = [[started(), detection(), failure("engine-failed"), token("never seen")]]

    asked = ask(qtbot, stub, parent)

    assert asked.kinds == ["started", "detection", "error"]
    assert (asked.ends, asked.errors) == (1, [])


def test_events_of_newer_services_are_passed_over(qtbot, stub, parent):
    """Unknown events and unknown fields do not disturb."""
    stub.scripts = [
        [queued(), {"event": "poem", "item": "1"}, {**started(), "mood": "good"}, result()]
    ]

    assert ask(qtbot, stub, parent).kinds == ["queued", "started", "result"]


def test_nobody_there(qtbot, parent):
    """A closed port is said at once, with the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    asked = Asked(url, parent)
    qtbot.waitUntil(lambda: asked.is_over, timeout=5000)

    (error,) = asked.errors
    assert (error.code, error.parameters["url"]) == ("unreachable", url)


def test_silence_ends_the_call(qtbot, stub, parent, monkeypatch):
    """A connection without a byte is given up after the limit; heartbeats keep it alive past that."""
    monkeypatch.setattr(
        transport.Transport.send,
        "__kwdefaults__",
        {**transport.Transport.send.__kwdefaults__, "silence_s": 0.5},
    )
    beat = {"event": "heartbeat", "item": "", "elapsed_s": 1.0}
    stub.scripts = [[started(), 0.3, beat, 0.3, beat, 0.3, beat, HANG]]
    began = time.monotonic()

    asked = ask(qtbot, stub, parent)

    assert [error.code for error in asked.errors] == ["silent"]
    assert time.monotonic() - began > 1.2
    assert asked.kinds.count("heartbeat") == 3


def test_leaving_frees_the_service_within_a_second(qtbot, stub, parent):
    """Abort closes the connection, which is what stops the engine; nothing is emitted after it."""
    stub.scripts = [[started(), token("Find"), HANG]]
    asked = Asked(stub.url, parent)
    qtbot.waitUntil(lambda: len(asked.events) == 2, timeout=5000)
    began = time.monotonic()
    asked.call.abort()
    qtbot.waitUntil(lambda: bool(stub.left_after_s), timeout=1000)

    assert time.monotonic() - began < 1.0
    assert not asked.is_over


@pytest.mark.parametrize("stage", ["before", "while sending"])
def test_leaving_early_is_quiet(qtbot, stub, parent, stage):
    """Abort is allowed in every stage and twice."""
    asked = Asked(stub.url, parent)
    if stage == "while sending":
        qtbot.waitUntil(lambda: asked.sendings == 1, timeout=5000)
    asked.call.abort()
    asked.call.abort()
    qtbot.wait(100)

    assert not asked.is_over


def test_loopback_is_never_sent_through_a_proxy(qtbot, stub, parent, monkeypatch):
    """A company's proxy in the environment or in Qt does not get between the plugin and its own machine."""
    before = QNetworkProxy.applicationProxy()
    QNetworkProxy.setApplicationProxy(
        QNetworkProxy(QNetworkProxy.ProxyType.HttpProxy, "127.0.0.1", 9)
    )
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    try:
        asked = ask(qtbot, stub, parent)
    finally:
        QNetworkProxy.setApplicationProxy(before)

    assert asked.ends == 1


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("http://127.0.0.1:80", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://LOCALHOST:80", True),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://10.0.0.1", False),
        ("https://server", False),
    ],
)
def test_loopback_is_told_from_other_hosts(url, is_ours):
    """Names that only look like this machine do not count."""
    assert transport.is_loopback(url) is is_ours


def test_a_redirect_is_not_followed(qtbot, parent):
    """The token stays with the host that it was given for."""
    with StubService() as other, StubService() as stub:
        stub.health_status, stub.health, stub.location = 302, b"", f"{other.url}/v1/health"
        exchange = Client(Endpoint(stub.url, ACCESS), parent).health()
        with qtbot.waitSignal(exchange.ended, timeout=3000):
            exchange.setObjectName("asked")

        assert exchange.status == 302
        assert other.requests == []


def test_the_event_loop_is_never_held_up(qtbot, stub, parent):
    """Twenty thousand events at once, and still the GUI thread never works for 50 ms without a turn of the loop."""
    many = b"".join(
        b'{"event":"token","item":"1","text":"white [%d,%d,90,90] ","section":"think"}\n'
        % (i % 90, i % 80)
        for i in range(20_000)
    )
    stub.scripts = [[started(), many, result()]]

    def phase(meter):
        meter.start()
        asked = Asked(stub.url, parent)
        qtbot.waitUntil(lambda: asked.is_over, timeout=30_000)
        assert len(asked.events) == 20_002

    meter = calmest("20,000 events at once", phase)
    assert meter.beats > 20
