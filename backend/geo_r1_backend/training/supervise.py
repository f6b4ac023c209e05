"""Training runs as child processes: one at a time, others in line; watched, stopped, resumed; found again after a restart.

The truth is on disk (`storage/run_database.py`), so that a service that was ended in the middle of anything goes on
where it was. A runner lives in a session of its own and outlives the service. torch is never imported here.
"""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing

from geo_r1_backend.errors import (
    GeoR1Error,
    RunActive,
    RunComplete,
    RunLost,
    RunsFull,
    RunUnknown,
)
from geo_r1_backend.storage.processes import is_alive
from geo_r1_backend.storage.run_claim import claimed_at
from geo_r1_backend.storage.run_database import FINAL_STATES, RunDatabase
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.training.installed import RUNNER_MODULE
from geo_r1_backend.training.obituary import LOG_FILE, why_it_ended
from geo_r1_backend.training.sessions import kill, start_runner

log = logging.getLogger(__name__)

RUNNER = (sys.executable, "-m", RUNNER_MODULE)
LOOK_EVERY_S = 0.25
SCAN_EVERY_S = 5.0
"""For runs that were started from the command line."""
LEAVES_WITHIN_S = 5.0
"""How long a process may take to end after the last word of its run."""


class Supervisor:
    """Owner of the thread that starts and watches runners.

    Args:
        runs: where runs lie.
        queue_limit: how many may wait beside the one that runs.
        grace_s: how long a runner may take to stop before it is ended by force.
        command: what is run with the run's folder; replaced in tests that need a certain runner.
    """

    def __init__(
        self,
        runs: RunStore,
        *,
        queue_limit: int,
        grace_s: float,
        command: Sequence[str] = RUNNER,
    ) -> None:
        self._runs = runs
        self._queue_limit = queue_limit
        self._grace_s = grace_s
        self._command = tuple(command)
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._ending = False
        self._unfinished: list[str] = []
        """Known runs that are not over, oldest first."""
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._over: dict[str, float] = {}
        """Runs that are over, and when each was claimed last: a command line may have resumed one."""
        self._asked_s: dict[str, float] = {}
        """When a run was first seen stopping."""
        self._killed: set[str] = set()
        self._scanned_s = 0.0
        self._thread = threading.Thread(target=self._work, name="supervise", daemon=True)

    @property
    def busy(self) -> bool:
        """Whether any run goes on or waits."""
        return bool(self._unfinished)

    @property
    def command(self) -> tuple[str, ...]:
        """What is run with the folder of a run."""
        return self._command

    def unfinished(self) -> list[str]:
        """Runs that go on or wait, oldest first."""
        with self._lock:
            known = list(self._unfinished)
        return [one for one in known if self._state_or_gone(one) not in (*FINAL_STATES, "")]

    @property
    def running(self) -> str | None:
        """Id of the run that has a process now."""
        with self._lock:
            return next((one for one in self._unfinished if self._lives(one)), None)

    def start(self) -> None:
        """Find runs that are not over, then watch."""
        with self._lock:
            self._scan(first=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a runner goes on by itself and is found again by the next service."""
        self._ending = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        _LEFT.extend(child for child in self._children.values() if child.poll() is None)

    def check_room(self) -> None:
        """Refuse a run that would wait too long.

        Raises:
            RunsFull: if the line is full.
        """
        if len(self._unfinished) > self._queue_limit:
            raise RunsFull(what="go on or wait", limit=len(self._unfinished))

    def submit(self, run_id: str) -> None:
        """Take a run whose state is `queued` into the line."""
        with self._lock:
            self._over.pop(run_id, None)
            if run_id not in self._unfinished:
                self._unfinished.append(run_id)
        self._wake.set()

    def stop_run(self, run_id: str) -> None:
        """Ask a run to save and end; harmless for one that is over.

        Raises:
            RunUnknown: if it is not here.
        """
        with self._lock, closing(self._runs.open(run_id)) as database:
            if self._lives(run_id):
                database.set(stop=1)
                database.change_state("stopping", only_from=("queued", "running"))
            elif database.change_state("stopped", only_from=("queued",)):
                self._forget(run_id)
        self._wake.set()

    def resume(self, run_id: str) -> None:
        """Let a stopped or failed run go on from its last checkpoint, when its turn comes.

        Raises:
            RunUnknown, RunActive, RunComplete, RunsFull: why it cannot.
        """
        self._wait_for_end(run_id)
        with self._lock:
            self.check_room()
            with closing(self._runs.open(run_id)) as database:
                changed = database.change_state(
                    "queued",
                    only_from=("stopped", "failed"),
                    stop=None,
                    pid=None,
                    started=None,
                    resume=1,
                )
                values = database.values()
            if not changed and values.get("state") == "finished":
                raise RunComplete(run=run_id, steps=int(values.get("step", 0)))
            if not changed:
                raise RunActive(run=run_id, state=values.get("state", ""))
            self.submit(run_id)

    def delete(self, run_id: str) -> None:
        """Forget a run that is over.

        Raises:
            RunUnknown: if it is not here.
            RunActive: if it is not over.
        """
        self._wait_for_end(run_id)
        with self._lock:
            state = self._state(run_id)
            if state not in FINAL_STATES:
                raise RunActive(run=run_id, state=state)
            self._runs.delete(run_id)
            self._forget(run_id)

    def _state_or_gone(self, run_id: str) -> str:
        try:
            return self._state(run_id)
        except RunUnknown:
            return ""

    def _state(self, run_id: str) -> str:
        with closing(self._runs.open(run_id)) as database:
            return database.values().get("state", "")

    def _wait_for_end(self, run_id: str) -> None:
        """Let the process of a run that is over go; it has nothing left to say."""
        until_s = time.monotonic() + LEAVES_WITHIN_S
        while self._state(run_id) in FINAL_STATES and self._lives(run_id):
            if time.monotonic() > until_s:
                self._kill(run_id)
            time.sleep(0.02)
        with self._lock:
            if run_id in self._unfinished and self._state(run_id) in FINAL_STATES:
                self._forget(run_id)

    def _work(self) -> None:
        while not self._ending:
            self._wake.wait(LOOK_EVERY_S if self._unfinished else SCAN_EVERY_S)
            self._wake.clear()
            try:
                self._look()
            except Exception:  # border: a full disk or a broken run must not end the watch
                log.exception("watching runs")
                time.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        with self._lock:
            if self._ending:
                return
            self._scan()
            for run_id in list(self._unfinished):
                try:
                    self._look_at(run_id)
                except RunUnknown:
                    self._forget(run_id)
                except (sqlite3.Error, GeoR1Error):
                    log.exception("run %s", run_id)
            waiting = [one for one in self._unfinished if not self._lives(one)]
            if waiting and len(waiting) == len(self._unfinished):
                self._begin(waiting[0])

    def _look_at(self, run_id: str) -> None:
        """Notice how a run has ended, and end one that does not hear."""
        with closing(self._runs.open(run_id)) as database:
            values = database.values()
            state, alive = values.get("state", ""), self._lives(run_id, values)
            if state in FINAL_STATES:
                if not alive:
                    self._forget(run_id)
            elif not alive and (state != "queued" or run_id in self._children):
                self._bury(run_id, database, values)
            elif state == "stopping":
                since_s = self._asked_s.setdefault(run_id, time.monotonic())
                if time.monotonic() - since_s > self._grace_s:
                    self._killed.add(run_id)
                    self._kill(run_id)

    def _kill(self, run_id: str) -> None:
        """End the process of a run by force; it was seen to be the right one just now."""
        child = self._children.get(run_id)
        if child is not None:
            kill(child.pid)
            return
        with closing(self._runs.open(run_id)) as database:
            values = database.values()
        if is_alive(int(values.get("pid", 0)), values.get("started", "")):
            kill(int(values["pid"]))

    def _bury(self, run_id: str, database: RunDatabase, values: dict[str, str]) -> None:
        """Write down how a runner went that did not say so itself."""
        child = self._children.get(run_id)
        folder = self._runs.folder(run_id)
        if run_id in self._killed or values.get("state") == "stopping":
            note = "ended by force; it can be resumed from its last checkpoint"
            database.change_state("stopped", note=note if run_id in self._killed else "")
        else:
            error: GeoR1Error = RunLost(step=int(values.get("step", 0)))
            if child is not None:
                error = why_it_ended(child.returncode, folder / LOG_FILE)
            log.warning("run %s: %s", run_id, error.message)
            database.change_state("failed", error=error.to_body())
        self._forget(run_id)

    def _begin(self, run_id: str) -> None:
        """Start the runner of a run whose turn has come."""
        folder = self._runs.folder(run_id)
        with closing(self._runs.open(run_id)) as database:
            values = database.values()
            if values.get("state") != "queued":
                return
            command = [*self._command, str(folder)]
            if values.get("resume"):
                command.append("--resume")
            try:
                child = start_runner(command, folder)
            except GeoR1Error as error:
                database.change_state("failed", error=error.to_body())
                self._forget(run_id)
                return
            # the runner itself writes its id down when it claims the run: nobody else can know who has it
            self._children[run_id] = child
        log.info("run %s: process %d", run_id, child.pid)

    def _lives(self, run_id: str, values: dict[str, str] | None = None) -> bool:
        """Whether some process trains this run, ours or one of an earlier service or of a command line."""
        child = self._children.get(run_id)
        if child is not None and child.poll() is None:
            return True
        if values is None:
            try:
                with closing(self._runs.open(run_id)) as database:
                    values = database.values()
            except RunUnknown:
                return False
        return is_alive(int(values.get("pid", 0)), values.get("started", ""))

    def _scan(self, *, first: bool = False) -> None:
        """Look for runs on disk that are not over and not known."""
        if not first and time.monotonic() - self._scanned_s < SCAN_EVERY_S:
            return
        self._scanned_s = time.monotonic()
        for run_id in reversed(self._runs.ids()):
            claimed_s = claimed_at(self._runs.folder_of(run_id))
            if run_id in self._unfinished or self._over.get(run_id) == claimed_s:
                continue
            try:
                with closing(self._runs.open(run_id)) as database:
                    state = database.values().get("state", "")
            except (RunUnknown, sqlite3.Error):
                continue
            if state in FINAL_STATES:
                self._over[run_id] = claimed_s
            elif first or state != "queued":
                # one that is queued by somebody else just now is begun by whoever made it
                self._unfinished.append(run_id)

    def _forget(self, run_id: str) -> None:
        if run_id in self._unfinished:
            self._unfinished.remove(run_id)
        self._over[run_id] = claimed_at(self._runs.folder_of(run_id))
        self._asked_s.pop(run_id, None)
        self._killed.discard(run_id)
        child = self._children.pop(run_id, None)
        if child is not None and child.poll() is None:
            _LEFT.append(child)


_LEFT: list[subprocess.Popen[bytes]] = []
"""Runners that outlive their supervisor; Python would complain about each that nobody holds."""
