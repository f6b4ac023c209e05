"""Where models lie below the data folder: names that are free, what is installed already, room on the disk."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.models.registry import find_models
from geo_r1_backend.models.source import read_source


@dataclass(frozen=True)
class Installed:
    """A model that came from a repository."""

    name: str
    """Of its folder, and its id."""
    commit: str


def find_installed(models: Path, repository: str, commit: str | None = None) -> Installed | None:
    """A model from this repository, at this commit or, where none is named, the newest that was fetched."""
    found = []
    for folder in _folders(models):
        source = read_source(folder)
        if source is None or source.repository.lower() != repository.lower():
            continue
        if commit in (None, source.commit):
            found.append((source.created, Installed(folder.name, source.commit)))
    return max(found, key=lambda each: each[0])[1] if found else None


def free_name(models: Path, repository: str, commit: str) -> str:
    """Name of the folder for a repository at a commit: its own name, with the commit where that is taken.

    Example:
        >>> free_name(Path("/nowhere"), "Geo-R1/Geo-R1-3B-GRPO-REC-10shot", 40 * "0")
        'geo-r1-3b-grpo-rec-10shot'
    """
    installed = find_installed(models, repository, commit)
    if installed is not None:
        return installed.name
    name = slug(repository.rsplit("/", maxsplit=1)[-1])
    tail = f"-{commit[:7]}" if commit else ""
    number, chosen = 2, name
    while (models / chosen).exists() or (models / chosen).is_symlink():
        chosen = name + (tail if number == 2 and tail else f"{tail}-{number}")
        number += 1
    return chosen


def id_of(data_folder: Path, name: str) -> str:
    """The id of a model by its folder's name: another one where a model of that id is there from elsewhere."""
    place = (data_folder / "models" / name).resolve()
    return next((m.id for m in find_models(data_folder) if m.folder == place), name)


def slug(name: str) -> str:
    """A name for a folder that is an id as well."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "model"


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def publish(made: Path, models: Path, name: str) -> str:
    """Give a finished folder its place; its name, which is another one if somebody was faster."""
    number, chosen = 2, name
    while (models / chosen).exists():
        chosen, number = f"{name}-{number}", number + 1
    made.replace(models / chosen)
    return chosen


def _folders(models: Path) -> list[Path]:
    try:
        return [entry for entry in models.iterdir() if entry.is_dir()]
    except OSError:
        return []
