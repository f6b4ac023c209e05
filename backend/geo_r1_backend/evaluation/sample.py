"""One question of a published data set with its truth: what every reader gives and every suite asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from geo_r1_backend.evaluation.masks import Mask
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.wire import Task


@dataclass(frozen=True)
class Sample:
    """A question about one picture. Pixels are read when they are needed: a set can have gigabytes of them."""

    id: str
    picture: str
    """Questions about one picture share it: they are resampled together."""
    task: Task
    query: str
    read_image: Callable[[], Image.Image]
    kind: str = ""
    """Class of what is sought; empty where the set does not say."""
    unique: bool | None = None
    """Whether the target is the only one of its class; None where the set does not say."""
    truth_px: tuple[Box, ...] = ()
    """In pixels of the picture, half-open."""
    relative_truth: tuple[Box, ...] = ()
    """The same as shares of the picture's sides, for a set that gives these; `truth_px` is empty then."""
    read_mask: Callable[[], Mask] | None = None

    def truth_in(self, image: Image.Image) -> tuple[Box, ...]:
        """The true boxes in pixels of this picture."""
        if not self.relative_truth:
            return self.truth_px
        width, height = image.size
        return tuple(
            (x0 * width, y0 * height, x1 * width, y1 * height)
            for x0, y0, x1, y1 in self.relative_truth
        )
