"""`run.sqlite` of one training run: the only channel between the service and the runner, safe for both at any moment.

Tables: ``events`` (what a client is told, numbered from 1 without gaps), ``completions`` (every sampled answer with its
reward) and ``state`` (keys `state`, `stop`, `step`, `pid`, `started`, `heartbeat`). Write-ahead log: a kill -9 of either
side leaves a whole file. It knows no training and no HTTP.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from geo_r1_backend.errors import StorageFailed
from geo_r1_backend.training_wire import RunEvent, RunState, RunStateEvent
from geo_r1_backend.wire import ErrorBody

DATABASE_FILE = "run.sqlite"
FINAL_STATES: tuple[RunState, ...] = ("stopped", "finished", "failed")
LOCKED_S = 20.0
"""How long one side waits for the other; a write takes milliseconds."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS events(number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS completions(
  step INTEGER NOT NULL, sample INTEGER NOT NULL, row INTEGER NOT NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL,
  metric REAL NOT NULL, reward REAL NOT NULL, parts TEXT NOT NULL, advantage REAL NOT NULL);
CREATE INDEX IF NOT EXISTS completions_of_step ON completions(step);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

EventRow = dict[str, Any]
"""An event as JSON has it, `event` and `number` included."""


class RunDatabase:
    """One connection to one run's file; for any thread, one at a time.

    Args:
        folder: of the run.
        create: make file and tables where they are not there.

    Raises:
        sqlite3.Error: if there is no such file, or it is no database.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        mode = "rwc" if create else "rw"
        address = (folder.resolve() / DATABASE_FILE).as_uri()
        self._folder = folder
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            f"{address}?mode={mode}",
            uri=True,
            timeout=LOCKED_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if create:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.executescript(SCHEMA)
            # whole after a kill of the process; a power cut may take the last second
            self._connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> RunDatabase:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the file from its beginning: all of it happens, or nothing.

        Raises:
            StorageFailed: if the disk is full or the file cannot be written.
        """
        with self._lock:
            with self._faults():
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                with self._faults():
                    yield self._connection
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """What SQLite says of a disk, in our words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageFailed(
                folder=str(self._folder), reason=str(error), is_full="full" in str(error)
            ) from error

    def append(self, event: RunEvent) -> int:
        """Write an event down under the next number, which is returned; the event's own number is not looked at."""
        with self.writing() as connection:
            return _append(connection, event)

    def change_state(
        self,
        state: RunState,
        *,
        note: str = "",
        error: ErrorBody | None = None,
        only_from: Collection[str] | None = None,
        **values: object,
    ) -> bool:
        """Change the run's state and say so in an event, in one step.

        Args:
            state: the new one.
            note: for a person.
            error: why it failed.
            only_from: do nothing unless the state is one of these.
            values: further keys to write in the same step; None takes a key away.

        Returns:
            Whether it was changed.
        """
        with self.writing() as connection:
            if only_from is not None and _read(connection).get("state", "") not in only_from:
                return False
            _write(connection, {**values, "state": state})
            _append(connection, RunStateEvent(number=0, state=state, note=note, error=error))
        return True

    def set(self, **values: object) -> None:
        """Write keys of the state; None takes a key away."""
        with self.writing() as connection:
            _write(connection, values)

    def values(self) -> dict[str, str]:
        """All keys of the state."""
        with self._lock:
            return _read(self._connection)

    def look(self, after: int, limit: int) -> tuple[list[EventRow], str]:
        """Events with numbers above ``after``, and the state that belongs to the last of them."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                return self.events(after, limit), _read(self._connection).get("state", "")
            finally:
                self._connection.execute("COMMIT")

    def events(self, after: int = 0, limit: int = 1000) -> list[EventRow]:
        """Events with numbers above ``after``, in order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?",
                (after, limit),
            ).fetchall()
        return [{**json.loads(body), "number": number} for number, body in rows]

    def last_of(self, kind: str) -> EventRow | None:
        """The newest event of a kind, with the time it was written in ``at``."""
        with self._lock:
            row = self._connection.execute(
                "SELECT number, at, body FROM events WHERE kind = ? ORDER BY number DESC LIMIT 1",
                (kind,),
            ).fetchone()
        return None if row is None else {**json.loads(row[2]), "number": row[0], "at": row[1]}

    def times(self) -> list[tuple[str, str]]:
        """Time and state of every change of state."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT at, body FROM events WHERE kind = 'state' ORDER BY number"
            ).fetchall()
        return [(at, str(json.loads(body)["state"])) for at, body in rows]

    def last_number(self) -> int:
        """Number of the newest event; 0 = there is none."""
        with self._lock:
            return int(
                self._connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[
                    0
                ]
            )


def now() -> str:
    """This moment as the wire writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _append(connection: sqlite3.Connection, event: RunEvent) -> int:
    (number,) = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM events").fetchone()
    body = json.dumps({**asdict(event), "number": number}, allow_nan=False)
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (number, now(), event.event, body))
    return int(number)


def _read(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT key, value FROM state").fetchall())


def _write(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if value is None:
            connection.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, str(value)))
