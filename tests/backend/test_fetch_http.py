"""Models from a hub over HTTP: plan, consent, progress for whoever listens, stop, going on, unloading and deleting."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import partial

import httpx
import psutil
import pytest

from geo_r1_backend.engines.select import Selection
from geo_r1_backend.models.learned import model_id_of
from geo_r1_backend.models.source import Source, write_source
from geo_r1_backend.models_wire import FetchRequest
from tests.backend.conftest import make_model_folder
from tests.backend.fixed_engine import FixedEngine
from tests.backend.hub_server import HubServer, config, model_files, weights
from tests.backend.test_hub import REPOSITORY, WIDE, agreed
from tests.backend.test_run_kills import Home
from tests.backend.training import events_of, make_dataset, start_run, wait_for


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def body_of(request):
    return {
        "repository": request.repository,
        "commit": request.commit,
        "size_bytes": request.size_bytes,
        "revision": request.revision,
    }


def fetch(running, request):
    """All events of a download."""
    reply = running.client.post("/v1/models/fetch", json=body_of(request), timeout=60)
    assert reply.status_code == 200, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]


def fetches(running):
    return running.client.get("/v1/models/fetches").json()["fetches"]


def ids(running):
    return {model["id"]: model for model in running.client.get("/v1/models").json()["models"]}


def test_from_plan_to_deletion(start_service, hub, tmp_path):
    """Planned, agreed to, fetched with progress, listed with its size and commit, and deleted again."""
    hub.add(REPOSITORY, model_files(**{"old.bin": b"x"}), {"license": "apache-2.0"})
    running = start_service()

    planned = running.client.post("/v1/models/plan", json={"repository": REPOSITORY})
    plan = planned.json()
    request = FetchRequest(REPOSITORY, plan["commit"], plan["size_bytes"])
    events = fetch(running, request)
    listed = ids(running)["tiny"]
    deleted = running.client.delete("/v1/models/tiny")

    assert planned.status_code == 200, planned.text
    assert plan["commit"] == hub.repositories[REPOSITORY.lower()].branches["main"]
    assert plan["size_bytes"] == sum(map(len, model_files().values()))
    assert plan["left_out"] == [{"name": "old.bin", "size_bytes": 1, "reason": "pickle"}]
    assert (plan["model"], plan["hub"], plan["licence"]) == ("tiny", hub.url, "apache-2.0")
    assert str(tmp_path) not in planned.text  # no answer names a path
    assert {event["event"] for event in events[:-1]} == {"progress"}
    assert events[-1] == {"model": "tiny", "event": "result"}
    assert (listed["origin"], listed["repository"], listed["revision"]) == (
        "hub",
        REPOSITORY,
        request.commit,
    )
    assert (listed["licence"], listed["can_delete"], listed["state"]) == (
        "apache-2.0",
        True,
        "available",
    )
    assert listed["size_bytes"] > request.size_bytes
    assert deleted.status_code == 200
    assert "tiny" not in ids(running)
    assert list((tmp_path / "data" / "models").iterdir()) == []


def test_it_goes_on_without_its_listener(start_service, hub):
    """A client that leaves does not end a download; one that asks again hears where it is, and its end."""
    hub.add(
        REPOSITORY,
        model_files(**{"model.safetensors": weights(**WIDE), "config.json": config(**WIDE)}),
    )
    hub.stands_still_after["model.safetensors"] = 2_000_000
    running = start_service(heartbeat_s=0.3)
    request = agreed(hub)
    first = []
    with running.client.stream("POST", "/v1/models/fetch", json=body_of(request)) as stream:
        for line in stream.iter_lines():
            first.append(json.loads(line))
            if first[-1].get("done_bytes", 0) > 1_000_000:
                break
    (info,) = fetches(running)
    hub.go_on.set()

    second = fetch(running, request)

    assert (info["state"], info["repository"]) == ("running", REPOSITORY)
    assert second[0]["done_bytes"] > 1_000_000
    assert second[-1] == {"model": "tiny", "event": "result"}
    assert hub.ranges("model.safetensors") == [0]  # one download, whoever listened
    assert fetches(running) == []
    assert fetch(running, request)[-1] == {"model": "tiny", "event": "result"}


def test_silence_has_a_heartbeat(start_service, hub):
    """While the hub says nothing the stream does: progress with the same number, or a heartbeat."""
    hub.add(REPOSITORY, model_files())
    hub.stands_still_after["model.safetensors"] = 0
    running = start_service(heartbeat_s=0.1)
    seen = []
    with running.client.stream("POST", "/v1/models/fetch", json=body_of(agreed(hub))) as stream:
        for line in stream.iter_lines():
            seen.append(json.loads(line))
            if seen[-1]["event"] == "heartbeat":
                break
    hub.go_on.set()

    assert seen[-1]["elapsed_s"] > 0


def test_stopped_and_gone_on_with_after_a_restart(start_service, hub, tmp_path):
    """Stop keeps what has come; a new service lists it as stopped and goes on by range; forgotten, it is gone."""
    hub.add(
        REPOSITORY,
        model_files(**{"model.safetensors": weights(**WIDE), "config.json": config(**WIDE)}),
    )
    hub.stands_still_after["model.safetensors"] = 2_000_000
    running = start_service()
    request = agreed(hub)
    with running.client.stream("POST", "/v1/models/fetch", json=body_of(request)) as stream:
        events, lines = [], stream.iter_lines()
        for line in lines:
            events.append(json.loads(line))
            if events[-1].get("done_bytes", 0) > 1_000_000 and len(fetches(running)) == 1:
                break
        name = fetches(running)[0]["id"]
        busy = running.client.delete(f"/v1/models/fetches/{name}")
        stopped = running.client.post(f"/v1/models/fetches/{name}/stop").json()
        events += [json.loads(line) for line in lines]
    running.server.should_exit = True
    hub.go_on.set()
    hub.damaged = {"model.safetensors"}

    again = start_service()
    (found,) = fetches(again)
    failed = fetch(again, request)
    (after,) = fetches(again)
    hub.damaged = set()
    forgotten = again.client.delete(f"/v1/models/fetches/{name}")
    unknown = again.client.delete(f"/v1/models/fetches/{name}")

    assert busy.json()["code"] == "fetch-active"
    assert (stopped["state"], events[-1]["event"]) == ("stopped", "stopped")
    assert (found["state"], found["done_bytes"]) == ("stopped", stopped["done_bytes"])
    assert found["done_bytes"] >= events[-1]["done_bytes"] > 1_000_000
    assert hub.ranges("model.safetensors")[1] > 1_000_000
    assert failed[-1]["error"]["code"] == "fetch-damaged"
    assert (after["state"], after["error"]["code"]) == ("failed", "fetch-damaged")
    assert forgotten.status_code == 200
    assert unknown.json()["code"] == "fetch-unknown"
    assert list((tmp_path / "data" / "models").iterdir()) == []


REFUSED = [
    ("plan", {"repository": "owner/nothing"}, 404, "hub-missing"),
    ("plan", {"repository": "../../etc"}, 422, "body-invalid"),
    ("plan", {"repository": "a/b", "path": "/etc"}, 422, "unknown-field"),
    ("plan", {"repository": "a/b", "revision": "--x"}, 422, "body-invalid"),
    ("fetch", {"repository": "a/b", "size_bytes": 5}, 422, "body-invalid"),
    ("fetch", {"repository": "a/b", "commit": "main", "size_bytes": 5}, 422, "body-invalid"),
]


def test_requests_that_cannot_be_right_are_refused(start_service, hub):
    """Names that are none, paths, a consent without its commit or size: refused by code, before anything is asked."""
    running = start_service()

    told = [running.client.post(f"/v1/models/{where}", json=body) for where, body, _, _ in REFUSED]

    assert [(reply.status_code, reply.json()["code"]) for reply in told] == [
        (status, code) for _, _, status, code in REFUSED
    ]
    assert len([request for request in hub.requests if "a/b" in request.path]) == 0


def test_office_server_fetches_for_nobody(start_service, hub):
    """A service that other machines can reach plans and fetches nothing, unless it was started for that."""
    hub.add(REPOSITORY, model_files())
    running = start_service()
    open_config = running.service.config
    for allowed, status in ((False, 403), (True, 200)):
        object.__setattr__(open_config, "host", "0.0.0.0")  # noqa: S104 - only said, not listened on
        object.__setattr__(open_config, "allow_downloads", allowed)
        plan = running.client.post("/v1/models/plan", json={"repository": REPOSITORY})
        assert plan.status_code == status, plan.text
        if not allowed:
            assert plan.json()["code"] == "downloads-off"
            fetched = running.client.post("/v1/models/fetch", json=body_of(agreed(hub)))
            assert (fetched.status_code, fetched.json()["code"]) == (403, "downloads-off")


def put_in_place(folder, name):
    """A model that this program has put in place."""
    made = folder / "models" / name
    make_model_folder(made)
    (made / "profile.json").write_text('{"tasks": ["rec"]}')
    write_source(made, Source("hub", repository=f"Geo-R1/{name}", commit=40 * "d"))
    return made


def test_loaded_model_is_unloaded_before_it_is_deleted(start_service, tmp_path):
    """Deleting a loaded model is refused; unloading closes its engine, and then it goes."""
    engines = {}

    def load(folder):
        engines[folder.id] = FixedEngine()
        return engines[folder.id], Selection("fixed")

    running = start_service(load)
    put_in_place(tmp_path / "data", "second")
    loaded = running.client.post("/v1/models/second/load")
    refused = running.client.delete("/v1/models/second")
    unloaded = running.client.post("/v1/models/second/unload")
    twice = running.client.post("/v1/models/second/unload")
    deleted = running.client.delete("/v1/models/second")

    assert loaded.json()["state"] == "loaded"
    assert (refused.status_code, refused.json()["code"]) == (409, "model-in-use")
    assert "loaded" in refused.json()["message"]
    assert (unloaded.status_code, unloaded.json()["state"]) == (200, "available")
    assert twice.status_code == 200
    assert engines["second"].closed
    assert deleted.status_code == 200
    assert "second" not in ids(running)
    assert (
        running.ask(running.put_chip())[-1]["event"] == "result"
    )  # the default one is still there


def test_base_of_an_adapter_is_kept(start_service, tmp_path):
    """A model on which the adapter of a run stands is not deleted until that is gone."""
    running = start_service()
    put_in_place(tmp_path / "data", "base")
    run = start_run(running, "steps=1", make_dataset(running)["id"])["id"]
    events_of(running, run)
    adapter = tmp_path / "data" / "runs" / run / "adapter"
    adapter.mkdir()
    (adapter / "adapter.json").write_text(json.dumps({"base": "base"}))

    refused = running.client.delete("/v1/models/base")
    (adapter / "adapter.json").unlink()
    allowed = running.client.delete("/v1/models/base")

    assert (refused.status_code, refused.json()["code"]) == (409, "model-in-use")
    assert run in refused.json()["message"]
    assert allowed.status_code == 200


def test_shell_deletes_through_the_service(start_service, tmp_path, capsys, monkeypatch):
    """Where a service runs, the shell asks it to delete: a loaded model is refused there with the same words."""
    from geo_r1_backend.cli import main
    from geo_r1_backend.wire import ServerFile
    from tests.backend.conftest import TOKEN

    running = start_service()
    put_in_place(tmp_path / "data", "second")
    running.client.post("/v1/models/second/load")
    here = ServerFile(running.url, TOKEN, 1, "", "1.3", "")
    monkeypatch.setattr("geo_r1_backend.manager.cli.wait_for_running", lambda home, timeout_s: here)
    remove = partial(
        main, ["models", "remove", "second", "--yes", "--data-dir", str(tmp_path / "data")]
    )

    first = remove()
    said = capsys.readouterr().err
    running.client.post("/v1/models/second/unload")
    second = remove()

    assert (first, second) == (1, 0)
    assert "is not deleted: it is loaded" in said
    assert "second" not in ids(running)
    assert model_id_of("x") not in ids(running)


def test_service_does_not_stop_while_it_fetches(start_service, hub):
    """A download is somebody: the service does not call itself idle, and ends it cleanly when it is told to stop."""
    hub.add(REPOSITORY, model_files())
    hub.stands_still_after["model.safetensors"] = 0
    running = start_service()
    with running.client.stream("POST", "/v1/models/fetch", json=body_of(agreed(hub))) as stream:
        next(stream.iter_lines())
    assert hub.reached.wait(20)

    assert running.service.fetches.is_busy
    running.service.fetches.close()
    wait_for(lambda: not running.service.fetches.is_busy, "end of the download")


def kill_in_the_middle(home, request):
    """Kill the service when a megabyte has come; the processes that it had."""
    children = []
    with (
        home.client() as client,
        client.stream("POST", "/v1/models/fetch", json=body_of(request)) as stream,
        contextlib.suppress(httpx.HTTPError),
    ):
        for line in stream.iter_lines():
            if json.loads(line).get("done_bytes", 0) > 1_000_000 and not children:
                children = psutil.Process(home.process.pid).children()
                home.kill_service()
    return children


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes and kills them")
def test_killed_service_leaves_nobody_behind(hub, tmp_path):
    """After kill -9 in the middle no process fetches on; the next service lists what has come and goes on by range."""
    hub.add(
        REPOSITORY,
        model_files(**{"model.safetensors": weights(**WIDE), "config.json": config(**WIDE)}),
    )
    hub.stands_still_after["model.safetensors"] = 2_000_000
    home = Home(tmp_path)
    request = agreed(hub)
    try:
        children = kill_in_the_middle(home, request)
        left = psutil.wait_procs(children, timeout=5)[1]
        hub.go_on.set()
        with home.client() as client:
            (found,) = client.get("/v1/models/fetches").json()["fetches"]
            last = client.post("/v1/models/fetch", json=body_of(request)).text.splitlines()[-1]
    finally:
        home.kill_service()

    assert len(children) == 1
    assert left == []
    assert found["state"] == "stopped"
    assert json.loads(last) == {"model": "tiny", "event": "result"}
    assert hub.ranges("model.safetensors")[1] > 1_000_000
