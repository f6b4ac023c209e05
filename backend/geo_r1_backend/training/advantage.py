"""From the rewards of a group to the advantage of each completion, and which groups teach. Pure Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Objective = Literal["grpo", "dapo", "dr_grpo"]
STD_FLOOR = 1e-4
"""As in TRL and VLM-R1."""
LEAST_SPREAD = 0.01
"""A group whose answers differ by less than a hundredth of IoU says nothing about which of them was better."""


def advantages(rewards: Sequence[float], method: Objective) -> list[float]:
    """How much better than its group each completion is; they sum to 0.

    GRPO and DAPO: ``(r - mean) / (std + 1e-4)`` with the sample's standard deviation (n - 1), as TRL computes it.
    Dr. GRPO: ``r - mean``: dividing gives groups that are almost all right or all wrong too much weight.

    Source: GRPO arXiv 2402.03300; DAPO arXiv 2503.14476; Dr. GRPO arXiv 2503.20783.

    Args:
        rewards: totals of one group.
        method: which objective.

    Returns:
        One number each; all 0 for a group of one.

    Example:
        >>> advantages([1.0, 0.0], "dr_grpo")
        [0.5, -0.5]
    """
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    mean = math.fsum(rewards) / len(rewards)
    centred = [value - mean for value in rewards]
    if method == "dr_grpo":
        return centred
    std = math.sqrt(math.fsum(value * value for value in centred) / (len(rewards) - 1))
    return [value / (std + STD_FLOOR) for value in centred]


def informative(metrics: Sequence[float], least_spread: float = LEAST_SPREAD) -> bool:
    """Whether a group teaches: its true metric varies.

    On the metric, not on the shaped sum: a group of misses with different lengths or distances has a spread of rewards,
    and normalised it would weigh as much as a real difference (verl-recipe issue 125).
    """
    return bool(metrics) and max(metrics) - min(metrics) >= least_spread
