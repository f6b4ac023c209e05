"""Masks of whatever answers a question: IoU of the pixels, with a frozen segmenter between boxes and masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.evaluation.masks import Mask, box_mask, overlap, question_iou
from geo_r1_backend.training.rewards.ovd import length_term
from geo_r1_backend.training.rewards.said import Said

Segment = Callable[[Sequence[MaskPrompt]], Sequence[Mask]]
"""The frozen segmenter on one chip: ``functools.partial(segmenter.segment, image)``. Its weights never move, or the model would
be taught to please a segmenter that learns to be pleased."""


def mask_iou(said: Said, true_mask: Mask, segment: Segment) -> float:
    """IoU of the answer's mask with the true one, in [0, 1]; both empty = 1 if the answer says so.

    Each mask is trimmed to its box, all of one answer are united.

    Source: Geo-R1 (arXiv 2509.21976), section 2.3 (gIoU is the mean of this over questions). Where nothing is there and
    nothing is said, Geo-R1's script gives 0; Think2Seg-RS and we give 1.

    Args:
        said: one completion.
        true_mask: ``(height, width)`` of the chip.
        segment: the segmenter, on this chip.
    """
    height_px, width_px = true_mask.shape
    drawn = np.zeros_like(true_mask, dtype=bool)
    prompts = [
        MaskPrompt(box, points) for box, points in zip(said.boxes_px, said.points_px, strict=True)
    ]
    for prompt, mask in zip(prompts, segment(prompts) if prompts else (), strict=True):
        drawn |= mask & box_mask([prompt.box_px], height_px, width_px)
    both_empty = 1.0 if said.says_none else 0.0
    return question_iou(overlap(drawn, true_mask), both_empty=both_empty)


def gres_reward(iou: float, *, said: int, true: int) -> float:
    """``min(1, sqrt(N_gt / N)) · IoU``, in [0, 1].

    The length term is OVD's: a segmenter that finds nothing in a box on bare ground would let boxes be strewn over the whole
    chip for free.

    Args:
        iou: of the masks, `mask_iou`.
        said: N, the pieces that were of no use included.
        true: N_gt.
    """
    return length_term(said, max(1, true)) * iou
