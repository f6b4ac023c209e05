"""Whether another process of this machine still runs. Asks the system; ends nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import places


def is_alive(pid: int) -> bool:
    """Whether a process still runs, as far as that can be told without harm."""
    if places.is_windows(sys.platform) or pid <= 0:
        return True  # on Windows os.kill ends the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has asked how: so it stays in containers whose first process is no init."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux, or gone just now
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]
