"""Requests in turn: one thread answers, the others wait and hear their place whenever it changes.

It knows no HTTP: whoever asks hands in a function that takes events. Leaving takes effect at the next token, and at
once for those who wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from geo_r1_backend.errors import Cancelled, GeoR1Error, Internal, QueueFull, ServiceStopping
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground, with_request_id
from geo_r1_backend.grounding.host import ModelHost
from geo_r1_backend.grounding.masks import FindSegmenter, no_segmenter
from geo_r1_backend.wire import ErrorEvent, Event, QueuedEvent, ResultEvent

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """One request: its questions, and where its events go."""

    request_id: str
    model_id: str
    questions: Sequence[Question]
    options: GroundOptions
    emit: Callable[[Event], None]
    """Called from the answering thread; must not block."""
    done: Callable[[], None]
    """Called once, after the last event."""
    submitted_s: float = field(default_factory=time.perf_counter)
    stop: GeoR1Error | None = None
    """Why the answering should end; None = it should not."""
    place: int = -1
    final: set[str] = field(default_factory=set)
    """Items that have had their final event."""


class GroundQueue:
    """Owner of the answering thread."""

    def __init__(
        self, host: ModelHost, *, limit: int, segmenter: FindSegmenter = no_segmenter
    ) -> None:
        self._host = host
        self._segmenter = segmenter
        self._limit = limit
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="ground", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    @property
    def length(self) -> int:
        """How many wait, beside the one that is answered."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return self._running is not None

    def submit(self, job: Job) -> None:
        """Put a request in line.

        Raises:
            QueueFull, ServiceStopping: it is not in line then, and nothing was emitted.
        """
        with self._changed:
            if self._stopping:
                raise ServiceStopping
            if len(self._waiting) >= self._limit and (self._running or self._limit):
                raise QueueFull(limit=self._limit)
            self._waiting.append(job)
            self._tell_places()
            self._changed.notify()

    def cancel(self, job: Job, reason: GeoR1Error | None = None) -> None:
        """Stop answering a request; harmless when it is finished."""
        with self._changed:
            job.stop = job.stop or reason or Cancelled()
            if job not in self._waiting:
                return
            self._waiting.remove(job)
            self._tell_places()
        self._finish(job)

    def stop(self, timeout_s: float = 5.0) -> None:
        """End: everything gets its final event, the thread ends after the current token."""
        with self._changed:
            self._stopping = True
            jobs = [*([self._running] if self._running else []), *self._waiting]
            self._changed.notify()
        for job in jobs:
            self.cancel(job, ServiceStopping())
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _tell_places(self) -> None:
        """Say their place to all whose place has changed; the lock is held."""
        ahead = 1 if self._running else 0
        for index, job in enumerate(self._waiting):
            if job.place != index + ahead:
                job.place = index + ahead
                for question in job.questions:
                    self._emit(job, QueuedEvent(question.item, position=job.place))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._running = None
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                job = self._running = self._waiting.popleft()
                self._tell_places()
            try:
                self._answer(job)
            except GeoR1Error as error:
                job.stop = job.stop or error
            except Exception:  # border: a fault of ours must not end the thread
                log.exception("request %s", job.request_id)
                job.stop = job.stop or Internal()
            finally:
                self._finish(job)

    def _answer(self, job: Job) -> None:
        queued_ms = (time.perf_counter() - job.submitted_s) * 1000.0
        self._host.trim(keep=job.model_id)
        engine = self._host.engine(job.model_id)
        options = replace(job.options, note=self._host.note(job.model_id))
        questions = [replace(question, queued_ms=queued_ms) for question in job.questions]
        events = ground(questions, engine, options, lambda: job.stop is not None, self._segmenter)
        try:
            for event in events:
                if job.stop is not None:
                    return
                self._emit(job, event)
        finally:
            events.close()  # type: ignore[attr-defined]  # a generator, and the engine must hear of it now

    def _emit(self, job: Job, event: Event) -> None:
        if isinstance(event, (ResultEvent, ErrorEvent)):
            job.final.add(event.item)
        job.emit(with_request_id(event, job.request_id))

    def _finish(self, job: Job) -> None:
        """Give every item its final event."""
        error = job.stop or Internal()
        for question in job.questions:
            if question.item not in job.final:
                self._emit(job, ErrorEvent(question.item, error.to_body(job.request_id)))
        job.done()
