"""One worker process for all engines over the same weights: started when needed, ended with its last engine, asked one thing at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.engines.worker_process import Message, WorkerProcess
from geo_r1_backend.errors import EngineFailed, ModelFailed

log = logging.getLogger(__name__)

WORKER_MODULE = "geo_r1_backend.engines.torch_worker"
LOAD_LIMIT_S = 600.0
"""A 7B folder on a slow disk takes minutes; longer is a hang."""
STOP_GRACE_S = 0.6
"""How long a worker may take to hear Stop before it is killed; leaving frees the engine within a second."""
POLL_S = 0.05
CLOSE_GRACE_S = 2.0


def never() -> bool:
    """Nobody stops it."""
    return False


@dataclass(frozen=True)
class Start:
    """How a worker is started; engines with the same share it."""

    folder: Path
    threads: int | None = None
    merged: Path | None = None
    """Adapter that is merged into the weights while they are loaded."""
    device: str | None = None
    precision: str | None = None

    @property
    def arguments(self) -> list[str]:
        """Of the command line, beside folder and threads."""
        return [
            *(["--adapter", str(self.merged)] if self.merged else []),
            *(["--device", self.device] if self.device else []),
            *(["--precision", self.precision] if self.precision else []),
        ]


class SharedWorker:
    """The process and who uses it. Take it by `taken`, give it back by `release`."""

    _all: dict[Start, SharedWorker] = {}  # noqa: RUF012 - of the process, on purpose
    _all_lock = threading.Lock()

    def __init__(self, start: Start) -> None:
        self._start_as = start
        self._users = 0
        self._turn = threading.Lock()
        """One request at a time; whoever loads an adapter waits for the answer that is under way."""
        self._requests = 0
        self._worker: WorkerProcess | None = None
        self.loaded: Message = {}
        """What the worker said of itself."""
        self.slow = ""
        """Why the last answer took several times as long as this device needs; empty = it did not."""

    @classmethod
    def taken(
        cls, start: Start, model_id: str, should_stop: Callable[[], bool] = never
    ) -> SharedWorker:
        """The worker of these weights, running.

        Raises:
            ModelFailed: if it does not come up, or should stop before it does; the reason is its own.
        """
        with cls._all_lock:
            worker = cls._all.setdefault(start, cls(start))
            worker._users += 1
        try:
            with worker._turn:
                worker._running(model_id, should_stop)
        except BaseException:
            worker.release()
            raise
        return worker

    def release(self) -> None:
        """One user less; the last one ends the process."""
        with self._all_lock:
            self._users -= 1
            if self._users > 0:
                return
            self._all.pop(self._start_as, None)
        self._end()

    @property
    def pid(self) -> int | None:
        """Process id, or None while there is none."""
        return self._worker.pid if self._worker is not None and self._worker.alive else None

    def asked(
        self,
        message: Message,
        should_stop: Callable[[], bool],
        *,
        model_id: str,
        silence_limit_s: Callable[[], float],
        blobs: Sequence[bytes] = (),
    ) -> Iterator[Message]:
        """Send one request (and bytes behind it) and hand on what the worker says, until it is done or should stop.

        Raises:
            EngineFailed: if the worker cannot be started, fails, dies, or says nothing for too long.
        """
        with self._turn:
            try:
                worker = self._running(model_id)
            except ModelFailed as error:
                reason = str(error.parameters.get("reason"))
                raise EngineFailed(reason, engine="torch", hint=error.hint) from error
            self._requests += 1
            number = self._requests
            worker.send({**message, "id": number}, blobs)
            ended = False
            try:
                for found in self._messages(worker, number, should_stop, silence_limit_s):
                    if found["event"] == "error":
                        ended = True
                        raise EngineFailed(str(found["reason"]), engine="torch")
                    yield found
                ended = True
            finally:
                if not ended and worker.alive:
                    self._stop(worker, number)

    def _running(self, model_id: str, should_stop: Callable[[], bool] = never) -> WorkerProcess:
        if self._worker is not None and self._worker.alive:
            return self._worker
        self._end()
        start = self._start_as
        worker = WorkerProcess(WORKER_MODULE, start.folder, start.threads, start.arguments)
        until_s = time.monotonic() + LOAD_LIMIT_S
        while True:
            message = worker.receive(POLL_S)
            reason = ""
            if message is not None and message["event"] == "loaded":
                self._worker, self.loaded, self.slow = worker, message, ""
                return worker
            if message is not None and message["event"] == "failed":
                reason = str(message["reason"])
            elif not worker.alive:
                reason = worker.obituary()
            elif should_stop():
                reason = "it is not wanted any more"
            elif time.monotonic() > until_s:
                reason = f"loading took longer than {LOAD_LIMIT_S:.0f} s"
            if reason:
                worker.close(0.0)
                raise ModelFailed(model=model_id, reason=reason)

    def _messages(
        self,
        worker: WorkerProcess,
        request: int,
        should_stop: Callable[[], bool],
        silence_limit_s: Callable[[], float],
    ) -> Iterator[Message]:
        """Messages of one request until it is done; ends early when it should stop."""
        heard_s = time.monotonic()
        while not should_stop():
            message = worker.receive(POLL_S)
            if message is not None and message.get("id") == request:
                heard_s = time.monotonic()
                if message["event"] == "done":
                    self._note_slow(str(message.get("slow", "")))
                    return
                yield message
            elif message is None and not worker.alive:
                raise EngineFailed(worker.obituary(), engine="torch")
            elif time.monotonic() - heard_s > silence_limit_s():
                worker.close(0.0)
                reason = f"the worker said nothing for {silence_limit_s():g} s and was ended"
                raise EngineFailed(reason, engine="torch")
        self._stop(worker, request)

    def _note_slow(self, why: str) -> None:
        if why and why != self.slow:
            log.warning("%s answers slower than it could: %s", self._start_as.folder.name, why)
        self.slow = why

    def _stop(self, worker: WorkerProcess, request: int) -> None:
        """Ask the worker to stop; end it if it does not hear (a long prefill cannot)."""
        worker.send({"op": "stop", "id": request})
        until_s = time.monotonic() + STOP_GRACE_S
        while time.monotonic() < until_s and worker.alive:
            message = worker.receive(POLL_S)
            if message is not None and message["event"] in ("done", "error"):
                return
        worker.close(0.0)

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close(CLOSE_GRACE_S)
            self._worker = None
