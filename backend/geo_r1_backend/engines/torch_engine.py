"""Any local Qwen2.5-VL folder through transformers, in a worker process that alone imports torch.

The worker speaks lines of JSON over its own pipes (`torch_worker.py`). Out of memory, a crash or a hang there is one
`EngineFailed` here; the next request starts a new worker. Stop is asked politely first and enforced after a moment.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.engines.worker_process import Message, WorkerProcess
from geo_r1_backend.errors import EngineFailed, ModelFailed

WORKER_MODULE = "geo_r1_backend.engines.torch_worker"
LOAD_LIMIT_S = 600.0
"""A 7B folder on a slow disk takes minutes; longer is a hang."""
SILENCE_LIMIT_S = 300.0
"""A first token that takes longer than this on a CPU is not worth waiting for."""
STOP_GRACE_S = 0.6
"""How long a worker may take to hear Stop before it is killed; leaving frees the engine within a second."""
POLL_S = 0.05
CLOSE_GRACE_S = 2.0


class TorchEngine:
    """Engine over a folder in the format of transformers.

    Args:
        folder: config.json, *.safetensors, tokenizer and processor files; never code from the folder.
        model_id: what requests call it.
        threads: of the CPU; None = torch's choice.
        silence_limit_s: after so long without a word the worker counts as hung.
        adapter: folder of what a training run has learned, added to the weights.
        device: `cpu` leaves a GPU alone; None = the fastest that is there.

    Raises:
        ModelFailed: if the worker does not come up; the reason is its own.
    """

    best_batch = 1
    nests = False

    def __init__(
        self,
        folder: Path,
        *,
        model_id: str = "",
        threads: int | None = None,
        silence_limit_s: float = SILENCE_LIMIT_S,
        adapter: Path | None = None,
        device: str | None = None,
    ) -> None:
        self.profile = read_profile(folder, model_id=model_id)
        self._folder = folder
        self._threads = threads
        self._silence_limit_s = silence_limit_s
        self._more = [
            *(["--adapter", str(adapter)] if adapter else []),
            *(["--device", device] if device else []),
        ]
        self._requests = 0
        self._worker: WorkerProcess | None = None
        self._loaded: Message = {}
        self._start()

    def status(self) -> EngineStatus:
        """Name and device of this engine."""
        facts = {str(name): str(value) for name, value in self._loaded.get("facts", {}).items()}
        return EngineStatus(
            name="torch", device=str(self._loaded.get("device", "cpu")), facts=facts
        )

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, or None while there is none."""
        return self._worker.pid if self._worker is not None and self._worker.alive else None

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `base.Engine.generate`; starts a new worker where the last one died."""
        worker = self._running_worker()
        self._requests += 1
        request = self._requests
        worker.send(
            {
                "op": "generate",
                "id": request,
                "items": [_item_message(item) for item in items],
                "options": asdict(options),
            }
        )
        ended = False
        try:
            for message in self._messages(worker, request, should_stop):
                if message["event"] == "piece":
                    yield Piece(
                        index=int(message["index"]),
                        text=str(message["text"]),
                        tokens=int(message["tokens"]),
                        finish=message["finish"],
                    )
                elif message["event"] == "error":
                    ended = True
                    raise EngineFailed(str(message["reason"]), engine="torch")
            ended = True
        finally:
            if not ended and worker.alive:
                self._stop(worker, request)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close(CLOSE_GRACE_S)
            self._worker = None

    def _start(self) -> None:
        worker = WorkerProcess(WORKER_MODULE, self._folder, self._threads, self._more)
        until_s = time.monotonic() + LOAD_LIMIT_S
        while True:
            message = worker.receive(POLL_S)
            if message is not None and message["event"] == "loaded":
                self._worker, self._loaded = worker, message
                return
            if message is not None and message["event"] == "failed":
                worker.close(0.0)
                raise ModelFailed(model=self.profile.id, reason=str(message["reason"]))
            if not worker.alive:
                reason = worker.obituary()
                worker.close(0.0)
                raise ModelFailed(model=self.profile.id, reason=reason)
            if time.monotonic() > until_s:
                worker.close(0.0)
                reason = f"loading took longer than {LOAD_LIMIT_S:.0f} s"
                raise ModelFailed(model=self.profile.id, reason=reason)

    def _running_worker(self) -> WorkerProcess:
        if self._worker is None or not self._worker.alive:
            self.close()
            try:
                self._start()
            except ModelFailed as error:
                reason = str(error.parameters.get("reason"))
                raise EngineFailed(reason, engine="torch", hint=error.hint) from error
        if self._worker is None:
            raise EngineFailed("the worker did not start", engine="torch")
        return self._worker

    def _messages(
        self, worker: WorkerProcess, request: int, should_stop: Callable[[], bool]
    ) -> Iterator[Message]:
        """Messages of one request until it is done; ends early when it should stop."""
        heard_s = time.monotonic()
        while not should_stop():
            message = worker.receive(POLL_S)
            if message is not None and message.get("id") == request:
                heard_s = time.monotonic()
                if message["event"] == "done":
                    return
                yield message
            elif message is None and not worker.alive:
                raise EngineFailed(worker.obituary(), engine="torch")
            elif time.monotonic() - heard_s > self._silence_limit_s:
                worker.close(0.0)
                reason = f"the worker said nothing for {self._silence_limit_s:g} s and was ended"
                raise EngineFailed(reason, engine="torch")
        self._stop(worker, request)

    def _stop(self, worker: WorkerProcess, request: int) -> None:
        """Ask the worker to stop; end it if it does not hear (a long prefill cannot)."""
        worker.send({"op": "stop", "id": request})
        until_s = time.monotonic() + STOP_GRACE_S
        while time.monotonic() < until_s and worker.alive:
            message = worker.receive(POLL_S)
            if message is not None and message["event"] in ("done", "error"):
                return
        worker.close(0.0)


def _item_message(item: EngineItem) -> Message:
    image = item.image if item.image.mode == "RGB" else item.image.convert("RGB")
    return {
        "prompt": item.prompt,
        "width_px": image.width,
        "height_px": image.height,
        "rgb": base64.b64encode(image.tobytes()).decode("ascii"),
    }
