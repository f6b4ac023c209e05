"""The folder of a download that is not finished: what it is, what has come, and who works on it.

It lies below ``models``, so that a finished model gets its place by one rename; its name begins with a dot, so that
nobody takes it for a model.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geo_r1_backend.errors import FetchActive, FetchUnknown
from geo_r1_backend.models_wire import FetchInfo, FetchRequest
from geo_r1_backend.storage.atomic import make_private_folder, write_private_json
from geo_r1_backend.storage.lock import FileLock, LockHeld

PARTS_FOLDER = ".fetching"
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,200}\.[0-9a-f]{12}")
REQUEST_FILE = "request.json"
LOCK_FILE = "lock"
BEGUN = ".begun"
"""Behind the name of a file that is not whole or not checked yet."""


def fetch_id(repository: str, commit: str) -> str:
    """Name of the download of a repository at a commit.

    Example:
        >>> fetch_id("Geo-R1/Geo-R1-3B", "0123456789abcdef" + 24 * "0")
        'geo-r1-geo-r1-3b.0123456789ab'
    """
    return f"{re.sub(r'[^a-z0-9._-]+', '-', repository.lower())}.{commit[:12]}"


class Parts:
    """One such folder, which need not be there yet."""

    def __init__(self, models: Path, name: str) -> None:
        if not ID.fullmatch(name):
            raise FetchUnknown(fetch=name)
        self.id = name
        self.folder = models / PARTS_FOLDER / name
        self.files = self.folder / "files"
        self.base = self.folder / "base"

    @property
    def is_there(self) -> bool:
        """Whether anything was begun."""
        return (self.folder / REQUEST_FILE).is_file()

    def begin(
        self, request: FetchRequest, files: Mapping[str, int], lent: Mapping[str, int]
    ) -> None:
        """Write down what is fetched: names and sizes of the repository's files and of the base's."""
        for folder in (self.files, self.base):
            make_private_folder(folder)
        document = {"request": asdict(request), "files": dict(files), "lent": dict(lent)}
        write_private_json(self.folder / REQUEST_FILE, document)

    def request(self) -> FetchRequest:
        """What was agreed to.

        Raises:
            FetchUnknown: if nothing (readable) is there.
        """
        return FetchRequest(**self._read()["request"])

    def arrived_bytes(self) -> int:
        """How much has come of what was written down."""
        if not self.is_there:
            return 0
        told = self._read()
        return _arrived(self.files, told["files"]) + _arrived(self.base, told["lent"])

    def info(self, *, is_running: bool) -> FetchInfo:
        """As a list shows it; without an error, which dies with the service."""
        request = self.request()
        return FetchInfo(
            id=self.id,
            repository=request.repository,
            revision=request.revision,
            commit=request.commit,
            state="running" if is_running else "stopped",
            done_bytes=min(self.arrived_bytes(), request.size_bytes),
            size_bytes=request.size_bytes,
            base=request.base,
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works on it meanwhile.

        Raises:
            FetchActive: if somebody does.
        """
        make_private_folder(self.folder)
        lock = FileLock(self.folder / LOCK_FILE)
        try:
            lock.acquire()
        except LockHeld as held:
            repository = self.request().repository if self.is_there else self.id
            raise FetchActive(repository=repository) from held
        try:
            yield
        finally:
            lock.release()
            if not self.is_there:  # refused before anything was agreed to
                self.remove()

    @property
    def is_held(self) -> bool:
        """Whether somebody works on it now, this process or another one."""
        if not (self.folder / LOCK_FILE).is_file():
            return False
        try:
            with FileLock(self.folder / LOCK_FILE):
                return False
        except (LockHeld, OSError):
            return True

    def finish(self) -> None:
        """Mark the end; whoever holds the folder removes it when the lock is given back."""
        (self.folder / REQUEST_FILE).unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget what has come."""
        shutil.rmtree(
            self.folder, ignore_errors=True
        )  # Windows keeps a file that somebody has open
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # the last one

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / REQUEST_FILE).read_text(encoding="utf-8"))
            FetchRequest(**found["request"])
            return {name: dict(found[name]) for name in ("request", "files", "lent")}
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise FetchUnknown(fetch=self.id) from error


def all_parts(models: Path) -> list[Parts]:
    """Every download that was begun and is not finished."""
    try:
        names = sorted(entry.name for entry in (models / PARTS_FOLDER).iterdir())
    except OSError:
        return []
    return [
        parts for name in names if ID.fullmatch(name) and (parts := Parts(models, name)).is_there
    ]


def _arrived(folder: Path, sizes: Mapping[str, int]) -> int:
    """Bytes of the files that are here and of those that are begun."""
    total = 0
    for name, size_bytes in sizes.items():
        for path in (folder / name, folder / f"{name}{BEGUN}"):
            with contextlib.suppress(OSError):
                total += min(path.stat().st_size, size_bytes)
                break
    return total
