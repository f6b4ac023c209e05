"""Kill -9 of QGIS and of the service, again and again, at random moments: nothing found is lost, and it is said.

`GEO_R1_KILLS` says how many (`make test-faults`: 200). The seed is printed with the tests' header.
"""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from qgis.core import QgsVectorLayer

from tests.conftest import SEED
from tests.qgis.test_layers_store import rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KILLS = int(os.environ.get("GEO_R1_KILLS", "24"))
PYTHON = ROOT / ".venv" / "bin" / "python"
ANSWER_S = 45


class Window:
    """A QGIS with the plugin, which asks without end; what it said so far."""

    def __init__(self, folder):
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": str(folder),
            "GEO_R1_HOME": str(folder / "service"),
            "GEO_R1_COMMAND": str(folder / "geo-r1"),
        }
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "QGIS_CUSTOM_CONFIG_PATH"):
            environment.pop(name, None)
        self.lines = []
        self.errors = (folder / "stderr.txt").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "window_child.py"), str(folder)],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            cwd=folder,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def said(self, word):
        """What came after `word`, once per line."""
        return [line[1:] for line in list(self.lines) if line[0] == word]

    def wait_for(self, condition, what):
        """Until something was said."""
        until_s = time.monotonic() + ANSWER_S
        while not condition():
            assert self.process.poll() is None or condition(), (
                f"QGIS ended while {what} was waited for"
            )
            assert time.monotonic() < until_s, f"no {what} in {ANSWER_S} s: {self.lines[-8:]}"
            time.sleep(0.01)

    def wait_for_answer(self):
        """Until a question that is asked from now on is answered well."""
        before = len(self.said("ended"))
        self.wait_for(lambda: ["done", ""] in self.said("ended")[before:], "answer")

    def close(self):
        """As a user closes it."""
        self.process.terminate()
        self.wait_for(lambda: self.said("closed"), "goodbye")
        self.process.wait(20)

    def kill(self):
        """Kill -9, and read what it had said before."""
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self.process.stdout.close()
        self.errors.close()

    def _read(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))


def service_pid(folder):
    """Process of the service that is there, or that was."""
    try:
        return int(json.loads((folder / "service" / "server.json").read_text())["pid"])
    except (OSError, ValueError, KeyError):
        return 0


def kill_service(folder, number=9):
    """End the service that these tests started; whether there was one."""
    pid = service_pid(folder)
    if not pid or b"serve_fixed" not in command_of(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def command_of(pid):
    """Command line of a process; empty if it is gone. Process ids are used again: nobody else's may be killed."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def check_file(path, stored):
    """Whole, and everything that was said to be stored is in it."""
    if not path.exists():
        assert stored == set()
        return
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    in_file = {row["uid"] for row in rows(path, "detections")}
    assert stored - in_file == set()
    layer = QgsVectorLayer(f"{path}|layername=detections", "all", "ogr")
    assert layer.isValid()
    assert layer.featureCount() == len(in_file)
    runs = {row["run_uid"] for row in rows(path, "runs")}
    assert {row["run_uid"] for row in rows(path, "detections")} <= runs


def unfinished(path):
    """Questions without an end."""
    if not path.exists():
        return set()
    return {row["query"] for row in rows(path, "runs") if row["outcome"] is None}


@pytest.fixture
def folder(tmp_path):
    """A project's folder with a command that starts the service."""
    command = tmp_path / "geo-r1"
    command.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{HERE / "serve_fixed.py"}" "$@"\n')
    command.chmod(0o755)
    (tmp_path / "service").mkdir()
    yield tmp_path
    kill_service(tmp_path)


def test_kills_at_random_moments(folder):
    """Whatever is killed whenever: files stay whole, what was stored is there, the next question is answered."""
    dice = random.Random(SEED)  # noqa: S311 - dice, not secrets
    path = folder / "project_geo-r1.gpkg"
    counts = dict.fromkeys(("qgis", "service", "both"), 0)
    stored, told, interrupted = set(), [], set()
    window = Window(folder)
    try:
        for number in range(KILLS):
            victim = dice.choice(("qgis", "service", "both"))
            counts[victim] += 1
            if dice.random() < 0.85:  # else in the middle of its start
                window.wait_for(lambda w=window: len(w.said("asked")) > 1, "question")
            time.sleep(dice.uniform(0.0, 1.2))
            if victim != "qgis":
                kill_service(folder)
            if victim == "service":
                window.wait_for_answer()
                continue
            window.kill()
            told += window.said("told")
            stored |= {uid for (uid,) in window.said("stored")}
            assert window.said("failed") == [], f"kill {number}, seed {SEED}"
            check_file(path, stored)
            interrupted |= unfinished(path)
            window = Window(folder)
        window.wait_for_answer()
        kill_service(folder)
        window.wait_for_answer()  # a service that died is started anew by the next question
        now = unfinished(path)
        # what a killed QGIS left is an hour old now: the next one that opens the file sweeps it
        for each in folder.glob(".project_geo-r1-*.gpkg*"):
            os.utime(each, (time.time() - 7200,) * 2)
        window.wait_for_answer()
        window.close()
    finally:
        window.kill()
    told += window.said("told")
    check_file(path, stored | {uid for (uid,) in window.said("stored")})
    print(  # noqa: T201 - the figures, with `pytest -s`
        f"{KILLS} kills {counts}: {len(stored)} detections stored, none lost; {len(interrupted)} answers interrupted, "
        f"said {len(told)} times"
    )

    outcomes = {row["query"]: row["outcome"] for row in rows(path, "runs")}
    assert len(stored) > KILLS
    assert all(str(window.process.pid) in query for query in now)
    assert {outcomes[query] for query in interrupted} <= {"interrupted"}
    assert interrupted == {query for query in outcomes if outcomes[query] == "interrupted"}
    # a QGIS that is killed again in the very moment after marking does not come to say it
    assert len(told) >= 0.5 * len(interrupted)
    assert all(any(query in text for query in interrupted) for _, text in told)
    assert sorted(each.name for each in folder.glob(".project*")) == []
    assert sorted(each.name for each in folder.glob("*.gpkg*")) == [path.name]


def test_a_killed_service_leaves_nothing_that_stays(folder):
    """After kill -9 the next start replaces server.json, empties the chips and sweeps half-written files."""
    home = folder / "service"
    (home / "chips").mkdir(parents=True)
    (home / "chips" / ("0" * 64)).write_bytes(b"somebody's picture")
    (home / "chips" / "0123456789abcdef.part").write_bytes(b"half of one")
    (home / ".server.json.01234567.part").write_bytes(b"{")
    window = Window(folder)
    try:
        window.wait_for_answer()
        first = service_pid(folder)
        assert kill_service(folder)
        window.wait_for_answer()
        second = service_pid(folder)
    finally:
        window.kill()
    assert kill_service(folder, 15)
    until_s = time.monotonic() + 10
    while b"serve_fixed" in command_of(second) and time.monotonic() < until_s:
        time.sleep(0.02)

    left = sorted(str(each.relative_to(home)) for each in home.rglob("*") if each.is_file())
    assert first != second
    assert [name for name in left if not name.startswith("models/")] == [
        "logs/serve.log",
        "logs/start.log",
        "serve.lock",
    ]


def test_two_windows_share_one_service_and_one_file(folder):
    """Two QGIS with one project start at the same moment, without a service: one is started, both are answered."""
    windows = [Window(folder), Window(folder)]
    try:
        for window in windows:
            window.wait_for_answer()
        pids = {service_pid(folder)}
        for window in windows:
            window.wait_for_answer()
        pids.add(service_pid(folder))
        for window in windows:
            window.close()
    finally:
        for window in windows:
            window.kill()
    running = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/environ")
        if b"serve_fixed" in command_of(path.parent.name)
        and str(folder).encode() in environment_of(path)
    ]

    stored = [{uid for (uid,) in window.said("stored")} for window in windows]
    assert [window.said("failed") for window in windows] == [[], []]
    assert len(pids) == 1
    assert running == [str(pid) for pid in pids]
    assert all(stored)
    check_file(folder / "project_geo-r1.gpkg", stored[0] | stored[1])


def environment_of(path):
    """Environment of a process; empty if it is gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
