"""Which engine runs a model here, with the reason why each other one was refused; and its start."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from geo_r1_backend.errors import GeoR1Error, ModelFailed

if TYPE_CHECKING:
    from geo_r1_backend.engines.base import Engine
    from geo_r1_backend.models.arithmetic import Arithmetic
    from geo_r1_backend.models.registry import ModelFolder


@dataclass(frozen=True)
class Selection:
    """The engine of a model, and why not the others.

    Example:
        >>> select_engine(a_transformers_folder).refused
        {'onnx': 'the folder has no vision.onnx and decoder.onnx'}
    """

    engine: str
    refused: dict[str, str] = field(default_factory=dict)


def select_engine(model: ModelFolder) -> Selection:
    """First engine that can run this model here.

    Raises:
        ModelFailed: if none can; the reasons are in it.
    """
    refused: dict[str, str] = {}
    if model.kind == "broken":
        raise ModelFailed(model=model.id, reason=model.note or "its folder is damaged")
    if model.kind == "remote":
        return Selection("remote", refused)
    if model.kind != "onnx":
        refused["onnx"] = "the folder has no vision.onnx and decoder.onnx"
    elif not _installed("onnxruntime"):
        refused["onnx"] = "the package onnxruntime is not installed"
    else:
        return Selection("onnx", refused)
    if model.kind != "transformers":
        refused["torch"] = "the folder is not in the format of transformers"
    elif missing := [name for name in ("torch", "transformers") if not _installed(name)]:
        refused["torch"] = f"the package {' and '.join(missing)} is not installed"
    else:
        return Selection("torch", refused)
    reasons = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
    raise ModelFailed(
        model=model.id,
        reason=reasons,
        hint="For folders of transformers install the extra: pip install “geo-r1-backend[torch]”.",
    )


def load_engine(
    model: ModelFolder,
    *,
    threads: int | None = None,
    arithmetic: Arithmetic = "float32",
    device: str = "cpu",
    kept: Path | None = None,
) -> tuple[Engine, Selection]:
    """Start the engine that was selected; takes from a tenth of a second (onnx) to a minute (torch).

    Args:
        model: any.
        threads: of the processor.
        arithmetic: of models with ONNX graphs on a processor; torch takes what fits (`fitting.py`), bfloat16 before 4-bit on a GPU.
        device: of models with ONNX graphs: `cpu`, `cuda`, or `auto` for the quickest; torch takes a GPU where there is one.
        kept: folder for what is measured about a GPU; None = models with ONNX graphs stay on the processor.

    Raises:
        ModelFailed: if it does not start.
    """
    selection = select_engine(model)
    engine: Engine
    try:
        # deferred: each engine brings its own runtime, and the server needs one of them
        if selection.engine == "onnx":
            from geo_r1_backend.engines.embedded import start_embedded

            engine, refused = start_embedded(
                model,
                threads=threads,
                arithmetic=arithmetic,
                device=device if kept is not None else "cpu",
                kept=kept or Path(),
            )
            selection.refused.update(refused)
        elif model.remote is not None:
            from geo_r1_backend.engines.remote import RemoteEngine

            engine = RemoteEngine(model.remote, model_id=model.id, title=model.title)
        else:
            from geo_r1_backend.engines.torch_engine import TorchEngine

            engine = TorchEngine(
                model.folder,
                model_id=model.id,
                threads=threads,
                adapter=model.adapter,
                device="cpu" if model.on_cpu else None,
            )
    except GeoR1Error:
        raise
    except Exception as error:  # border: loading runs other people's code on the user's files
        reason = f"{type(error).__name__}: {error}"
        raise ModelFailed(model=model.id, reason=reason) from error
    if model.run:
        # its folder carries the name of what it was made from
        engine.profile = replace(engine.profile, id=model.id, title=model.title)
    status = engine.status()
    is_final = "soon" not in status.facts
    if status.device == "cpu" and is_final and "onnx on cuda" not in selection.refused:
        selection.refused.setdefault("cuda", _why_no_cuda(selection.engine))
    return engine, replace(selection, engine=status.name)


def _why_no_cuda(engine: str) -> str:
    if engine == "torch":
        return "torch found no CUDA device"
    return "onnxruntime was installed without CUDA, or found no CUDA device"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
