"""One file from a hub, whole and checked: gone on with by range after every cut, whoever was cut off.

The client's own download begins a file anew in each process, which on a slow line means that a shard of 5 GB never
arrives. Here the bytes of a file that is begun lie beside it under a name of their own; it gets its name once its
SHA-256 (git's hash for small files) is what the hub has promised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2  # the client's own HTTP library; it comes with it
from huggingface_hub import utils

from geo_r1_backend.errors import FetchDamaged
from geo_r1_backend.manager.hub_client import Hub
from geo_r1_backend.manager.parts import BEGUN
from geo_r1_backend.manager.plan import RemoteFile
from geo_r1_backend.models.disk import file_git_hash
from geo_r1_backend.models.manifest import file_sha256

TRIES = 6
"""In a row without a byte; each byte that comes makes it the first again."""
FIRST_WAIT_S = 0.5
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be better in a moment."""


def get(
    hub: Hub,
    repository: str,
    commit: str,
    file: RemoteFile,
    folder: Path,
    checking: Callable[[str], None] = lambda name: None,
) -> None:
    """Get a file into a folder, or return at once where it is there.

    Raises:
        FetchDamaged: if it is not what the hub had promised; it is thrown away.
        HubError: see `Hub.explain`; what has come stays.
        OSError: the disk is full or cannot be written.
    """
    path, begun = folder / file.name, folder / f"{file.name}{BEGUN}"
    if path.is_file() and path.stat().st_size == file.size_bytes:
        return  # it has its name, so it was checked
    try:
        _download(hub, repository, commit, file, begun)
    except Exception as error:
        raise hub.explain(error, repository, commit) from error
    checking(file.name)
    fault = _fault(begun, file)
    if fault:
        begun.unlink()
        raise FetchDamaged(file=file.name, reason=fault)
    begun.replace(path)


def _download(hub: Hub, repository: str, commit: str, file: RemoteFile, begun: Path) -> None:
    """Bytes until there are as many as promised; tries again where the way breaks."""
    with begun.open("ab") as target:
        left = TRIES
        while (there := target.tell()) < file.size_bytes:
            try:
                with hub.open(repository, commit, file.name, there) as response:
                    _take(response, target, there, file)
                fault: Exception = FetchDamaged(file=file.name, reason="it ends too early")
            except Exception as error:
                if not _may_pass(error):
                    raise
                fault = error
            if target.tell() > there:
                left = TRIES
            elif target.tell() < file.size_bytes:
                left -= 1
                if left == 0:
                    raise fault
                time.sleep(FIRST_WAIT_S * 2 ** (TRIES - 1 - left))


def _take(response: Any, target: Any, there: int, file: RemoteFile) -> None:
    utils.hf_raise_for_status(response)  # type: ignore[attr-defined]
    if there and response.status_code != 206:  # it does not know ranges: from the start
        target.seek(0)
        target.truncate()
    for (
        piece
    ) in response.iter_bytes():  # as they come: a collected piece would be lost with the line
        target.write(piece)
        target.flush()
        if target.tell() > file.size_bytes:
            return  # more than promised; the hash will tell


def _may_pass(error: Exception) -> bool:
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code in PASSING
    return isinstance(error, httpx2.TransportError)


def _fault(path: Path, file: RemoteFile) -> str:
    """Why the bytes on disk are not those that the hub promised; empty where they are."""
    size_bytes = path.stat().st_size
    if size_bytes != file.size_bytes:
        return f"it has {size_bytes:,} bytes, the hub says {file.size_bytes:,}"
    given = file_sha256(path) if file.sha256 else file_git_hash(path)
    expected = file.sha256 or file.git
    if expected and given != expected:
        return f"its hash is {given[:12]}…, the hub says {expected[:12]}…"
    return ""
