"""The thread that writes: jobs in order, one open file, nothing lost when a write fails.

Disks stall and files are locked by other programs, so nothing of this may run on the GUI thread. It is a thread of its
own and not a QgsTask, because a full task pool must not delay a detection on its way to the disk. The thread ends when
there is nothing left to write, and the file is closed then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Callable, Deque, Optional

from ..core.errors import GeoR1Error, LayerError, Unexpected, without_frames
from .geopackage import ResultFile

log = logging.getLogger(__name__)

Job = Callable[[ResultFile], None]
RETRY_S = (0.1, 0.5, 1.0)
"""Waits before a write is tried again, each time with the file opened anew: it may have been replaced. After the last
one the trouble is said, and whoever owns the writer calls `retry` now and then."""


class Writer:
    """Writes jobs into the file that `open_file` names, in order, off the calling thread."""

    def __init__(
        self, open_file: Callable[[], ResultFile], on_failed: Callable[[GeoR1Error, int], None]
    ) -> None:
        """Make a writer that has not started.

        Args:
            open_file: opens (or makes) the file; called on the writer's thread.
            on_failed: told the error and how many jobs wait; called on the writer's thread. The jobs are kept and
                tried again with the next one, or by `retry`.
        """
        self._open_file = open_file
        self._on_failed = on_failed
        self._jobs: Deque[Job] = deque()
        self._condition = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    def submit(self, job: Job) -> None:
        """Queue a job and return at once."""
        with self._condition:
            self._jobs.append(job)
        self.retry()

    def retry(self) -> None:
        """Go on with what waits."""
        with self._condition:
            if self._jobs and self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="geo-r1-writer", daemon=True
                )
                self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is being written; whether everything was."""
        with self._condition:
            self._condition.wait_for(lambda: self._thread is None, timeout_s)
            return not self._jobs

    @property
    def waiting(self) -> int:
        """How many jobs are not on disk yet."""
        return len(self._jobs)

    @property
    def is_idle(self) -> bool:
        """Whether everything is on disk and the file is closed."""
        return self._thread is None and not self._jobs

    def _work(self) -> None:
        error: Optional[GeoR1Error] = None
        try:
            self._write_all()
        except GeoR1Error as failure:
            error = failure
        except (
            Exception
        ) as failure:  # border: an exception here would end the thread without a word
            log.exception("writer")
            error = Unexpected(failure)
        with self._condition:
            self._thread = None
            self._condition.notify_all()
        if error is not None:
            self._on_failed(without_frames(error), self.waiting)
        else:
            self.retry()  # a job may have come between the last look at the queue and here

    def _write_all(self) -> None:
        file: Optional[ResultFile] = None
        failures = 0
        try:
            while self._jobs:
                try:
                    file = file or self._open_file()
                    self._jobs[0](file)
                except LayerError:
                    _close(file)
                    file = None
                    if failures == len(RETRY_S):
                        raise
                    time.sleep(RETRY_S[failures])
                    failures += 1
                except Exception:
                    self._jobs.rotate(
                        -1
                    )  # a job that is at fault itself must not hold up the others
                    raise
                else:
                    self._jobs.popleft()
                    failures = 0
        finally:
            _close(file)


def _close(file: Optional[ResultFile]) -> None:
    if file is not None:
        file.close()
