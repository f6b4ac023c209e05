"""Two real `transformers serve` processes: the boxes of the local engine, and no item lost when one is killed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.remote import RemoteEngine
from geo_r1_backend.engines.resize import plan_view
from geo_r1_backend.errors import RemoteUnreachable
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.grounding.images import open_image
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.registry import embedded_folder
from geo_r1_backend.models.remote import RemoteConfig, as_address
from geo_r1_backend.wire import ResultEvent
from tests.backend.remote_servers import running, transformers_serve
from tests.backend.tiny_model import picture, write_tiny_model

# two processes that import torch on two cores: half a minute alone, minutes beside other work
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
QUERIES = (("rec", "the largest storage tank"), ("ovd", "storage tank"), ("rec", "the white ship"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    one, two = transformers_serve(folder, "one"), transformers_serve(folder, "two")
    with running(one, two):
        yield one, two


@pytest.fixture(scope="module")
def nano(tmp_path_factory):
    """The embedded model as `geo-r1 models export` writes it."""
    folder = tmp_path_factory.mktemp("stock") / "nano"
    export_stock_folder(embedded_folder(), folder)
    return folder


@pytest.fixture(scope="module")
def local():
    engine = OnnxEngine(embedded_folder(), 1)
    yield engine
    engine.close()


def remote_engine(folder, *servers, **settings):
    profile = json.loads((folder / "profile.json").read_text())
    profile = {name: value for name, value in profile.items() if name != "id"}
    return RemoteEngine(
        RemoteConfig(
            endpoints=tuple(as_address(server.url) for server in servers),
            model=str(folder),
            profile=profile,
            **settings,
        )
    )


def answers(engine, queries=QUERIES):
    """Boxes, reasoning and outcome of each question about the doctor's picture."""
    image = open_image(embedded_folder() / "doctor.png")
    questions = [Question(query, task, query, lambda: image) for task, query in queries]
    options = GroundOptions(batch_size=getattr(engine, "best_batch", 1))
    found = {}
    for event in ground(questions, engine, options, lambda: False):
        if isinstance(event, ResultEvent):
            boxes = [(d.label, d.box_px) for d in event.detections]
            found[event.item] = (event.outcome, boxes, event.reasoning, event.timings.tokens)
    return found


def test_same_boxes_as_the_local_engine(servers, nano, local):
    """The embedded model's weights give the same boxes, reasoning and token counts through another project's server."""
    remote = remote_engine(nano, *servers)

    found = answers(remote)

    assert found == answers(local)
    assert {outcome for outcome, *_ in found.values()} >= {"found"}
    assert all("as they are sent" in f or "at which" in f for f in remote.status().facts.values())


def test_same_text_from_random_weights(servers, tmp_path):
    """Weights that mean nothing, where one wrong number shows in every letter, give the local engine's text."""
    ours = write_tiny_model(tmp_path / "tiny", max_positions=2048)
    stock = tmp_path / "tiny-stock"
    export_stock_folder(ours, stock)
    local, options = OnnxEngine(ours, 1), GenerationOptions(max_new_tokens=24)
    items = [EngineItem(picture(672, 224), "Find ships."), EngineItem(picture(448, 448), "Tanks?")]

    said = [whole(e.generate(items, options, lambda: False)) for e in (remote_engine(stock, servers[0]), local)]  # fmt: skip

    assert said[0] == said[1]


def whole(pieces):
    """Text of each item."""
    found = {}
    for piece in pieces:
        found[piece.index] = ("" if piece.restart else found.get(piece.index, "")) + piece.text
    return found


def test_killed_server_loses_no_item(servers, nano, local):
    """kill -9 in the middle of a run: every item has its answer, the one of the local engine, and the rest go to the other."""
    remote = remote_engine(nano, *servers, concurrency=2, patience_s=2.0)
    image = open_image(embedded_folder() / "doctor.png")
    rendered = plan_view(image.width, image.height, local.profile).render(image)
    items = [EngineItem(rendered, prompt_for(*query)) for query in QUERIES * 2]
    options, ended = GenerationOptions(max_new_tokens=200), 0
    pieces = []

    for piece in remote.generate(items, options, lambda: False):
        pieces.append(piece)
        ended += bool(piece.finish)
        if ended == 2 and servers[0].process.poll() is None:
            servers[0].kill()

    expected = whole(local.generate(items, options, lambda: False))
    assert whole(pieces) == expected
    assert sorted(piece.index for piece in pieces if piece.finish) == list(range(len(items)))
    assert "refuses" in remote.status().facts[f"{servers[0].url}/v1"]

    servers[1].kill()
    with pytest.raises(RemoteUnreachable, match="refuses the connection"):
        list(remote.generate(items[:1], replace(options, max_new_tokens=5), lambda: False))
