"""What one step says of itself: a point on the curves and the rows of its completions. Knows no torch of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from geo_r1_backend.training.checkpoint import Progress
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.journal import Row
from geo_r1_backend.training.rollout import Told
from geo_r1_backend.training.warm_start import supervised_steps
from geo_r1_backend.training_wire import StepEvent


@dataclass(frozen=True)
class Report:
    """One step."""

    loss: float
    groups: Sequence[Told] = ()
    """As they were first asked; the curves are of these."""
    replacements: Sequence[Told] = ()
    """They were chosen for their variance, so they stand in the rows and not in the curves."""
    tokens: float = 0.0
    """Mean length of a completion, or of a true answer."""
    kl: float = 0.0
    clipped: float = 0.0
    norm: float = field(default=0.0, kw_only=True)
    """Of the gradient, before it was clipped."""
    rate: float = field(default=0.0, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)

    def rows(self) -> list[Row]:
        """Every completion of the step."""
        return [
            Row(one.sample, text, tokens, rewarded, advantage)
            for one in (*self.groups, *self.replacements)
            for text, tokens, rewarded, advantage in zip(
                one.texts, one.lengths, one.rewarded, one.advantages, strict=True
            )
        ]

    def event(self, config: TrainingConfig, progress: Progress, remaining_s: float) -> StepEvent:
        """Its point on the curves, once it is counted in ``progress``."""
        rewarded = [one for group in self.groups for one in group.rewarded]
        count = max(1, len(rewarded))
        names = sorted({name for one in rewarded for name in one.parts})
        return StepEvent(
            number=0,
            step=progress.step,
            steps=config.steps,
            reward=sum(one.total for one in rewarded) / count,
            reward_parts={
                name: sum(one.parts.get(name, 0.0) for one in rewarded) / count for name in names
            },
            metric=sum(one.metric for one in rewarded) / count,
            loss=self.loss,
            completion_tokens=self.tokens,
            informative=sum(one.is_informative for one in self.groups) / max(1, len(self.groups)),
            kl=self.kl,
            clipped=self.clipped,
            gradient_norm=self.norm,
            learning_rate=self.rate,
            seconds=round(self.seconds, 3),
            remaining_s=round(remaining_s, 1),
            method="sft"
            if progress.step <= supervised_steps(config, progress)
            else config.objective,
        )


def remaining_s(
    config: TrainingConfig, progress: Progress, *, validation: int, held_out: int
) -> float:
    """Time left by what steps and questions have taken so far: further looks and the verdict are in it.

    Args:
        config: how many steps and looks there are.
        progress: where the run is, at least after its first step.
        validation: samples of that part.
        held_out: samples of that part; the verdict asks each twice.
    """
    left = config.steps - progress.step
    looks = config.steps // config.evaluate_every - progress.step // config.evaluate_every
    looks += bool(config.steps % config.evaluate_every)
    ends = supervised_steps(config, progress)
    looks += bool(progress.step < ends < config.steps and ends % config.evaluate_every)
    questions = looks * min(validation, config.evaluation_samples) + 2 * held_out
    question_s = progress.asked_s / progress.asked if progress.asked else 0.0
    return left * progress.spent_s / progress.step + questions * question_s


def mean_tokens(groups: Sequence[Told]) -> float:
    """Mean length of their completions."""
    lengths = [length for one in groups for length in one.lengths]
    return sum(lengths) / max(1, len(lengths))
