"""Answers as streams: order, places in the queue, heartbeats, leaving, failures; over real sockets."""

from __future__ import annotations

import json
import threading
import time

from geo_r1_backend.config import ServerConfig
from geo_r1_backend.engines.select import Selection
from geo_r1_backend.wire import HEARTBEAT_S
from tests.backend.fixed_engine import ONE, FixedEngine
from tests.backend.listener import Listener


def final_events(events):
    return [event for event in events if event["event"] in ("result", "error")]


def test_answer_streams_in_pixels_of_the_sent_chip(start_service):
    """A 512 px chip is seen as 504 px; text and boxes come back in pixels of 512."""
    running = start_service(FixedEngine(step=3))
    chip = running.put_chip(512, 512)

    events = running.ask(chip)

    kinds = [event["event"] for event in events]
    started = next(event for event in events if event["event"] == "started")
    result = events[-1]
    assert kinds[0] == "queued"
    assert kinds.index("token") < kinds.index("detection") < kinds.index("result")
    assert (started["model_width_px"], started["model_height_px"]) == (504, 504)
    assert result["outcome"] == "found"
    assert result["detections"][0]["box_px"] == [50.79, 60.95, 91.43, 96.51]
    assert "Largest: [51,61,91,97]." in result["reasoning"]
    assert result["raw_answer"] == ONE
    told = "".join(e["text"] for e in events if e["event"] == "token" and e["section"] == "think")
    assert told == result["reasoning"]


def test_none_is_an_answer(start_service):
    """A model that says None found nothing, and that is a result."""
    running = start_service(FixedEngine("<think>Find ships: none.</think><answer>None</answer>"))

    result = running.ask(running.put_chip())

    assert result[-1]["outcome"] == "none"
    assert result[-1]["detections"] == []


def test_cut_off_answer_keeps_what_was_complete(start_service):
    """An answer that ends at the token limit says so and keeps its complete boxes."""
    text = '<answer>[{"bbox_2d":[1,2,30,40],"label":"a"},{"bbox_2d":[5,6'
    running = start_service(FixedEngine(text, finish="length"))

    result = running.ask(running.put_chip())[-1]

    assert result["outcome"] == "truncated"
    assert [d["label"] for d in result["detections"]] == ["a"]
    assert result["dropped"][0]["reason"] == "cut off"


def test_every_item_ends_once(start_service):
    """Each item of a list gets exactly one final event, in order, also where one has a task the model lacks."""
    running = start_service()
    chip = running.put_chip()
    items = [{"item": f"i{n}", "chip": chip, "query": "tank", "task": "ovd"} for n in range(5)]

    reply = running.client.post("/v1/ground", json={"items": items})

    events = [json.loads(line) for line in reply.text.splitlines()]
    assert [e["item"] for e in final_events(events)] == [f"i{n}" for n in range(5)]
    assert reply.headers["content-type"] == "application/x-ndjson"


def test_failing_engine_is_an_event(start_service):
    """When the engine fails in mid-answer, the stream ends with its reason, and the next request is answered."""
    engine = FixedEngine(fail_after=2)
    running = start_service(engine)
    chip = running.put_chip()

    failed = running.ask(chip)
    engine.fail_after = None
    answered = running.ask(chip)

    assert failed[-1]["error"]["code"] == "engine-failed"
    assert failed[-1]["error"]["request_id"]
    assert len(final_events(failed)) == 1
    assert answered[-1]["event"] == "result"


def test_leaving_frees_the_engine(start_service):
    """When a client leaves, the engine is free again within a second."""
    engine = FixedEngine(ONE * 200, delay_s=0.01)
    running = start_service(engine)
    chip = running.put_chip()
    body = {"items": [{"item": "a", "chip": chip, "query": "tank"}]}

    with running.client.stream("POST", "/v1/ground", json=body) as reply:
        lines = reply.iter_lines()
        while json.loads(next(lines))["event"] != "token":
            pass

    assert engine.wait_until_idle(timeout_s=1.0)


def test_leaving_the_line_frees_the_place(start_service):
    """Whoever leaves the line is not answered, and those behind move up."""
    engine = FixedEngine(hang=True)
    running = start_service(engine)
    chip = running.put_chip()
    streams = [Listener(running, chip, name) for name in "abc"]
    streams[0].wait_for("started")
    streams[1].wait_for("queued")
    streams[2].wait_for("queued")

    streams[1].leave()
    streams[2].wait_for(lambda event: event.get("position") == 1)
    engine.go_on.set()
    streams[0].join()
    streams[2].join()

    assert [e["position"] for e in streams[2].events if e["event"] == "queued"] == [2, 1]
    assert len(engine.seen) == 2


def test_places_are_told_and_a_full_line_refuses(start_service):
    """Requests wait in turn and hear their place; one too many is refused with the limit."""
    engine = FixedEngine(hang=True)
    running = start_service(engine, queue_limit=2)
    chip = running.put_chip()
    first = Listener(running, chip, "a")
    first.wait_for("started")
    second = Listener(running, chip, "b")
    second.wait_for("queued")
    third = Listener(running, chip, "c")
    third.wait_for("queued")

    health = running.client.get("/v1/health").json()
    body = {"items": [{"item": "d", "chip": chip, "query": "tank"}]}
    refused = running.client.post("/v1/ground", json=body)
    engine.go_on.set()
    for stream in (first, second, third):
        stream.join()

    assert health["status"] == "busy"
    assert health["queue_length"] == 2
    assert refused.status_code == 503
    assert refused.json()["code"] == "queue-full"
    assert refused.json()["parameters"] == {"limit": 2}
    assert [e["position"] for e in third.events if e["event"] == "queued"] == [2, 1]
    assert [s.events[-1]["event"] for s in (first, second, third)] == ["result"] * 3


def test_silence_is_broken_by_heartbeats(start_service):
    """While an engine thinks without a word, the stream is never silent for long."""
    engine = FixedEngine(hang=True)
    running = start_service(engine, heartbeat_s=0.1)
    stream = Listener(running, running.put_chip(), "a")

    stream.wait_for("heartbeat")
    engine.go_on.set()
    stream.join()

    assert stream.events[-1]["event"] == "result"


def test_default_heartbeat_keeps_the_promise():
    """The service's own setting stays below what the wire promises."""
    assert ServerConfig.heartbeat_s < HEARTBEAT_S


def test_stopping_ends_every_stream_properly(start_service):
    """A service that stops gives running and waiting requests their final event."""
    engine = FixedEngine(hang=True)
    running = start_service(engine)
    chip = running.put_chip()
    streams = [Listener(running, chip, name) for name in "ab"]
    streams[0].wait_for("started")
    streams[1].wait_for("queued")

    running.server.should_exit = True
    for stream in streams:
        stream.join()

    assert [s.events[-1]["error"]["code"] for s in streams] == ["service-stopping"] * 2
    assert [len(final_events(s.events)) for s in streams] == [1, 1]


def test_chip_that_goes_while_waiting_stays_until_answered(start_service):
    """Pixels of a waiting question are kept, whatever the budget says."""
    engine = FixedEngine(hang=True)
    running = start_service(engine, chip_budget_bytes=1)
    stream = Listener(running, running.put_chip(), "a")
    stream.wait_for("started")
    second = Listener(running, running.put_chip(210, 100), "b")
    second.wait_for("queued")

    running.put_chip(300, 100)
    engine.go_on.set()
    stream.join()
    second.join()

    assert second.events[-1]["event"] == "result"


def test_slow_model_lets_questions_wait(start_service):
    """A question that comes while the model loads waits for it and is answered."""
    loaded = threading.Event()
    engine = FixedEngine()

    def load(folder):
        if not loaded.wait(0.0):
            time.sleep(0.3)
        return engine, Selection("fixed")

    running = start_service(load)

    assert running.ask(running.put_chip())[-1]["event"] == "result"
