"""Checkpoints of a run: a folder that is whole or not there; tensors as safetensors, the rest as JSON, nothing pickled.

``checkpoints/000040/``: `trained.safetensors` (what the optimizer changes), `optimizer.safetensors` (its moments) and `state.json`
(step, order of prompts, scores so far). Random numbers need no state: every step draws from its own seed (`grpo.py`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from geo_r1_backend.errors import StorageFailed, storage_faults
from geo_r1_backend.errors.storage import FULL
from geo_r1_backend.storage.atomic import make_private_folder
from geo_r1_backend.training_wire import Score

CHECKPOINTS_FOLDER = "checkpoints"
TRAINED_FILE = "trained.safetensors"
OPTIMIZER_FILE = "optimizer.safetensors"
STATE_FILE = "state.json"
NAME = re.compile(r"\d{6}")


@dataclass
class Progress:
    """Where a run is, beside its tensors."""

    step: int = 0
    """Steps that are done."""
    replay: dict[str, Any] | None = None
    """Of `replay.Replay`: the data cursor."""
    best_step: int = 0
    """Checkpoint with the best score on the validation part; 0 = none yet."""
    best: Score | None = None
    base: Score | None = None
    """Of the untrained model on the validation part."""
    has_no_warm_start: bool = False
    """The model knew the kind (`warm_start.py`)."""
    begins_at_base: bool = False
    """Rewards began with the untrained weights."""
    evaluated_step: int = -1
    """Last step after which the validation part was looked at."""
    spent_s: float = 0.0
    """In steps."""
    asked: int = 0
    """Questions of looks at the validation part so far."""
    asked_s: float = 0.0


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run."""

    run_folder: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        """Where they lie."""
        object.__setattr__(self, "folder", self.run_folder / CHECKPOINTS_FOLDER)

    def steps(self) -> list[int]:
        """Steps after which there is a whole checkpoint, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(int(one.name) for one in self.folder.iterdir() if NAME.fullmatch(one.name))

    def save(
        self,
        progress: Progress,
        trained: Mapping[str, nn.Parameter],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Write a checkpoint, then remove those that are neither the newest nor the best.

        Raises:
            StorageFailed: if the disk is full; what was there stays.
        """
        target = self.folder / f"{progress.step:06d}"
        part = self.folder / f".{target.name}.{secrets.token_hex(4)}.part"
        with disk_faults(self.run_folder):
            make_private_folder(self.folder)
            for left in self.folder.glob(".*.part"):
                shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
            try:
                make_private_folder(part)
                _write_tensors({n: p.detach() for n, p in trained.items()}, part / TRAINED_FILE)
                _write_tensors(_moments(trained, optimizer), part / OPTIMIZER_FILE)
                state = json.dumps(asdict(progress), allow_nan=False)
                (part / STATE_FILE).write_text(state, encoding="utf-8")
                _to_disk(part / STATE_FILE)
                if target.exists():
                    shutil.rmtree(target)
                part.rename(target)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        for step in self.steps():
            if step not in (progress.step, progress.best_step):
                shutil.rmtree(self.folder / f"{step:06d}", ignore_errors=True)

    def load(
        self, trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
    ) -> Progress | None:
        """Take up the newest checkpoint; None where there is none."""
        steps = self.steps()
        if not steps:
            return None
        folder = self.folder / f"{steps[-1]:06d}"
        self.load_trained(steps[-1], trained)
        _restore(load_file(folder / OPTIMIZER_FILE), trained, optimizer)
        stored = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        for name in ("best", "base"):
            stored[name] = Score(**stored[name]) if stored[name] else None
        return Progress(**stored)

    @torch.no_grad()
    def load_trained(self, step: int, trained: Mapping[str, nn.Parameter]) -> None:
        """The trained parameters of one checkpoint, into those of the policy."""
        stored = load_file(self.folder / f"{step:06d}" / TRAINED_FILE)
        for name, parameter in trained.items():
            parameter.copy_(stored[name])


def _moments(
    trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """The optimizer's tensors as ``name of the parameter/name of the moment``."""
    return {
        f"{name}/{key}": torch.as_tensor(value)
        for name, parameter in trained.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _restore(
    stored: Mapping[str, Tensor],
    trained: Mapping[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> None:
    optimizer.state.clear()
    for name, tensor in stored.items():
        parameter_name, _, key = name.rpartition("/")
        parameter = trained[parameter_name]
        # Adam counts its steps on the CPU
        moved = tensor if key == "step" else tensor.to(parameter.device)
        optimizer.state[parameter][key] = moved


def _write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, path)
    _to_disk(path)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def disk_faults(folder: Path) -> Iterator[None]:
    """A full disk as safetensors says it, and as Python does."""
    with storage_faults(folder):
        try:
            yield
        except SafetensorError as error:
            full = any(f"os error {code}" in str(error) for code in FULL)
            raise StorageFailed(folder=str(folder), reason=str(error), is_full=full) from error
