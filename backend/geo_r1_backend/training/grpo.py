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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from geo_r1_backend.training.checkpoint import Checkpoints, Progress
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.dataset import Dataset, TrainingSample
from geo_r1_backend.training.journal import Journal
from geo_r1_backend.training.loss import policy_loss
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.replay import Replay
from geo_r1_backend.training.report import Report, mean_tokens, remaining_s
from geo_r1_backend.training.rollout import Group, Images, Told, roll_out
from geo_r1_backend.training.rollout_check import RolloutCheck
from geo_r1_backend.training.sft import SftStep, sft_step
from geo_r1_backend.training.together import Together
from geo_r1_backend.training.turning import TURNS
from geo_r1_backend.training.warm_start import (
    is_planned,
    leave_out_if_known,
    rewards_rate,
    supervised_steps,
    undo_if_worse,
)


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
    untrained: Mapping[str, Tensor] = field(default_factory=dict)
    """What is trained, as it was; empty where no warm start may have to be undone."""
    together: Together = field(default_factory=Together)
    check: RolloutCheck = field(default_factory=RolloutCheck)
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
        if self.together.is_first:
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
        if _is_due(run) and run.together.agreed(run.together.is_first and run.look(run)):
            progress.evaluated_step = progress.step
            if progress.step:
                run.save()
            else:
                leave_out_if_known(run)
        if progress.step == config.steps and progress.evaluated_step == progress.step:
            return True
        # a look that was broken off at the end is no reason for a step too many
        if run.together.agreed(run.journal.is_asked_to_stop or progress.step >= config.steps):
            run.save()
            return False
        run.dataset.check()
        _step(run, progress.step + 1)


def _is_due(run: Run) -> bool:
    """Whether the validation part is to be looked at before the next step."""
    step, last = run.progress.step, run.config.steps
    warm_start_ends = is_planned(run.config) and step == supervised_steps(run.config, run.progress)
    return run.progress.evaluated_step < step and (
        step % run.config.evaluate_every == 0 or step == last or warm_start_ends
    )


def _step(run: Run, step: int) -> None:
    """One step: gradient, update, a point on the curves."""
    began_s = time.monotonic()
    config, trained = run.config, list(run.policy.trainable().values())
    supervised = supervised_steps(config, run.progress)
    if step == supervised + 1:
        run.optimizer.state.clear()  # moments of another loss
        if supervised:
            undo_if_worse(run)
    rate = learning_rate(config, step, run.progress)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.zero_grad(set_to_none=True)
    report = _supervised(run, step) if step <= supervised else _reinforced(run, step)
    run.together.add_gradients(trained)
    norm = float(clip_grad_norm_([p for p in trained if p.grad is not None], config.gradient_clip))
    if not math.isfinite(norm) or not math.isfinite(report.loss):
        run.journal.note(f"step {step} was left out: its gradient is not finite", "not-finite")
        report, norm = replace(report, loss=0.0, kl=0.0), 0.0
    elif norm:
        run.optimizer.step()
    seconds = time.monotonic() - began_s
    run.progress.step = step
    run.progress.spent_s += seconds
    report = replace(report, norm=norm, rate=rate, seconds=seconds)
    left_s = remaining_s(
        config,
        run.progress,
        validation=len(run.dataset.indices("validation")),
        held_out=len(run.dataset.indices("held_out")),
    )
    run.journal.step(report.event(config, run.progress, left_s), report.rows())


def _supervised(run: Run, step: int) -> Report:
    """The gradient of the true answers' log-likelihood."""
    chosen = run.replay.next(min(run.config.sft_batch, len(run.train)))
    samples = [_shown(run, prompt, step, n) for n, prompt in run.together.mine(chosen)]
    images = [run.images.of(one) for one in samples]
    done = sft_step(run.policy, samples, images, run.config) if samples else SftStep(0.0, 0.0)
    all_done = run.together.gathered([(done.loss, round(done.tokens * len(samples)))])
    tokens = sum(count for _, count in all_done)
    share = round(done.tokens * len(samples)) / tokens
    if share != 1.0:  # each process has divided by its own tokens
        for parameter in run.policy.trainable().values():
            if parameter.grad is not None:
                parameter.grad.mul_(share)
    loss = sum(loss * count for loss, count in all_done) / tokens
    return Report(loss=loss, tokens=tokens / len(chosen))


def _reinforced(run: Run, step: int) -> Report:
    """The gradient of the policy's loss over the groups that teach."""
    prompts = run.replay.next(run.config.prompts_per_step)
    groups, told = _asked(run, prompts, step, 0)
    fresh: list[Group] = []
    replacements: list[Told] = []
    if run.config.replay:
        missing = sum(not one.is_informative for one in told)
        again = run.replay.replacements(missing, exclude=prompts)
        fresh, replacements = _asked(run, again, step, len(prompts))
    teaching = [one for one in (*groups, *fresh) if _teaches(run, one.told)]
    lengths = [n for one in (*told, *replacements) if _teaches(run, one) for n in one.lengths]
    run.check.begin()
    mine = learn(
        run.policy,
        teaching,
        run.config,
        tokens=sum(lengths),
        sequences=len(lengths),
        check=run.check,
    )
    if words := run.check.verdict():
        run.journal.note(words, "rollout-differs")
    loss, kl, clipped = (sum(part) for part in zip(*run.together.gathered([mine]), strict=True))
    return Report(loss, told, replacements, mean_tokens(told), kl, clipped)


def _teaches(run: Run, group: Told) -> bool:
    """Whether a group is in the loss: all are, but for DAPO."""
    return group.is_informative or not run.config.replay


def learn(
    policy: Policy,
    groups: Sequence[Group],
    config: TrainingConfig,
    *,
    tokens: int,
    sequences: int,
    check: RolloutCheck | None = None,
) -> tuple[float, float, float]:
    """Add the gradient of some groups' share of the loss to the parameters, one group at a time.

    Args:
        policy: what learns.
        groups: those of this process.
        config: which loss.
        tokens: of all completions of the step, in all processes.
        sequences: those completions.
        check: holds what was decoded against what is trained.

    Returns:
        Shares of the loss, of the KL to the base and of the share of tokens at the clip; they sum to those of the step.
    """
    sums = [0.0, 0.0, 0.0]
    for group in groups:
        image, prompt = group.image, group.sample.prompt
        new, mask = policy.log_probs(image, prompt, group.completions)
        if check is not None:
            check.look(group.likely, new, mask)
        reference = None
        if config.kl_weight:
            reference, _ = policy.log_probs(image, prompt, group.completions, reference=True)
        parts = policy_loss(
            new,
            new.detach(),
            reference,
            mask,
            torch.tensor(group.told.advantages, device=new.device),
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


def learning_rate(config: TrainingConfig, step: int, progress: Progress) -> float:
    """Of one step: rises over the first steps of each phase, then stays."""
    supervised = supervised_steps(config, progress)
    into = step if step <= supervised else step - supervised
    full = config.sft_learning_rate if step <= supervised else rewards_rate(config, progress)
    return full * min(1.0, into / max(1, config.warmup_steps))


def dice(config: TrainingConfig, step: int, purpose: str) -> torch.Generator:
    """Random numbers of one step for one purpose; the same wherever and whenever it is computed."""
    text = f"{config.seed}/{step}/{purpose}"
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _asked(
    run: Run, prompts: Sequence[int], step: int, first: int
) -> tuple[list[Group], list[Told]]:
    """Training prompts, asked once each: this process' groups, and how all went; the replay learns how much answers differed."""
    groups = []
    for number, prompt in run.together.mine(prompts):
        sample = _shown(run, prompt, step, first + number)
        generator = dice(run.config, step, f"answers {first + number}")
        groups.append(roll_out(run.policy, sample, run.images, run.config, generator))
        run.journal.alive()
    told = run.together.gathered([one.told for one in groups])
    for prompt, one in zip(prompts, told, strict=True):
        run.replay.note(prompt, one.metrics)
    return groups, told


def _shown(run: Run, prompt: int, step: int, number: int) -> TrainingSample:
    """A training sample, from one of its eight sides where that is allowed."""
    index, turn = run.train[prompt], 0
    if run.config.augment and run.dataset.can_turn(index):
        turn = int(torch.randint(TURNS, (1,), generator=dice(run.config, step, f"turn {number}")))
    return run.dataset.turned(index, turn)
