"""A real service in the test process: uvicorn in a thread on a free port, with an engine of the test's choice."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from PIL import Image

from geo_r1_backend.api.server import GeoR1Server
from geo_r1_backend.api.service import build_service
from geo_r1_backend.config import ServerConfig
from geo_r1_backend.serve import bind, server_file
from tests.backend.fixed_engine import FixedEngine, loader
from tests.backend.training import FAKE_RUNNER

TOKEN = "a-token-of-this-start"  # noqa: S105 - of a service that lives for one test


@pytest.fixture
def model_folder(tmp_path, monkeypatch):
    """A folder that the registry takes for a model called "fixed"; its engine comes from the test."""
    folder = tmp_path / "models-of-the-test" / "fixed"
    make_model_folder(folder)
    monkeypatch.setenv("GEO_R1_MODELS", str(folder.parent))
    return folder


def make_model_folder(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    profile = {"id": "fixed", "title": "Fixed answers", "tasks": ["rec", "ovd"]}
    (folder / "profile.json").write_text(json.dumps(profile))
    (folder / "vision.onnx").touch()
    (folder / "decoder.onnx").touch()


class Running:
    """A service that listens, with a client for it."""

    def __init__(self, service, server, url):
        self.service, self.server, self.url = service, server, url
        self.client = self.new_client()

    def new_client(self, **headers):
        given = {"Authorization": f"Bearer {TOKEN}", "X-Geo-R1-Wire": "1.0", **headers}
        return httpx.Client(base_url=self.url, headers=given, timeout=20, trust_env=False)

    def put(self, image_bytes, sha256=None):
        sha256 = sha256 or hashlib.sha256(image_bytes).hexdigest()
        return self.client.put(f"/v1/chips/{sha256}", content=image_bytes)

    def put_chip(self, width_px=200, height_px=100, colour="navy"):
        content = png(width_px, height_px, colour)
        reply = self.put(content)
        assert reply.status_code == 200, reply.text
        return reply.json()["sha256"]

    def ask_reply(self, chip, query="the largest tank", **more):
        body = {"items": [{"item": "a", "chip": chip, "query": query}], **more}
        return self.client.post("/v1/ground", json=body)

    def ask(self, chip, query="the largest tank", **more):
        reply = self.ask_reply(chip, query, **more)
        return [json.loads(line) for line in reply.text.splitlines()]

    def wait_ready(self):
        until = time.monotonic() + 5
        while self.client.get("/v1/health").json()["status"] not in ("ready", "failed"):
            assert time.monotonic() < until
            time.sleep(0.01)


@contextmanager
def running_service(config, engine, runner=FAKE_RUNNER):
    """Start a service, hand it out, stop it."""
    service = build_service(
        config, token=TOKEN, load=engine if callable(engine) else loader(engine), runner=runner
    )
    with bind("127.0.0.1", 0) as listening:
        address = server_file(listening, service)
        server = GeoR1Server(service, address, lambda line: None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running = Running(service, server, address.url)
        try:
            running.wait_ready()
            yield running
        finally:
            running.client.close()
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the service did not stop"


@pytest.fixture
def start_service(tmp_path, model_folder):
    """Start services with settings of the test's choice; all are stopped at its end."""
    open_contexts = []

    def start(engine=None, *, runner=FAKE_RUNNER, **settings):
        settings = {"model": "fixed", **settings}
        config = ServerConfig(data_folder=tmp_path / "data", **settings)
        (tmp_path / "data").mkdir(exist_ok=True)
        context = running_service(config, engine or FixedEngine(), runner)
        open_contexts.append(context)
        return context.__enter__()

    yield start
    for context in reversed(open_contexts):
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service for all tests of a file that only look."""
    folder = tmp_path_factory.mktemp("service")
    make_model_folder(folder / "models" / "fixed")
    config = ServerConfig(
        data_folder=folder,
        model="fixed",
        max_chip_bytes=200_000,
        max_chip_px=1_000_000,
        max_json_bytes=300_000,
    )
    with running_service(config, FixedEngine()) as running:
        yield running


def png(width_px, height_px, colour="navy", mode="RGB"):
    stream = io.BytesIO()
    Image.new(mode, (width_px, height_px), colour).save(stream, "PNG")
    return stream.getvalue()
