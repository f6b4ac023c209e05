"""`source.json`: where a model folder came from, written when it was fetched or imported, checked when it is copied on.

It marks the folders that this program has put in place and may delete again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

SOURCE_FILE = "source.json"


@dataclass(frozen=True)
class Source:
    """Where the files of a folder are from."""

    origin: str
    """`hub` or `import`."""
    title: str = ""
    repository: str = ""
    """``owner/name`` at the hub; empty where it is not known."""
    revision: str = ""
    """As it was asked for: a branch, a tag or a commit."""
    commit: str = ""
    licence: str = ""
    base: str = ""
    """Repository or folder name that the processor is from; empty = the model's own."""
    base_commit: str = ""
    repaired: str = ""
    """What was wrong with the repository's `config.json`, which the base's replaced; empty = nothing."""
    linked: bool = False
    """Whether the weights lie elsewhere and are only linked."""
    created: str = ""
    """ISO 8601, UTC."""
    files: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
    """File -> `bytes` and `sha256` (or `git`, the hash of a small file of a hub)."""


def write_source(folder: Path, source: Source) -> None:
    """Write it; the last file of a folder that is made."""
    text = json.dumps(asdict(source), indent=2, ensure_ascii=False) + "\n"
    (folder / SOURCE_FILE).write_text(text, encoding="utf-8")


def read_source(folder: Path) -> Source | None:
    """What the file says, or None where there is none (readable)."""
    try:
        found = json.loads((folder / SOURCE_FILE).read_text(encoding="utf-8"))
        files = {str(name): dict(entry) for name, entry in dict(found.get("files", {})).items()}
        texts = {
            name: str(found.get(name, ""))
            for name in Source.__dataclass_fields__
            if name not in ("files", "linked")
        }
        return Source(**texts, linked=bool(found.get("linked", False)), files=files)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
