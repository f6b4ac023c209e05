"""Any local folder of transformers, in a worker process that alone imports torch.

The worker speaks lines of JSON over its own pipes (`torch_worker.py`). Out of memory, a crash or a hang there is one
`EngineFailed` here; the next request starts a new worker. Stop is asked politely first and enforced after a moment.
Engines that differ only by the low-rank adapter of a training run share one worker, so the base is in memory once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from geo_r1_backend.engines.base import EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.engines.torch_shared import SharedWorker, Start, never
from geo_r1_backend.engines.worker_process import Message
from geo_r1_backend.errors import EngineFailed, ModelFailed
from geo_r1_backend.models.learned import ADAPTER_FILE, read_json

SILENCE_LIMIT_S = 300.0
"""A first token that takes longer than this on a CPU is not worth waiting for."""


class TorchEngine:
    """Engine over a folder in the format of transformers.

    Args:
        folder: config.json, *.safetensors, tokenizer and processor files; never code from the folder.
        model_id: what requests call it.
        threads: of the CPU; None = torch's choice.
        silence_limit_s: after so long without a word the worker counts as hung.
        adapter: folder of what a training run has learned: worked with beside the weights, or merged into them where it is no
            low-rank adapter of a Qwen2.5-VL.
        device: `cpu` leaves a GPU alone; None = the fastest that is there.
        precision: float32, bfloat16 or 4-bit; None = the best that fits.
        should_stop: asked while it starts; when it returns true the worker is ended.

    Raises:
        ModelFailed: if the worker does not come up or the adapter is not one of these weights; the reason is its own.
    """

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
        precision: str | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> None:
        self.chosen = ""
        self.profile = read_profile(folder, model_id=model_id)
        self._silence_limit_s = silence_limit_s
        beside = adapter is not None and _works_beside(folder, adapter)
        self._adapter = str(adapter) if beside else ""
        start = Start(folder, threads, None if beside else adapter, device, precision)
        self._worker = SharedWorker.taken(start, self.profile.id, should_stop)
        self._closed = False
        self.best_batch = int(self._worker.loaded.get("best_batch", 1))
        """Rows of the own loop; 1 through transformers' `generate`."""
        if self._adapter:
            try:
                self._exchange({"op": "adapt", "adapter": self._adapter})
            except EngineFailed as error:
                self.close()
                raise ModelFailed(
                    model=self.profile.id, reason=str(error.parameters["reason"])
                ) from error

    def status(self) -> EngineStatus:
        """Name and device of this engine."""
        loaded = self._worker.loaded
        facts = {str(name): str(value) for name, value in loaded.get("facts", {}).items()}
        if self.chosen:
            facts["chosen"] = self.chosen
        if self._worker.slow:
            facts["slow"] = self._worker.slow
        if self._adapter:
            facts["adapter"] = "beside the weights, exchanged for each question"
        return EngineStatus(name="torch", device=str(loaded.get("device", "cpu")), facts=facts)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, or None while there is none."""
        return self._worker.pid

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `base.Engine.generate`; starts a new worker where the last one died."""
        messages = self._worker.asked(
            {
                "op": "generate",
                "adapter": self._adapter,
                "items": [
                    {"prompt": i.prompt, "width_px": i.image.width, "height_px": i.image.height}
                    for i in items
                ],
                "options": asdict(options),
            },
            should_stop,
            blobs=[_pixels(item) for item in items],
            model_id=self.profile.id,
            silence_limit_s=lambda: self._silence_limit_s,
        )
        try:
            for message in messages:
                yield Piece(
                    index=int(message["index"]),
                    text=str(message["text"]),
                    tokens=int(message["tokens"]),
                    finish=message["finish"],
                )
        finally:
            messages.close()  # type: ignore[attr-defined]  # a generator: it stops the worker

    def close(self) -> None:
        """Leave the worker; the last engine ends it."""
        if not self._closed:
            self._closed = True
            self._worker.release()

    def _exchange(self, message: Message) -> None:
        for _ in self._worker.asked(
            message,
            lambda: False,
            model_id=self.profile.id,
            silence_limit_s=lambda: self._silence_limit_s,
        ):
            pass


def _works_beside(folder: Path, adapter: Path) -> bool:
    """Whether an adapter is worked with beside the weights: a low-rank one, of an architecture that the own loop knows."""
    kind = (read_json(folder / "config.json") or {}).get("model_type")
    about = read_json(adapter / ADAPTER_FILE) or {"adaptation": "lora"}
    return kind == "qwen2_5_vl" and about.get("adaptation", "lora") == "lora"


def _pixels(item: EngineItem) -> bytes:
    image = item.image if item.image.mode == "RGB" else item.image.convert("RGB")
    return image.tobytes()
