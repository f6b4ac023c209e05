"""The tail of a reward for near misses: IoU is 0 for all of them, but some are nearer than others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.training.rewards.pairing import best_pairs

REACH_OF_CHIP = 1 / 8
"""Share of the chip's longer side that is added to an object's own size: small objects pull from a little further."""


def nearness(said_px: Box, true_px: Box, chip_longer_px: float) -> float:
    """How near a box is to a true one, in (0, 1], 1 for the same box.

    ``exp(-W / (sqrt(w h) + chip / 8))`` with the Wasserstein distance of the two boxes as Gaussians,
    ``W² = Δcx² + Δcy² + (Δw² + Δh²) / 4``. Size counts as place does, so a box over the whole chip is far from everything.

    Source: the normalised Wasserstein distance (arXiv 2110.13389, eq. 4 to 6), with a scale that follows the object.
    """
    width, height = true_px[2] - true_px[0], true_px[3] - true_px[1]
    across = (said_px[0] + said_px[2] - true_px[0] - true_px[2]) / 2
    down = (said_px[1] + said_px[3] - true_px[1] - true_px[3]) / 2
    wider = (said_px[2] - said_px[0] - width) / 2
    higher = (said_px[3] - said_px[1] - height) / 2
    distance = math.hypot(across, down, wider, higher)
    return math.exp(-distance / (math.sqrt(width * height) + REACH_OF_CHIP * chip_longer_px))


def near_reward(
    boxes_px: Sequence[Box], truth_px: Sequence[Box], *, said: int, chip_longer_px: float
) -> float:
    """How near a set of boxes comes to the true ones, in [0, 1]; 0 where nothing is there or nothing was said.

    ``min(1, N_gt / N) · 2 Σ nearness / (N + N_gt)`` over the one-to-one pairs with the greatest sum. A second guess costs
    more than it can bring. The caller pays ``weight · (1 - metric part)`` of it: what is right has no tail, and with a weight
    below 1 more of the metric is always worth more.

    It never decides which groups teach (verl-recipe issue 125: shaping alone makes advantages out of groups that all
    failed); that is the metric's.

    Args:
        boxes_px: what a user would see.
        truth_px: every true object.
        said: N, the pieces that were of no use included.
        chip_longer_px: longer side of the chip.
    """
    if not boxes_px or not truth_px:
        return 0.0
    near = np.asarray(
        [[nearness(box, true, chip_longer_px) for true in truth_px] for box in boxes_px]
    )
    summed = sum(float(near[pair]) for pair in best_pairs(near))
    return min(1.0, len(truth_px) / said) * 2 * summed / (said + len(truth_px))
