"""Which process is which: process ids are used again, so a process is known by its id and the moment it was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PS_S = 5.0


def started(pid: int) -> str:
    """When a process was started, in words of this system that are compared and not read; empty = there is none.

    A zombie, which has ended and only waits for its parent to notice, counts as none.
    """
    if pid <= 0:
        return ""
    if sys.platform == "win32":
        return _started_windows(pid)
    if Path("/proc/self/stat").is_file():
        return _started_linux(pid)
    return _started_ps(pid)


def is_alive(pid: int, started_at: str) -> bool:
    """Whether the process of this id is still the one that was started then."""
    return bool(started_at) and started(pid) == started_at


def lower_priority(pid: int, nice: int) -> None:
    """Let a process step back behind others; where the system does not allow it, it does not."""
    if hasattr(os, "setpriority"):
        try:
            # the one thread that a new process has; those it starts later take it over
            os.setpriority(os.PRIO_PROCESS, pid, nice)
        except OSError:
            return


def _started_linux(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    # the name may have spaces and brackets; what follows the last bracket has neither
    words = text.rpartition(")")[2].split()
    return "" if words[0] in ("Z", "X") else f"{boot} {words[19]}"


def _started_ps(pid: int) -> str:
    try:
        told = subprocess.run(  # noqa: S603 - a number of ours
            ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=PS_S,
            check=False,
        ).stdout.split(None, 1)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if len(told) < 2 or told[0].startswith("Z") else told[1].strip()


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    def _started_windows(pid: int) -> str:
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if not handle:
            return ""
        try:
            code = wintypes.DWORD()
            times = [wintypes.FILETIME() for _ in range(4)]
            kernel.GetExitCodeProcess(handle, ctypes.byref(code))
            if code.value != 259 or not kernel.GetProcessTimes(  # STILL_ACTIVE
                handle, *(ctypes.byref(one) for one in times)
            ):
                return ""
            return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
        finally:
            kernel.CloseHandle(handle)

else:

    def _started_windows(pid: int) -> str:
        raise NotImplementedError(pid)
