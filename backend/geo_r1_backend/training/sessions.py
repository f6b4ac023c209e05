"""Child processes that outlive the service, and their end by force."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geo_r1_backend.engines.worker_process import child_environment
from geo_r1_backend.errors import storage_faults
from geo_r1_backend.storage.atomic import PRIVATE_FILE
from geo_r1_backend.storage.processes import lower_priority
from geo_r1_backend.training.obituary import LOG_FILE

NICE = 15
"""Of the runner: questions are answered first. The service has 5, QGIS 0."""


def own_session() -> dict[str, Any]:
    """What `subprocess.Popen` is told so that the child does not go with the service or with its terminal."""
    if sys.platform == "win32":
        return {
            "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP
            | subprocess.DETACHED_PROCESS
            | subprocess.CREATE_BREAKAWAY_FROM_JOB
        }
    return {"start_new_session": True}


def start_runner(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start what trains the run in a folder; what it says goes to its log.

    Raises:
        StorageFailed: if the log cannot be written, or the program cannot be started.
    """
    with storage_faults(folder):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(folder / LOG_FILE, flags, PRIVATE_FILE)
        try:
            child = subprocess.Popen(  # noqa: S603 - our own module, a folder of ours
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=child_environment(),
                cwd=folder,
                **own_session(),
            )
        finally:
            os.close(descriptor)
    lower_priority(child.pid, NICE)
    return child


def kill(pid: int) -> None:
    """End a process at once, with its children where it has a session of its own; whoever calls knows that it is the right one."""
    if pid <= 0:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)  # TerminateProcess
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
