"""Hold a thread until something that happens on the main thread is over, without a wrapped Qt object on any other one."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Callable, Optional

from qgis.PyQt.QtCore import QEventLoop, QTimer

from . import main_thread

POLL_MS = 100
"""How often it is asked whether somebody wants to leave."""


class Left(Exception):
    """Somebody wanted to leave while we waited; what was under way was called off."""


class Wait:
    """Made and held on one thread; `end`, `fail` and `tell` are called on the main one, which may be the same."""

    def __init__(self) -> None:
        self._loop = QEventLoop() if main_thread.is_here() else None
        self._calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._is_done = False
        self._value: Any = None
        self._error: Optional[BaseException] = None
        self.is_over = False
        """Whether `end` or `fail` was called; for the main thread."""

    def end(self, value: Any = None) -> None:
        """There is nothing more to wait for."""
        self.is_over = True
        self._pass_on(partial(self._finish, value, None))

    def fail(self, error: Exception) -> None:
        """It went wrong, mostly with a `GeoR1Error`."""
        self.is_over = True
        self._pass_on(partial(self._finish, None, error))

    def tell(self, function: Callable[..., object], *values: object) -> None:
        """Have a function called on the thread that is held; what it raises, `hold` raises."""
        self._pass_on(partial(self._call, function, *values))

    def hold(self, wants_to_leave: Callable[[], bool]) -> Any:
        """What `end` was given.

        Raises:
            Exception: what `fail` was given, or what a function raised that was told.
            Left: if `wants_to_leave` said so first.
        """
        if self._loop is not None:
            self._turn_events(self._loop, wants_to_leave)
        else:
            self._take_calls(wants_to_leave)
        if self._error is not None:
            raise self._error
        if not self._is_done:
            raise Left
        return self._value

    def _pass_on(self, call: Callable[[], object]) -> None:
        if self._loop is None:
            self._calls.put(call)
        else:
            call()

    def _call(self, function: Callable[..., object], *values: object) -> None:
        if self._is_done:
            return
        try:
            function(*values)
        except Exception as error:  # border: in a slot it would end QGIS
            self._finish(None, error)

    def _finish(self, value: Any, error: Optional[BaseException]) -> None:
        if self._is_done:
            return
        self._value, self._error, self._is_done = value, error, True
        if self._loop is not None:
            self._loop.quit()

    def _turn_events(self, loop: QEventLoop, wants_to_leave: Callable[[], bool]) -> None:
        beat = QTimer()
        beat.setInterval(POLL_MS)
        beat.timeout.connect(lambda: loop.quit() if wants_to_leave() else None)
        beat.start()
        if not self._is_done:
            loop.exec()
        beat.stop()

    def _take_calls(self, wants_to_leave: Callable[[], bool]) -> None:
        while not self._is_done:
            with suppress(Empty):  # nothing happened: only somebody's wish to leave is looked at
                self._calls.get(timeout=POLL_MS / 1000)()
            if wants_to_leave():
                return
