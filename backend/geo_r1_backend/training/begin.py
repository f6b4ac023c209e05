"""A run from its request: everything that can be refused is refused here, before anybody waits. Knows no torch."""

from __future__ import annotations

from pathlib import Path

from geo_r1_backend.models.registry import ModelFolder
from geo_r1_backend.storage.runs import RunStore
from geo_r1_backend.training.config import make_config
from geo_r1_backend.training_wire import RunRequest


def create_run(
    runs: RunStore, request: RunRequest, *, model: ModelFolder, dataset_folder: Path
) -> str:
    """Make the folder of a run, its settings complete; its id.

    Raises:
        ConfigError, ModelFailed, TaskUnsupported: what cannot be trained; nothing is left behind.
        RunsFull, StorageFailed: no room.
    """

    def prepare(folder: Path, run_id: str, created: str) -> None:
        config = make_config(
            request, run_id=run_id, model=model, dataset_folder=dataset_folder, created=created
        )
        config.write(folder)

    return runs.create(
        request,
        prepare,
        model={"id": model.id, "folder": str(model.folder), "kind": model.kind},
        dataset_folder=str(dataset_folder),
    )
