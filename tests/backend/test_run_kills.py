"""Kill -9 of the service and of the runner, again and again, at random moments of a run: it goes on, and nothing is told twice.

`GEO_R1_RUN_KILLS` says how often. The seed is printed with the tests' header.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from geo_r1_backend.running import is_answering
from geo_r1_backend.storage.atomic import read_server_file
from tests.backend.conftest import png
from tests.backend.training import sample, wait_for
from tests.conftest import SEED

KILLS = int(os.environ.get("GEO_R1_RUN_KILLS", "5"))
STEPS = 150
A_KILL_S = 30
"""At most, on a busy machine: the service starts again, the runner too."""
HERE = Path(__file__).resolve().parent


class Home:
    """A data folder whose service is started again whenever it is gone."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def client(self):
        """A client of a service that answers."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "serve_fake.py"), str(self.folder)]
            )
        server = wait_for(self._answering, "service")
        headers = {"Authorization": f"Bearer {server.token}"}
        return httpx.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False)

    def _answering(self):
        server = read_server_file(self.folder)
        return (
            server if server and server.pid == self.process.pid and is_answering(server) else None
        )

    def kill_service(self):
        self.process.kill()
        self.process.wait()

    def kill_runner(self, run):
        """Kill the process that trains, if there is one now."""
        with contextlib.closing(sqlite3.connect(self.folder / "runs" / run / "run.sqlite")) as db:
            found = db.execute("SELECT value FROM state WHERE key = 'pid'").fetchone()
        pid = int(found[0]) if found else 0
        with contextlib.suppress(OSError):
            if b"fake_runner" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


def make_dataset(client):
    image = png(200, 100)
    import hashlib

    sha256 = hashlib.sha256(image).hexdigest()
    client.put(f"/v1/chips/{sha256}", content=image)
    body = {"name": "heaps", "samples": [sample(sha256)]}
    return client.post("/v1/datasets", json=body).json()["id"]


@pytest.mark.timeout(60 + KILLS * A_KILL_S)
def test_kills_during_a_run(tmp_path):
    """Whoever is killed whenever: the run's file is whole, events are told once under rising numbers, and the run is finished in the end."""
    dice = random.Random(SEED)  # noqa: S311 - dice, not secrets
    home = Home(tmp_path)
    seen, counts = [], dict.fromkeys(("service", "runner", "both"), 0)
    try:
        with home.client() as client:
            dataset = make_dataset(client)
            body = {"dataset": dataset, "name": f"steps={STEPS} step_s=0.02"}
            run = client.post("/v1/runs", json=body).json()["id"]
        for number in range(KILLS):
            with home.client() as client:
                state = wait_for(lambda c=client: steady(c, run), "state")
                if state in ("failed", "stopped"):
                    client.post(f"/v1/runs/{run}/resume").raise_for_status()
                time.sleep(dice.uniform(0.0, 0.8))
                victim = dice.choice(sorted(counts))
                counts[victim] += 1
                if victim != "service":
                    home.kill_runner(run)
                if victim != "runner":
                    home.kill_service()
            check_file(tmp_path / "runs" / run, number)
            with home.client() as client:  # a plugin that was away catches up
                catch_up(client, run, seen)
        with home.client() as client:
            while (state := wait_for(lambda: steady(client, run), "state")) != "finished":
                if state in ("failed", "stopped"):
                    client.post(f"/v1/runs/{run}/resume").raise_for_status()
                time.sleep(0.1)
            catch_up(client, run, seen, whole=True)
            info = client.get(f"/v1/runs/{run}").json()
    finally:
        if home.process is not None:
            home.process.kill()
            home.process.wait()

    assert [event["number"] for event in seen] == list(range(1, len(seen) + 1)), f"seed {SEED}"
    steps = [event["step"] for event in seen if event["event"] == "step"]
    assert set(steps) == set(range(1, STEPS + 1))
    # a step may be said again where its runner was killed between the step and its checkpoint
    assert len(steps) <= STEPS + sum(counts.values())
    assert info["verdict"]["outcome"] == "better"
    assert {e["error"]["code"] for e in seen if e.get("error")} <= {"run-lost", "run-crashed"}


def steady(client, run):
    """State of a run, once a dead runner was noticed."""
    state = client.get(f"/v1/runs/{run}").json()["state"]
    return state if state in ("running", "failed", "stopped", "finished") else None


def catch_up(client, run, seen, *, whole=False):
    """Everything after what was seen before; until the end, or a moment."""
    after = seen[-1]["number"] if seen else 0
    until_s = time.monotonic() + 0.3
    with client.stream("GET", f"/v1/runs/{run}/events?after={after}") as reply:
        for line in reply.iter_lines():
            event = json.loads(line)
            if event["event"] != "heartbeat":
                seen.append(event)
            if not whole and time.monotonic() > until_s:
                return


def check_file(folder, number):
    """Whole, whatever was killed."""
    with contextlib.closing(sqlite3.connect(folder / "run.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok", (
            f"kill {number}, seed {SEED}"
        )
