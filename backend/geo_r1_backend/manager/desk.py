"""The downloads of one service: each on a thread of its own, going on whoever listens, found again by whoever comes back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from geo_r1_backend.errors import (
    Cancelled,
    FetchActive,
    FetchUnknown,
    GeoR1Error,
    Internal,
    QueueFull,
    storage_faults,
)
from geo_r1_backend.manager.hub_access import Access
from geo_r1_backend.manager.parts import Parts, all_parts, fetch_id
from geo_r1_backend.models_wire import (
    FetchErrorEvent,
    FetchInfo,
    FetchList,
    FetchProgressEvent,
    FetchRequest,
    FetchResultEvent,
    FetchStoppedEvent,
)

log = logging.getLogger(__name__)

AT_ONCE = 4
"""More share one line and are not faster."""
ENDS_WITHIN_S = 5.0

Final = FetchResultEvent | FetchStoppedEvent | FetchErrorEvent


class Fetch:
    """One download that goes on, or has ended."""

    def __init__(self, access: Access, data_folder: Path, request: FetchRequest) -> None:
        self.request = request
        self.id = fetch_id(request.repository, request.commit)
        self._access = access
        self._data_folder = data_folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fetch", daemon=True)
        self.progress = FetchProgressEvent(0, request.size_bytes, "asking")
        self.final: Final | None = None
        self.version = 0
        """Rises whenever there is something new to tell."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.final is None

    def stop(self) -> None:
        """End it within a second; what has come stays."""
        self._stop.set()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(ENDS_WITHIN_S)

    def _tell(self, progress: FetchProgressEvent) -> None:
        self.progress = progress
        self.version += 1

    def _work(self) -> None:
        # deferred: most services fetch nothing, and every start waits for its imports
        from geo_r1_backend.manager.fetch import fetch

        final: Final
        try:
            model = fetch(
                self._access, self._data_folder, self.request, self._tell, self._stop.is_set
            )
            final = FetchResultEvent(model)
            log.info("fetched %s as %s", self.request.repository, model)
        except Cancelled:
            final = FetchStoppedEvent(self.progress.done_bytes)
        except GeoR1Error as error:
            log.info("fetching %s: %s", self.request.repository, error.code)
            final = FetchErrorEvent(error.to_body())
        except Exception:  # border: a fault of ours must be heard by whoever waits
            log.exception("fetching %s", self.request.repository)
            final = FetchErrorEvent(Internal().to_body())
        self.final = final
        self.version += 1


class FetchDesk:
    """Owner of the downloads of one service.

    Args:
        data_folder: whose folder ``models`` they go to.
        access: asked for hub and token at each start.
    """

    def __init__(self, data_folder: Path, access: Callable[[], Access]) -> None:
        self._data_folder = data_folder
        self._models = data_folder / "models"
        self._access = access
        self._fetches: dict[str, Fetch] = {}
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether any goes on."""
        return any(one.is_running for one in list(self._fetches.values()))

    def begin(self, request: FetchRequest) -> Fetch:
        """The download that was agreed to: the one that goes on, or a new one.

        Raises:
            QueueFull: if too many go on.
            ConfigError: see `find_access`.
        """
        with self._lock:
            name = fetch_id(request.repository, request.commit)
            known = self._fetches.get(name)
            if known is not None and known.is_running and known.request == request:
                return known
            if known is not None and known.is_running:
                raise FetchActive(repository=request.repository)
            if sum(one.is_running for one in self._fetches.values()) >= AT_ONCE:
                raise QueueFull(limit=AT_ONCE)
            made = Fetch(self._access(), self._data_folder, request)
            self._fetches[name] = made
            made.start()
            return made

    def list(self) -> FetchList:
        """What goes on, and what was cut off and can go on."""
        infos = []
        for parts in all_parts(self._models):
            try:
                infos.append(self._info(parts))
            except FetchUnknown:
                continue  # finished or forgotten meanwhile
        there = {info.id for info in infos}
        # just begun: nothing of it is written down yet
        infos += [
            FetchInfo(
                id=one.id,
                repository=one.request.repository,
                revision=one.request.revision,
                commit=one.request.commit,
                state="running",
                done_bytes=0,
                size_bytes=one.request.size_bytes,
                base=one.request.base,
            )
            for one in list(self._fetches.values())
            if one.is_running and one.id not in there
        ]
        return FetchList(infos)

    def stop(self, name: str) -> FetchInfo:
        """End a download; what has come stays.

        Raises:
            FetchUnknown: if there is none.
        """
        one = self._fetches.get(name)
        if one is not None and one.is_running:
            one.stop()
            one.join()
        parts = Parts(self._models, name)
        if not parts.is_there and one is not None:  # stopped before it had begun to write
            request = one.request
            return FetchInfo(
                name,
                request.repository,
                request.revision,
                request.commit,
                "stopped",
                0,
                request.size_bytes,
            )
        return self._info(parts)

    def forget(self, name: str) -> FetchInfo:
        """Remove what has come of a download that does not go on; the answer is what it was.

        Raises:
            FetchUnknown: if there is none.
            FetchActive: if it goes on, here or in another program.
        """
        parts = Parts(self._models, name)
        info = self._info(parts)
        if info.state == "running":
            raise FetchActive(repository=info.repository)
        with storage_faults(self._data_folder):
            parts.remove()
        self._fetches.pop(name, None)
        return info

    def close(self) -> None:
        """End all of them; what has come stays."""
        for one in list(self._fetches.values()):
            one.stop()
        for one in list(self._fetches.values()):
            one.join()

    def _info(self, parts: Parts) -> FetchInfo:
        one = self._fetches.get(parts.id)
        running = (one is not None and one.is_running) or parts.is_held
        info = parts.info(is_running=running)
        if one is not None and isinstance(one.final, FetchErrorEvent):
            return FetchInfo(**{**vars(info), "state": "failed", "error": one.final.error})
        return info
