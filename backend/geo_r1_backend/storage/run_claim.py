"""A run belongs to one process at a time: whoever trains claims its folder, and the system takes the claim back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_r1_backend.storage.lock import FileLock, LockHeld
from geo_r1_backend.storage.processes import started
from geo_r1_backend.storage.run_database import RunDatabase, now

CLAIM_FILE = "runner.lock"


@contextmanager
def claim_run(folder: Path, database: RunDatabase) -> Iterator[None]:
    """Be the process that trains this run, and say which one that is.

    Raises:
        LockHeld: if another process trains it at this moment.
    """
    with FileLock(folder / CLAIM_FILE):
        os.utime(folder / CLAIM_FILE)
        database.set(pid=os.getpid(), started=started(os.getpid()), heartbeat=now())
        yield


def is_claimed(folder: Path) -> bool:
    """Whether some process trains this run now, whoever started it."""
    if not (folder / CLAIM_FILE).is_file():
        return False
    try:
        with FileLock(folder / CLAIM_FILE):
            return False
    except LockHeld:
        return True


def claimed_at(folder: Path) -> float:
    """When a run was claimed last, on the clock of files; 0 = never."""
    try:
        return (folder / CLAIM_FILE).stat().st_mtime
    except OSError:
        return 0.0
