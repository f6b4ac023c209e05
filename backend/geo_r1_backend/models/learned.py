"""What training runs have made, as models: merged folders in the shipped format, and adapters over a base.

A run's model is called ``run-`` and the run's id. What it has learned is said in one sentence from its own file of scores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_r1_backend.models.registry import ModelFolder

    Describe = Callable[[Path], "ModelFolder | None"]

RUN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
ADAPTER_FILE = "adapter.json"
WEIGHTS_FILE = "adapter_model.safetensors"


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where there is none (readable)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def model_id_of(run_id: str) -> str:
    """Id under which what a run has learned answers questions."""
    return f"run-{run_id}"


def find_learned(runs: Path, bases: Iterable[ModelFolder], describe: Describe) -> list[ModelFolder]:
    """Models of runs that are over or have a checkpoint, newest first.

    Args:
        runs: folder of all runs.
        bases: models that adapters may belong to.
        describe: what a folder holds.
    """
    by_id = {model.id: model for model in bases}
    try:
        folders = [entry for entry in runs.iterdir() if RUN.fullmatch(entry.name)]
    except OSError:
        return []
    found = []
    for folder in sorted(folders, reverse=True):
        model = _learned(folder, by_id, describe)
        if model is not None:
            found.append(model)
    return found


def _learned(
    folder: Path, bases: Mapping[str, ModelFolder], describe: Describe
) -> ModelFolder | None:
    about = read_json(folder / "adapter" / ADAPTER_FILE) or {}
    base = bases.get(str(about.get("base")))
    adapter: Path | None = None
    # the manifest is written last
    if (folder / "model" / "manifest.json").is_file():
        model = describe(folder / "model")
    # ONNX graphs take no adapter: the embedded model answers once it is merged
    elif (
        base is not None
        and base.kind == "transformers"
        and (folder / "adapter" / WEIGHTS_FILE).is_file()
    ):
        model, adapter = base, folder / "adapter"
    else:
        return None
    if model is None:
        return None
    name = str(about.get("name") or "").strip()
    title = name or f"{base.title if base else model.title} · {folder.name}"
    return replace(
        model,
        id=model_id_of(folder.name),
        title=title,
        run=folder.name,
        adapter=adapter,
        note=model.note or said(about),
        origin="run",
        can_delete=True,
    )


def said(about: Mapping[str, Any]) -> str:
    """What `adapter.json` says of the scores, in one sentence.

    Example:
        >>> said({"base": "geo-r1-nano", "verdict": None, "score": {"metric": "acc@0.5", "value": 0.5, "objects": 9}})
        'Fine-tuned from geo-r1-nano: acc@0.5 50 % on 9 validation objects.'
    """
    begin = f"Fine-tuned from {about.get('base') or 'another model'}"
    try:
        verdict, score = about.get("verdict"), about.get("score")
        if verdict:
            before, after = verdict["before"], verdict["after"]
            return (
                f"{begin}: {after['metric']} {before['value']:.0%} → {after['value']:.0%} "
                f"({verdict['gain']:+.0%}, {verdict['gain_low']:+.0%} to {verdict['gain_high']:+.0%}) "
                f"on {after['objects']} held-out objects."
            ).replace("%", " %")
        if score:
            part = str(score.get("part", "validation")).replace("_", "-")
            text = f"{begin}: {score['metric']} {score['value']:.0%} on {score['objects']} {part} objects."
            return text.replace("%", " %")
    except (LookupError, TypeError, ValueError, AttributeError):
        return f"{begin}."
    return f"{begin}."
