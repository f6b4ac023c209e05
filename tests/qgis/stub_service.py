"""A service made of the standard library that plays what a test wrote down: right answers, and every fault.

It speaks true HTTP over a true socket, so that the plugin's network code is tested and not a mock of it.
"""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.qgis.stub_models import Models
from tests.qgis.stub_training import Training

ACCESS = "stub-access"

HEALTH = {
    "service": "geo-r1",
    "version": "0.1.0",
    "wire_version": "1.0",
    "status": "ready",
    "pid": 1,
    "model": "geo-r1-nano",
    "model_title": "Geo-R1 Nano",
    "engine": "onnx",
    "device": "cpu",
    "ready_after_s": 0.9,
}
MODEL = {
    "id": "geo-r1-nano",
    "title": "Geo-R1 Nano",
    "engine": "onnx",
    "tasks": ["rec", "ovd"],
    "state": "loaded",
    "is_default": True,
}
CLOSE = object()
"""In a script: close the connection without another word."""
HANG = object()
"""In a script: say nothing until the client leaves."""


def queued(position=1):
    """An event of the stream."""
    return {"event": "queued", "item": "1", "position": position}


def started():
    """An event of the stream."""
    return {
        "event": "started", "item": "1", "model": "geo-r1-nano", "engine": "onnx", "device": "cpu",
        "model_width_px": 448, "model_height_px": 448,
    }  # fmt: skip


def token(text, section="think"):
    """An event of the stream."""
    return {"event": "token", "item": "1", "text": text, "section": section}


def progress(done, total):
    """An event of the stream."""
    return {"event": "progress", "item": "1", "done": done, "total": total}


def a_detection(rank=0, label="storage tank", box=(100, 40, 150, 90)):
    """A detection as the service writes it."""
    return {"rank": rank, "label": label, "box_px": list(box)}


def detection(*args, **kwargs):
    """An event of the stream."""
    return {"event": "detection", "item": "1", "detection": a_detection(*args, **kwargs)}


def result(
    detections=None, outcome="found", reasoning="Find tanks: white [100,40,150,90].", **more
):
    """The final event of a good answer."""
    found = [a_detection()] if detections is None else detections
    return {
        "event": "result", "item": "1", "outcome": outcome, "detections": found, "reasoning": reasoning,
        "raw_answer": "{}", "model": "geo-r1-nano", "engine": "onnx", "prompt": "p", **more,
    }  # fmt: skip


def failure(code, **parameters):
    """The final event of an answer that failed."""
    error = {
        "code": code,
        "message": f"stub: {code}",
        "parameters": parameters,
        "request_id": "r-1",
    }
    return {"event": "error", "item": "1", "error": error}


GOOD_SCRIPT = [
    started(),
    token("Find tanks: white [100,"),
    token("40,150,90]."),
    token('{"bbox_2d":[100,40,150,90],"label":"storage tank"}', "answer"),
    detection(),
    result(),
]


@dataclass
class Request:
    """What came in."""

    verb: str
    path: str
    headers: dict
    body: bytes


@dataclass
class StubService:
    """Start with `with`; change the attributes at any time.

    `scripts` holds one script per ground request, the last one is played again and again. A step is an event, bytes
    to send as they are, a number of seconds to wait, CLOSE or HANG.
    """

    health: object = field(default_factory=lambda: dict(HEALTH))
    health_status: int = 200
    location: str = ""
    """Of a redirect."""
    models: list = field(default_factory=lambda: [dict(MODEL)])
    scripts: list = field(default_factory=lambda: [GOOD_SCRIPT])
    answer_items: object = None
    """A function (item, image bytes) -> an event, or a list of detections: every item of a request has its own."""
    items_asked: list = field(default_factory=list)
    """Items that were answered so, in order."""
    ground_refusal: tuple = ()
    """(status, code, parameters) instead of a stream."""
    access: str = ACCESS
    chips: dict = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    hub: Models = field(default_factory=Models)
    """What it can fetch; `models` is what it has."""
    requests: list = field(default_factory=list)
    certificate: object = None
    """A `tests.certificates.Certificate`: TLS with it."""
    name: str = "127.0.0.1"
    """In the address, where that is another name of this machine."""
    uploaded_bytes: int = 0
    """Of the longest body that was read slowly."""
    left_after_s: list = field(default_factory=list)
    """How long each stream (or hanging request) lasted until the client was found to have left."""
    hangs_on: str = ""
    """Such as ``PUT /v1/chips``: a request that begins so is accepted and never answered."""
    upload_bytes_per_s: int = 0
    """How fast bodies are read; 0 = as they come. Set it before the service is started."""

    def __enter__(self):
        stub = self

        class Handler(_Handler):
            service = stub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.chain, self.certificate.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._server.handle_error = lambda *_: (
                None
            )  # refused handshakes are what tests are about
        if self.upload_bytes_per_s:  # else the machine's own buffers take the whole picture at once
            self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self):
        """Where it listens."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{self.name}:{self._server.server_port}"

    def paths(self, verb):
        """Paths asked with a verb, in order."""
        return [request.path for request in self.requests if request.verb == verb]

    def write_server_file(self, folder, **changes):
        """What `geo-r1 serve` leaves in its data folder."""
        content = {
            "url": self.url, "token": self.access, "pid": os.getpid(), "version": "0.1.0", "wire_version": "1.0",
            "started": "2026-01-01T00:00:00Z", **changes,
        }  # fmt: skip
        (folder / "server.json").write_text(json.dumps(content), encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    service: StubService
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Else each answer waits 40 ms between its head and its body."""

    def log_message(self, *_):
        """Say nothing on the console."""

    def do_GET(self):
        if not self._admit():
            return
        if self.path == "/v1/health":
            self._reply(self.service.health_status, self.service.health)
        elif self.path == "/v1/models":
            self._reply(200, {"models": self.service.models})
        elif self.path.startswith("/v1/datasets/"):
            self._reply(200, self.service.chips[self.path.rsplit("/", 1)[1]])
        elif urlsplit(self.path).path.endswith("/events"):
            self._tell(self.service.training)
        elif self._train() or self._manage():
            return
        elif self.path.startswith("/v1/chips/"):
            known = self.path.rsplit("/", 1)[1] in self.service.chips
            self._reply(200, self._receipt()) if known else self._refuse(404, "chip-unknown")
        else:
            self._refuse(404, "not-found")

    def do_PUT(self):
        if not self._admit():
            return
        sha256 = self.path.rsplit("/", 1)[1]
        if hashlib.sha256(self.body).hexdigest() != sha256:
            self._refuse(422, "chip-hash-mismatch")
            return
        self.service.chips[sha256] = self.body
        self._reply(200, self._receipt())

    def do_POST(self):
        if not self._admit() or self._train() or self._manage():
            return
        if self.service.ground_refusal:
            status, code, parameters = self.service.ground_refusal
            self._refuse(status, code, **parameters)
            return
        chips = [item["chip"] for item in json.loads(self.body)["items"]]
        if not all(chip in self.service.chips for chip in chips):
            self._refuse(404, "chip-unknown")
            return
        if self.service.answer_items is not None:
            self._answer_items(json.loads(self.body)["items"])
            return
        scripts = self.service.scripts
        self._play(scripts.pop(0) if len(scripts) > 1 else scripts[0])

    def do_DELETE(self):
        if self._admit():
            self._train() or self._manage()

    def _manage(self):
        """Models: planned, fetched, loaded, deleted."""
        hub = self.service.hub
        if self.command == "POST" and self.path == "/v1/models/fetch" and not hub.refusal:
            hub.fetched.append(json.loads(self.body))
            self._play_events(hub.events, hub.waits)
            return True
        answer = hub.answer(self.command, self.path, self.body, self.service.models)
        if answer is not None:
            self._reply(*answer)
        return answer is not None

    def _play_events(self, events, waits):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for number, event in enumerate(events):
                if number in waits:
                    waits[number].wait(20)
                if event is CLOSE:
                    return
                self.wfile.write(json.dumps(event).encode() + b"\n")

    def _train(self):
        answer = self.service.training.answer(self.command, self.path, self.body)
        if answer is not None:
            self._reply(*answer)
        return answer is not None

    def _tell(self, training):
        """The events of a run, each when the test lets it go."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for number, event in training.after(urlsplit(self.path).query):
                if number in training.waits:
                    training.waits[number].wait(20)
                self.wfile.write(json.dumps(event).encode() + b"\n")

    def _admit(self):
        began = time.monotonic()
        hangs = self.service.hangs_on
        try:
            self.body = self._read_body(int(self.headers.get("Content-Length") or 0))
            if hangs and f"{self.command} {self.path}".startswith(hangs):
                self.service.requests.append(Request(self.command, self.path, {}, self.body))
                self._wait_until_left()
        except OSError:
            self.service.left_after_s.append(time.monotonic() - began)
            self.close_connection = True
            return False
        self.service.requests.append(
            Request(self.command, self.path, dict(self.headers), self.body)
        )
        if self.headers.get("Authorization") == f"Bearer {self.service.access}":
            return True
        self._refuse(401, "unauthorized")
        return False

    def _play(self, script):
        began = time.monotonic()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("X-Geo-R1-Wire", "1.0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for step in script:
                if step is CLOSE:
                    return
                if step is HANG:
                    self._wait_until_left()
                elif isinstance(step, (int, float)):
                    time.sleep(step)
                else:
                    line = step if isinstance(step, bytes) else json.dumps(step).encode() + b"\n"
                    self.wfile.write(line)
            return
        self.service.left_after_s.append(time.monotonic() - began)

    def _answer_items(self, items):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("X-Geo-R1-Wire", "1.0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            for item in items:
                answer = self.service.answer_items(item, self.service.chips[item["chip"]])
                if answer is CLOSE:
                    return
                event = result(answer) if isinstance(answer, list) else answer
                line = json.dumps({**event, "item": item["item"]}).encode()
                if (
                    event["event"] == "result"
                ):  # before it is sent: whoever has the last answer counts at once
                    self.service.items_asked.append(item)
                self.wfile.write(line + b"\n")
                self.wfile.flush()

    def _read_body(self, length):
        rate = self.service.upload_bytes_per_s
        if not rate:
            body = self.rfile.read(length)
            if len(body) < length:  # who asks has left meanwhile
                raise ConnectionResetError
            return body
        body = b""
        while len(body) < length:
            # not from the socket: the beginning may have come with the headers and lie in the buffer
            piece = self.rfile.read1(min(16_384, length - len(body)))
            if not piece:
                raise ConnectionResetError
            body += piece
            self.service.uploaded_bytes = max(len(body), self.service.uploaded_bytes)
            rate = self.service.upload_bytes_per_s  # a test may lose its patience
            time.sleep(len(piece) / rate if rate else 0)
        return body

    def _wait_until_left(self):
        self.connection.settimeout(20)
        if self.connection.recv(1) == b"":
            raise ConnectionResetError

    def _receipt(self):
        return {
            "sha256": "0" * 64,
            "width_px": 1,
            "height_px": 1,
            "size_bytes": 1,
            "expires_s": 60.0,
        }

    def _refuse(self, status, code, **parameters):
        self._reply(
            status,
            {
                "code": code,
                "message": f"stub: {code}",
                "parameters": parameters,
                "request_id": "r-1",
            },
        )

    def _reply(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.service.location:
            self.send_header("Location", self.service.location)
        self.send_header("X-Geo-R1-Wire", "1.0")
        try:
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked did not wait for it
            self.service.left_after_s.append(0.0)
            self.close_connection = True
