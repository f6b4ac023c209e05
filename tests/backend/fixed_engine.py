"""A small deterministic engine for tests where timing, order and cancelling matter; not a mock of anything."""

from __future__ import annotations

import threading
import time

from geo_r1_backend.engines.base import EngineStatus, ModelProfile, Piece
from geo_r1_backend.engines.select import Selection
from geo_r1_backend.errors import EngineFailed

CHAIN = "Find tanks: white [10,20,30,40], gray [50,60,90,95]. Largest: [50,60,90,95]."
ONE = f'<think>{CHAIN}</think><answer>{{"bbox_2d":[50,60,90,95],"label":"tank"}}</answer>'

PROFILE = ModelProfile(
    id="fixed",
    title="Fixed answers",
    tasks=("rec", "ovd"),
    convention="absolute",
    grid_px=28,
    min_pixels=56 * 56,
    max_pixels=1280 * 28 * 28,
)


class FixedEngine:
    """Says ``answer`` in pieces of ``step`` characters, ``delay_s`` apart, until it is told to stop.

    Args:
        answer: text, or a function of the item that gives it.
        hang: wait for `go_on` before the first piece.
        fail_after: raise EngineFailed after so many pieces.
    """

    def __init__(
        self,
        answer=ONE,
        *,
        delay_s=0.0,
        step=7,
        hang=False,
        fail_after=None,
        finish="stop",
        profile=PROFILE,
        best_batch=1,
        nests=False,
    ):
        self.profile = profile
        self.best_batch, self.nests = best_batch, nests
        self.answer = answer
        self.delay_s, self.step, self.finish, self.fail_after = delay_s, step, finish, fail_after
        self.go_on = threading.Event()
        if not hang:
            self.go_on.set()
        self.began = threading.Event()
        self.seen = []
        self.closed = False
        self._idle = threading.Event()
        self._idle.set()

    def status(self):
        return EngineStatus(name="fixed", device="cpu")

    def generate(self, items, options, should_stop):
        self._idle.clear()
        try:
            for index, item in enumerate(items):
                self.seen.append(item)
                self.began.set()
                while not self.go_on.wait(0.01):
                    if should_stop():
                        return
                text = self.answer(item) if callable(self.answer) else self.answer
                pieces = [text[i : i + self.step] for i in range(0, len(text), self.step)] or [""]
                for number, piece in enumerate(pieces):
                    if should_stop():
                        return
                    if self.fail_after is not None and number >= self.fail_after:
                        raise EngineFailed("out of memory", engine="fixed")
                    if self.delay_s:
                        time.sleep(self.delay_s)
                    last = number == len(pieces) - 1
                    yield Piece(index, piece, finish=self.finish if last else "")
        finally:
            self._idle.set()

    def wait_until_idle(self, timeout_s):
        return self._idle.wait(timeout_s)

    def close(self):
        self.closed = True


def loader(engine):
    """A loader of models that always gives this engine."""
    return lambda folder: (engine, Selection("fixed", {"torch": "not asked for"}))
