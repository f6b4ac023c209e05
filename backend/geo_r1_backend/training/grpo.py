"""The routine: one loop for GRPO, DAPO, Dr. GRPO, supervised training, and a supervised start with rewards after it.

Read it from `train` downwards. How it differs from the textbooks:

- One update per rollout, so the policy that answered is the one that learns: the ratio is 1, nothing is ever at the clip, and no
  second pass for old log-probabilities is needed. The clip bounds are there for the loss to be the papers'.
- A group teaches in DAPO if its *true* metric varied. One that did not is replaced once by a prompt that was informative lately,
  asked afresh (`replay.py`), and dropped if that teaches nothing either; DAPO's own sampling until the batch is full would go on
  for ever over some tens of prompts.
- Every random choice of a step is drawn from (seed, step, what it is for), never from a generator that runs on: a run that is
  resumed, or computed by several processes, makes the same choices.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.utils import clip_grad_norm_

from geo_r1_backend.training.advantage import informative
from geo_r1_backend.training.checkpoint import Checkpoints, Progress
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.dataset import Dataset, TrainingSample
from geo_r1_backend.training.journal import Journal, Row
from geo_r1_backend.training.loss import policy_loss
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.replay import Replay
from geo_r1_backend.training.rollout import Group, Images, roll_out
from geo_r1_backend.training.sft import sft_step
from geo_r1_backend.training.turning import TURNS
from geo_r1_backend.training_wire import StepEvent


@dataclass(frozen=True)
class Report:
    """What one step says of itself."""

    loss: float
    groups: list[Group] = field(default_factory=list)
    """As they were first asked; replacements are not in the curves, they were chosen."""
    rows: list[Row] = field(default_factory=list)
    tokens: float = 0.0
    kl: float = 0.0
    clipped: float = 0.0


@dataclass
class Run:
    """A run in this process: everything the loop works with."""

    config: TrainingConfig
    policy: Policy
    dataset: Dataset
    journal: Journal
    checkpoints: Checkpoints
    optimizer: torch.optim.Optimizer
    look: Callable[[Run], bool]
    """Asks the validation part and notes the best checkpoint; false if it was asked to stop meanwhile."""
    progress: Progress = field(default_factory=Progress)
    images: Images = field(init=False)
    replay: Replay = field(init=False)
    train: list[int] = field(init=False)
    """Places of the training samples in the data set."""

    def __post_init__(self) -> None:
        """Take the data cursor up where the checkpoint left it."""
        self.images = Images(self.policy.encode)
        self.train = self.dataset.indices("train")
        state = self.progress.replay
        self.replay = (
            Replay.from_state(state) if state else Replay(len(self.train), self.config.seed)
        )

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        self.progress.replay = self.replay.state()
        self.checkpoints.save(self.progress, self.policy.trainable(), self.optimizer)


def make_optimizer(config: TrainingConfig, policy: Policy) -> torch.optim.Optimizer:
    """AdamW over what is trained; the loop sets its rate."""
    return torch.optim.AdamW(
        policy.trainable().values(), lr=config.learning_rate, weight_decay=config.weight_decay
    )


def train(run: Run) -> bool:
    """Go through all steps that are left.

    Returns:
        Whether all are done; false if somebody asked the run to stop, and then it is saved.

    Raises:
        DatasetUnknown: if the data set was deleted meanwhile.
        StorageFailed: if the disk is full.
    """
    config, progress = run.config, run.progress
    while True:
        if _is_due(run) and run.look(run):
            progress.evaluated_step = progress.step
            if progress.step:
                run.save()
        if progress.step == config.steps and progress.evaluated_step == progress.step:
            return True
        if run.journal.is_asked_to_stop:
            run.save()
            return False
        run.dataset.check()
        _step(run, progress.step + 1)


def _is_due(run: Run) -> bool:
    """Whether the validation part is to be looked at before the next step."""
    step, last = run.progress.step, run.config.steps
    return run.progress.evaluated_step < step and (
        step % run.config.evaluate_every == 0 or step == last
    )


def _step(run: Run, step: int) -> None:
    """One step: gradient, update, a point on the curves."""
    began_s = time.monotonic()
    config, trained = run.config, list(run.policy.trainable().values())
    supervised = step <= config.sft_steps
    if step == config.sft_steps + 1:
        run.optimizer.state.clear()  # moments of another loss
    rate = learning_rate(config, step)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.zero_grad(set_to_none=True)
    report = _supervised(run, step) if supervised else _reinforced(run, step)
    norm = float(clip_grad_norm_([p for p in trained if p.grad is not None], config.gradient_clip))
    if not math.isfinite(norm) or not math.isfinite(report.loss):
        run.journal.note(f"step {step} was left out: its gradient is not finite", "not-finite")
        report, norm = Report(0.0, report.groups, report.rows, report.tokens), 0.0
    elif norm:
        run.optimizer.step()
    seconds = time.monotonic() - began_s
    run.progress.step = step
    run.progress.spent_s += seconds
    event = _event(run, report, rate=rate, norm=norm, seconds=seconds, supervised=supervised)
    run.journal.step(event, report.rows)


def _supervised(run: Run, step: int) -> Report:
    """The gradient of the true answers' log-likelihood."""
    chosen = run.replay.next(min(run.config.sft_batch, len(run.train)))
    samples = [_shown(run, prompt, step, number) for number, prompt in enumerate(chosen)]
    done = sft_step(run.policy, samples, [run.images.of(one) for one in samples], run.config)
    return Report(loss=done.loss, tokens=done.tokens)


def _reinforced(run: Run, step: int) -> Report:
    """The gradient of the policy's loss over the groups that teach."""
    config = run.config
    prompts = run.replay.next(config.prompts_per_step)
    groups = [_asked(run, prompt, step, number) for number, prompt in enumerate(prompts)]
    teaching = groups
    if config.replay:
        teaching = [one for one in groups if one.is_informative]
        missing = len(groups) - len(teaching)
        again = run.replay.replacements(missing, exclude=prompts)
        fresh = [_asked(run, p, step, len(prompts) + n) for n, p in enumerate(again)]
        teaching += [one for one in fresh if one.is_informative]
    else:
        fresh = []
    parts = learn(run.policy, teaching, config)
    rows = [
        Row(one.sample.index, text, len(ids), rewarded, advantage)
        for one in (*groups, *fresh)
        for text, ids, rewarded, advantage in zip(
            one.texts, one.completions, one.rewarded, one.advantages, strict=True
        )
    ]
    return Report(parts[0], groups, rows, _mean_tokens(groups), parts[1], parts[2])


def learn(
    policy: Policy, groups: Sequence[Group], config: TrainingConfig
) -> tuple[float, float, float]:
    """Add the gradient of the loss over some groups to the parameters, one group at a time.

    Returns:
        Loss, KL to the base, and share of tokens at the clip.
    """
    tokens = sum(one.tokens for one in groups)
    sequences = sum(len(one.completions) for one in groups)
    sums = [0.0, 0.0, 0.0]
    for group in groups:
        image, prompt = group.image, group.sample.prompt
        new, mask = policy.log_probs(image, prompt, group.completions)
        reference = None
        if config.kl_weight:
            reference, _ = policy.log_probs(image, prompt, group.completions, reference=True)
        parts = policy_loss(
            new,
            new.detach(),
            reference,
            mask,
            torch.tensor(group.advantages, device=new.device),
            method=config.objective,
            clip_low=config.clip_low,
            clip_high=config.clip_high,
            kl_weight=config.kl_weight,
            max_tokens=config.max_new_tokens,
            tokens_in_batch=tokens,
            sequences_in_batch=sequences,
        )
        parts.loss.backward()
        for place, value in enumerate((parts.loss, parts.kl, parts.clipped)):
            sums[place] += float(value.detach())
    return sums[0], sums[1], sums[2]


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Of one step: rises over the first steps of each phase, then stays."""
    supervised = step <= config.sft_steps
    into = step if supervised else step - config.sft_steps
    full = config.sft_learning_rate if supervised else config.learning_rate
    return full * min(1.0, into / max(1, config.warmup_steps))


def dice(config: TrainingConfig, step: int, purpose: str) -> torch.Generator:
    """Random numbers of one step for one purpose; the same wherever and whenever it is computed."""
    text = f"{config.seed}/{step}/{purpose}"
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _asked(run: Run, prompt: int, step: int, number: int) -> Group:
    """A training prompt, asked once; the replay learns how much the answers differed."""
    sample = _shown(run, prompt, step, number)
    group = roll_out(
        run.policy, sample, run.images, run.config, dice(run.config, step, f"answers {number}")
    )
    if informative(group.metrics) or not run.config.replay:
        run.journal.alive()
    run.replay.note(prompt, group.metrics)
    return group


def _shown(run: Run, prompt: int, step: int, number: int) -> TrainingSample:
    """A training sample, from one of its eight sides where that is allowed."""
    index, turn = run.train[prompt], 0
    if run.config.augment and run.dataset.can_turn(index):
        turn = int(torch.randint(TURNS, (1,), generator=dice(run.config, step, f"turn {number}")))
    return run.dataset.turned(index, turn)


def _mean_tokens(groups: Sequence[Group]) -> float:
    return sum(one.tokens for one in groups) / max(1, sum(len(one.completions) for one in groups))


def _event(
    run: Run, report: Report, *, rate: float, norm: float, seconds: float, supervised: bool
) -> StepEvent:
    config, progress = run.config, run.progress
    rewarded = [one for group in report.groups for one in group.rewarded]
    count = max(1, len(rewarded))
    names = sorted({name for one in rewarded for name in one.parts})
    mean_s = progress.spent_s / progress.step
    return StepEvent(
        number=0,
        step=progress.step,
        steps=config.steps,
        reward=sum(one.total for one in rewarded) / count,
        reward_parts={
            name: sum(one.parts.get(name, 0.0) for one in rewarded) / count for name in names
        },
        metric=sum(one.metric for one in rewarded) / count,
        loss=report.loss,
        completion_tokens=report.tokens,
        informative=sum(one.is_informative for one in report.groups) / max(1, len(report.groups)),
        kl=report.kl,
        clipped=report.clipped,
        gradient_norm=norm,
        learning_rate=rate,
        seconds=round(seconds, 3),
        remaining_s=round((config.steps - progress.step) * mean_s, 1),
        method="sft" if supervised else config.objective,
    )
