"""What can be wrong with the disk that the service writes to."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_r1_backend.errors.base import GeoR1Error

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)


class StorageFailed(GeoR1Error, OSError):
    """The disk is full, or the folder cannot be written."""

    code = "storage-failed"
    status = 507

    def __init__(self, *, folder: str, reason: str, is_full: bool) -> None:
        super().__init__(
            f"The service cannot write into {folder}: {reason}.",
            hint=(
                "Make room on that disk, then ask again."
                if is_full
                else "Choose another folder with --data-dir, or allow writing there."
            ),
            folder=folder,
            reason=reason,
        )


@contextmanager
def storage_faults(folder: Path) -> Iterator[None]:
    """Turn what the system says about a disk into a sentence.

    Raises:
        StorageFailed: where an OSError came out of the block.
    """
    try:
        yield
    except GeoR1Error:
        raise
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        full = error.errno in FULL
        raise StorageFailed(folder=str(folder), reason=reason, is_full=full) from error
