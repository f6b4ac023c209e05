"""One group: a prompt is asked several times, each answer is judged. What was said stays apart from what is learned of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from geo_r1_backend.training.advantage import advantages, informative
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.dataset import TrainingSample
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.rewards import Rewarded, RewardSettings, reward

MEMORY_IMAGES = 512
"""So many pictures' visual tokens are kept: 200 MB for the embedded model, 700 MB for 3B at 504 px."""


@dataclass(frozen=True)
class Told:
    """What every process of a run learns of a group, whichever asked it: all but its picture and its tokens."""

    sample: int
    """Place in the data set."""
    texts: list[str]
    lengths: list[int]
    """Tokens of each completion."""
    rewarded: list[Rewarded]
    advantages: list[float]

    @property
    def metrics(self) -> list[float]:
        """True, unshaped."""
        return [one.metric for one in self.rewarded]

    @property
    def is_informative(self) -> bool:
        """Whether its true metric varies: only then it teaches."""
        return informative(self.metrics)


@dataclass(frozen=True)
class Group:
    """All completions of one prompt."""

    sample: TrainingSample
    image: Any
    """Visual tokens, as the policy made them."""
    completions: list[list[int]]
    told: Told
    likely: torch.Tensor | None = None
    """Log-probabilities ``(G, L)`` of its tokens as they were decoded; None = the policy kept none."""


class Images:
    """Visual tokens of pictures, computed once while the vision tower is frozen."""

    def __init__(self, encode: Callable[[Any], Any]) -> None:
        self._encode = encode
        self._kept: dict[tuple[str, int], Any] = {}

    def of(self, sample: TrainingSample) -> Any:
        """Visual tokens of a sample's picture."""
        found = self._kept.get(sample.picture)
        if found is None:
            found = self._encode(sample.image)
            while len(self._kept) >= MEMORY_IMAGES:
                self._kept.pop(next(iter(self._kept)))
            self._kept[sample.picture] = found
        return found


def roll_out(
    policy: Policy,
    sample: TrainingSample,
    images: Images,
    config: TrainingConfig,
    generator: torch.Generator,
) -> Group:
    """Ask one prompt ``group_size`` times and judge the answers.

    Args:
        policy: as it is now.
        sample: what is asked.
        images: keeps visual tokens.
        config: group size, temperature, length, weights of the reward.
        generator: decides what is said; on the CPU.
    """
    image = images.of(sample)
    completions = policy.sample(
        policy.prefix(image, sample.prompt),
        config.group_size,
        max_new_tokens=config.max_new_tokens,
        temperature=config.temperature,
        generator=generator,
    )
    texts = [policy.decode(one) for one in completions]
    settings = RewardSettings(config.format_weight, config.near_weight, config.ovd_reward)
    rewarded = [
        reward(
            sample.sample,
            text,
            sample.view,
            think=config.think,
            settings=settings,
            segment=sample.segment,
            mask=sample.mask,
            asked_as=sample.asked_as,
        )
        for text in texts
    ]
    told = Told(
        sample=sample.index,
        texts=texts,
        lengths=[len(one) for one in completions],
        rewarded=rewarded,
        advantages=advantages([one.total for one in rewarded], config.objective),
    )
    said = getattr(policy, "last_rollout", None)
    return Group(sample, image, completions, told, said.log_probs if said is not None else None)
