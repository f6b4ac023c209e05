"""The same calls for a thread that may wait: a Processing algorithm's own, or the main one under `qgis_process`.

Nothing here speaks HTTP or judges a service: each method starts the object that the dock starts, with an event loop of
its own around it. Everything is made, used and deleted on the thread that waits.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QThread, QTimer

from ..core import training_wire as tw
from ..core import wire
from ..core.errors import GeoR1Error, Unexpected
from ..core.settings import Settings
from ..core.standing import Kind, Standing, service_error
from .access import AccessKeeper
from .client import Pending
from .connection import Connection
from .dataset_call import DatasetCall
from .ground_call import GroundCall
from .run_stream import RunStream
from .training_client import TrainingClient

log = logging.getLogger(__name__)

POLL_MS = 100
"""How often it is asked whether somebody wants to leave."""

Progress = Callable[[int, int], None]


class Left(Exception):
    """Somebody wanted to leave while we waited; what was under way was called off."""


class Wait:
    """Holds its thread until a signal calls `end` or `fail`."""

    def __init__(self) -> None:
        self._loop = QEventLoop()
        self._is_over = False
        self._value: Any = None
        self._error: Optional[GeoR1Error] = None

    def end(self, value: Any = None) -> None:
        """There is nothing more to wait for."""
        self._value, self._is_over = value, True
        self._loop.quit()

    def fail(self, error: GeoR1Error) -> None:
        """It went wrong."""
        self._error = error
        self.end()

    def hold(self, wants_to_leave: Callable[[], bool]) -> Any:
        """What `end` was given.

        Raises:
            GeoR1Error: what `fail` was given.
            Left: if `wants_to_leave` said so first.
        """
        beat = QTimer()
        beat.setInterval(POLL_MS)
        beat.timeout.connect(lambda: self._loop.quit() if wants_to_leave() else None)
        beat.start()
        if not self._is_over:
            self._loop.exec()
        beat.stop()
        if self._error is not None:
            raise self._error
        if not self._is_over:
            raise Left
        return self._value


class BlockingService:
    """One service, found or started as the dock does it. Use it with `with`; every method may raise `Left`."""

    def __init__(
        self,
        settings: Settings,
        access: AccessKeeper,
        *,
        wants_to_leave: Callable[[], bool],
        starting: Callable[[], None] = lambda: None,
    ) -> None:
        self._root = QObject()
        self._settings = settings
        self._wants_to_leave = wants_to_leave
        self._starting = starting
        self._connection = Connection(settings, self._root, access=access)
        self._client: Optional[TrainingClient] = None

    def __enter__(self) -> BlockingService:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        sip.delete(self._root)
        if QThread.currentThread() is not QCoreApplication.instance().thread():
            # this thread has no event loop any more: PyQt's slots hear of it, and then let go of what they hold
            QCoreApplication.sendPostedEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    @property
    def client(self) -> TrainingClient:
        """Typed access to the service; connects first if that was not done.

        Raises:
            GeoR1Error: why there is none that can be asked.
        """
        if self._client is None:
            wait = Wait()
            self._connection.settled.connect(wait.end)
            self._connection.standing_changed.connect(self._tell)
            self._connection.connect_service(may_start=self._settings.start_service)
            standing = wait.hold(self._wants_to_leave)
            if not standing.can_ask:
                raise standing.refusal
            self._client = TrainingClient(standing.endpoint, self._root)
        return self._client

    def answer(self, pending: Pending, wants_to_leave: Optional[Callable[[], bool]] = None) -> Any:
        """The value of an answer.

        Raises:
            GeoR1Error: what went wrong on the way, or what the service said.
        """
        wait = Wait()
        pending.arrived.connect(wait.end)
        pending.failed.connect(wait.fail)
        try:
            return wait.hold(wants_to_leave or self._wants_to_leave)
        except Left:
            pending.abort()
            raise

    def make_dataset(
        self, request: tw.DatasetRequest, path_of: Callable[[str], Path], progress: Progress
    ) -> tw.DatasetInfo:
        """Send the chips that the service lacks, then the samples.

        Raises:
            GeoR1Error: what went wrong on the way, or what the service said.
        """
        call, wait = DatasetCall(self.client, request, path_of), Wait()
        call.progress.connect(progress)
        call.arrived.connect(wait.end)
        call.failed.connect(wait.fail)
        call.start()
        try:
            made: tw.DatasetInfo = wait.hold(self._wants_to_leave)
        except Left:
            call.abort()
            raise
        return made

    def follow(
        self,
        run: str,
        take: Callable[[tw.RunEvent], object],
        *,
        after: int = 0,
        wants_to_leave: Optional[Callable[[], bool]] = None,
    ) -> None:
        """Hand each event of a run after a number to `take`, until its final state; leaving does not end the run.

        Raises:
            GeoR1Error: if the service is gone for good; the run may go on.
        """
        stream, wait = RunStream(self.client, run, after), Wait()

        def hand_on(event: tw.RunEvent) -> None:
            try:
                take(event)
            except Exception as error:  # border: an exception in a slot would end QGIS
                log.exception("an event of the run")
                wait.fail(Unexpected(error))

        stream.event_read.connect(hand_on)
        stream.ended.connect(wait.end)
        stream.failed.connect(wait.fail)
        stream.start()
        try:
            wait.hold(wants_to_leave or self._wants_to_leave)
        finally:
            stream.abort()

    def ground(self, request: wire.GroundRequest, images: Dict[str, bytes]) -> wire.ResultEvent:
        """The result of a request with one item.

        Raises:
            GeoR1Error: what went wrong on the way, or why the service did not answer.
        """
        call, wait = GroundCall(self.client, request, images), Wait()
        final: Dict[str, wire.Event] = {}

        def take(event: wire.Event) -> None:
            if isinstance(event, (wire.ResultEvent, wire.ErrorEvent)):
                final["event"] = event

        call.event_read.connect(take)
        call.ended.connect(wait.end)
        call.failed.connect(wait.fail)
        call.start()
        try:
            wait.hold(self._wants_to_leave)
        except Left:
            call.abort()
            raise
        event = final["event"]
        if isinstance(event, wire.ErrorEvent):
            raise service_error(event.error)
        if not isinstance(event, wire.ResultEvent):  # what else ends a call is decided in one place
            raise TypeError(event)
        return event

    def _tell(self, standing: Standing) -> None:
        if standing.kind is Kind.STARTING and not standing.elapsed_s:
            self._starting()
