"""One object: IoU."""

from __future__ import annotations

from collections.abc import Sequence

from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.training.rewards.pairing import ious


def rec_reward(boxes_px: Sequence[Box], truth_px: Sequence[Box], *, said: int) -> float:
    """IoU of the answer with the true box, in [0, 1], continuous.

    ``R = IoU(b, b_gt)`` for the one box that is asked for. An answer of several boxes gets the sum over N: saying more never
    pays, whichever of them is looked at (VLM-R1 rewards the first box and evaluates the last). Where several objects fit
    the sentence, each box counts with the one it overlaps most.

    Source: Geo-R1 (arXiv 2509.21976), eq. 6.

    Args:
        boxes_px: what a user would see.
        truth_px: true boxes, not empty.
        said: N, the pieces that were of no use included.
    """
    if not boxes_px:
        return 0.0
    return float(ious(boxes_px, truth_px).max(1).sum()) / said
