"""Bytes that no HTTP client would send: each is refused with a code, or the connection ends; the service stays well."""

import socket
import time
from urllib.parse import urlsplit

import psutil
import pytest

from geo_r1_backend.api.connection import PatientConnection
from tests.backend.conftest import TOKEN
from tests.hostile.raw import request, status_and_code, talk

GOOD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
GROUND = b"POST /v1/ground HTTP/1.1\r\n" + GOOD
CHIP = b"PUT /v1/chips/" + b"0" * 64 + b" HTTP/1.1\r\n" + GOOD
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = (400, "request-malformed")

BYTES = {
    "nothing but a line end": (b"\r\n\r\n\r\n", None),
    "HTTP/0.9": (b"GET /v1/health\r\n\r\n", MALFORMED),
    "HTTP/1.0 without a host": (b"GET /v1/health HTTP/1.0\r\n\r\n", (421, "host-not-allowed")),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\n" + GOOD + b"\r\n", (404, "not-found")),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), MALFORMED),
    "random bytes": (bytes(range(256)) * 20 + b"\r\n\r\n", MALFORMED),
    "a NUL in the target": (b"GET /v1/\x00health HTTP/1.1\r\n" + GOOD + b"\r\n", MALFORMED),
    "a NUL in a header": (b"GET /v1/health HTTP/1.1\r\n" + GOOD + b"X: a\x00b\r\n\r\n", MALFORMED),
    "a space in a header's name": (b"GET /v1/health HTTP/1.1\r\n" + GOOD + b"X : a\r\n\r\n", MALFORMED),
    "8-bit bytes in the target": (b"GET /v1/h\xe4lth HTTP/1.1\r\n" + GOOD + b"\r\n", MALFORMED),
    "a header of a megabyte": (b"GET /v1/health HTTP/1.1\r\n" + GOOD + b"X: " + b"x" * 1_000_000, MALFORMED),
    "a hundred thousand headers": (b"GET /v1/health HTTP/1.1\r\n" + b"X: y\r\n" * 100_000, MALFORMED),
    "a target of a megabyte": (b"GET /" + b"x" * 1_000_000, MALFORMED),
    "two lengths": (GROUND + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", MALFORMED),
    "a negative length": (GROUND + b"Content-Length: -1\r\n\r\n", MALFORMED),
    "a length that is a word": (GROUND + b"Content-Length: many\r\n\r\n", MALFORMED),
    "a length beyond all bounds": (GROUND + b"Content-Length: 99999999999999999999\r\n\r\n", MALFORMED),
    "a length of a terabyte": (GROUND + b"Content-Length: 1099511627776\r\n\r\n{}", (413, "body-too-large")),
    "length and chunks (smuggling)": (GROUND + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
    "an encoding that nobody knows": (GROUND + b"Transfer-Encoding: gzip, chunked\r\n\r\n", None),
    "a chunk of a word": (GROUND + CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", MALFORMED),
    "a chunk of minus one": (CHIP + CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n", MALFORMED),
    "a chunk that lies about its length": (CHIP + CHUNKED + b"2\r\nhello\r\n0\r\n\r\n", MALFORMED),
    "a chunk of 2**80 bytes": (CHIP + CHUNKED + b"f" * 20 + b"\r\n" + b"x" * 300_000, None),
    "an extension of a megabyte": (CHIP + CHUNKED + b"1;" + b"x" * 1_000_000, MALFORMED),
    "trailers without end": (CHIP + CHUNKED + b"0\r\n" + b"X: y\r\n" * 100_000, MALFORMED),
    "a wish for a websocket": (
        b"GET /v1/health HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n" + GOOD + b"\r\n", (200, "")),
    "a wish for HTTP/2": (
        b"GET /v1/health HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n" + GOOD + b"\r\n",
        (200, "")),
    "expect 100": (GROUND + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", None),
}  # fmt: skip


def hangs_up(url, content):
    """Send and end the sending side, so that a service that waits for more hears that none will come."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        answer = b""
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass  # the refusal and the end came before all was sent
    return answer


@pytest.mark.parametrize("name", BYTES)
def test_broken_bytes_are_refused_and_forgotten(service, name):
    """Every broken request has an answer with a code or an end within seconds, never a 500; the next one is answered."""
    content, expected = BYTES[name]
    began = time.monotonic()
    answer = hangs_up(service.url, content)

    if answer and expected is not None:
        assert status_and_code(answer) == expected
        if expected[0] >= 400:
            assert b"x-request-id: " in answer.lower()
    assert not answer.startswith(b"HTTP/1.1 5")
    assert time.monotonic() - began < 9
    assert service.client.get("/v1/health").status_code == 200


def test_pipelined_requests_are_answered_in_order(service):
    """Fifty requests in one packet have fifty answers, good and bad in the order they were sent."""
    one = b"GET /v1/health HTTP/1.1\r\n" + GOOD + b"\r\n"
    other = b"GET /v1/nothing HTTP/1.1\r\n" + GOOD + b"\r\n"
    answer = talk(service.url, (one + other) * 25 + request())

    statuses = [part.split(b" ")[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404"] * 25 + [b"200"]


@pytest.mark.parametrize("cut", [5, 40, 120, 200, 300])
def test_clients_that_leave_early_leave_nothing(service, cut):
    """Fifty clients that go in the middle of a request leave no connection, no file and no half chip behind."""
    process = psutil.Process()
    content = CHIP + b"Content-Length: 5000\r\n\r\n" + b"x" * 4000
    before = process.num_fds()
    for _ in range(50):
        talk(service.url, content[:cut], close_early=True)
    folder = service.service.config.data_folder / "chips"

    def left():
        half = [path.name for path in folder.iterdir() if path.suffix == ".part"]
        return max(0, process.num_fds() - before - 2), half

    until = time.monotonic() + 5
    while left() != (0, []) and time.monotonic() < until:
        time.sleep(0.02)

    assert left() == (0, [])


@pytest.mark.parametrize(
    "pieces", [[b""], [b"GET /v1/health HT"], [GROUND], [CHIP + b"Content-Length: 50\r\n\r\nabc"]]
)
def test_whoever_stops_in_the_middle_is_let_go(start_service, monkeypatch, pieces):
    """A connection that says nothing, half a request, or half a body is closed when its time is up."""
    monkeypatch.setattr(PatientConnection, "head_s", 0.3)
    monkeypatch.setattr(PatientConnection, "body_silence_s", 0.3)
    running = start_service()
    began = time.monotonic()
    answer = talk(running.url, *pieces)

    assert 0.2 < time.monotonic() - began < 5
    assert answer == b""
    assert running.service.activity.idle_s >= 0.0
    assert running.client.get("/v1/health").status_code == 200


def test_a_header_a_byte_at_a_time_gains_no_time(start_service, monkeypatch):
    """A slow loris has the same time for its headers as everybody, however often it sends a byte."""
    monkeypatch.setattr(PatientConnection, "head_s", 0.5)
    running = start_service()
    address = urlsplit(running.url)
    began = time.monotonic()
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.settimeout(0.05)
        sent = 0
        while time.monotonic() - began < 8:
            try:
                connection.sendall(b"X")
                sent += 1
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break

    assert sent > 2
    assert time.monotonic() - began < 4


def test_patience_does_not_end_a_long_answer(start_service, monkeypatch):
    """The clocks are for requests: an answer may take longer than any of them, and so may a kept-alive connection."""
    from tests.backend.fixed_engine import FixedEngine

    monkeypatch.setattr(PatientConnection, "head_s", 0.4)
    monkeypatch.setattr(PatientConnection, "body_silence_s", 0.4)
    running = start_service(FixedEngine(delay_s=0.1))
    chip = running.put_chip()
    events = running.ask(chip)
    time.sleep(0.6)

    assert events[-1]["event"] == "result"
    assert running.client.get("/v1/health").status_code == 200


def test_a_small_answer_is_sent_at_once(service):
    """Twenty requests one after the other take milliseconds each: no answer waits for TCP's acknowledgements (40 ms)."""
    times = []
    for _ in range(20):
        began = time.perf_counter()
        service.client.get("/v1/health")
        times.append(time.perf_counter() - began)

    assert sorted(times)[5] < 0.03
