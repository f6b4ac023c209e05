"""A segmenter for tests, deterministic and without weights: in a box, all that is not of the colour of the picture's corner."""

from __future__ import annotations

import numpy as np

from geo_r1_backend.errors import EngineFailed


class ColourSegmenter:
    """Cuts by colour; keeps what it was asked.

    Args:
        fail_after: raise EngineFailed from the mask of this number on.
        error: raise this instead.
    """

    name = "colour"
    closed = 0
    """How many were closed, of all."""

    def __init__(self, *, fail_after=None, error=None):
        self.fail_after, self.error = fail_after, error or EngineFailed("out of memory")
        self.prompts = []

    def close(self):
        ColourSegmenter.closed += 1

    def segment(self, image, prompts):
        masks = []
        for prompt in prompts:
            if self.fail_after is not None and len(self.prompts) >= self.fail_after:
                raise self.error
            self.prompts.append(prompt)
            x_min, y_min, x_max, y_max = (round(value) for value in prompt.box_px)
            mask = np.zeros(image.shape[:2], bool)
            part = image[y_min:y_max, x_min:x_max].astype(int)
            mask[y_min:y_max, x_min:x_max] = abs(part - image[0, 0].astype(int)).sum(axis=2) > 30
            masks.append(mask)
        return masks
