"""How much of the disk a model takes, and the hash that git gives a file."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_r1_backend.models.registry import ModelFolder


def model_bytes(model: ModelFolder) -> int:
    """What a model takes; nothing for one that other servers run, and an adapter's base is counted with the base."""
    return 0 if model.kind == "remote" else disk_bytes(model.adapter or model.folder)


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; what is only linked lies elsewhere and does not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            found = path.lstat()
        except OSError:
            continue  # deleted meanwhile
        if stat.S_ISREG(found.st_mode):
            total += found.st_size
    return total


def file_git_hash(path: Path) -> str:
    """What git calls the content of a file; hubs give it for small ones."""
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
