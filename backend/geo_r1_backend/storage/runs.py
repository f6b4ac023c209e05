"""Run folders: one per training run, made whole, listed from their own files, deleted whole.

What a run is told at its start is `request.json`; everything it chose for itself is `config.json`; everything that
happens is in `run.sqlite`. This module starts and stops nothing.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from geo_r1_backend.errors import RunsFull, RunUnknown, storage_faults
from geo_r1_backend.storage.atomic import make_private_folder, write_private_json
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training_wire import RunRequest

ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
REQUEST_FILE = "request.json"
CONFIG_FILE = "config.json"
MODEL_FOLDER = "model"
ADAPTER_FOLDER = "adapter"


class RunStore:
    """Thread-safe owner of the folder ``runs``.

    Args:
        folder: made when the first run is.
        limit: how many runs are kept.
    """

    def __init__(self, folder: Path, *, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()

    def sweep(self) -> None:
        """Remove what was cut off while it was made or deleted; for the one service that has the folder."""
        if self._folder.is_dir():
            for part in self._folder.glob(".*.part"):
                shutil.rmtree(part, ignore_errors=True)

    def create(
        self,
        request: RunRequest,
        prepare: Callable[[Path, str, str], None] = lambda folder, run_id, created: None,
        **more: Any,
    ) -> str:
        """Make the folder of a run that waits for its turn; its id.

        Args:
            request: as it was sent.
            prepare: told the folder, the id and the time; what it raises leaves nothing behind.
            more: JSON that `request.json` has besides.

        Raises:
            RunsFull: if too many are kept.
            StorageFailed: if it cannot be written.
        """
        with self._lock, storage_faults(self._folder):
            if len(self.ids()) >= self._limit:
                raise RunsFull(what="are kept", limit=self._limit)
            make_private_folder(self._folder)
            moment = datetime.now(timezone.utc)
            run_id = f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            while (self._folder / run_id).exists():
                run_id = f"{run_id[:-4]}{secrets.token_hex(2)}"
            part = make_private_folder(self._folder / f".{run_id}.part")
            try:
                created = moment.isoformat(timespec="milliseconds")
                document = {"id": run_id, "created": created, "request": asdict(request), **more}
                write_private_json(part / REQUEST_FILE, document)
                prepare(part, run_id, created)
                with closing(RunDatabase(part, create=True)) as database:
                    database.change_state("queued", step=0)
                part.replace(self._folder / run_id)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        return run_id

    def ids(self) -> list[str]:
        """All runs, newest first."""
        if not self._folder.is_dir():
            return []
        names = (entry.name for entry in self._folder.iterdir())
        return sorted((name for name in names if ID.fullmatch(name)), reverse=True)

    def folder(self, run_id: str) -> Path:
        """Where a run lies.

        Raises:
            RunUnknown: if it is not here.
        """
        folder = self._folder / run_id if ID.fullmatch(run_id) else None
        if folder is None or not (folder / REQUEST_FILE).is_file():
            raise RunUnknown(run=run_id)
        return folder

    def folder_of(self, run_id: str) -> Path:
        """Where a run of this id (one of `ids`) would lie; nothing is looked at."""
        return self._folder / run_id

    def open(self, run_id: str) -> RunDatabase:
        """The database of a run; whoever asks closes it.

        Raises:
            RunUnknown: if it is not here, or has no database any more.
        """
        folder = self.folder(run_id)
        try:
            database = RunDatabase(folder)
        except sqlite3.Error as error:
            raise RunUnknown(run=run_id) from error
        try:
            database.values()
        except sqlite3.DatabaseError as error:
            database.close()
            raise RunUnknown(run=run_id) from error
        return database

    def read(self, run_id: str) -> dict[str, Any]:
        """What the run was told at its start.

        Raises:
            RunUnknown: if it is not here.
        """
        found = read_json(self.folder(run_id) / REQUEST_FILE)
        if found is None:
            raise RunUnknown(run=run_id)
        return found

    def delete(self, run_id: str) -> None:
        """Forget a run that is over, with its checkpoints and its model.

        Raises:
            RunUnknown: if it is not here.
        """
        with self._lock:
            folder = self.folder(run_id)
            with storage_faults(self._folder):
                part = folder.with_name(f".{run_id}.{secrets.token_hex(4)}.part")
                folder.replace(part)
                shutil.rmtree(part)

    def delete_model(self, run_id: str) -> None:
        """Forget what a run has learned, and keep how it went.

        Raises:
            RunUnknown: if it is not here.
        """
        with self._lock:
            folder = self.folder(run_id)
            with storage_faults(self._folder):
                for name in (MODEL_FOLDER, ADAPTER_FOLDER):
                    if (folder / name).is_dir():
                        part = self._folder / f".{run_id}-{name}.{secrets.token_hex(4)}.part"
                        (folder / name).replace(part)
                        shutil.rmtree(part)


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where there is none (readable)."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
