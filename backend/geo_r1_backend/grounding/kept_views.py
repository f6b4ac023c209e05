"""Pictures as the model sees them, kept for the next question about the same chip.

A large one takes longer to decode and to shrink than the first words of an answer take.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from geo_r1_backend.engines.resize import View

if TYPE_CHECKING:
    from PIL.Image import Image

LIMIT_BYTES = 16 * 1024 * 1024
"""About 27 views of 448 px."""


class KeptViews:
    """The latest views of chips, by the chip's hash; for any thread.

    Args:
        limit_bytes: of pixels that are kept; the one asked for longest ago goes first.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._views: OrderedDict[tuple[str, View], Image] = OrderedDict()
        self.size_bytes = 0
        self._lock = threading.Lock()

    def get(self, chip: str, view: View) -> Image | None:
        """What was kept, if it is still there."""
        with self._lock:
            found = self._views.get((chip, view))
            if found is not None:
                self._views.move_to_end((chip, view))
            return found

    def keep(self, chip: str, view: View, image: Image) -> None:
        """Take a picture; one that alone is too large is not kept."""
        with self._lock:
            if _bytes_of(image) > self._limit_bytes or (chip, view) in self._views:
                return
            self._views[chip, view] = image
            self.size_bytes += _bytes_of(image)
            while self.size_bytes > self._limit_bytes:
                self.size_bytes -= _bytes_of(self._views.popitem(last=False)[1])


def _bytes_of(image: Image) -> int:
    return image.width * image.height * len(image.getbands())
