"""The whole way with the real runner: samples, run, a question in the middle, verdict, and the new model answers."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from functools import partial

import pytest
from PIL import Image, ImageDraw

from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.models.registry import EMBEDDED_ID
from geo_r1_backend.training.supervise import RUNNER
from tests.backend.training import events_of, make_dataset, wait_for, wait_for_step

PARTS = ("train", "train", "train", "validation", "held_out", "held_out")


def picture(number):
    """A field with one pink square, as PNG."""
    image = Image.new("RGB", (448, 448), (90, 120 + number, 70))
    left, top = 40 + 60 * number, 300 - 45 * number
    ImageDraw.Draw(image).rectangle((left, top, left + 59, top + 59), fill=(230, 60, 160))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue(), [left, top, left + 60, top + 60]


def send_samples(running):
    samples = []
    for number, part in enumerate(PARTS):
        content, box = picture(number)
        assert running.put(content).status_code == 200
        samples.append(
            {
                "chip": hashlib.sha256(content).hexdigest(),
                "query": "the pink hangar",
                "task": "rec",
                "boxes_px": [box],
                "label": "pink hangar",
                "part": part,
                "place": f"place-{number}",
            }
        )
    return make_dataset(running, *samples)["id"]


@pytest.mark.timeout(300)
def test_from_samples_to_a_model_that_answers(start_service, monkeypatch):
    """A run of the embedded model is begun, asked beside, stopped, resumed and finished over HTTP; its model answers by its id."""
    monkeypatch.setenv("GEO_R1_MODELS", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    running = start_service(partial(load_engine, threads=1), runner=RUNNER, model=EMBEDDED_ID)
    wait_for(lambda: running.client.get("/v1/health").json()["status"] == "ready", "model", 60)
    dataset = send_samples(running)
    body = {"dataset": dataset, "name": "Pink hangars", "method": "sft_dapo", "steps": 4, "group_size": 2,
            "prompts_per_step": 1, "seed": 3, "think": False}  # fmt: skip

    begun = running.client.post("/v1/runs", json=body).json()
    heard = []
    listener = threading.Thread(target=lambda: heard.extend(events_of_new(running, begun["id"])))
    listener.start()
    wait_for_step(running, begun["id"], 1)
    chip = hashlib.sha256(picture(0)[0]).hexdigest()
    beside = running.ask(chip, "the pink hangar", max_new_tokens=60)
    running.client.post(f"/v1/runs/{begun['id']}/stop")
    listener.join(120)
    stopped = running.client.get(f"/v1/runs/{begun['id']}").json()
    if stopped["state"] == "stopped":  # else it was done before it heard
        running.client.post(f"/v1/runs/{begun['id']}/resume").raise_for_status()
    events = events_of(running, begun["id"])
    info = running.client.get(f"/v1/runs/{begun['id']}").json()
    models = {model["id"]: model for model in running.client.get("/v1/models").json()["models"]}
    answer = running.ask(chip, "the pink hangar", model=info["adapter"], max_new_tokens=60)

    assert beside[-1]["event"] == "result"
    assert heard[-1]["event"] == "state"
    assert (info["state"], info["error"]) == ("finished", None)
    assert sorted({e["step"] for e in events if e["event"] == "step"}) == [1, 2, 3, 4]
    assert info["verdict"]["outcome"] == "too_few"
    assert info["adapter"] == f"run-{begun['id']}"
    assert models[info["adapter"]]["title"] == "Pink hangars"
    assert "held-out objects" in models[info["adapter"]]["note"]
    assert answer[-1]["event"] == "result", answer[-1]
    assert (answer[-1]["model"], answer[-1]["engine"]) == (info["adapter"], "onnx")
    seen = [event["number"] for event in events]
    assert seen == list(range(1, len(seen) + 1))


def events_of_new(running, run):
    """As `events_of`, with a client of its own."""
    with running.new_client() as client:
        text = client.get(f"/v1/runs/{run}/events", timeout=200).text
        return [json.loads(line) for line in text.splitlines()]
