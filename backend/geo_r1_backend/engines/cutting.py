"""Which segmenter cuts objects out here, found and loaded when the first mask is asked for. It loads once.

Folders, best first: ``GEO_R1_SEGMENTER``, `segmenter` in the data folder, the embedded one.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from geo_r1_backend.config import SEGMENTER_VARIABLE
from geo_r1_backend.engines.segmenter import Segmenter, load_segmenter
from geo_r1_backend.errors import GeoR1Error, SegmenterMissing
from geo_r1_backend.models.registry import embedded_segmenter_folder

log = logging.getLogger(__name__)

FOLDER = "segmenter"
THREADS = 4


def find_segmenter(data_folder: Path) -> Path | None:
    """The folder of the segmenter to use; a folder that the user named is the only candidate."""
    named = os.environ.get(SEGMENTER_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    own = data_folder / FOLDER
    return own if own.is_dir() and any(own.iterdir()) else embedded_segmenter_folder()


class Cutting:
    """The segmenter of a service or a command. Thread-safe."""

    def __init__(self, data_folder: Path, threads: int | None = None) -> None:
        self._data_folder = data_folder
        self._threads = threads or min(THREADS, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._loaded: tuple[Path, Segmenter] | None = None

    @property
    def is_there(self) -> bool:
        """Whether masks can be promised; what is there may still turn out to be damaged."""
        return find_segmenter(self._data_folder) is not None

    def segmenter(self) -> Segmenter:
        """The segmenter, loaded on the first call; a folder that was put there later is found.

        Raises:
            SegmenterMissing: if there is none.
            ModelFailed, MissingExtra: if it cannot be loaded; the next call tries again.
        """
        with self._lock:
            folder = find_segmenter(self._data_folder)
            if folder is None:
                raise SegmenterMissing(folder=str(self._data_folder / FOLDER))
            if self._loaded is None or self._loaded[0] != folder:
                self._close()
                try:
                    self._loaded = folder, load_segmenter(folder, self._threads)
                except GeoR1Error:
                    log.exception("the segmenter in %s", folder)
                    raise
            return self._loaded[1]

    def close(self) -> None:
        """Free what was loaded; some segmenters have a process of their own."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        loaded, self._loaded = self._loaded, None
        close = getattr(loaded[1], "close", None) if loaded else None
        if close is not None:
            close()
