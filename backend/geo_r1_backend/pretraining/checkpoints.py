"""Weights for use and checkpoints for resuming, both safetensors: no pickle, not even here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from geo_r1_backend.models.nano import Nano, NanoConfig
from geo_r1_backend.pretraining.settings import PretrainSettings
from geo_r1_backend.pretraining.step import Step

CHECKPOINT = "checkpoint.safetensors"


def save(settings: PretrainSettings, step_fn: Step, step: int, spent_s: float) -> None:
    """Weights for use (bfloat16) and a checkpoint for resuming (float32 with optimizer state)."""
    weights = {
        n: p.detach().to(torch.bfloat16).contiguous().cpu()
        for n, p in step_fn.model.state_dict().items()
    }
    temporary = settings.out / "model.safetensors.tmp"
    save_file(weights, temporary)
    temporary.replace(settings.out / "model.safetensors")
    save_file(
        _state(step_fn),
        settings.out / "checkpoint.tmp",
        {"step": str(step), "spent_s": str(spent_s)},
    )
    (settings.out / "checkpoint.tmp").replace(settings.out / CHECKPOINT)
    described = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}
    (settings.out / "settings.json").write_text(
        json.dumps({**described, "step": step, "spent_s": spent_s}, indent=1)
    )


def _state(step_fn: Step) -> dict[str, Tensor]:
    """Everything a run resumes from, as named tensors: no pickle, not even for checkpoints."""
    named = {f"model/{n}": t for n, t in step_fn.model.state_dict().items()}
    named |= {f"head/{n}": t for n, t in step_fn.head.state_dict().items()}
    for number, optimizer in enumerate(step_fn.optimizers):
        for parameter, values in optimizer.state_dict()["state"].items():
            named |= {
                f"optimizer/{number}/{parameter}/{n}": torch.as_tensor(t) for n, t in values.items()
            }
    return {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}


def resume(settings: PretrainSettings, step_fn: Step, device: torch.device) -> tuple[int, float]:
    """Take up the last checkpoint of ``settings.out``; returns (next step, seconds spent), zeros for none."""
    path = settings.out / CHECKPOINT
    if not path.exists():
        return 0, 0.0
    with safe_open(path, "pt") as file:
        described = file.metadata()
    named = load_file(path, device=str(device))
    step_fn.model.load_state_dict({n[6:]: t for n, t in named.items() if n.startswith("model/")})
    step_fn.head.load_state_dict({n[5:]: t for n, t in named.items() if n.startswith("head/")})
    for number, optimizer in enumerate(step_fn.optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in named.items():
            kind, *rest = name.split("/")
            if kind == "optimizer" and int(rest[0]) == number:
                state.setdefault(int(rest[1]), {})[rest[2]] = tensor
        optimizer.load_state_dict(
            {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
        )
    return int(described["step"]), float(described["spent_s"])


def load_weights(path: Path, device: torch.device | str = "cpu") -> Nano:
    """A model from ``model.safetensors`` of a run, in float32."""
    model = Nano(NanoConfig())
    model.load_state_dict({n: t.float() for n, t in load_file(path).items()})
    return model.to(device).eval()
