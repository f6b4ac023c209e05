"""Starts a model with ONNX graphs on the processor, or where it answers soonest on a machine with a GPU (`quickest.py`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from geo_r1_backend.engines import quickest, ways
from geo_r1_backend.engines.handover import HandingOver
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.quickest import Chosen
from geo_r1_backend.engines.same_boxes import SameBoxes
from geo_r1_backend.engines.ways import ON_CPU, ONNX_CUDA, Measured, Way
from geo_r1_backend.errors import ModelFailed

if TYPE_CHECKING:
    from geo_r1_backend.engines.base import Engine
    from geo_r1_backend.models.arithmetic import Arithmetic
    from geo_r1_backend.models.registry import ModelFolder

WAIT_S = 5.0
"""Before a way that nobody knows yet is tried in the background: whoever opened QGIS asks first."""


def start_embedded(
    model: ModelFolder, *, threads: int | None, arithmetic: Arithmetic, device: str, kept: Path
) -> tuple[Engine, dict[str, str]]:
    """The engine, and why a way of running it was not possible. Where torch may be the quickest, another one answers until it is there.

    Args:
        model: a folder with graphs.
        threads: of the processor.
        arithmetic: int8 is for processors, so it decides the device.
        device: `auto` = the quickest; `cuda` = a GPU or an error; `cpu`.
        kept: folder for what was measured, and for the weights as torch reads them.

    Raises:
        ModelFailed: if it does not start, or a GPU was asked for and there is none.
    """
    if device == "cpu" or model.on_cpu or arithmetic == "int8":
        return OnnxEngine(model.folder, threads, arithmetic), {}
    possible = ways.possible_ways(onnxruntime.get_available_providers(), gpu=ways.has_gpu())
    if device == "cuda":
        possible = possible[1:]
        if not possible:
            raise ModelFailed(
                model=model.id,
                reason="no GPU can run it here",
                hint="That needs a card of NVIDIA's with its driver, and either the package onnxruntime-gpu (in place of onnxruntime) with onnx, "
                "or torch with transformers. Or start the service with --device auto.",
            )
    elif len(possible) == 1:
        return OnnxEngine(model.folder, threads, arithmetic), {}
    measured = Measured(kept / f"{model.id}.json", ways.about(model.folder))
    measured.read()
    start = partial(_start, model, threads, kept)
    ask = quickest.short_question(model.folder)
    check = SameBoxes(model.folder, partial(start, ON_CPU))
    later = [way for way in possible[1:] if way.engine == "torch"]
    first, way = quickest.quickest(possible, measured, start, ask, check=check, later=later)
    first.chosen = f"{way.name}; {measured.words}"
    refused = {name: why for name, why in measured.failed.items() if name != way.name}
    if not later or (measured.knows(later[0]) and measured.best(possible)[0] != later[0]):
        return first, refused

    def prepare(should_stop: Callable[[], bool]) -> Chosen | None:
        starts = partial(start, should_stop=should_stop)
        torch = quickest.start_later(
            later[0], possible, measured, starts, ask, should_stop, check=check
        )
        taken = (torch, later[0]) if torch is not None else (first, way)
        taken[0].chosen = f"{taken[1].name}; {measured.words}"
        return torch

    wait_s = 0.0 if measured.knows(later[0]) else WAIT_S
    return HandingOver(first, prepare, f"{later[0].name} is being started", wait_s=wait_s), refused


def _start(
    model: ModelFolder,
    threads: int | None,
    kept: Path,
    way: Way,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Chosen:
    if way == ON_CPU:
        return OnnxEngine(model.folder, threads)
    if way == ONNX_CUDA:
        return OnnxEngine(model.folder, threads, "float16", device="cuda")
    # deferred: only where torch runs it
    from geo_r1_backend.engines.torch_engine import TorchEngine

    digest = ways.about(model.folder)["model"] or "unnamed"
    stock = quickest.stock_folder(model.folder, kept / f"{model.id}-{digest}")
    return TorchEngine(
        stock,
        model_id=model.id,
        threads=threads,
        device=way.device,
        precision="float32",
        should_stop=should_stop,
    )
