"""The pretraining run: from nothing to the embedded model in a given time, on one or several GPUs by torchrun.

A run is bounded by time and resumes from its last checkpoint; the learning rate follows the elapsed share of the time,
so a slower machine still ends its schedule.
"""

from __future__ import annotations

import math
import os
import time

import torch
import torch.distributed as dist
from tokenizers import Tokenizer

from geo_r1_backend.pretraining.checkpoints import resume, save
from geo_r1_backend.pretraining.journal import Journal
from geo_r1_backend.pretraining.loader import batch_stream
from geo_r1_backend.pretraining.settings import PretrainSettings
from geo_r1_backend.pretraining.step import Step


def pretrain(settings: PretrainSettings) -> dict[str, float]:
    """Train and leave ``model.safetensors`` (bfloat16), ``log.jsonl`` and ``settings.json`` in ``settings.out``."""
    started = time.monotonic()
    rank, world, device = _join()
    torch.manual_seed(settings.seed)
    torch.set_float32_matmul_precision("high")
    tokenizer = Tokenizer.from_file(str(settings.tokenizer))
    step_fn = Step(settings, tokenizer, device)
    if world > 1:
        for parameter in step_fn.parameters:
            dist.broadcast(parameter.data, 0)
    settings.out.mkdir(parents=True, exist_ok=True)
    first_step, spent = resume(settings, step_fn, device)
    log = Journal(settings, rank, first_step, spent)
    batches = batch_stream(settings, rank, first_step)
    for step in range(first_step, 10**9):
        share = torch.tensor(
            [(time.monotonic() - started + spent) / settings.seconds], device=device
        )
        if world > 1:
            dist.broadcast(share, 0)
        if share.item() >= 1 or (settings.max_steps and step >= settings.max_steps):
            break
        factor = _schedule(step, share.item(), settings)
        waited = time.monotonic()
        batch = next(batches)
        waited = time.monotonic() - waited
        figures = step_fn.run(batch, factor, world)
        log.add(step, figures, settings.lr * factor, waited, world)
        if rank == 0 and log.due():
            save(settings, step_fn, step + 1, time.monotonic() - started + spent)
    if rank == 0:
        save(settings, step_fn, step, time.monotonic() - started + spent)
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()
    return log.last


def _schedule(step: int, share: float, settings: PretrainSettings) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return min(1.0, (step + 1) / settings.warmup_steps) * (
        settings.final_lr_share + (1 - settings.final_lr_share) * cosine
    )


def _join() -> tuple[int, int, torch.device]:
    """Rank, world size and device of this process, from torchrun's environment."""
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return rank, world, device
