"""One device, two uses: while a run trains, a question shares its device, goes to the processor, or is told how long it takes.

A question never waits for a run. The embedded model answers on the processor and always can; a large model needs a GPU's memory,
which is measured, not guessed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.errors import DeviceBusy
from geo_r1_backend.models.registry import ModelFolder

GIB = 1 << 30
GPU_ROOM = 1.15
"""Of the weights, and `GPU_MORE_BYTES` for caches and the runtime itself."""
GPU_MORE_BYTES = int(1.5 * GIB)
CPU_ROOM = 2.2
"""Weights of 16 bits are 32 on a processor."""
SMI_S = 5.0


@dataclass(frozen=True)
class Training:
    """The run that has a process now."""

    run: str
    device: str
    remaining_s: float | None


@dataclass(frozen=True)
class Place:
    """Where a model may answer."""

    on_cpu: bool = False
    """Whether it must leave a GPU alone that it would otherwise take."""
    note: str = ""
    """What whoever asks should know; empty = nothing."""


class Arbiter:
    """Decides where a model answers while a run trains.

    Args:
        training: the run that trains now, or None.
        free_gpu_bytes: measured; None where it cannot be measured.
        free_bytes: of main memory, the same.
    """

    def __init__(
        self,
        training: Callable[[], Training | None],
        *,
        free_gpu_bytes: Callable[[], int | None] | None = None,
        free_bytes: Callable[[], int | None] | None = None,
    ) -> None:
        self._training = training
        self._free_gpu_bytes = free_gpu_bytes or measure_free_gpu
        self._free_bytes = free_bytes or measure_free

    def place(self, model: ModelFolder, *, device: str | None = None) -> Place:
        """Where this model answers.

        Args:
            model: not loaded yet, unless ``device`` says where.
            device: of its engine, if it is loaded.

        Raises:
            DeviceBusy: if it fits neither beside the run nor into main memory.
        """
        training = self._training()
        if training is None or model.kind == "remote":
            return Place()
        left = _left(training.remaining_s)
        if training.device == "cpu":
            if device not in (None, "cpu"):
                return Place()
            return Place(note=f"A training run shares the processor, so answers take longer{left}.")
        if model.kind == "onnx" or device == "cpu":
            return Place(on_cpu=device == "cpu")
        if device is not None:
            return Place(note=f"A training run shares the GPU, so answers take longer{left}.")
        return self._beside(model, training, left)

    def _beside(self, model: ModelFolder, training: Training, left: str) -> Place:
        """A large model that is not loaded, while a run has the GPU."""
        weights_bytes = sum(path.stat().st_size for path in model.folder.glob("*.safetensors"))
        need_bytes = int(weights_bytes * GPU_ROOM) + GPU_MORE_BYTES
        free_bytes = self._free_gpu_bytes()
        if free_bytes is None or free_bytes >= need_bytes:
            return Place(note=f"A training run shares the GPU, so answers take longer{left}.")
        main_bytes = self._free_bytes()
        if main_bytes is not None and main_bytes < weights_bytes * CPU_ROOM:
            raise DeviceBusy(
                model=model.id,
                run=training.run,
                need_gib=round(need_bytes / GIB, 1),
                free_gib=round(free_bytes / GIB, 1),
                remaining_s=training.remaining_s,
            )
        return Place(
            on_cpu=True,
            note=(
                f"A training run has the GPU ({free_bytes / GIB:.1f} GiB free, {need_bytes / GIB:.1f} needed): "
                f"the processor answers, much more slowly{left}."
            ),
        )


def _left(remaining_s: float | None) -> str:
    if remaining_s is None:
        return ""
    if remaining_s < 90:
        return f"; about {max(1, round(remaining_s))} s of it are left"
    return f"; about {round(remaining_s / 60)} min of it are left"


def measure_free_gpu() -> int | None:
    """Free memory of the GPU that has most of it, or None where nvidia-smi does not say."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    question = ["--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(  # noqa: S603 - found in PATH, fixed words
            [program, *question], capture_output=True, text=True, timeout=SMI_S, check=True
        ).stdout
        return max(int(line) for line in told.splitlines() if line.strip()) * (1 << 20)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def measure_free() -> int | None:
    """Memory that can be had without swapping, where the system says so in /proc."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None
