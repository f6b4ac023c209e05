"""Foreign pages, rebound names, guessed tokens and ids that are paths: who is not meant to ask gets nothing, ever."""

import json
import statistics
import threading
import time

import httpx
import pytest

from geo_r1_backend.api import pace
from tests.backend.conftest import TOKEN
from tests.hostile.raw import request, status_and_code, talk


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8765", True),
        ("LocalHost:1", True),
        ("[::1]", True),
        ("[::1]:8765", True),
        ("", False),
        ("evil.example", False),  # DNS rebinding
        ("evil.example:8765", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("localhost.", False),  # a name of its own for a browser
        ("127.0.0.1.", False),
        ("127.1", False),
        ("2130706433", False),  # 127.0.0.1 as one number
        ("0x7f000001", False),
        ("0177.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - in a header
        ("[::1]evil.example", False),
        ("[::1]:80:80", False),
        ("[::ffff:127.0.0.1]", False),
        ("[::1", False),
        ("127.0.0.1:x", False),
        ("127.0.0.1:80@evil.example", False),
        ("user@127.0.0.1", False),
        ("127.0.0.1, evil.example", False),
        ("127.0.0.1/evil", False),
        ("127.0.0.1:123456", False),
        ("127.0.0.1\\evil", False),
        ("ⓛocalhost".encode().decode("latin-1"), False),
    ],
)  # fmt: skip
def test_only_names_of_this_machine_are_answered(service, host, is_ours):
    """A Host header that is not plainly this machine is refused, the right token notwithstanding."""
    status, code = status_and_code(talk(service.url, request(host=host)))

    assert (status, code) == ((200, "") if is_ours else (421, "host-not-allowed"))


@pytest.mark.parametrize(
    ("lines", "more", "expected"),
    [
        (["Host: evil.example"], {}, (400, "request-malformed")),  # Host twice
        ([], {"host": None}, (400, "request-malformed")),  # HTTP/1.1 without
        (["X-Forwarded-Host: 127.0.0.1"], {"host": "evil.example"}, (421, "host-not-allowed")),
        (["X-Forwarded-Host: evil.example", "X-Forwarded-For: 1.2.3.4", "Forwarded: host=evil"], {}, (200, "")),
        ([], {"target": "http://evil.example/v1/health"}, (421, "host-not-allowed")),  # absolute form
        ([], {"target": "http://127.0.0.1@evil.example/v1/health"}, (421, "host-not-allowed")),
        ([], {"target": "http://127.0.0.1:99/v1/health"}, (200, "")),
        ([], {"target": "//evil.example/v1/health"}, (404, "not-found")),  # a path like any other
        ([], {"target": "*", "method": "OPTIONS"}, (404, "not-found")),
        ([], {"target": "evil.example:443", "method": "CONNECT"}, (404, "not-found")),
    ],
)  # fmt: skip
def test_other_ways_to_name_a_host_do_not_help(service, lines, more, expected):
    """Forwarded names, names in the first line and names said twice change nothing."""
    assert status_and_code(talk(service.url, request(*lines, **more))) == expected


@pytest.mark.parametrize(
    "origins",
    [["http://evil.example"], ["null"], [""], ["http://127.0.0.1:1"], ["https://localhost"], ["file://"],
     ["http://evil.example", "http://evil.example"]],
)  # fmt: skip
def test_no_web_page_is_answered(service, origins):
    """Whatever its origin, this machine's own ports included, a page in a browser is refused."""
    lines = [f"Origin: {origin}" for origin in origins]
    answer = talk(service.url, request(*lines))

    assert status_and_code(answer) == (403, "origin-not-allowed")
    assert b"access-control" not in answer.lower()


def test_an_allowed_origin_does_not_bring_others(start_service):
    """Of two Origin headers both must be allowed."""
    running = start_service(allowed_origins=("https://good.example",))
    good, evil = "Origin: https://good.example", "Origin: https://evil.example"

    assert status_and_code(talk(running.url, request(good)))[0] == 200
    assert status_and_code(talk(running.url, request(good, evil)))[0] == 403
    assert status_and_code(talk(running.url, request(evil, good)))[0] == 403


WRONG = [
    "",
    "x",
    TOKEN[:-1],
    TOKEN + "x",
    TOKEN.upper(),
    " ".join(TOKEN),
    TOKEN[::-1],
    "\xff" * 20,
    "x" * 10_000,
]


@pytest.mark.parametrize(
    "target", ["/v1/health", "/v1/nothing", "/v1/models", "/", "/v1/chips/x", "/v1/openapi.json"]
)
def test_without_the_token_nothing_is_told(service, target, monkeypatch):
    """Every address, there or not, refuses every wrong token with the same words: nothing can be found out."""
    monkeypatch.setattr(pace, "EACH_S", 0.0)
    answers = {
        json.dumps({k: v for k, v in _body(service, target, wrong).items() if k != "request_id"})
        for wrong in WRONG[1:]
    }

    assert len(answers) == 1
    assert "unauthorized" in answers.pop()


def _body(service, target, token):
    answer = talk(service.url, request(target=target, token=token))
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        (f"/v1/health?token={TOKEN}", []),
        (f"/v1/health?access_token={TOKEN}", []),
        ("/v1/health", [f"Cookie: token={TOKEN}"]),
        ("/v1/health", [f"X-Api-Key: {TOKEN}"]),
        ("/v1/health", [f"Authorization: Basic {TOKEN}"]),
        ("/v1/health", [f"Authorization: {TOKEN}"]),
        ("/v1/health", ["Authorization: Bearer wrong", f"Authorization: Bearer {TOKEN}"]),
    ],
)
def test_a_token_counts_in_its_one_place(service, target, lines):
    """The right token in an address, a cookie or a second header is no token: addresses and cookies travel too far."""
    assert status_and_code(talk(service.url, request(*lines, target=target, token=None)))[0] == 401


def test_guessing_is_slow_and_locks_nobody_out(start_service, caplog):
    """Sixty-four wrong tokens from eight clients take their time and a line in the log; the right one takes none."""
    running = start_service()
    over, waits = threading.Event(), []

    def guess():
        with running.new_client(Authorization="Bearer wrong") as client:
            for _ in range(8):
                began = time.perf_counter()
                assert client.get("/v1/health").status_code == 401
                waits.append(time.perf_counter() - began)

    def use():
        with running.new_client() as client:
            while not over.is_set():
                began = time.perf_counter()
                assert client.get("/v1/health").status_code == 200
                used.append(time.perf_counter() - began)

    used = []
    owner, guessers = (
        threading.Thread(target=use),
        [threading.Thread(target=guess) for _ in range(8)],
    )
    began = time.perf_counter()
    for thread in [owner, *guessers]:
        thread.start()
    for thread in guessers:
        thread.join(60)
    took_s = time.perf_counter() - began
    over.set()
    owner.join(10)

    assert len(waits) == 64
    # the n-th wrong one waits n × 20 ms, up to 2 s, and eight wait side by side
    assert took_s > 0.5 * sum(min(pace.LONGEST_S, pace.EACH_S * n) for n in range(64)) / 8
    assert statistics.median(used) < 0.1
    assert "requests with a wrong token within a minute" in caplog.text
    assert caplog.text.count("wrong token") == 1
    assert "Bearer" not in caplog.text


def test_the_time_of_a_refusal_says_nothing(start_service, monkeypatch):
    """A token that is right but for its last character is refused as slowly as one that is all wrong."""
    monkeypatch.setattr(pace, "EACH_S", 0.0)
    running = start_service()
    near, far = f"Bearer {TOKEN[:-1]}x", "Bearer " + "x" * len(TOKEN)
    with running.new_client() as client:

        def median_s(token):
            times = []
            for _ in range(150):
                began = time.perf_counter()
                client.get("/v1/health", headers={"Authorization": token})
                times.append(time.perf_counter() - began)
            return statistics.median(times)

        medians = [(median_s(near), median_s(far)) for _ in range(3)]

    # the calmest of three pairs; one character more compared would be nanoseconds, so only the large is looked for
    assert min(abs(one - other) for one, other in medians) < 0.001


PATHS = [
    "../../../etc/passwd", "..", ".", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e", "..%5c..%5cwindows", "%00", "a%00b",
    "CON", "NUL", "aux.png", "C:%5cwindows", "~root", "file:%2f%2f%2fetc%2fpasswd", "x" * 5000, "%F0%9F%98%80", "%ff%fe",
    "%E2%80%AEgnp", ";id", "$(id)", "{7*7}", "' or 1=1--", "0" * 63 + "%2f", "0" * 64 + "/", "%0d%0aX-Evil:%201",
]  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_ids_in_addresses_are_never_paths(service, name):
    """A path in the place of an id leads nowhere: a refusal with a code, and no word of any file."""
    target = name.replace(" ", "%20")
    asked = [
        ("GET", f"/v1/chips/{target}"), ("PUT", f"/v1/chips/{target}"), ("POST", f"/v1/models/{target}/load"),
        ("GET", f"/v1/{target}"),
    ]  # fmt: skip
    for method, address in asked:
        answer = talk(
            service.url, request("Content-Length: 3", method=method, target=address, body=b"abc")
        )
        status, code = status_and_code(answer)
        assert status in (404, 405, 422), (method, address, answer[:300])
        assert code in ("not-found", "method-not-allowed", "body-invalid", "model-unknown"), address
        assert b"root:" not in answer
        assert b"X-Evil" not in answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "name", [*PATHS, "\x00", "\ud800", "\u202e", "../geo-r1-nano", " fixed", "FIXED", "fixed/"]
)
def test_ids_in_bodies_are_never_paths(service, name):
    """Model, chip and item names in a question are looked up and nothing else."""
    chip = service.put_chip()
    good = {"item": "a", "chip": chip, "query": "the tank"}
    bodies = [
        {"items": [good], "model": name},
        {"items": [{**good, "chip": name}]},
        {"items": [{**good, "task": name}]},
    ]
    for body in bodies:
        content = json.dumps(body).encode()
        reply = service.client.post("/v1/ground", content=content)
        assert reply.status_code in (404, 422), body
        assert reply.json()["code"] in ("model-unknown", "body-invalid"), reply.text
        assert len(reply.content) < 2000

    events = [
        json.loads(line)
        for line in service.client.post(
            "/v1/ground", content=json.dumps({"items": [{**good, "item": name[:64]}]}).encode()
        ).text.splitlines()
    ]
    assert events[-1].get("event") == "result" or events[-1]["code"] == "body-invalid"


def test_the_document_of_the_api_needs_the_token(service):
    """The OpenAPI document is served to those who may ask, and to nobody else."""
    assert service.client.get("/v1/openapi.json").json()["info"]["title"] == "Geo-R1"
    assert httpx.get(f"{service.url}/v1/openapi.json", trust_env=False).status_code == 401
