"""Which models there are: the embedded one and the folders that the user has put in place.

A request names an id, never a path; the id is made here. It does not load anything and does not know engines beyond
the kind of files that a folder holds.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from geo_r1_backend.config import MODELS_VARIABLE, clone_folder, package_folder
from geo_r1_backend.errors import ConfigError, ModelUnknown
from geo_r1_backend.models.learned import find_learned, read_json
from geo_r1_backend.models.remote import REMOTE_FILE, RemoteConfig, read_remote
from geo_r1_backend.models.source import Source, read_source

EMBEDDED_ID = "geo-r1-nano"
EMBEDDED_MASKS_ID = "geo-r1-nano-masks"
"""The embedded segmenter, see docs/segmenters.md."""
REMOTE_ID = "remote"
"""Of the model that `geo-r1 serve --remote` names."""
FAMILY = ("qwen2_5_vl", "qwen2_vl", "qwen3_vl")
"""``model_type`` of config.json that the engines here can run."""
ALL_TASKS = ("rec", "ovd", "gres")
PUT_HERE = ("hub", "import")
"""Origins of folders that this program has made, and so may delete."""

Kind = Literal["onnx", "transformers", "remote", "broken"]


@dataclass(frozen=True)
class ModelFolder:
    """One model as it lies on disk."""

    id: str
    title: str
    folder: Path
    kind: Kind
    tasks: tuple[str, ...] = ALL_TASKS
    licence: str = ""
    note: str = ""
    """Why it is broken, or what it has learned; empty = nothing to say."""
    run: str = ""
    """Id of the training run that made it; empty = none of this data folder did."""
    adapter: Path | None = None
    """What is added to the weights in ``folder``; None = nothing."""
    on_cpu: bool = False
    """Whether it must leave a GPU alone that a training run has."""
    origin: str = "folder"
    """See `wire.ModelInfo`."""
    repository: str = ""
    revision: str = ""
    can_delete: bool = False
    remote: RemoteConfig | None = None
    """Where it runs, if not here."""


def find_models(data_folder: Path) -> list[ModelFolder]:
    """Every model that is there, the embedded one first; ids are unique."""
    found: list[ModelFolder] = []
    taken: set[str] = set()
    ours, embedded = (data_folder / "models").resolve(), embedded_folder()
    for folder in _candidates(data_folder):
        model = describe(folder)
        if model is None:
            continue
        number, unique = 2, model.id
        while unique in taken:
            unique, number = f"{model.id}-{number}", number + 1
        taken.add(unique)
        is_embedded = embedded is not None and folder == embedded.resolve()
        found.append(
            replace(
                model,
                id=unique,
                origin="embedded" if is_embedded else model.origin,
                can_delete=model.origin in PUT_HERE and folder.parent == ours,
            )
        )
    return [*found, *find_learned(data_folder / "runs", found, describe)]


def embedded_folder() -> Path | None:
    """The folder of the embedded model: inside the wheel, or in the clone."""
    return _shipped(EMBEDDED_ID, "config.json")


def embedded_segmenter_folder() -> Path | None:
    """The folder of the embedded segmenter: inside the wheel, or in the clone."""
    return _shipped(EMBEDDED_MASKS_ID, "segmenter.json")


def _shipped(name: str, file: str) -> Path | None:
    places = [package_folder() / "_models" / name]
    root = clone_folder()
    if root is not None:
        places.append(root / "resources" / "models" / name)
    for place in places:
        if (place / file).is_file():
            return place
    return None


def describe(folder: Path) -> ModelFolder | None:
    """What a folder holds, or None where it is no model at all."""
    if (folder / REMOTE_FILE).is_file():
        return _elsewhere(folder, _slug(folder.name))
    return _here(folder) if (folder / "config.json").is_file() else None


def _here(folder: Path) -> ModelFolder:
    name, config_path = _slug(folder.name), folder / "config.json"
    config = read_json(config_path)
    if config is None:
        return ModelFolder(name, folder.name, folder, "broken", note="config.json is not JSON")
    profile = read_json(folder / "profile.json") or {}
    source = read_source(folder) or Source("folder")
    # a profile that came from a hub does not choose its id here
    given_id = "" if source.origin in PUT_HERE else str(profile.get("id") or "")
    model_id = _slug(given_id or folder.name)
    title = str(profile.get("title") or source.title or folder.name)
    tasks = tuple(task for task in profile.get("tasks", ALL_TASKS) if task in ALL_TASKS)
    licence = str(profile.get("licence") or source.licence)
    model = ModelFolder(
        model_id,
        title,
        folder,
        "broken",
        tasks,
        licence,
        origin=source.origin,
        repository=source.repository,
        revision=source.commit,
    )
    kind = config.get("model_type")
    if (folder / "vision.onnx").is_file() and (folder / "decoder.onnx").is_file():
        return replace(model, kind="onnx")
    if kind not in FAMILY:
        return replace(model, note=f"model_type is {kind!r}; known are {', '.join(FAMILY)}")
    if not any(folder.glob("*.safetensors")):
        return replace(model, note="no weights (*.safetensors) in the folder")
    return replace(model, kind="transformers")


def _elsewhere(folder: Path, name: str) -> ModelFolder:
    """A folder whose model other servers run."""
    try:
        return remote_model(read_remote(folder), folder, name)
    except ConfigError as error:
        return ModelFolder(name, folder.name, folder, "broken", note=error.message.rstrip("."))


def remote_model(config: RemoteConfig, folder: Path, name: str = REMOTE_ID) -> ModelFolder:
    """A model that other servers run, as one among the others."""
    given = config.profile
    return ModelFolder(
        id=name,
        title=str(given.get("title") or config.model or name),
        folder=folder,
        kind="remote",
        tasks=tuple(task for task in given.get("tasks", ALL_TASKS) if task in ALL_TASKS),
        licence=str(given.get("licence") or ""),
        note=f"Views and questions go on to {config.shown}.",
        remote=config,
        origin="remote",
    )


def _candidates(data_folder: Path) -> list[Path]:
    """Folders that may be models, in order of preference, each once."""
    embedded = embedded_folder()
    places = [embedded] if embedded else []
    for entry in os.environ.get(MODELS_VARIABLE, "").split(os.pathsep):
        if entry.strip():
            place = Path(entry.strip()).expanduser()
            is_model = any((place / name).is_file() for name in ("config.json", REMOTE_FILE))
            places += [place] if is_model else _subfolders(place)
    places += _subfolders(data_folder / "models")
    return list(dict.fromkeys(place.resolve() for place in places))


def _subfolders(folder: Path) -> list[Path]:
    """Folders in a folder; those that begin with a dot are being made or deleted."""
    try:
        return sorted(
            place for place in folder.iterdir() if place.is_dir() and place.name[0] != "."
        )
    except OSError:
        return []


def _slug(name: str) -> str:
    """A name as an id that fits into an address."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "model"


def choose_model(data_folder: Path, model_id: str | None) -> ModelFolder:
    """The model of an id, or the first one where none is asked for.

    Raises:
        ModelUnknown: if there is none.
    """
    found = find_models(data_folder)
    for model in found:
        if model_id in (None, model.id):
            return model
    raise ModelUnknown(model=model_id or "(default)", known=[model.id for model in found])
