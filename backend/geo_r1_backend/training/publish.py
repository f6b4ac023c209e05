"""What a run has learned, as files that answer: `adapter/` for every base, and `model/` in the shipped format for the embedded one."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from geo_r1_backend.errors import storage_faults
from geo_r1_backend.models.config import ModelConfig
from geo_r1_backend.models.manifest import MANIFEST_FILE, write_manifest
from geo_r1_backend.models.weights import WEIGHTS_FILE, quantise_state, write_tensors
from geo_r1_backend.storage.atomic import make_private_folder, write_private_json
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training_wire import Score, Verdict

ADAPTER_FOLDER = "adapter"
ADAPTER_FILE = "adapter_model.safetensors"
ADAPTER_CARD = "adapter.json"
MODEL_FOLDER = "model"
OF_THE_BASE = ("README.md", MANIFEST_FILE, WEIGHTS_FILE)
"""Files of a model folder that are not taken over."""


def write_adapter(
    config: TrainingConfig,
    policy: Policy,
    run_folder: Path,
    *,
    verdict: Verdict | None,
    score: Score | None,
) -> None:
    """Write ``adapter/``: LoRA by peft's names, or the new values of all trained parameters, and the card last.

    Raises:
        StorageFailed: if the disk is full.
    """
    target = run_folder / ADAPTER_FOLDER
    with storage_faults(run_folder):
        make_private_folder(target)
        (target / ADAPTER_CARD).unlink(missing_ok=True)
        tensors = {n: p.detach().cpu().contiguous() for n, p in policy.trainable().items()}
        save_file(tensors, target / ADAPTER_FILE)
        card = {
            "run": config.run_id,
            "name": config.name,
            "base": config.model_id,
            "base_folder": config.model_folder,
            "base_sha256": config.model_sha256,
            "adaptation": config.adaptation,
            "rank": config.rank,
            "alpha": config.alpha,
            "verdict": asdict(verdict) if verdict else None,
            "score": asdict(score) if score else None,
        }
        write_private_json(target / ADAPTER_CARD, card)


def write_model(
    config: TrainingConfig,
    state: Mapping[str, np.ndarray],
    model_config: ModelConfig,
    run_folder: Path,
) -> Path:
    """Write ``model/``: the trained weights in int8 beside the base's own graphs, tokenizer and profile.

    The graphs name places in the weights' file, and those depend on shapes alone: they are the base's.

    Args:
        config: the run.
        state: float32 arrays, adapters merged, see `NanoPolicy.merged_state`.
        model_config: the base's.
        run_folder: of the run.

    Returns:
        The folder; it appears whole or not at all.

    Raises:
        StorageFailed: if the disk is full.
    """
    base, target = Path(config.model_folder), run_folder / MODEL_FOLDER
    part = run_folder / f".{MODEL_FOLDER}.{secrets.token_hex(4)}.part"
    with storage_faults(run_folder):
        try:
            make_private_folder(part)
            for path in base.iterdir():
                if path.is_file() and path.name not in OF_THE_BASE:
                    shutil.copyfile(path, part / path.name)
            write_tensors(quantise_state(dict(state), model_config), part / WEIGHTS_FILE)
            profile: dict[str, Any] = json.loads((part / "profile.json").read_text("utf-8"))
            profile["id"] = f"run-{config.run_id}"
            profile["title"] = config.name or f"{profile.get('title', config.model_id)}, trained"
            (part / "profile.json").write_text(json.dumps(profile, indent=2) + "\n", "utf-8")
            (part / "README.md").write_text(_card(config), "utf-8")
            write_manifest(part)
            if target.exists():
                shutil.rmtree(target)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return target


def _card(config: TrainingConfig) -> str:
    return (
        f"# {config.name or config.run_id}\n\n"
        f"Trained from {config.model_id} by the run {config.run_id} ({config.method}, {config.adaptation}, "
        f"{config.steps} steps, seed {config.seed}) on the data set {config.dataset} with geo-r1 {config.version}.\n"
    )
