"""A run in a terminal: a line per step, Ctrl+C saves and stops, a second one ends at once. The runner is the service's own.

The run lies in the data folder like every other, so that a service that is there lists it, streams it and can stop it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from geo_r1_backend.errors import GeoR1Error, RunActive
from geo_r1_backend.storage.processes import is_alive
from geo_r1_backend.storage.run_database import FINAL_STATES, RunDatabase
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.training.obituary import LOG_FILE, why_it_ended
from geo_r1_backend.training.sessions import kill, start_runner
from geo_r1_backend.training.supervise import RUNNER
from geo_r1_backend.training.words import event_line, verdict_lines

Say = Callable[[str], None]
POLL_S = 0.2
STOPPED, FAILED = 130, 1


def check_nobody_trains(runs: RunStore) -> None:
    """One run at a time on one machine.

    Raises:
        RunActive: if another run has a process.
    """
    for run_id in runs.ids():
        try:
            with closing(runs.open(run_id)) as database:
                values = database.values()
        except GeoR1Error:
            continue  # damaged, or deleted meanwhile
        if values.get("state") in FINAL_STATES:
            continue
        if is_alive(int(values.get("pid", 0)), values.get("started", "")):
            raise RunActive(run=run_id, state=values["state"])


def train_here(
    runs: RunStore,
    run_id: str,
    say: Say,
    *,
    resume: bool = False,
    command: Sequence[str] = RUNNER,
) -> int:
    """Train a run that is queued, and say what happens; the exit code of the command.

    Args:
        runs: where it lies.
        run_id: of the run.
        say: takes lines.
        resume: go on from the last checkpoint.
        command: what trains.
    """
    folder = runs.folder(run_id)
    with closing(runs.open(run_id)) as database:
        before = database.last_number()
        child = start_runner([*command, str(folder), *(["--resume"] if resume else [])], folder)
        try:
            _follow(database, before, child, say)
        except KeyboardInterrupt:
            _stop(database, child, say)
            _follow(database, database.last_number(), child, say)
        finally:
            if child.poll() is None and database.values().get("state") not in FINAL_STATES:
                kill(child.pid)
            child.wait()
        return _conclude(database, child, folder, say)


def _follow(database: RunDatabase, after: int, child: subprocess.Popen[bytes], say: Say) -> None:
    while True:
        ended = child.poll() is not None
        rows, state = database.look(after, 1000)
        for row in rows:
            after = row["number"]
            line = event_line(row)
            if line is not None:
                say(line)
        if not rows and (ended or state in FINAL_STATES):
            return
        if not rows:
            time.sleep(POLL_S)


def _stop(database: RunDatabase, child: subprocess.Popen[bytes], say: Say) -> None:
    say("Saving; Ctrl+C once more ends at once.")
    database.set(stop=1)
    database.change_state("stopping", only_from=("queued", "running"))
    try:
        child.wait()
    except KeyboardInterrupt:
        kill(child.pid)
        child.wait()


def _conclude(database: RunDatabase, child: subprocess.Popen[bytes], folder: Path, say: Say) -> int:
    state = database.values().get("state", "")
    if state == "stopping":
        database.change_state("stopped", note="ended by force")
    elif state not in FINAL_STATES:
        error = why_it_ended(child.returncode, folder / LOG_FILE)
        database.change_state("failed", error=error.to_body())
        raise error
    state = database.values()["state"]
    if state == "failed":
        return FAILED
    if state == "stopped":
        say(f"Stopped. Go on with: geo-r1 runs resume {folder.name}")
        return STOPPED
    verdict = database.last_of("verdict")
    for line in verdict_lines(verdict["verdict"] if verdict else None):
        say(line)
    return 0
