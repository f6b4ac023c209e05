"""Whether a run of `sft_dapo` needs its supervised start: it teaches a kind that the model does not know, and spoils one that it does.

Measured (docs/experiments.md, few shots): a model that was right in 66 of 100 questions was so in 42 after a supervised start
and in 71 after rewards alone; one that knew the kind in 7 of 100 gained 25 to 45 points from a supervised start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_r1_backend.training.checkpoint import Progress
    from geo_r1_backend.training.config import TrainingConfig
    from geo_r1_backend.training.grpo import Run
    from geo_r1_backend.training_wire import Score

WRONG_MORE = 4
"""Answers that are counted as wrong beside those that were given (as in Agresti and Coull's interval, towards 0)."""
MANY_FEWER = 1.5
"""Right answers that must be lost before a warm start has done harm: one may be chance."""


def is_planned(config: TrainingConfig) -> bool:
    """Whether rewards follow supervised steps."""
    return 0 < config.sft_steps < config.steps


def supervised_steps(config: TrainingConfig, progress: Progress) -> int:
    """How many steps at the beginning are supervised in the end."""
    return 0 if progress.has_no_warm_start else config.sft_steps


def told_config(run: Run) -> TrainingConfig:
    """The settings as they came to be: what a card says."""
    steps = supervised_steps(run.config, run.progress)
    rate = rewards_rate(run.config, run.progress)
    return replace(run.config, sft_steps=steps, learning_rate=rate)


def rewards_rate(config: TrainingConfig, progress: Progress) -> float:
    """The full learning rate of the steps with rewards."""
    return config.learning_rate_alone if progress.begins_at_base else config.learning_rate


def leave_out_if_known(run: Run) -> None:
    """Behind the look at the untrained model: rewards alone, if it knows the kind already."""
    config, base = run.config, run.progress.base
    is_known = base is not None and _for_sure(base) >= config.warm_start_below
    if not is_planned(config) or not run.together.agreed(is_known):
        return
    run.progress.has_no_warm_start = run.progress.begins_at_base = True
    if base is not None:
        run.journal.note(
            f"the model already reaches {base.value:.2f} on the validation part: it learns from rewards alone, "
            "a supervised start would make it forget",
            "warm-start-left-out",
        )


def _for_sure(score: Score) -> float:
    """A score with some wrong answers more, so that one lucky answer of three says nothing."""
    return score.value * score.samples / (score.samples + WRONG_MORE)


def undo_if_worse(run: Run) -> None:
    """Before the first step with rewards: back to the untrained weights, if the supervised steps did harm."""
    progress = run.progress
    base, best = progress.base, progress.best
    is_worse = (
        base is not None
        and best is not None
        and (base.value - best.value) * base.samples >= MANY_FEWER
    )
    if not run.together.agreed(is_worse):
        return
    for name, parameter in run.policy.trainable().items():
        parameter.data.copy_(run.untrained[name])
    progress.begins_at_base = True
    if base is not None and best is not None:
        run.journal.note(
            f"the supervised start made the model worse ({base.value:.2f} to {best.value:.2f} on the validation part): "
            "rewards begin with the untrained model",
            "warm-start-undone",
        )
