"""Where the result file of a project lies: beside the project, else where the user finds documents."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Iterator

SUFFIX = "_geo-r1.gpkg"


def beside_project(project_file: str) -> Path:
    """``flood.qgz`` -> ``flood_geo-r1.gpkg`` in the same folder."""
    project = Path(project_file)
    return project.with_name(f"{project.stem}{SUFFIX}")


def for_unsaved(folder: Path, now: datetime) -> Path:
    """A name with the time for a project that has none yet."""
    return folder / f"untitled_{now:%Y-%m-%d_%H%M%S}{SUFFIX}"


def own_folder(documents: str, qgis_settings: str) -> Path:
    """A folder that can be written and found again: the user's documents, else QGIS's own folder."""
    base = documents if documents and Path(documents).is_dir() else qgis_settings
    return Path(base) / "geo-r1"


def alternatives(path: Path) -> Iterator[Path]:
    """The same name with 2, 3, ... : used where a file is in the way that must not be touched."""
    stem = re.sub(re.escape(SUFFIX) + "$", "", path.name)
    for number in range(2, 100):
        yield path.with_name(f"{stem}-{number}{SUFFIX}")
