"""What went wrong with a file, as an error with a code: OGR has one message for a lock, a full disk and a read-only folder."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path

from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import LayerError
from .ogr_calls import last_reason
from .schema import SCHEMA_VERSION

translate = QCoreApplication.translate

LOCKED = "layer-locked"
DISK_FULL = "layer-disk-full"
READ_ONLY = "layer-read-only"
MOVED = "layer-moved"

ROOM_BYTES = 256 * 1024
"""Less than this, and an "I/O error" means that the disk is full."""
SHOWN_CHARACTERS = 200


def failed(verb: str, path: str, code: str = "layer-file") -> LayerError:
    """The error for the last `attempt` that failed.

    Args:
        verb: what was tried: open, create or write.
        path: of the file.
        code: where the reason does not say it better.
    """
    reason = _short(last_reason()) or os.strerror(
        errno.EIO if Path(path).exists() else errno.ENOENT
    )
    message = {
        "open": translate("ResultFile", "{path} cannot be opened: {reason}"),
        "create": translate("ResultFile", "{path} cannot be made: {reason}"),
        "write": translate("ResultFile", "{path} cannot be written: {reason}"),
    }[verb]
    code = _code_of(reason, Path(path)) or code
    return LayerError(message.format(path=path, reason=reason), code=code, path=path, reason=reason)


def folder_failed(folder: Path, error: OSError) -> LayerError:
    """The error for a folder in which nothing can be made."""
    message = translate("ResultFile", "The folder {folder} cannot be written: {reason}.")
    values = {"folder": str(folder), "reason": error.strerror or str(error)}
    code = DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else "layer-folder"
    return LayerError(message.format(**values), code=code, path=str(folder), **values)


def is_read_only(path: Path) -> bool:
    """Whether a file that is there cannot be written: SQLite needs to write beside it, too."""
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def read_only(path: str) -> LayerError:
    """The error for such a file."""
    message = translate("ResultFile", "{path} is read-only, or lies in a read-only folder.")
    return LayerError(message.format(path=path), code=READ_ONLY, path=path)


def wrong_schema(path: str, version: int) -> LayerError:
    """The error for a file that is not of this version, or not one of ours (version 0)."""
    if version <= SCHEMA_VERSION:
        message = translate("ResultFile", "{path} exists and is not a Geo-R1 result file.")
        return LayerError(message.format(path=path), code="layer-foreign", path=path)
    message = translate(
        "ResultFile",
        "{path} was written by a newer Geo-R1 (schema {version}; this one knows {known}).",
    )
    return LayerError(
        message.format(path=path, version=version, known=SCHEMA_VERSION),
        hint=translate("ResultFile", "Update the plugin to add to that file."),
        code="layer-newer-schema",
        path=path,
        version=version,
    )


def _code_of(reason: str, path: Path) -> str:
    said = reason.lower()
    if " is locked" in said:
        return LOCKED
    if "disk is full" in said or ("i/o error" in said and not _has_room(path.parent)):
        return DISK_FULL
    if path.exists() and is_read_only(path):
        return READ_ONLY
    if "readonly database" in said:
        # the permissions are right: somebody took the file away, or put another one in its place
        return MOVED
    return ""


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free >= ROOM_BYTES
    except OSError:  # it is gone: not a question of room
        return True


def _short(reason: str) -> str:
    """Without the SQL that OGR puts in front."""
    last = re.split(r"\) failed: | : ", reason.strip())[-1]
    return last if len(last) <= SHOWN_CHARACTERS else last[: SHOWN_CHARACTERS - 1] + "…"
