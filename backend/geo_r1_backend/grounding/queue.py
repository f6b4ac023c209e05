"""Requests in turn: one thread answers, the others wait and hear their place whenever it changes.

A request of many questions lets those of few pass between its batches, so that somebody at a map does not wait for
somebody else's whole layer (docs/adr/0007-one-answering-thread.md). It knows no HTTP: whoever asks hands in a function that takes events. Leaving takes effect at the next token, and at
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
from geo_r1_backend.grounding.kept_views import KeptViews
from geo_r1_backend.grounding.masks import FindSegmenter, no_segmenter
from geo_r1_backend.wire import ErrorEvent, Event, QueuedEvent, ResultEvent

log = logging.getLogger(__name__)

FEW_QUESTIONS = 4
"""A request of at most so many is short: it may pass, and nobody passes it."""
TURN_S = 0.25
"""How long a long request is answered before others may pass within a batch, where the engine lets them."""


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

    @property
    def is_short(self) -> bool:
        """Whether it is over soon."""
        return len(self.questions) <= FEW_QUESTIONS


class GroundQueue:
    """Owner of the answering thread."""

    def __init__(
        self, host: ModelHost, *, limit: int, segmenter: FindSegmenter = no_segmenter
    ) -> None:
        self._host = host
        self._segmenter = segmenter
        self._limit = limit
        self._kept = KeptViews()
        self._waiting: deque[Job] = deque()
        self._between: deque[Callable[[], None]] = deque()
        self._begun: list[Job] = []
        """What is answered now comes last; before it, what has let it pass."""
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
        return bool(self._begun)

    def submit(self, job: Job) -> None:
        """Put a request in line.

        Raises:
            QueueFull, ServiceStopping: it is not in line then, and nothing was emitted.
        """
        with self._changed:
            if self._stopping:
                raise ServiceStopping
            if len(self._waiting) >= self._limit and (self._begun or self._limit):
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

    def run_between(self, work: Callable[[], None], timeout_s: float) -> None:
        """Do something on the answering thread, between two answers.

        Raises:
            QueueFull: if the answer before it takes longer than this; it is done later then.
            ServiceStopping: if there is no later.
        """
        done = threading.Event()

        def work_and_tell() -> None:
            try:
                work()
            finally:
                done.set()

        with self._changed:
            if self._stopping:
                raise ServiceStopping
            self._between.append(work_and_tell)
            self._changed.notify()
        if not done.wait(timeout_s):
            raise QueueFull(limit=self._limit)

    def stop(self, timeout_s: float = 5.0) -> None:
        """End: everything gets its final event, the thread ends after the current token."""
        with self._changed:
            self._stopping = True
            jobs = [*self._begun, *self._waiting]
            self._changed.notify()
        for job in jobs:
            self.cancel(job, ServiceStopping())
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _tell_places(self) -> None:
        """Say their place to all whose place has changed; the lock is held."""
        short = 0
        for index, job in enumerate(self._waiting):
            # whoever is short has only those in front who are short too, and one batch of whoever is answered
            place = min(1, len(self._begun)) + short if job.is_short else len(self._begun) + index
            short += job.is_short
            if job.place != place:
                job.place = place
                for question in job.questions:
                    self._emit(job, QueuedEvent(question.item, position=place))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping and not self._between:
                    self._changed.wait()
                if self._stopping:
                    return
                between = self._between.popleft() if self._between else None
                if between is None:
                    job = self._waiting[0]
                    self._begin(job)
            if between is None:
                self._answer(job)
            else:
                self._do(between)

    def _begin(self, job: Job) -> None:
        """From those who wait to those who are answered; the lock is held."""
        self._waiting.remove(job)
        self._begun.append(job)
        self._tell_places()

    def _let_pass(self) -> None:
        """Answer the short requests that wait at this moment.

        Those who come meanwhile wait for the next time, so that a long request goes on however many ask.
        """
        with self._changed:
            passing = [job for job in self._waiting if job.is_short and self._is_loaded(job)]
        for job in passing:
            with self._changed:
                if job not in self._waiting or self._stopping:
                    continue  # it has left
                self._begin(job)
            self._answer(job)

    def _is_loaded(self, job: Job) -> bool:
        """Whether its model is there: nobody passes who would first have to load, or push another out."""
        try:
            return self._host.loaded(job.model_id) is not None
        except GeoR1Error:
            return False

    @staticmethod
    def _do(between: Callable[[], None]) -> None:
        try:
            between()
        except Exception:  # border: a fault of ours must not end the thread
            log.exception("between two answers")

    def _answer(self, job: Job) -> None:
        """Say everything about it, whatever happens; it is the last of `_begun`."""
        try:
            self._say_all(job)
        except GeoR1Error as error:
            job.stop = job.stop or error
        except Exception:  # border: a fault of ours must not end the thread
            log.exception("request %s", job.request_id)
            job.stop = job.stop or Internal()
        finally:
            self._finish(job)
            with self._changed:
                self._begun.remove(job)
                if self._begun:
                    self._tell_places()

    def _say_all(self, job: Job) -> None:
        queued_ms = (time.perf_counter() - job.submitted_s) * 1000.0
        if len(self._begun) == 1:  # else whoever let it pass has an engine in use
            self._host.trim(keep=job.model_id)
        engine = self._host.engine(job.model_id)
        options = replace(job.options, note=self._host.note(job.model_id))
        questions = [replace(question, queued_ms=queued_ms) for question in job.questions]
        turn_ends_s = time.perf_counter() + TURN_S

        def let_pass() -> None:
            nonlocal turn_ends_s
            if not job.is_short and self._waiting and job.stop is None:
                self._let_pass()
                turn_ends_s = time.perf_counter() + TURN_S

        def should_stop() -> bool:
            if engine.nests and time.perf_counter() > turn_ends_s:
                let_pass()
            return job.stop is not None

        events = ground(
            questions, engine, options, should_stop, self._segmenter, let_pass, self._kept
        )
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
