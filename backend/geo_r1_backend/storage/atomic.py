"""Files that are either whole or not there, and readable by the user alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geo_r1_backend.wire import ServerFile

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_private_folder(folder: Path) -> Path:
    """The folder, made if it is not there, closed to other users."""
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    return folder


def write_private(path: Path, content: bytes) -> None:
    """Write a file that is private from its first byte and appears complete or not at all."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sweep_parts(folder: Path) -> None:
    """Remove what a process left that was killed while it wrote; whoever calls must be the only one who writes there."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)


def write_private_json(path: Path, value: dict[str, Any]) -> None:
    """Write one JSON object, see `write_private`."""
    write_private(path, (json.dumps(value, indent=2) + "\n").encode())


def server_file_path(data_folder: Path) -> Path:
    """Where a running service says how to reach it."""
    return data_folder / "server.json"


def write_server_file(data_folder: Path, server: ServerFile) -> None:
    """Say how to reach this service."""
    write_private_json(server_file_path(data_folder), asdict(server))


def read_server_file(data_folder: Path) -> ServerFile | None:
    """What the last service said, or None where there is nothing (readable)."""
    try:
        found = json.loads(server_file_path(data_folder).read_text(encoding="utf-8"))
        return ServerFile(
            url=str(found["url"]),
            token=str(found["token"]),
            pid=int(found["pid"]),
            version=str(found["version"]),
            wire_version=str(found["wire_version"]),
            started=str(found["started"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_server_file(data_folder: Path, *, token: str) -> None:
    """Take the file away, if it is still the one of this start."""
    found = read_server_file(data_folder)
    if found is not None and found.token == token:
        server_file_path(data_folder).unlink(missing_ok=True)
