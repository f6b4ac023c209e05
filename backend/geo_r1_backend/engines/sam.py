"""SAM and SAM 2 checkpoints in the format of transformers as segmenters, in a worker process that alone imports torch.

The worker (`torch_sam.py`) keeps what it saw of the last picture: its further objects cost a fraction of the first. A
worker that dies or hangs is one `EngineFailed`; the next call starts a new one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import json
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.engines.worker_process import Message, WorkerProcess
from geo_r1_backend.errors import EngineFailed, MissingExtra, ModelFailed
from geo_r1_backend.geo.crops import window_around

WORKER_MODULE = "geo_r1_backend.engines.torch_sam"
MODEL_TYPES = ("sam", "sam2", "sam2_video")
"""``model_type`` of config.json; SAM 2.1 is published as `sam2_video`, of which only the part for still pictures is read."""
LOAD_LIMIT_S = 300.0
SILENCE_LIMIT_S = 180.0
"""The picture's encoder takes seconds on a CPU, the largest one a minute; longer is a hang."""
POLL_S = 0.05
CLOSE_GRACE_S = 2.0
MARGIN, SMALLEST_PX = 0.25, 16.0
"""Around a box, of its longer side; SAM's masks are empty beyond, like those of the embedded segmenter."""


def sam_kind(folder: Path) -> str | None:
    """The ``model_type`` of a SAM checkpoint, or None where the folder holds none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        return str(kind) if kind in MODEL_TYPES else None
    return None


class SamSegmenter:
    """A `Segmenter` over a folder with config.json and *.safetensors; never code or pickles from the folder.

    Args:
        folder: the checkpoint.
        threads: of the CPU.
        silence_limit_s: after so long without a word the worker counts as hung.

    Raises:
        MissingExtra: if torch or transformers is not installed.
        ModelFailed: if there are no weights, or the worker cannot load them; the reason is its own.
    """

    def __init__(
        self, folder: Path, threads: int, *, silence_limit_s: float = SILENCE_LIMIT_S
    ) -> None:
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise MissingExtra(extra="torch", package=package, what="A SAM checkpoint")
        if not any(folder.glob("*.safetensors")):
            raise ModelFailed(
                model=folder.name,
                reason=f"no weights (*.safetensors) in {folder}",
                hint="Pickled weights (.bin, .pt) are not read, because they can run code: convert them.",
            )
        self.name = f"{sam_kind(folder)} ({folder.name})"
        self.device = ""
        self._folder, self._threads, self._silence_limit_s = folder, threads, silence_limit_s
        self._requests = 0
        self._shown = ""
        self._worker = self._started()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, or None while there is none."""
        return self._worker.pid if self._worker.alive else None

    def segment(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        """One mask per prompt, see `engines.segmenter.Segmenter`.

        Raises:
            ValueError: if the image is not ``(height, width, 3)`` uint8, or a box is none.
            EngineFailed: if the worker fails, dies or hangs.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            message = f"the image is {image.shape} {image.dtype}, not (height, width, 3) uint8"
            raise ValueError(message)
        windows = [window_around(prompt.box_px, MARGIN, SMALLEST_PX) for prompt in prompts]
        if not prompts:
            return []
        found = self._asked(image, prompts)
        height, width = image.shape[:2]
        across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
        masks = []
        for packed, window in zip(found, windows, strict=True):
            bits = np.unpackbits(
                np.frombuffer(base64.b64decode(packed), np.uint8), count=height * width
            )
            mask = bits.reshape(height, width).astype(bool)
            mask[~((down >= window.y_px) & (down < window.y_px + window.side_px))] = False
            mask[:, ~((across >= window.x_px) & (across < window.x_px + window.side_px))] = False
            masks.append(mask)
        return masks

    def close(self) -> None:
        """End the worker."""
        self._worker.close(CLOSE_GRACE_S)

    def _asked(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[str]:
        if not self._worker.alive:
            self._restart()
        pixels = np.ascontiguousarray(image).tobytes()
        height, width = image.shape[:2]
        key = f"{hashlib.sha256(pixels).hexdigest()} {width} {height}"
        self._requests += 1
        request: Message = {
            "op": "segment",
            "id": self._requests,
            "boxes": [[float(value) for value in prompt.box_px] for prompt in prompts],
            "points": [[list(map(float, point)) for point in p.points_px] for p in prompts],
        }
        if key != self._shown:
            rgb = base64.b64encode(pixels).decode("ascii")
            request |= {"width_px": width, "height_px": height, "rgb": rgb}
        self._shown = ""  # until it has answered, nobody knows what it saw
        self._worker.send(request)
        answer = self._answer()
        if answer["event"] == "error":
            raise EngineFailed(str(answer["reason"]), engine=self.name)
        self._shown = key
        return [str(mask) for mask in answer["masks"]]

    def _answer(self) -> Message:
        until_s = time.monotonic() + self._silence_limit_s
        while True:
            message = self._worker.receive(POLL_S)
            if message is not None and message.get("id") == self._requests:
                return message
            if message is None and not self._worker.alive:
                raise EngineFailed(self._worker.obituary(), engine=self.name)
            if time.monotonic() > until_s:
                self._worker.close(0.0)
                reason = f"the worker said nothing for {self._silence_limit_s:g} s and was ended"
                raise EngineFailed(reason, engine=self.name)

    def _restart(self) -> None:
        self._worker.close(0.0)
        self._shown = ""
        try:
            self._worker = self._started()
        except ModelFailed as error:
            reason = str(error.parameters.get("reason"))
            raise EngineFailed(reason, engine=self.name, hint=error.hint) from error

    def _started(self) -> WorkerProcess:
        worker = WorkerProcess(WORKER_MODULE, self._folder, self._threads)
        until_s = time.monotonic() + LOAD_LIMIT_S
        reason = ""
        while not reason:
            message = worker.receive(POLL_S)
            if message is not None and message["event"] == "loaded":
                self.device = str(message["device"])
                # whoever forgets to close must not leave a process behind
                weakref.finalize(self, worker.close, 0.0)
                return worker
            if message is not None and message["event"] == "failed":
                reason = str(message["reason"])
            elif not worker.alive:
                reason = worker.obituary()
            elif time.monotonic() > until_s:
                reason = f"loading took longer than {LOAD_LIMIT_S:.0f} s"
        worker.close(0.0)
        raise ModelFailed(model=self._folder.name, reason=reason)
