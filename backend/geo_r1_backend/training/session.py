"""One run in this process, from its settings to its verdict: loads, resumes, trains, publishes, compares."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.engines.segmenter import load_segmenter
from geo_r1_backend.models.learned import model_id_of
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.agreement import MAX_SAMPLES, Agreement, agreement_of
from geo_r1_backend.training.checkpoint import Checkpoints, Progress
from geo_r1_backend.training.config import TrainingConfig
from geo_r1_backend.training.dataset import Dataset, TrainingSample
from geo_r1_backend.training.evaluate import Evaluation, evaluate, verdict
from geo_r1_backend.training.grpo import Run, make_optimizer, train
from geo_r1_backend.training.journal import Journal
from geo_r1_backend.training.policies.nano import NanoPolicy
from geo_r1_backend.training.policy import Policy
from geo_r1_backend.training.publish import finish_card, write_adapter, write_model
from geo_r1_backend.training.scores import rank_of
from geo_r1_backend.training.together import Together, joined
from geo_r1_backend.training.warm_start import is_planned, told_config
from geo_r1_backend.training_wire import Part

log = logging.getLogger(__name__)


def run_session(
    config: TrainingConfig, folder: Path, database: RunDatabase, *, resume: bool
) -> bool:
    """Train to the end or until somebody asks to stop.

    Args:
        config: the run.
        folder: of the run.
        database: of the run, claimed by this process.
        resume: go on from the last checkpoint; a run without one begins again.

    Returns:
        Whether the run is finished, its result published; false = stopped and saved.

    Raises:
        GeoR1Error: why it cannot go on; checkpoints that were there stay.
    """
    torch.set_num_threads(config.threads)
    with joined() as together:
        return _train(config, folder, database, together, resume=resume)


def _train(
    config: TrainingConfig,
    folder: Path,
    database: RunDatabase,
    together: Together,
    *,
    resume: bool,
) -> bool:
    segmenter = Path(config.segmenter_folder) if config.segmenter_folder else None
    dataset = Dataset(
        Path(config.dataset_folder),
        read_profile(Path(config.model_folder)),
        think=config.think,
        segmenter=load_segmenter(segmenter, config.threads) if segmenter else None,
    )
    journal, checkpoints = Journal(database), Checkpoints(folder)
    policy = load_policy(config)
    optimizer = make_optimizer(config, policy)
    begun = _copies(policy) if is_planned(config) else {}
    progress = None
    if resume:
        progress = checkpoints.load(policy.trainable(), optimizer)
        journal.rewind(progress.step if progress else 0)
    run = Run(
        config=config,
        policy=policy,
        dataset=dataset,
        journal=journal,
        checkpoints=checkpoints,
        optimizer=optimizer,
        look=_look,
        untrained=begun,
        progress=progress or Progress(),
        together=together,
    )
    if not train(run):
        return False
    return _conclude(run, folder) if run.together.is_first else True


def _copies(policy: Policy) -> dict[str, torch.Tensor]:
    return {name: one.detach().to("cpu", copy=True) for name, one in policy.trainable().items()}


def load_policy(config: TrainingConfig) -> Policy:
    """The base of a run with what is to be trained, untrained yet."""
    folder = Path(config.model_folder)
    device = config.device if torch.cuda.is_available() else "cpu"
    if config.model_kind == "onnx":
        return NanoPolicy.load(
            folder,
            device=device,
            adaptation=config.adaptation,
            rank=config.rank,
            alpha=config.alpha,
            seed=config.seed,
            keep_base=bool(config.kl_weight),
        )
    # deferred: needs transformers, which the embedded model does not
    from geo_r1_backend.training.policies.qwen import QwenPolicy

    return QwenPolicy.load(
        folder,
        completion_tokens=config.group_size * config.max_new_tokens,
        device=device,
        adaptation=config.adaptation,
        rank=config.rank,
        alpha=config.alpha,
        seed=config.seed,
    )


def _look(run: Run) -> bool:
    """Ask the validation part; the best checkpoint so far is this one if no other was better."""
    config, progress = run.config, run.progress
    samples = run.dataset.part("validation", config.evaluation_samples)
    if not samples:
        progress.best_step = progress.step
        return True
    began_s = time.monotonic()
    found = _asked(run.policy, samples, run.images.of, "validation", run, config.previews)
    progress.asked_s += time.monotonic() - began_s
    progress.asked += len(samples) if found is not None else 0
    if found is None:
        return False
    run.journal.evaluation(progress.step, found.score, found.previews)
    if not progress.step:
        progress.base = found.score
    # the untrained model is a point on the curve, and no result of a run
    if progress.step and (progress.best is None or rank_of(found.score) >= rank_of(progress.best)):
        progress.best, progress.best_step = found.score, progress.step
    return True


def _conclude(run: Run, folder: Path) -> bool:
    """Publish the best checkpoint and compare it with the base; false if asked to stop meanwhile."""
    config, policy = told_config(run), run.policy
    run.checkpoints.load_trained(run.progress.best_step, policy.trainable())
    answering: Policy = policy
    agreement: Agreement | None = None
    if isinstance(policy, NanoPolicy):
        # what answers in the end are the stored int8 weights, so those are compared
        written = write_model(config, policy.merged_state(), policy.config, folder)
        # adapters are merged in it; a tower that learned looks at every picture itself
        adaptation = "full_vision" if config.adaptation == "full_vision" else "full"
        answering = NanoPolicy.load(written, device=str(policy.device), adaptation=adaptation)
        agreement = _agreement(run, written)
        if agreement is None:
            return False
        if not agreement.is_enough:
            run.journal.note(agreement.sentence, "int8-differs")
    samples = run.dataset.part("held_out")
    write_adapter(config, policy, folder, verdict=None, score=run.progress.best)
    about = partial(finish_card, config, folder, score=run.progress.best, agreement=agreement)
    if not samples:
        about(verdict=None)
        run.journal.note("no samples are held out, so there is no verdict", "no-held-out")
        return True
    encode = run.images.of
    after = _asked(answering, samples, encode, "held_out", run)
    if after is None:
        return False
    base = _untrained(config, policy)
    before = _asked(base, samples, encode, "held_out", run)
    if before is None:
        return False
    found = verdict(before, after, seed=config.seed)
    run.checkpoints.load_trained(run.progress.best_step, policy.trainable())
    write_adapter(config, policy, folder, verdict=found, score=run.progress.best)
    about(verdict=found)
    run.journal.verdict(found, model_id_of(config.run_id))
    return True


def _agreement(run: Run, folder: Path) -> Agreement | None:
    """The published model beside the float one; none if asked to stop meanwhile."""
    config = run.config
    samples = run.dataset.part("validation", MAX_SAMPLES) or run.dataset.part("train", MAX_SAMPLES)

    def should_stop() -> bool:
        run.journal.alive()
        return run.journal.is_asked_to_stop

    return agreement_of(
        folder,
        run.policy,
        samples,
        run.images.of,
        think=config.think,
        max_new_tokens=config.max_new_tokens,
        threads=config.threads,
        should_stop=should_stop,
    )


def _untrained(config: TrainingConfig, policy: Policy) -> Policy:
    """The base: adapters of a large model are set to nothing in place, another model is read again."""
    if config.model_kind == "transformers" and config.adaptation == "lora":
        with torch.no_grad():
            for name, parameter in policy.trainable().items():
                if name.endswith("lora_B.weight"):
                    parameter.zero_()
        return policy
    return load_policy(config)


def _asked(
    policy: Policy,
    samples: list[TrainingSample],
    encode: Callable[[TrainingSample], Any],
    part: Part,
    run: Run,
    previews: int = 0,
) -> Evaluation | None:
    """Greedy answers; whoever wants the run to stop is heard after each, and it says that it lives."""

    def should_stop() -> bool:
        run.journal.alive()
        return run.journal.is_asked_to_stop

    return evaluate(
        policy,
        samples,
        encode,
        part,
        think=run.config.think,
        max_new_tokens=run.config.max_new_tokens,
        previews=previews,
        seed=run.config.seed,
        should_stop=should_stop,
    )
