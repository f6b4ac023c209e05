"""A strict OpenAI-compatible endpoint whose faults a test chooses; it refuses requests that a real one might misread."""

from __future__ import annotations

import base64
import io
import json
import ssl
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

GRID_PX = 28
ANSWER = (
    '<think>One [28,56,84,112].</think><answer>{"bbox_2d":[28,56,84,112],"label":"tank"}</answer>'
)
NEEDED = {"messages", "stream", "temperature", "max_tokens", "seed", "model"}
ALLOWED = NEEDED | {"stream_options", "frequency_penalty", "repetition_penalty", "reasoning_format"}


class FakeEndpoint:
    """What it is asked is in ``asked`` (prompt and size of the image); what it does is in ``script``.

    Args:
        model: the only one it serves.
        owner: of `/v1/models`, by which a server tells what it is.
        key: it wants; empty = none.
        certificate: with which it speaks TLS; None = plain HTTP.
        shrinks_to_cells: largest image it sees as it is sent.
        answer: text, or a function of (prompt, image).
        counts: whether it says how many tokens a prompt has.

    Script: functions (handler, text) that are called instead of `say`, one per question, then no more.
    """

    def __init__(
        self,
        model="tiny",
        *,
        owner="someone",
        key="",
        shrinks_to_cells=10**9,
        answer=ANSWER,
        counts=True,
        delay_s=0.0,
        context=10**9,
        certificate=None,
    ):
        self.model, self.owner, self.key, self.answer = model, owner, key, answer
        self.shrinks_to_cells, self.counts = shrinks_to_cells, counts
        self.delay_s, self.context = delay_s, context
        self.certificate = certificate
        self.script = deque()
        self.asked, self.bodies, self.looks = [], [], 0
        self.now, self.most = 0, 0
        self.left = threading.Event()
        """Set when a client goes away in the middle of an answer."""
        self.lock = threading.Lock()
        self.complaint = ""
        self._start(0)

    def _start(self, port):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                """Say nothing."""

            def do_GET(self):
                fake.list_models(self)

            def do_POST(self):
                fake.chat(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"
        if self.certificate:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(self.certificate.chain, self.certificate.key)
            # the handshake belongs to the thread of the connection, which may fail alone
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.server.handle_error = lambda *_: None
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        """Listen no more; what is being said goes on."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def start_again(self):
        """Come back at the same port."""
        self._start(self.port)

    def list_models(self, handler):
        self.looks += 1
        if not self.lets_in(handler):
            return
        entry = {"id": self.model, "object": "model", "owned_by": self.owner}
        reply(handler, 200, {"object": "list", "data": [entry]})

    def lets_in(self, handler):
        if self.key and handler.headers.get("Authorization") != f"Bearer {self.key}":
            words = f"wrong key {handler.headers.get('Authorization')}"
            reply(handler, 401, {"error": {"message": words}})
            return False
        return True

    def chat(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if not self.lets_in(handler):
            return
        try:
            prompt, image = read_question(body)
        except AssertionError as error:
            self.complaint = str(error)
            reply(handler, 400, {"error": {"message": f"strict: {error}"}})
            return
        if body["model"] != self.model:
            reply(handler, 404, {"message": f"The model `{body['model']}` does not exist."})
            return
        cells = 0 if image is None else image.width * image.height // GRID_PX**2
        tokens = len(prompt) + 10 + (min(cells, self.shrinks_to_cells) + 2 if cells else 0)
        if tokens + (body["max_tokens"] or 0) > self.context:
            words = (
                f"This model's maximum context length is {self.context} tokens, you asked {tokens}."
            )
            reply(handler, 400, {"object": "error", "message": words})
            return
        probing = prompt in (".", "")
        with self.lock:
            if not probing:
                self.asked.append((prompt, image.size))
                self.bodies.append(body)
            act = self.script.popleft() if self.script and not probing else say
            self.now += 1
            self.most = max(self.most, self.now)
        handler.is_counted = True
        try:
            text = self.answer
            if callable(text):
                text = "" if probing else text(prompt, image)
            act(handler, "x" if probing else text, tokens=tokens, fake=self)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.left.set()
        finally:
            self.leaves(handler)

    def leaves(self, handler):
        """A question is over; it is so before the client reads its end, or the next could come too early."""
        with self.lock:
            self.now -= handler.is_counted
        handler.is_counted = False


def read_question(body):
    """Prompt and image of a body, which must be exactly as it should be."""
    assert set(body) <= ALLOWED, f"unexpected fields {set(body) - ALLOWED}"
    assert set(body) | {"max_tokens"} >= NEEDED, f"missing fields {NEEDED - set(body)}"
    body.setdefault("max_tokens", None)
    assert body["stream"] is True
    (message,) = body["messages"]
    assert message["role"] == "user"
    *images, text = message["content"]
    assert text["type"] == "text"
    if not images:
        return text["text"], None
    (part,) = images
    head, _, data = part["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64", head
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    image.load()
    assert (image.format, image.mode) == ("PNG", "RGB")
    assert image.width % GRID_PX == image.height % GRID_PX == 0, image.size
    return text["text"], image


def reply(handler, status, document, **headers):
    """One JSON answer."""
    content = json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def begin(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()


def event(handler, **fields):
    handler.wfile.write(f"data: {json.dumps(fields)}\n\n".encode())
    handler.wfile.flush()


def piece(handler, text, finish=None, name="content"):
    event(handler, choices=[{"delta": {name: text}, "finish_reason": finish}])


def say(handler, text, *, tokens, fake, cut_after=None, step=7):
    """The whole text, its end, what it cost, and the end of the stream."""
    begin(handler)
    event(handler, choices=[{"delta": {"role": "assistant", "content": ""}}])
    parts = [text[i : i + step] for i in range(0, len(text), step)]
    for number, part in enumerate(parts):
        if number == cut_after:
            handler.close_connection = True
            return
        if fake.delay_s:
            time.sleep(fake.delay_s)
        piece(handler, part)
    event(handler, choices=[{"delta": {}, "finish_reason": "stop"}])
    if fake.counts:
        usage = {"prompt_tokens": tokens, "completion_tokens": len(text)}
        event(handler, choices=[], usage=usage)
    fake.leaves(handler)
    handler.wfile.write(b"data: [DONE]\n\n")


def cut(after):
    """Break off after so many pieces."""
    return lambda handler, text, **more: say(handler, text, cut_after=after, **more)


def answers(status, words="boom", **headers):
    """An error of this status."""
    return lambda handler, text, **more: reply(
        handler, status, {"error": {"message": words}}, **headers
    )


def raw(content, content_type="text/event-stream"):
    """Exactly these bytes."""

    def act(handler, text, **more):
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content)

    return act


def never_ends(handler, text, **more):
    """Says something for ever."""
    begin(handler)
    while True:
        piece(handler, "never ")


def silent(handler, text, *, fake, **more):
    """Comments and nothing else, until the client goes away."""
    begin(handler)
    while True:
        handler.wfile.write(b": still here\n\n")
        handler.wfile.flush()
        time.sleep(0.02)


def keeps_open(handler, text, **more):
    """The whole answer, and then a connection that stays open without another word."""
    begin(handler)
    piece(handler, text)
    piece(handler, "", "stop")
    time.sleep(30)


@contextmanager
def fakes(*endpoints):
    """End them with the block."""
    try:
        yield endpoints
    finally:
        for one in endpoints:
            one.stop()
