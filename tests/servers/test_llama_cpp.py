"""llama.cpp's own server, an independent implementation of the same model: `make test-remote` builds it and runs these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.remote import RemoteEngine
from geo_r1_backend.errors import RemoteContext, RemoteImageRefused, RemoteViews
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.registry import embedded_folder
from geo_r1_backend.models.remote import RemoteConfig, as_address
from tests.backend.remote_servers import RunningServer, llama_server, running
from tests.backend.test_remote_servers import QUERIES, answers, whole
from tests.backend.tiny_model import picture, write_tiny_model

LLAMA_CPP = Path(os.environ.get("GEO_R1_LLAMA_CPP") or "build/llama.cpp").resolve()
SERVER = LLAMA_CPP / "bin" / "llama-server"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def converted(stock, target, project_folder):
    """The folder as files of llama.cpp."""
    target.mkdir()
    script = project_folder / "scripts" / "to_gguf.py"
    command = [sys.executable, str(script), str(LLAMA_CPP), str(stock), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def nano(tmp_path_factory, project_folder):
    """The embedded model in llama.cpp's format."""
    folder = tmp_path_factory.mktemp("llama")
    export_stock_folder(embedded_folder(), folder / "stock")
    return converted(folder / "stock", folder / "nano", project_folder)


@pytest.fixture(scope="module")
def server(nano):
    with running(llama_server(SERVER, nano, "--slots")) as (one,):
        yield one


def engine(server, profile_folder=None, **settings):
    profile = json.loads(((profile_folder or embedded_folder()) / "profile.json").read_text())
    profile.pop("id")
    given = {"profile": profile, "patience_s": 3.0, **settings}
    return RemoteEngine(RemoteConfig(endpoints=(as_address(server.url),), **given))


def test_same_boxes_as_the_local_engine(server):
    """The embedded model gives the same boxes and the same reasoning through llama.cpp, an implementation of its own."""
    local, remote = OnnxEngine(embedded_folder(), 1), engine(server)

    found, expected = answers(remote), answers(local)

    # llama.cpp does not count the token that ends the turn
    assert {k: v[:3] for k, v in found.items()} == {k: v[:3] for k, v in expected.items()}
    assert len(found) == len(QUERIES)
    (fact,) = remote.status().facts.values()
    assert "llama.cpp" in fact
    assert "seen at the size" in fact


def test_same_text_from_random_weights(tmp_path, project_folder):
    """A tiny random model, where one wrong number shows in every letter, says the same there."""
    ours = write_tiny_model(tmp_path / "tiny", max_positions=2048)
    export_stock_folder(ours, tmp_path / "stock")
    folder = converted(tmp_path / "stock", tmp_path / "gguf", project_folder)
    local, options = OnnxEngine(ours, 1), GenerationOptions(max_new_tokens=16)
    items = [EngineItem(picture(448, 448), "Find ships."), EngineItem(picture(672, 224), "Tanks?")]

    with running(llama_server(SERVER, folder)) as (one,):
        said = whole(engine(one, ours).generate(items, options, lambda: False))

    assert said == whole(local.generate(items, options, lambda: False))


def test_its_own_limits_are_found_out(nano):
    """Told to make images smaller, it is refused for the embedded model's fixed views, and obeyed where views are free."""
    with running(llama_server(SERVER, nano, "--image-max-tokens", "100")) as (one,):
        with pytest.raises(RemoteViews, match=r"instead of \d+"):
            engine(one)
        free = engine(one, profile={"min_pixels": 56 * 56, "max_pixels": 500 * 28 * 28})

    assert free.profile.max_pixels <= 100 * 28 * 28
    assert free.profile.max_pixels >= 64 * 28 * 28


def test_a_server_without_eyes_is_refused(nano):
    """Started without --mmproj, it takes no image, and the error says what is missing."""
    command = [str(SERVER), "--model", str(nano / "model.gguf"), "--ctx-size", "1024", "--no-webui"]
    with (
        running(RunningServer(command, nano / "blind.log")) as (one,),
        pytest.raises(RemoteImageRefused, match="mmproj"),
    ):
        engine(one)


def test_too_small_a_context_is_said(nano):
    """A context that holds no view is an error with the sizes, before anybody asks."""
    small = llama_server(SERVER, nano, "--ctx-size", "256", "--parallel", "1")
    with running(small) as (one,), pytest.raises(RemoteContext, match="448 × 448 px"):
        engine(one)


def test_stop_frees_the_server(server):
    """Stop in the middle of an answer ends the work of the server, within a second on our side."""
    remote, stop = engine(server), threading.Event()
    options = GenerationOptions(max_new_tokens=4000, temperature=1.5)
    items = [EngineItem(picture(448, 448), "Tell a very long story.")] * 2

    for _ in remote.generate(items, options, stop.is_set):
        if not stop.is_set():
            began_s = time.monotonic()
            stop.set()

    assert time.monotonic() - began_s < 1.0
    until_s = time.monotonic() + 10.0
    while any(slot["is_processing"] for slot in slots(server)):
        assert time.monotonic() < until_s
        time.sleep(0.05)


def slots(server):
    import httpx

    return httpx.get(f"{server.url}/slots", trust_env=False).json()
