"""`manifest.json`: the SHA-256 of every file of a model folder, written when the model is made, checked when it is loaded.

It tells a damaged download or a mixture of two versions from a model; it is no signature.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from geo_r1_backend.errors import ModelFailed

MANIFEST_FILE = "manifest.json"
FORMAT = 1
CHUNK_BYTES = 1 << 20  # read in parts: the whole file would stay in the peak of the process
_HINT = "Copy the model's folder again, or reinstall geo-r1-backend; its files belong together."


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK_BYTES):
            digest.update(part)
    return digest.hexdigest()


def write_manifest(folder: Path) -> None:
    """Write ``folder/manifest.json`` over every other file that lies there now."""
    paths = sorted(
        path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST_FILE
    )
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in paths
    }
    text = json.dumps({"format": FORMAT, "files": files}, indent=2) + "\n"
    (folder / MANIFEST_FILE).write_text(text, encoding="utf-8")


def check_manifest(folder: Path) -> None:
    """Compare every file of the manifest with its entry.

    Raises:
        ModelFailed: names the first file that is missing or differs, and what was expected.
    """

    def failed(reason: str) -> ModelFailed:
        return ModelFailed(model=folder.name, reason=reason, hint=_HINT)

    try:
        document = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        files = {
            str(name): (int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in document["files"].items()
        }
    except FileNotFoundError as missing:
        raise failed(f"{folder} has no {MANIFEST_FILE}") from missing
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise failed(f"{folder / MANIFEST_FILE} cannot be read ({broken})") from broken
    for name, (size_bytes, sha256) in files.items():
        path = folder / name
        if not path.is_file():
            raise failed(f"{name} is missing in {folder}")
        if path.stat().st_size != size_bytes:
            raise failed(
                f"{name} has {path.stat().st_size:,} bytes, the manifest says {size_bytes:,}"
            )
        if (given := file_sha256(path)) != sha256:
            raise failed(
                f"{name} is not the file of the manifest: sha256 {given[:12]}…, expected {sha256[:12]}…"
            )
