"""All objects of a kind: average precision with the paper's length term, and F1 of the matched set."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geo_r1_backend.evaluation.metrics import average_precision, mean
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.training.rewards.pairing import best_pairs, ious, most_hits

THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
"""COCO's."""


def length_term(said: int, true: int) -> float:
    """``min(1, sqrt(N_gt / N))``: answers that say too many boxes are worth less. Geo-R1, eq. 7."""
    return min(1.0, math.sqrt(true / said)) if said else 1.0


def ap_reward(boxes_px: Sequence[Box], truth_px: Sequence[Box], *, said: int) -> float:
    """``min(1, sqrt(N_gt / N)) · AP``, in [0, 1].

    AP over IoU 0.50 to 0.95. An answer has no scores, so all its boxes are equally sure: they enter at once and give
    one point of precision and recall. (pycocotools keeps equal scores in the order of the text, which pays for true boxes
    first and anything after them.) At each threshold the greatest possible number of boxes is matched, so a better box
    never lowers the figure.

    Source: Geo-R1 (arXiv 2509.21976), eq. 7; COCO's 101 recalls.

    Args:
        boxes_px: what a user would see.
        truth_px: every true object, not empty.
        said: N, the pieces that were of no use included.
    """
    if not boxes_px:
        return 0.0
    overlap = ious(boxes_px, truth_px)
    precisions = []
    for threshold in THRESHOLDS:
        hits = most_hits(overlap >= threshold)
        precisions.append(average_precision([(hits / len(truth_px), hits / said)]))
    return length_term(said, len(truth_px)) * mean(precisions)


def f1_reward(boxes_px: Sequence[Box], truth_px: Sequence[Box], *, said: int) -> float:
    """F1 of the matched set with IoU as its weight, in [0, 1].

    ``2 Σ IoU / (N + N_gt)`` over the one-to-one pairs with the greatest sum. Unlike AP it says something about answers
    that miss every threshold, and each false box costs the same wherever it stands.

    Source: ours; the panoptic quality of arXiv 1801.00868 without its threshold.

    Args:
        boxes_px: what a user would see.
        truth_px: every true object, not empty.
        said: N, the pieces that were of no use included.
    """
    if not boxes_px:
        return 0.0
    overlap = ious(boxes_px, truth_px)
    return 2 * sum(float(overlap[pair]) for pair in best_pairs(overlap)) / (said + len(truth_px))
