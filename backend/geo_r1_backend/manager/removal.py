"""Deleting a model that this program has put in place, unless somebody needs it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from geo_r1_backend.errors import ModelInUse, ModelKept, RunUnknown, storage_faults
from geo_r1_backend.models.learned import ADAPTER_FILE, read_json
from geo_r1_backend.models.registry import ModelFolder
from geo_r1_backend.storage.run_database import FINAL_STATES
from geo_r1_backend.storage.run_info import run_info
from geo_r1_backend.storage.runs import RunStore

SHOWN_RUNS = 3


def check_removable(model: ModelFolder, runs: RunStore, *, is_loaded: bool) -> None:
    """Whether a model may be deleted.

    Raises:
        ModelKept: if it belongs to the installation, or was put in place by hand.
        ModelInUse: if it is loaded, a run learns from it, or what a run has learned stands on it.
    """
    if not model.can_delete or model.run:
        raise ModelKept(model=model.id)
    if is_loaded:
        raise ModelInUse(model=model.id, reason="it is loaded", hint="Unload it first.")
    needed = runs_that_need(model.id, runs)
    if needed:
        shown = ", ".join(needed[:SHOWN_RUNS]) + (", …" if len(needed) > SHOWN_RUNS else "")
        reason = f"{len(needed)} run(s) need it: {shown}"
        raise ModelInUse(
            model=model.id,
            reason=reason,
            hint="Delete those runs or their models first, or keep the base.",
        )


def runs_that_need(model_id: str, runs: RunStore) -> list[str]:
    """Runs that learn from a model now, or whose adapter answers only together with it."""
    found = []
    for run_id in runs.ids():
        folder = runs.folder_of(run_id)
        about = read_json(folder / "adapter" / ADAPTER_FILE) or {}
        if about.get("base") == model_id and not (folder / "model" / "manifest.json").is_file():
            found.append(run_id)
            continue
        try:
            info = run_info(runs, run_id)
        except RunUnknown:
            continue
        if info.model == model_id and info.state not in FINAL_STATES:
            found.append(run_id)
    return found


def remove(
    model: ModelFolder, data_folder: Path, before: Callable[[], None] = lambda: None
) -> None:
    """Delete the folder of a model; it is gone from the list before its files go.

    Args:
        model: one that `check_removable` has let pass.
        data_folder: whose it is.
        before: called when it is out of the way and before the files go.
    """
    with storage_faults(data_folder):
        gone = model.folder.with_name(f".{model.folder.name}.{secrets.token_hex(4)}.part")
        model.folder.replace(gone)
        before()
        shutil.rmtree(gone)


def sweep(models: Path) -> None:
    """Finish what was cut off while it was deleted or copied; for the one service that has the folder."""
    for part in models.glob(".*.part") if models.is_dir() else ():
        shutil.rmtree(part, ignore_errors=True)
