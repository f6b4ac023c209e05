"""The same calls for a thread that may wait: a Processing algorithm's own, or the main one under `qgis_process`.

Nothing here speaks HTTP or judges a service: each method starts, on the main thread, the object that the dock starts.
On the main thread itself an event loop of its own turns meanwhile; any other thread sleeps, touches no socket (why:
`main_thread.py`), and is told what happens one thing after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject

from ..core import training_wire as tw
from ..core import wire
from ..core.settings import Settings
from ..core.standing import Kind, Standing, service_error
from . import main_thread
from .access import AccessKeeper
from .client import Pending
from .connection import Connection
from .dataset_call import DatasetCall
from .ground_call import GroundCall
from .run_stream import RunStream
from .training_client import TrainingClient
from .wait import Left, Wait

__all__ = ["BlockingService", "Left"]

Progress = Callable[[int, int], None]
Take = Callable[[wire.Event], object]
Begin = Callable[[Wait], Callable[[], object]]
"""Starts a call on the main thread, has it end or fail the wait, and returns what calls it off."""


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
        self._settings, self._access = settings, access
        self._wants_to_leave = wants_to_leave
        self._starting = starting
        self._is_connected = False
        # of the main thread alone, made and dropped there
        self._root: Optional[QObject] = None
        self._connection: Optional[Connection] = None
        self._client: Optional[TrainingClient] = None

    def __enter__(self) -> BlockingService:
        return self

    def __exit__(self, *_: object) -> None:
        self.reconnect()

    def connect(self) -> None:
        """Find the service, or start it, if that was not done.

        Raises:
            GeoR1Error: why there is none that can be asked.
        """
        if self._is_connected:
            return

        def begin(wait: Wait) -> Callable[[], object]:
            self._root = QObject()
            self._connection = Connection(self._settings, self._root, access=self._access)

            def changed(standing: Standing) -> None:
                if standing.kind is Kind.STARTING and not standing.elapsed_s:
                    wait.tell(self._starting)

            def settled(standing: Standing) -> None:
                if standing.can_ask:
                    self._client = TrainingClient(standing.endpoint, self._root)
                wait.end(standing)

            self._connection.standing_changed.connect(changed)
            self._connection.settled.connect(settled)
            self._connection.connect_service(may_start=self._settings.start_service)
            return self._close

        standing: Standing = self._through(begin)
        if not standing.can_ask:
            self.reconnect()
            raise standing.refusal
        self._is_connected = True

    def reconnect(self) -> None:
        """Look for the service anew with the next call: it may have been started again, elsewhere."""
        self._is_connected = False
        main_thread.do_there(self._close)

    def answer(
        self,
        ask: Callable[[TrainingClient], Pending],
        wants_to_leave: Optional[Callable[[], bool]] = None,
    ) -> Any:
        """The value of the answer to what `ask` sends; it is called on the main thread.

        Raises:
            GeoR1Error: what went wrong on the way, or what the service said.
        """

        def begin(wait: Wait) -> Callable[[], object]:
            pending = ask(self._client)
            pending.arrived.connect(wait.end)
            pending.failed.connect(wait.fail)
            return pending.abort

        self.connect()
        return self._through(begin, wants_to_leave)

    def make_dataset(
        self, request: tw.DatasetRequest, path_of: Callable[[str], Path], progress: Progress
    ) -> tw.DatasetInfo:
        """Send the chips that the service lacks, then the samples.

        Raises:
            GeoR1Error: what went wrong on the way, or what the service said.
        """

        def begin(wait: Wait) -> Callable[[], object]:
            call = DatasetCall(self._client, request, path_of)
            call.progress.connect(lambda done, of: wait.tell(progress, done, of))
            call.arrived.connect(wait.end)
            call.failed.connect(wait.fail)
            call.start()
            return call.abort

        self.connect()
        made: tw.DatasetInfo = self._through(begin)
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

        def begin(wait: Wait) -> Callable[[], object]:
            stream = RunStream(self._client, run, after)
            stream.event_read.connect(lambda event: wait.tell(take, event))
            stream.ended.connect(wait.end)
            stream.failed.connect(wait.fail)
            stream.start()
            return stream.abort

        self.connect()
        self._through(begin, wants_to_leave)

    def ground_many(
        self, request: wire.GroundRequest, images: Dict[str, bytes], take: Take
    ) -> None:
        """Hand each event of a request to `take` as it comes, until every item has its final one.

        Raises:
            GeoR1Error: what went wrong on the way; items that were answered before have been taken.
        """

        def begin(wait: Wait) -> Callable[[], object]:
            call = GroundCall(self._client, request, images)
            call.event_read.connect(lambda event: wait.tell(take, event))
            call.ended.connect(wait.end)
            call.failed.connect(wait.fail)
            call.start()
            return call.abort

        self.connect()
        self._through(begin)

    def ground(self, request: wire.GroundRequest, images: Dict[str, bytes]) -> wire.ResultEvent:
        """The result of a request with one item.

        Raises:
            GeoR1Error: what went wrong on the way, or why the service did not answer.
        """
        final: List[wire.Event] = []

        def take(event: wire.Event) -> None:
            if isinstance(event, (wire.ResultEvent, wire.ErrorEvent)):
                final.append(event)

        self.ground_many(request, images, take)
        event = final[-1]
        if isinstance(event, wire.ErrorEvent):
            raise service_error(event.error)
        if not isinstance(event, wire.ResultEvent):  # what else ends a call is decided in one place
            raise TypeError(event)
        return event

    def _through(self, begin: Begin, wants_to_leave: Optional[Callable[[], bool]] = None) -> Any:
        """Begin on the main thread and hold this one until it is over; call it off if that is left early."""
        wait = Wait()
        calling_off: List[Callable[[], object]] = []  # filled, used and emptied on the main thread
        has_left: List[bool] = []

        def start() -> None:
            if has_left:
                return
            try:
                calling_off.append(begin(wait))
            except Exception as error:  # border: nobody else would tell the thread that waits
                wait.fail(error)

        def leave() -> None:
            has_left.append(True)
            if calling_off and not wait.is_over:
                calling_off[0]()
            calling_off.clear()

        wants_to_leave = wants_to_leave or self._wants_to_leave
        if not main_thread.do_there(start):  # nobody would ever end the wait
            if wants_to_leave():
                raise Left
            raise RuntimeError("errands of the main thread have not begun, or have ended")
        try:
            return wait.hold(wants_to_leave)
        finally:
            main_thread.do_there(leave)

    def _close(self) -> None:
        """Close and drop everything of the main thread."""
        root, connection = self._root, self._connection
        self._root = self._connection = self._client = None
        if connection is None or root is None:
            return
        connection.close()
        sip.delete(root)
