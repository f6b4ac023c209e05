"""What a run has learned, as files that answer: `adapter/` for every base, and `model/` in the shipped format for the embedded one."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from geo_r1_backend.errors import storage_faults
from geo_r1_backend.models.config import ModelConfig
from geo_r1_backend.models.export import PROFILE_FILE
from geo_r1_backend.models.manifest import MANIFEST_FILE, write_manifest
from geo_r1_backend.models.weights import WEIGHTS_FILE, read_tensors, write_tensors
from geo_r1_backend.storage.atomic import make_private_folder, write_private_json
from geo_r1_backend.training.agreement import Agreement
from geo_r1_backend.training.checkpoint import disk_faults
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.rounding import rounded_state
from geo_r1_backend.training_wire import Score, Verdict

ADAPTER_FOLDER = "adapter"
ADAPTER_FILE = "adapter_model.safetensors"
ADAPTER_CARD = "adapter.json"
PEFT_CARD = "adapter_config.json"
MODEL_FOLDER = "model"
CARD_FILE = "README.md"
OF_THE_BASE = (CARD_FILE, MANIFEST_FILE, WEIGHTS_FILE)
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
    with disk_faults(run_folder):
        make_private_folder(target)
        tensors = {n: p.detach().cpu().contiguous() for n, p in policy.trainable().items()}
        part = target / f".{ADAPTER_FILE}.part"
        try:
            save_file(tensors, part)
            # never a card beside the numbers of another checkpoint
            (target / ADAPTER_CARD).unlink(missing_ok=True)
            (target / PEFT_CARD).unlink(missing_ok=True)
            part.replace(target / ADAPTER_FILE)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
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
        if config.adaptation == "lora":
            write_private_json(target / PEFT_CARD, peft_card(config, list(tensors)))
        write_private_json(target / ADAPTER_CARD, card)


def peft_card(config: TrainingConfig, names: Sequence[str]) -> dict[str, Any]:
    """What peft, vLLM and SGLang read beside the tensors of an adapter, so that they serve it as it is."""
    layers = sorted({name.partition(".lora_")[0].rpartition(".")[2] for name in names})
    sees = any(".visual." in name for name in names)
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": config.model_id,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": layers,
        # the tower of images has layers of the same names
        "exclude_modules": None if sees else r".*\bvisual\b.*",
        "inference_mode": True,
    }


def write_model(
    config: TrainingConfig,
    state: Mapping[str, np.ndarray],
    model_config: ModelConfig,
    run_folder: Path,
) -> Path:
    """Write ``model/``: the trained weights in int8 on the base's grids, beside the base's own graphs, tokenizer and profile.

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
            stored = rounded_state(
                state, read_tensors(base / WEIGHTS_FILE), model_config, seed=config.seed
            )
            write_tensors(stored, part / WEIGHTS_FILE)
            profile: dict[str, Any] = json.loads((part / PROFILE_FILE).read_text("utf-8"))
            profile["id"] = f"run-{config.run_id}"
            profile["title"] = config.name or f"{profile.get('title', config.model_id)}, trained"
            (part / PROFILE_FILE).write_text(json.dumps(profile, indent=2) + "\n", "utf-8")
            (part / CARD_FILE).write_text(_card(config), "utf-8")
            write_manifest(part)
            if target.exists():
                shutil.rmtree(target)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return target


def finish_card(
    config: TrainingConfig,
    run_folder: Path,
    *,
    score: Score | None,
    verdict: Verdict | None,
    agreement: Agreement | None,
) -> None:
    """Write into the card of ``model/`` what is known at the end, and the manifest anew; without a model nothing happens.

    Raises:
        StorageFailed: if the disk is full.
    """
    folder = run_folder / MODEL_FOLDER
    if not (folder / MANIFEST_FILE).is_file():
        return
    with storage_faults(run_folder):
        # without a manifest it is no model, for as long as the two do not fit
        (folder / MANIFEST_FILE).unlink()
        text = _card(config, score=score, verdict=verdict, agreement=agreement)
        (folder / CARD_FILE).write_text(text, "utf-8")
        write_manifest(folder)


def _card(
    config: TrainingConfig,
    *,
    score: Score | None = None,
    verdict: Verdict | None = None,
    agreement: Agreement | None = None,
) -> str:
    """The model's card: what it was made from and how, what came out, and the base's licence."""
    base = Path(config.model_folder)
    lines = [
        f"# {config.name or config.run_id}",
        "",
        f"Fine-tuned from **{config.model_id}** (manifest {config.model_sha256[:12]}) by the run {config.run_id}, "
        f"with Geo-R1 for QGIS {config.version}.",
        "",
        "| | |",
        "|---|---|",
        f"| data set | {config.dataset} (samples {config.data_sha256[:12]}) |",
        f"| method | {config.method}, {config.adaptation}{_rank(config)}, {config.steps} steps, of them {config.sft_steps} supervised |",
        f"| learning rates | rewards {config.learning_rate:g}, supervised {config.sft_learning_rate:g} |",
        f"| seed | {config.seed} |",
        "",
        "## What came out",
    ]
    if score is not None:
        lines.append(f"- {score.part}: {_figure(score)}")
    if verdict is not None:
        lines.append(f"- held out, base: {_figure(verdict.before)}")
        lines.append(f"- held out, this model: {_figure(verdict.after)}")
        lines.append(
            f"- gain {100 * verdict.gain:+.1f} [{100 * verdict.gain_low:+.1f}, {100 * verdict.gain_high:+.1f}]: "
            f"{verdict.outcome.replace('_', ' ')}"
        )
    if agreement is not None:
        lines.append(f"- {agreement.sentence}")
    if lines[-1].startswith("##"):
        lines.append("Nothing was measured.")
    lines += [
        "",
        "## Licence",
        _licence(base),
        "",
        f"## The base's own card ({config.model_id})",
        "",
    ]
    card = base / CARD_FILE
    # its headings one level down, so that this card stays the card
    below = card.read_text("utf-8") if card.is_file() else "It has none."
    lines.append(re.sub(r"^(#+) ", r"#\1 ", below, flags=re.MULTILINE).rstrip())
    return "\n".join(lines) + "\n"


def _rank(config: TrainingConfig) -> str:
    return f" (rank {config.rank}, alpha {config.alpha:g})" if config.adaptation == "lora" else ""


def _figure(score: Score) -> str:
    return (
        f"{score.metric} {100 * score.value:.1f} [{100 * score.low:.1f}, {100 * score.high:.1f}] "
        f"over {score.objects} objects in {score.samples} samples, mean IoU {score.mean_iou:.2f}"
    )


def _licence(base: Path) -> str:
    profile = base / PROFILE_FILE
    told = json.loads(profile.read_text("utf-8")).get("licence") if profile.is_file() else ""
    return (
        f"{told or 'that of the base'}, as the base; what the training data asks for comes on top."
    )
