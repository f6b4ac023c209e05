"""What tests of training share: data sets that are right, runs of the fake runner, events until an end."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

FAKE_RUNNER = (sys.executable, str(Path(__file__).with_name("fake_runner.py")))


def sample(chip, **changed):
    """One right sample about a chip of 200 × 100 px."""
    return {
        "chip": chip,
        "query": "the heap of tyres",
        "task": "rec",
        "boxes_px": [[10, 20, 60, 80]],
        "label": "heap of tyres",
        "part": "train",
        "place": "",
        **changed,
    }


def make_dataset(running, *samples, name="heaps"):
    """A data set of one chip, or of these samples; its description."""
    samples = samples or (sample(running.put_chip()),)
    reply = running.client.post("/v1/datasets", json={"name": name, "samples": list(samples)})
    assert reply.status_code == 200, reply.text
    return reply.json()


def start_run(running, words="", dataset=None, **more):
    """Begin a run that behaves as these words say."""
    dataset = dataset or make_dataset(running)["id"]
    reply = running.client.post("/v1/runs", json={"dataset": dataset, "name": words, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def events_of(running, run_id, after=0):
    """Every event of a run from a number on, until the stream ends; heartbeats left out."""
    reply = running.client.get(f"/v1/runs/{run_id}/events?after={after}", timeout=60)
    assert reply.status_code == 200, reply.text
    events = [json.loads(line) for line in reply.text.splitlines()]
    return [event for event in events if event["event"] != "heartbeat"]


def state_of(running, run_id):
    return running.client.get(f"/v1/runs/{run_id}").json()["state"]


def wait_for(condition, what, timeout_s=30):
    """Until something is so."""
    until_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < until_s, f"no {what} in {timeout_s} s"
        time.sleep(0.02)
    return found


def wait_for_step(running, run_id, step=1):
    """Until a run has done this step."""
    wait_for(
        lambda: running.client.get(f"/v1/runs/{run_id}").json()["step"] >= step, f"step {step}"
    )
