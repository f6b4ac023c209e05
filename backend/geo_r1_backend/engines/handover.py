"""An engine that answers at once, until another one that takes long to start is ready: nobody waits for the quicker one.

Torch needs 11 to 60 s until it answers on a card, and answers there in a tenth of the processor's time then (docs/performance.md).
The change happens between two calls of `generate`, never within one (docs/adr/0020-nobody-waits-for-torch.md).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.quickest import Chosen

log = logging.getLogger(__name__)

ENDS_WITHIN_S = 20.0
"""How long closing waits for the thread that prepares: Python ends a thread inside of a runtime with a crash."""

Prepare = Callable[[Callable[[], bool]], "Chosen | None"]
"""Starts the engine that comes later, asked now and then whether it is still wanted; None = the first one goes on."""


class HandingOver:
    """Engine that is one engine first and another one later.

    Args:
        first: answers from now on.
        prepare: called once, on a thread of its own; if it raises, the first engine goes on.
        coming: what is being prepared, for people.
        wait_s: before it begins.
    """

    def __init__(
        self, first: Chosen, prepare: Prepare, coming: str, *, wait_s: float = 0.0
    ) -> None:
        self.profile = first.profile
        self.best_batch, self.nests = first.best_batch, first.nests
        """Of the engine of now, which has every call that is not over."""
        self._now: Chosen = first
        self._next: Chosen | None = None
        self._coming = coming
        self._open = 0
        """Calls of `generate` that are not over: a batch may let a question pass."""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._prepare, args=[prepare, wait_s], name="hand over", daemon=True
        )
        self._thread.start()

    def status(self) -> EngineStatus:
        """Of the engine of now; ``soon`` says what comes."""
        with self._lock:  # an engine that was closed has none
            found = self._now.status()
        if not self._coming:
            return found
        return replace(found, facts={**found.facts, "soon": self._coming})

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `base.Engine.generate`; all of it by one engine."""
        with self._lock:
            engine = self._now
            self._open += 1
        try:
            yield from engine.generate(items, options, should_stop)
        finally:
            with self._lock:
                self._open -= 1
                self._hand_over()

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is being prepared any more; whether it is so."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Free both, the one that is being prepared too."""
        self._closed.set()
        self._thread.join(ENDS_WITHIN_S)
        with self._lock:
            following, self._next = self._next, None
        # a worker may take seconds to end, and whoever asks for health meanwhile must not wait for that
        for engine in (self._now, following):
            if engine is not None:
                engine.close()

    def _prepare(self, prepare: Prepare, wait_s: float) -> None:
        engine = None
        try:
            if not self._closed.wait(wait_s):
                engine = prepare(self._closed.is_set)
        except Exception:  # border: other people's code on a driver
            log.exception("%s", self._coming)
        with self._lock:
            self._coming = ""
            is_late = self._closed.is_set()
            if not is_late:
                self._next = engine
                self._hand_over()
        if is_late and engine is not None:
            engine.close()

    def _hand_over(self) -> None:
        """Go over to the next engine if there is one and nothing is being answered; the lock is held."""
        if self._next is None or self._open or self._closed.is_set():
            return
        was, self._now, self._next = self._now, self._next, None
        self.best_batch, self.nests = self._now.best_batch, self._now.nests
        was.close()
        log.info("answers come from %s now", self._now.chosen)
