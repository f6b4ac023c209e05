"""Why a runner ended that did not say so itself, from its exit code and the last words in its log."""

from __future__ import annotations

import signal
from pathlib import Path

from geo_r1_backend.errors import GeoR1Error, RunCrashed, RunOutOfMemory

LOG_FILE = "runner.log"
READ_BYTES = 8192
MAX_WORDS = 300
NO_MEMORY = ("out of memory", "MemoryError", "OutOfMemoryError", "can't allocate memory", "bad_alloc")  # fmt: skip


def why_it_ended(code: int | None, log: Path) -> GeoR1Error:
    """The error of a run whose process ended with this code (below 0: the signal that ended it)."""
    words = last_words(log)
    how = _how(code)
    if any(sign in words for sign in NO_MEMORY):
        return RunOutOfMemory(how=words)
    return RunCrashed(how=how, words=words)


def last_words(log: Path) -> str:
    """The last line with anything in it; empty where there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - READ_BYTES))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:MAX_WORDS]


def _how(code: int | None) -> str:
    if code is None:
        return "how is not known"
    if code >= 0:
        return f"exit code {code}"
    if code == -getattr(signal, "SIGKILL", 9):
        return "signal 9, which the system also sends when memory runs out"
    return f"signal {-code}"
