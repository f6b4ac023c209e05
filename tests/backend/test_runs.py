"""Runs over the wire with real child processes: in line, watched, stopped, resumed, found again; a crash is an event."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from geo_r1_backend.storage.processes import is_alive, started
from geo_r1_backend.storage.run_claim import is_claimed
from tests.backend.training import (
    events_of,
    make_dataset,
    sample,
    start_run,
    state_of,
    wait_for,
    wait_for_step,
)


def states(events):
    return [event["state"] for event in events if event["event"] == "state"]


def pid_of(running, run_id):
    with running.service.runs.open(run_id) as database:
        return int(database.values()["pid"])


def test_run_from_beginning_to_end(start_service):
    """A run waits, runs, says every step once under rising numbers, and ends with its verdict and its model's id."""
    running = start_service()

    run = start_run(running, "steps=5", seed=7)
    events = events_of(running, run["id"])
    info = running.client.get(f"/v1/runs/{run['id']}").json()

    assert run["state"] in ("queued", "running")
    assert states(events) == ["queued", "running", "finished"]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert [event["step"] for event in events if event["event"] == "step"] == [1, 2, 3, 4, 5]
    assert events[-2]["event"] == "verdict"
    assert (info["state"], info["step"], info["steps"], info["seed"]) == ("finished", 5, 5, 7)
    assert info["last_event"] == events[-1]["number"]
    assert info["verdict"]["outcome"] == "better"
    assert info["model"] == "fixed"
    assert 0 < info["elapsed_s"] < 20
    assert running.client.get("/v1/runs").json() == {"runs": [info]}


def test_events_from_any_number_on(start_service):
    """A plugin that was closed catches up: it has exactly what came after the last event that it saw."""
    running = start_service()
    run = start_run(running, "steps=6")["id"]
    whole = events_of(running, run)

    for after in (0, 1, 4, len(whole) - 1, len(whole), 10**9):
        assert events_of(running, run, after) == whole[after:]


def test_events_come_as_they_happen(start_service):
    """Who listens hears each event within a moment, not at the end."""
    running = start_service()
    run = start_run(running, "steps=1000 step_s=0.05")["id"]
    with running.new_client() as client, client.stream("GET", f"/v1/runs/{run}/events") as reply:
        heard, lines = 0, reply.iter_lines()
        for line in lines:
            event = json.loads(line)
            heard += event["event"] == "step"
            if heard == 3:
                running.client.post(f"/v1/runs/{run}/stop")
                break
        rest = [json.loads(line) for line in lines]

    assert rest[-1]["state"] == "stopped"
    assert len(rest) < 100


def test_a_silent_run_has_a_heartbeat(start_service):
    """A long step is no silence: a heartbeat comes in time, with the number of the last event, and is not kept."""
    running = start_service(heartbeat_s=0.1)
    run = start_run(running, "steps=1 step_s=1.5")["id"]
    reply = running.client.get(f"/v1/runs/{run}/events")
    lines = [json.loads(line) for line in reply.text.splitlines()]
    beats = [line for line in lines if line["event"] == "heartbeat"]

    assert len(beats) >= 5
    assert {beat["number"] for beat in beats} <= {0, 1, 2}
    assert all(line["event"] != "heartbeat" for line in events_of(running, run))


def test_one_at_a_time_in_order(start_service):
    """Runs that are begun together run one after the other, in the order they came in."""
    running = start_service()
    runs = [start_run(running, f"steps=3 n={n}")["id"] for n in range(3)]
    spans = []
    for run in runs:
        events_of(running, run)
        with running.service.runs.open(run) as database:
            times = {state: at for at, state in database.times()}
        spans.append((times["running"], times["finished"]))

    assert spans == sorted(spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_the_line_of_runs_has_an_end(start_service):
    """More runs than may wait are refused with the limit, and one that is stopped makes room."""
    running = start_service(max_waiting_runs=1)
    runs = [start_run(running, "steps=1000 step_s=0.05")["id"] for _ in range(2)]
    body = {"dataset": make_dataset(running)["id"]}

    refused = running.client.post("/v1/runs", json=body)
    stopped = running.client.post(f"/v1/runs/{runs[1]}/stop").json()
    taken = running.client.post("/v1/runs", json=body)
    for run in running.client.get("/v1/runs").json()["runs"]:
        running.client.post(f"/v1/runs/{run['id']}/stop")

    assert (refused.status_code, refused.json()["code"]) == (409, "runs-full")
    assert stopped["state"] == "stopped"  # it had not begun
    assert taken.status_code == 200


def test_stop_and_resume(start_service):
    """Stop saves within a step; resume goes on after it, the numbers of events rise on, and nothing is done twice."""
    running = start_service()
    run = start_run(running, "steps=30 step_s=0.05")["id"]
    wait_for_step(running, run, 3)

    begun_s = time.monotonic()
    said = running.client.post(f"/v1/runs/{run}/stop").json()["state"]
    before = events_of(running, run)
    stopped_s = time.monotonic() - begun_s
    again = running.client.post(f"/v1/runs/{run}/stop").json()["state"]
    resumed = running.client.post(f"/v1/runs/{run}/resume")
    whole = events_of(running, run)

    assert said in ("stopping", "stopped")
    assert again == "stopped"
    assert stopped_s < 5
    assert states(before)[-2:] == ["stopping", "stopped"]
    assert resumed.json()["state"] in ("queued", "running")
    assert states(whole)[-3:] == ["queued", "running", "finished"]
    assert [event["number"] for event in whole] == list(range(1, len(whole) + 1))
    assert [e["step"] for e in whole if e["event"] == "step"] == list(range(1, 31))
    complete = running.client.post(f"/v1/runs/{run}/resume")
    assert (complete.status_code, complete.json()["code"]) == (409, "run-complete")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("crash=2", "run-crashed", "something broke"),  # an exception
        ("memory=2", "run-out-of-memory", "out of memory"),
        ("kill=2", "run-crashed", "signal 9"),  # kill -9, or the system's own
        ("silent=2", "run-crashed", "exit code 0"),  # it forgot to say how it went
        ("die", "run-crashed", "died at its start"),  # before it claimed the run
    ],
)
def test_a_crash_is_an_event(start_service, words, code, said):
    """However a runner ends, the run has failed with a code and its last words, the service lives, and it can be resumed."""
    running = start_service()
    run = start_run(running, f"steps=4 {words}")["id"]

    events = events_of(running, run)
    info = running.client.get(f"/v1/runs/{run}").json()

    assert states(events)[-1] == "failed"
    assert events[-1]["error"]["code"] == info["error"]["code"] == code
    assert said in events[-1]["error"]["message"]
    assert running.ask(running.put_chip())[-1]["event"] == "result"
    running.client.post(f"/v1/runs/{run}/resume")
    assert states(events_of(running, run))[-1] == "finished"
    assert running.client.get(f"/v1/runs/{run}").json()["error"] is None


def test_a_deaf_runner_is_ended_by_force(start_service):
    """A runner that does not look at the flag is killed after the time it has, and the run has stopped."""
    running = start_service(run_grace_s=0.5)
    run = start_run(running, "steps=1000 step_s=0.05 deaf")["id"]
    wait_for_step(running, run)
    process = psutil.Process(pid_of(running, run))

    running.client.post(f"/v1/runs/{run}/stop")
    events = events_of(running, run)

    assert events[-1]["state"] == "stopped"
    assert "force" in events[-1]["note"]
    wait_for(lambda: not process.is_running() or process.status() == "zombie", "end of the runner")


def test_a_run_outlives_its_service(start_service):
    """A service that ends leaves the runner at work; the next one finds it by process and start time, and can stop it."""
    first = start_service()
    run = start_run(first, "steps=1000 step_s=0.05")["id"]
    wait_for_step(first, run, 2)
    pid = pid_of(first, run)
    first.service.supervisor.stop()

    second = start_service(chip_expiry_s=10)  # of the same folder
    assert second.service.supervisor.running == run
    step = second.client.get(f"/v1/runs/{run}").json()["step"]
    wait_for_step(second, run, step + 3)
    second.client.post(f"/v1/runs/{run}/stop")
    events = events_of(second, run)

    assert states(events) == ["queued", "running", "stopping", "stopped"]
    wait_for(lambda: not started(pid), "end of the runner")


def test_an_orphan_is_closed(start_service):
    """A run whose runner has gone while no service was there has failed with the reason, and can be resumed."""
    first = start_service()
    run = start_run(first, "steps=30 step_s=0.05")["id"]
    wait_for_step(first, run, 2)
    first.service.supervisor.stop()
    os.kill(pid_of(first, run), signal.SIGKILL)
    wait_for(lambda: not is_claimed(first.service.runs.folder(run)), "end of the runner")

    second = start_service(chip_expiry_s=10)
    events = events_of(second, run)

    assert events[-1]["state"] == "failed"
    assert events[-1]["error"]["code"] == "run-lost"
    assert events[-1]["error"]["parameters"]["step"] >= 2
    second.client.post(f"/v1/runs/{run}/resume")
    assert states(events_of(second, run))[-1] == "finished"


def test_a_process_id_that_is_used_again_is_no_runner():
    """A process is known by its id and its start: another one under the same id is not it."""
    mine = started(os.getpid())

    assert mine
    assert is_alive(os.getpid(), mine)
    assert not is_alive(os.getpid(), mine + "0")
    assert not is_alive(os.getpid(), "")
    assert started(2**22 + 1) == ""


def test_a_waiting_run_begins_after_a_restart(start_service):
    """A run that waited when its service ended has its turn under the next."""
    first = start_service()
    runs = [start_run(first, "steps=8 step_s=0.05")["id"] for _ in range(2)]
    first.service.supervisor.stop()

    second = start_service(chip_expiry_s=10)

    assert [states(events_of(second, run))[-1] for run in runs] == ["finished", "finished"]


def test_delete_wants_a_run_that_is_over(start_service, tmp_path):
    """A run that goes on is not deleted, one that is over is gone with its folder, and unknown ones are unknown."""
    running = start_service()
    run = start_run(running, "steps=1000 step_s=0.05")["id"]
    wait_for_step(running, run)

    refused = running.client.delete(f"/v1/runs/{run}")
    running.client.post(f"/v1/runs/{run}/stop")
    events_of(running, run)
    deleted = running.client.delete(f"/v1/runs/{run}")
    unknown = [
        running.client.request(method, f"/v1/runs/{run}{rest}")
        for method, rest in [("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("POST", "/resume"), ("GET", "/events")]
    ]  # fmt: skip

    assert (refused.status_code, refused.json()["code"]) == (409, "run-active")
    assert deleted.json()["id"] == run
    assert {reply.json()["code"] for reply in unknown} == {"run-unknown"}
    assert not list((tmp_path / "data" / "runs").iterdir())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"dataset": "0" * 16}, "dataset-unknown"),
        ({"dataset": "../chips"}, "dataset-unknown"),
        ({"model": "gpt"}, "model-unknown"),
        ({"steps": 0}, "body-invalid"),
        ({"steps": 2001}, "body-invalid"),
        ({"method": "ppo"}, "body-invalid"),
        ({"group_size": 1}, "body-invalid"),
        ({"learning_rate": 1}, "body-invalid"),
        ({"learning_rate": float("nan")}, "body-invalid"),
        ({"seed": -1}, "body-invalid"),
        ({"epochs": 3}, "unknown-field"),
    ],
)
def test_wrong_requests_begin_nothing(service, body, code):
    """What cannot run is refused before anybody waits, and leaves no folder."""
    running = service
    whole = {"dataset": make_dataset(running)["id"], **body}

    reply = running.client.post("/v1/runs", content=json.dumps(whole))

    assert reply.json()["code"] == code, reply.text
    assert running.client.get("/v1/runs").json() == {"runs": []}


def test_masks_are_learned_by_a_model_of_boxes(start_service):
    """A data set of masks begins on a model of boxes, which are cut out, with examples first."""
    running = start_service()
    ring = [[10, 20], [60, 20], [60, 80], [10, 20]]
    masks = make_dataset(running, sample(running.put_chip(), task="gres", polygons_px=[[ring]]))

    reply = running.client.post("/v1/runs", json={"dataset": masks["id"]})

    assert reply.json()["method"] == "sft_dapo", reply.text


def test_a_missing_package_is_said_at_once(start_service, monkeypatch):
    """Where torch is not installed a run is refused with the words that install it."""
    running = start_service(runner=("python", "-m", "geo_r1_backend.training.runner"))
    dataset = make_dataset(running)["id"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    reply = running.client.post("/v1/runs", json={"dataset": dataset})

    assert reply.json()["code"] == "extra-missing"
    assert "[train]" in reply.json()["hint"]


def test_runner_steps_back_behind_questions(start_service):
    """A runner has a lower priority than the service, and a session of its own."""
    running = start_service()
    run = start_run(running, "steps=1000 step_s=0.05")["id"]
    wait_for_step(running, run)
    pid = pid_of(running, run)

    nice, session = psutil.Process(pid).nice(), os.getsid(pid)
    running.client.post(f"/v1/runs/{run}/stop")
    events_of(running, run)

    assert nice > psutil.Process().nice()
    assert session == pid


def test_an_idle_service_waits_for_its_runs(start_service, tmp_path):
    """Nobody asks, but a run goes on: the service stops by itself only after it."""
    running = start_service(idle_minutes=1.0 / 60)
    run = start_run(running, "steps=45 step_s=0.05")["id"]
    running.client.close()
    began_s = time.monotonic()
    wait_for(lambda: not (tmp_path / "data" / "server.json").exists(), "end", 30)
    took_s = time.monotonic() - began_s

    with running.service.runs.open(run) as database:
        assert database.values()["state"] == "finished"
    assert took_s > 1.8


def test_many_listeners_and_those_who_leave(start_service):
    """Thirty listeners of one run all hear the same, and those who leave in the middle leave nothing behind."""
    running = start_service()
    run = start_run(running, "steps=20 step_s=0.05")["id"]
    heard = []

    def listen(number):
        with running.new_client() as client:
            if number % 3 == 0:
                with client.stream("GET", f"/v1/runs/{run}/events") as reply:
                    next(reply.iter_lines())
                return
            text = client.get(f"/v1/runs/{run}/events", timeout=60).text
            heard.append([line for line in text.splitlines() if "heartbeat" not in line])

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(heard) == 20
    assert all(one == heard[0] for one in heard)
    own = psutil.Process()
    wait_for(
        lambda: not [f for f in own.open_files() if Path(f.path).name.startswith("run.sqlite")],
        "closing of the files",
    )


def test_listeners_have_a_limit(start_service, monkeypatch):
    """More listeners than there are files for are refused with the limit; who leaves makes room, and questions are answered."""
    monkeypatch.setattr("geo_r1_backend.api.runs.MAX_STREAMS", 2)
    running = start_service()
    run = start_run(running, "steps=1000 step_s=0.05")["id"]
    address = f"/v1/runs/{run}/events"
    with running.client.stream("GET", address), running.new_client() as other:
        with other.stream("GET", address), running.new_client() as third:
            refused = third.get(address)
            answered = running.ask(running.put_chip())
        wait_for(lambda: stream_begins(running, address), "room")
    running.client.post(f"/v1/runs/{run}/stop")

    assert (refused.status_code, refused.json()["code"]) == (503, "queue-full")
    assert refused.json()["parameters"]["limit"] == 2
    assert answered[-1]["event"] == "result"


def stream_begins(running, address):
    with running.new_client() as client, client.stream("GET", address) as reply:
        return reply.status_code == 200


def test_a_broken_folder_hurts_nobody(start_service, tmp_path):
    """A run folder that is damaged is left out of the list, and the others go on."""
    broken = tmp_path / "data" / "runs" / "20260101-000000-abcd"
    broken.mkdir(parents=True)
    (broken / "request.json").write_text("{")
    (broken / "run.sqlite").write_bytes(b"not a database" * 100)
    running = start_service()

    run = start_run(running, "steps=2")["id"]
    events_of(running, run)

    assert [one["id"] for one in running.client.get("/v1/runs").json()["runs"]] == [run]
    assert running.client.get("/v1/runs/20260101-000000-abcd").json()["code"] == "run-unknown"


def test_state_is_said(start_service):
    """A run is queued, then running, then over: what the list says is what the events say."""
    running = start_service()
    first = start_run(running, "steps=1000 step_s=0.05")["id"]
    second = start_run(running, "steps=1")["id"]
    wait_for_step(running, first)

    assert (state_of(running, first), state_of(running, second)) == ("running", "queued")
    running.client.post(f"/v1/runs/{first}/stop")
    events_of(running, second)
    assert (state_of(running, first), state_of(running, second)) == ("stopped", "finished")
