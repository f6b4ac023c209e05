"""With "all", each object is said as soon as its own piece of JSON is complete; over real HTTP."""

from __future__ import annotations

import io
import json
import threading

import pytest
from PIL import Image

from geo_r1_backend.config import ServerConfig, clone_folder
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.models.registry import embedded_folder
from tests.backend.conftest import running_service
from tests.backend.fixed_engine import FixedEngine

BOXES = [(10, 10, 40, 40), (60, 10, 90, 40), (10, 60, 40, 90), (60, 60, 90, 90)]
OBJECTS = ",".join(f'{{"bbox_2d":{list(box)},"label":"tank"}}' for box in BOXES)
ANSWER = f"<think>Find tanks: four.</think><answer>[{OBJECTS}]</answer>"


class PausingEngine(FixedEngine):
    """Says its answer letter by letter and, after each closed object, waits until it may go on."""

    def __init__(self):
        super().__init__(ANSWER, step=1)
        self.said = ""
        self.next_object = threading.Semaphore(0)

    def generate(self, items, options, should_stop):
        for piece in super().generate(items, options, should_stop):
            self.said += piece.text
            yield piece
            if piece.text == "}":
                while not self.next_object.acquire(timeout=0.05):
                    if should_stop():
                        return


def events_of(running, body):
    """Events as they come."""
    with running.client.stream("POST", "/v1/ground", json=body) as reply:
        for line in reply.iter_lines():
            yield json.loads(line)


def test_each_detection_comes_before_the_next_letter(start_service):
    """The engine has said nothing behind an object when the client already has its box."""
    engine = PausingEngine()
    running = start_service(engine)
    chip = running.put_chip(112, 112)
    body = {"items": [{"item": "a", "chip": chip, "query": "tanks", "task": "ovd"}]}
    heard = []
    for event in events_of(running, body):
        if event["event"] == "detection":
            heard.append(event["detection"])
            # had the box been held back, the engine would wait here for ever, and the client run into its timeout
            assert engine.said.count("}") == len(heard)
            assert engine.said.endswith("}")
            engine.next_object.release()
        last = event

    assert [each["rank"] for each in heard] == [0, 1, 2, 3]
    assert last["event"] == "result"
    assert last["detections"] == heard


@pytest.mark.skipif(embedded_folder() is None, reason="the embedded model is not in this clone")
def test_the_embedded_model_gives_its_first_box_before_its_last_word(tmp_path):
    """Asked for all tanks of the demo picture, it shows the first while it still writes the others."""
    picture = Image.open(clone_folder() / "resources" / "demo" / "tank-farm.png").convert("RGB")
    stream = io.BytesIO()
    picture.crop((194, 20, 754, 580)).save(stream, "PNG")
    config = ServerConfig(data_folder=tmp_path, model="geo-r1-nano")
    with running_service(config, lambda folder: load_engine(folder, threads=1)) as running:
        chip = running.put(stream.getvalue()).json()["sha256"]
        body = {"items": [{"item": "a", "chip": chip, "query": "storage tanks", "task": "ovd"}]}
        events = list(events_of(running, body))

    kinds = [event["event"] for event in events]
    last_token = len(kinds) - 1 - kinds[::-1].index("token")
    assert kinds.count("detection") >= 3
    assert kinds.index("detection") < last_token < kinds.index("result")
    assert "detection" not in kinds[kinds.index("result") :]
    assert [e["detection"] for e in events if e["event"] == "detection"] == events[-1]["detections"]
