"""Questions that never ended, because QGIS was closed, killed or crashed in the middle: found in the file and marked."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Callable, Container, List

from ..core import places
from ..core.errors import GeoR1Error
from ..core.processes import is_alive
from .geopackage import ResultFile
from .schema import RUNS
from .writer import Writer

INTERRUPTED = "interrupted"
LONGEST_RUN = timedelta(days=1)
"""On Windows nobody can ask harmlessly whether a process lives; there a question that is so old has ended."""
SHOWN_QUERIES = 3

Found = Callable[[List[str]], None]


def look_for_interrupted(path: Path, own_runs: Container[str], found: Found) -> Writer:
    """Mark, in the background, the questions of processes that are gone; tell the texts of those questions.

    Args:
        path: of a result file that is there. It is left alone if it cannot be written now.
        own_runs: uids of questions of this QGIS that are still being answered.
        found: told, on another thread, if there were any.
    """

    def mark(file: ResultFile) -> None:
        queries: List[str] = []
        for uid, run in file.unfinished_runs().items():
            if uid not in own_runs and is_over(str(run["process"]), str(run["created"] or "")):
                file.change(RUNS, "run_uid", uid, {"outcome": INTERRUPTED})
                queries.append(str(run["query"] or ""))
        if queries:
            more = ["…"] if len(queries) > SHOWN_QUERIES else []
            found(queries[:SHOWN_QUERIES] + more)

    def leave_it(_error: GeoR1Error, _waiting: int) -> None:
        """Next time, then."""

    looking = Writer(lambda: ResultFile(str(path)), leave_it)
    looking.submit(mark)
    return looking


def is_over(process: str, created: str) -> bool:
    """Whether the process that began a run then does not work on it any more."""
    if not process.isdecimal():
        return False  # of a version that did not say who asked
    if not places.is_windows(sys.platform):
        return int(process) == os.getpid() or not is_alive(int(process))
    try:
        # OGR writes 2026/11/25 08:00:00.123+00
        began = datetime.strptime(created[:19], "%Y/%m/%d %H:%M:%S")  # noqa: DTZ007 - UTC on both sides
    except ValueError:
        return True
    return datetime.utcnow() - began > LONGEST_RUN  # noqa: DTZ003
