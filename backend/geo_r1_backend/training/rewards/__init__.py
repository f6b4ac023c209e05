"""Rewards of completions: pure functions of a sample's truth and a text. They know no model and no torch.

A reward is ``format + metric part + near``. The *metric* beside it is the true one, unshaped: IoU, F1 or mask IoU as a user would
see it. Groups are chosen by the metric (`advantage.informative`), never by the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from geo_r1_backend.engines.resize import View
from geo_r1_backend.evaluation.masks import Mask, polygon_mask
from geo_r1_backend.geo.boxes import Box
from geo_r1_backend.training.rewards.format import format_reward
from geo_r1_backend.training.rewards.gres import Segment, gres_reward, mask_iou
from geo_r1_backend.training.rewards.near import near_reward
from geo_r1_backend.training.rewards.ovd import ap_reward, f1_reward
from geo_r1_backend.training.rewards.rec import rec_reward
from geo_r1_backend.training.rewards.said import Said, read
from geo_r1_backend.training_wire import Sample
from geo_r1_backend.wire import Task

__all__ = ["RewardSettings", "Rewarded", "Segment", "reward", "true_mask"]


@dataclass(frozen=True)
class RewardSettings:
    """How the parts are weighed."""

    format_weight: float = 1.0
    """As in the paper, where the sum lies between 0 and 2."""
    near_weight: float = 0.2
    """Of the tail for near misses, ``weight · (1 - metric part) · nearness``; below 1, so that being near is never worth more than
    being right. 0 = the paper's reward."""
    ovd: Literal["f1", "ap"] = "f1"
    """`ap` is the paper's; `f1` says more about answers of a model that is still weak."""


@dataclass(frozen=True)
class Rewarded:
    """What one completion is worth."""

    total: float
    """Sum of the parts; what advantages are made of."""
    metric: float
    """True, unshaped, in [0, 1]: IoU (REC), IoU-weighted F1 (OVD), mask IoU (GRES)."""
    parts: dict[str, float]
    """Weighted: `format`; `iou`, `f1`, `ap` or `giou`; `near`."""


def reward(
    sample: Sample,
    text: str,
    view: View,
    *,
    think: bool = True,
    settings: RewardSettings | None = None,
    segment: Segment | None = None,
    mask: Mask | None = None,
    asked_as: Task | None = None,
) -> Rewarded:
    """What a completion is worth for a sample.

    An empty truth is answered by "None": 1; by boxes: 0. A true object that is answered by "None", or by nothing: 0.

    Args:
        sample: the question with its true boxes (and polygons, for masks) in chip pixels.
        text: the completion without its end token.
        view: how the chip was shown to the model.
        think: whether the prompt asked for reasoning.
        settings: weights; None = the defaults.
        segment: the frozen segmenter on this chip; only masks need it.
        mask: `true_mask` of the sample where the caller kept it, for all completions of a group.
        asked_as: the task of the prompt, where it is not the sample's: boxes of which masks are cut out.

    Raises:
        ValueError: for a sample with masks and no segmenter.
    """
    settings = settings or RewardSettings()
    said = read(text, view, asked_as or sample.task, think=think)
    truth = [tuple(box) for box in sample.boxes_px]
    if sample.task == "gres":
        if segment is None:
            raise ValueError("rewards of masks need a segmenter: pass segment=partial(...)")
        if mask is None:
            mask = true_mask(sample, view.chip_width_px, view.chip_height_px)
        name, metric = "giou", mask_iou(said, mask, segment)
        worth = gres_reward(metric, said=said.said, true=len(truth))
    else:
        name, worth, metric = _boxes(sample, said, truth, settings)
    near = near_reward(
        said.boxes_px,
        truth,
        said=said.said,
        chip_longer_px=max(view.chip_width_px, view.chip_height_px),
    )
    parts = {"format": settings.format_weight * format_reward(said), name: worth}
    parts["near"] = settings.near_weight * (1 - worth) * near
    return Rewarded(total=sum(parts.values()), metric=metric, parts=parts)


def true_mask(sample: Sample, width_px: int, height_px: int) -> Mask:
    """The true mask of a chip, ``(height, width)``."""
    return polygon_mask(sample.polygons_px or (), height_px, width_px)


def _boxes(
    sample: Sample, said: Said, truth: Sequence[Box], settings: RewardSettings
) -> tuple[str, float, float]:
    """Name and worth of the metric part, and the metric, for REC and OVD."""
    name = "iou" if sample.task == "rec" else settings.ovd
    if not truth:
        right = 1.0 if said.says_none else 0.0
        return name, right, right
    worth_of = {"iou": rec_reward, "f1": f1_reward, "ap": ap_reward}[name]
    measure = rec_reward if sample.task == "rec" else f1_reward
    return (
        name,
        worth_of(said.boxes_px, truth, said=said.said),
        measure(said.boxes_px, truth, said=len(said.boxes_px)),
    )
