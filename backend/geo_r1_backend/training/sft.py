"""One supervised step: cross-entropy of the truth's tokens behind picture and prompt, over any policy.

The honest rival of learning from rewards, and its warm start. Only the answer's tokens count; picture and prompt are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_r1_backend.training.targets import target_text

if TYPE_CHECKING:
    from geo_r1_backend.training.config import TrainingConfig
    from geo_r1_backend.training.dataset import TrainingSample
    from geo_r1_backend.training.policy import Policy


@dataclass(frozen=True)
class SftStep:
    """What one step saw."""

    loss: float
    """Mean cross-entropy of a target token, in nats."""
    tokens: float
    """Mean length of a target, its end token included."""


def sft_step(
    policy: Policy, samples: Sequence[TrainingSample], images: Sequence[Any], config: TrainingConfig
) -> SftStep:
    """Add the gradient of the mean cross-entropy over all target tokens of the batch to the parameters.

    Samples run one after the other, each scaled by the batch's number of tokens, so the sum is the whole batch's gradient
    whatever the lengths. The caller clips the gradient and moves the parameters.

    Args:
        policy: what learns.
        samples: the batch, at least one.
        images: ``policy.encode(sample.image)`` of each.
        config: says whether answers reason.

    Raises:
        ValueError: for an empty batch, or a sample of masks.
    """
    if not samples:
        raise ValueError("a supervised step needs at least one sample")
    targets = [policy.tokens(target_text(s.asked, s.view, think=config.think)) for s in samples]
    in_batch = sum(len(target) for target in targets)
    summed = 0.0
    for sample, image, target in zip(samples, images, targets, strict=True):
        log_probs, mask = policy.log_probs(image, sample.prompt, [target])
        loss = -(log_probs * mask).sum() / in_batch
        loss.backward()
        summed += float(loss.detach())
    return SftStep(loss=summed, tokens=in_batch / len(targets))
