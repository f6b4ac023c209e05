"""Chips by the SHA-256 of their bytes, on disk, with a budget and an expiry; they travel once and are read when needed.

The folder is private to the user and emptied at start and end: chips are what somebody looked at. This module knows
no image formats; it is told the size in pixels.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.errors import BodyTooLarge, ChipHashMismatch, ChipUnknown, storage_faults
from geo_r1_backend.storage.atomic import PRIVATE_FILE, make_private_folder


@dataclass(frozen=True)
class StoredChip:
    """What is known of one chip without decoding it."""

    sha256: str
    path: Path
    width_px: int
    height_px: int
    size_bytes: int
    expires_at_s: float
    """On the store's clock."""


class ChipStore:
    """Thread-safe; the least recently used chip goes first when the budget is spent."""

    def __init__(
        self,
        folder: Path,
        *,
        budget_bytes: int,
        expiry_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = make_private_folder(folder)
        self._budget_bytes = budget_bytes
        self._expiry_s = expiry_s
        self._clock = clock
        self._lock = threading.Lock()
        self._chips: OrderedDict[str, StoredChip] = OrderedDict()
        self._held: Counter[str] = Counter()
        self.clear()

    def begin(self, *, limit_bytes: int) -> ChipUpload:
        """A place for bytes that arrive; see `keep`.

        Raises:
            StorageFailed: if nothing can be written.
        """
        return ChipUpload(self._folder / f"{secrets.token_hex(8)}.part", limit_bytes=limit_bytes)

    def keep(self, upload: ChipUpload, *, sha256: str, width_px: int, height_px: int) -> StoredChip:
        """Take a complete upload into the store, and let others go if the budget asks for it."""
        path = self._folder / sha256
        with self._lock:
            with storage_faults(self._folder):
                upload.path.replace(path)
            chip = StoredChip(
                sha256=sha256,
                path=path,
                width_px=width_px,
                height_px=height_px,
                size_bytes=upload.size_bytes,
                expires_at_s=self._clock() + self._expiry_s,
            )
            self._chips[sha256] = chip
            self._chips.move_to_end(sha256)
            self._expire()
            self._evict(keeping=sha256)
        return chip

    def find(self, sha256: str) -> StoredChip:
        """The chip, its expiry renewed by the use.

        Raises:
            ChipUnknown: if it was never here, has expired or was evicted.
        """
        with self._lock:
            self._expire()
            chip = self._chips.get(sha256)
            if chip is None or not chip.path.is_file():
                self._chips.pop(sha256, None)
                raise ChipUnknown(sha256=sha256)
            renewed = StoredChip(**{**vars(chip), "expires_at_s": self._clock() + self._expiry_s})
            self._chips[sha256] = renewed
            self._chips.move_to_end(sha256)
            return renewed

    def hold(self, sha256s: Iterable[str]) -> list[StoredChip]:
        """Find chips and keep them here until `release`, whatever the budget and the clock say.

        Raises:
            ChipUnknown: if any is not here; it names the first and how many are missing, and holds none.
        """
        wanted = list(dict.fromkeys(sha256s))
        found: list[StoredChip] = []
        missing: list[str] = []
        for sha256 in wanted:
            try:
                found.append(self.find(sha256))
            except ChipUnknown:
                missing.append(sha256)
        if missing:
            raise ChipUnknown(sha256=missing[0], missing=len(missing))
        with self._lock:
            self._held.update(wanted)
        return found

    def release(self, sha256s: Iterable[str]) -> None:
        """Undo one `hold` of the same chips."""
        with self._lock:
            self._held.subtract(dict.fromkeys(sha256s, 1))
            self._held = +self._held

    def clear(self) -> None:
        """Forget everything, files included."""
        with self._lock:
            self._chips.clear()
            for path in self._folder.iterdir():
                if path.is_file():
                    path.unlink(missing_ok=True)

    def seconds_left(self, chip: StoredChip) -> float:
        """How long a chip stays if nobody uses it."""
        return max(0.0, chip.expires_at_s - self._clock())

    def _expire(self) -> None:
        now_s = self._clock()
        for chip in [
            c for c in self._chips.values() if c.expires_at_s <= now_s and not self._held[c.sha256]
        ]:
            self._forget(chip)

    def _evict(self, *, keeping: str) -> None:
        total_bytes = sum(chip.size_bytes for chip in self._chips.values())
        for chip in list(self._chips.values()):
            if total_bytes <= self._budget_bytes:
                return
            if chip.sha256 != keeping and not self._held[chip.sha256]:
                total_bytes -= chip.size_bytes
                self._forget(chip)

    def _forget(self, chip: StoredChip) -> None:
        self._chips.pop(chip.sha256, None)
        chip.path.unlink(missing_ok=True)


class ChipUpload:
    """Bytes on their way to disk, hashed and counted as they come; never more than the limit is written."""

    def __init__(self, path: Path, *, limit_bytes: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._limit_bytes = limit_bytes
        self._hash = hashlib.sha256()
        with storage_faults(path.parent):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        self._stream = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Some more bytes.

        Raises:
            BodyTooLarge: as soon as the limit is passed.
            StorageFailed: if the disk is full.
        """
        self.size_bytes += len(piece)
        if self.size_bytes > self._limit_bytes:
            raise BodyTooLarge(limit_bytes=self._limit_bytes)
        self._hash.update(piece)
        with storage_faults(self.path.parent):
            self._stream.write(piece)

    def finish(self, expected_sha256: str) -> None:
        """All bytes are here.

        Raises:
            ChipHashMismatch: if they are not what their name says.
            StorageFailed: if the disk is full.
        """
        with storage_faults(self.path.parent):
            self._stream.close()
        given = self._hash.hexdigest()
        if given != expected_sha256:
            raise ChipHashMismatch(expected=expected_sha256, given=given)

    def discard(self) -> None:
        """Take the bytes away, unless the store has them already."""
        with suppress(OSError):  # what was not written yet is not wanted any more
            self._stream.close()
        self.path.unlink(missing_ok=True)
