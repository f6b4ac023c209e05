"""Calls into OGR: quiet, and with one way of failing whether or not another plugin made OGR raise exceptions.

OGR is used without its global "use exceptions" switch, because that belongs to the whole QGIS process.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from osgeo import gdal

_raised = threading.local()
"""What OGR said last on this thread, where it raised."""

BUSY_MS = 400
"""How long SQLite waits for a lock. OGR asks for a lock several times per row, so its own 5 s become half a minute."""


def attempt(action: Callable[[], Any]) -> Any:
    """Call OGR; a failure is None or an error code."""
    gdal.ErrorReset()
    _raised.reason = ""
    try:
        return action()
    except RuntimeError as error:
        _raised.reason = str(error)
        return None


def last_reason() -> str:
    """What OGR said about the last failed `attempt` of this thread; empty if it said nothing."""
    return getattr(_raised, "reason", "") or gdal.GetLastErrorMsg()


def has_failed() -> bool:
    """Whether the last `attempt` of this thread failed, also where its result looks like an empty answer."""
    return bool(getattr(_raised, "reason", "")) or gdal.GetLastErrorType() >= gdal.CE_Failure


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing on the console."""
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()


@contextmanager
def impatient(busy_ms: int = BUSY_MS) -> Iterator[None]:
    """Files that are opened meanwhile give up on a lock after `busy_ms`; for this thread only."""
    set_option = getattr(gdal, "SetThreadLocalConfigOption", None)
    if set_option is None:  # an older GDAL: it waits longer, and nothing else changes
        yield
        return
    set_option("SQLITE_BUSY_TIMEOUT", str(busy_ms))
    try:
        yield
    finally:
        set_option("SQLITE_BUSY_TIMEOUT", None)


def is_locked(path: str) -> bool:
    """Whether another program holds a GeoPackage so that it cannot be read now; waits for nothing.

    Asked through OGR: a connection of Python's sqlite3 would, when it is closed, drop the locks that this process has on the file.
    """
    with quiet(), impatient(1):
        file = attempt(lambda: gdal.OpenEx(path, gdal.OF_VECTOR | gdal.OF_READONLY))
        return file is None and "lock" in last_reason()


def become_impatient(file: gdal.Dataset) -> None:
    """Give up on a lock after `BUSY_MS` from now on too: the GeoPackage driver goes back to its own 5 s once it is open."""
    told = attempt(lambda: file.ExecuteSQL(f"PRAGMA busy_timeout = {BUSY_MS}"))
    if told is not None:
        file.ReleaseResultSet(told)
