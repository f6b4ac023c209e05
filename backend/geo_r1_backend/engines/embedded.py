"""Starts a model with ONNX graphs on the processor, or where it answers soonest on a machine with a GPU (`quickest.py`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime

from geo_r1_backend.engines import quickest
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.quickest import ON_CPU, ONNX_CUDA, TORCH_CUDA, Chosen, Measured, Way
from geo_r1_backend.engines.same_boxes import SameBoxes
from geo_r1_backend.errors import ModelFailed

if TYPE_CHECKING:
    from geo_r1_backend.engines.base import Engine
    from geo_r1_backend.models.arithmetic import Arithmetic
    from geo_r1_backend.models.registry import ModelFolder


def start_embedded(
    model: ModelFolder, *, threads: int | None, arithmetic: Arithmetic, device: str, kept: Path
) -> tuple[Engine, dict[str, str]]:
    """The engine, and why a way of running it was not possible.

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
    ways = quickest.possible_ways(onnxruntime.get_available_providers(), gpu=quickest.has_gpu())
    if device == "cuda":
        ways = ways[1:]
        if not ways:
            raise ModelFailed(
                model=model.id,
                reason="no GPU can run it here",
                hint="That needs a card of NVIDIA's with its driver, and either the package onnxruntime-gpu (in place of onnxruntime) with onnx, "
                "or torch with transformers. Or start the service with --device auto.",
            )
    elif len(ways) == 1:
        return OnnxEngine(model.folder, threads, arithmetic), {}
    measured = Measured(kept / f"{model.id}.json", quickest.about(model.folder))
    measured.read()
    start = partial(_start, model, threads, kept)
    ask = quickest.short_question(model.folder)
    check = SameBoxes(model.folder, partial(start, ON_CPU))
    engine, way = quickest.quickest(ways, measured, start, ask, check=check)
    engine.chosen = f"{way.name}; {measured.words}"
    if TORCH_CUDA in ways and not measured.knows(TORCH_CUDA):
        quickest.try_later(TORCH_CUDA, measured, start, ask, check=check)
    return engine, {name: why for name, why in measured.failed.items() if name != way.name}


def _start(model: ModelFolder, threads: int | None, kept: Path, way: Way) -> Chosen:
    if way == ON_CPU:
        return OnnxEngine(model.folder, threads)
    if way == ONNX_CUDA:
        return OnnxEngine(model.folder, threads, "float16", device="cuda")
    # deferred: only where torch runs it
    from geo_r1_backend.engines.torch_engine import TorchEngine

    digest = quickest.about(model.folder)["model"] or "unnamed"
    stock = quickest.stock_folder(model.folder, kept / f"{model.id}-{digest}")
    return TorchEngine(
        stock, model_id=model.id, threads=threads, device="cuda", precision="float32"
    )
