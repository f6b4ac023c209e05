"""The pretraining run: from nothing to the embedded model in a given time, on one or several GPUs by torchrun.

Reads top to bottom: settings, loader, step, schedule, log, save. A run is bounded by time and resumes from its last
checkpoint; the learning rate follows the elapsed share of the time, so a slower machine still ends its schedule.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from geo_r1_backend.models.nano import Nano, NanoConfig, image_positions
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.backgrounds import _read as read_tile
from geo_r1_backend.pretraining.batches import IGNORED, MERGED_PX, RowSource
from geo_r1_backend.pretraining.objective import DenseHead, dense_loss, token_loss
from geo_r1_backend.pretraining.optimizer import make_optimizers
from geo_r1_backend.pretraining.scenes import SceneRecipe

PREFIX = "<|im_start|>user\n<|vision_start|>"


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of one run."""

    seconds: float
    """Length of the run; compilation counts."""
    out: Path
    tokenizer: Path
    backgrounds: Path | None = None
    batch: int = 128
    """Pictures per GPU and step; each carries up to six questions."""
    lr: float = 2e-3
    muon: bool = True
    """Muon for the matrices of the layers (it was ahead of AdamW after equal time, docs/experiments.md)."""
    dense_weight: float = 1.0
    warmup_steps: int = 200
    final_lr_share: float = 0.02
    workers: int = 15
    """Loader processes per GPU."""
    seed: int = 1
    compile: bool = True
    save_every_s: float = 240.0
    max_steps: int = 0
    """Stop after so many steps; 0 = by time alone."""


def pretrain(settings: PretrainSettings) -> dict[str, float]:
    """Train and leave ``model.safetensors`` (bfloat16), ``log.jsonl`` and ``settings.json`` in ``settings.out``."""
    started = time.monotonic()
    rank, world, device = _join()
    torch.manual_seed(settings.seed)
    torch.set_float32_matmul_precision("high")
    tokenizer = Tokenizer.from_file(str(settings.tokenizer))
    step_fn = _Step(settings, tokenizer, device)
    if world > 1:
        for parameter in step_fn.parameters:
            dist.broadcast(parameter.data, 0)
    settings.out.mkdir(parents=True, exist_ok=True)
    first_step, spent = _resume(settings, step_fn, device)
    log = _Log(settings, rank, first_step, spent)
    batches = _loader(settings, rank, first_step)
    for step in range(first_step, 10**9):
        share = torch.tensor([(time.monotonic() - started + spent) / settings.seconds], device=device)
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


class _Step:
    """Model, head, optimizers, and one optimisation step over a batch."""

    def __init__(self, settings: PretrainSettings, tokenizer: Tokenizer, device: torch.device) -> None:
        self.device = device
        self.settings = settings
        numbers = [tokenizer.encode(f"[{n}").ids[-1] for n in range(1000)]
        self.model = Nano(NanoConfig())
        self.model.initialise(numbers)
        self.model.to(device)
        self.head = DenseHead(self.model.config.hidden).to(device)
        self.parameters = [*self.model.parameters(), *self.head.parameters()]
        self.optimizers = make_optimizers(self.model, self.head, lr=settings.lr, muon=settings.muon)
        self.prefix = torch.tensor(tokenizer.encode(PREFIX).ids, device=device)
        self.suffix = torch.tensor([tokenizer.token_to_id("<|vision_end|>")], device=device)
        self.number_of = torch.full((self.model.config.vocabulary,), -1, device=device)
        self.token_of = torch.tensor(numbers, device=device)
        self.number_of[self.token_of] = torch.arange(1000, device=device)
        if settings.compile:
            # Layer by layer: one small compilation per shape instead of one of minutes for the whole model.
            for block in (*self.model.model.visual.blocks, *self.model.model.language_model.layers):
                block.compile(dynamic=False)
            torch._dynamo.config.cache_size_limit = 64

    def run(self, arrays: dict[str, Tensor], factor: float, world: int) -> dict[str, Tensor]:
        """One step at ``factor`` of the base learning rates.

        Returns figures as device tensors, so that nothing waits for the GPU.
        """
        data = {name: value.to(self.device, non_blocking=True) for name, value in arrays.items()}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            hidden, visual = self.forward(data)
            targets = data["labels"] != IGNORED
            labels = data["labels"][targets]
            logits = self.model.logits(hidden[targets])
            outputs = self.head(visual)
        losses = token_loss(logits.float(), labels, self.number_of, self.token_of)
        columns = data["image"].shape[2] // MERGED_PX
        dense, right = dense_loss(
            outputs, data["slot_kind"], data["slot_box"], data["slot_colour"], data["background_kinds"], columns
        )
        loss = losses.mean() + self.settings.dense_weight * dense
        loss.backward()
        self._exchange(world)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return self._figures(logits, labels, losses, dense, right, data)

    def forward(self, data: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Hidden states of the questions ``(B, T, hidden)`` and visual tokens ``(B, N, hidden)``."""
        image, ids = data["image"], data["ids"]
        batch, text = ids.shape
        rows, columns = image.shape[1] // MERGED_PX, image.shape[2] // MERGED_PX
        visual = self.model.model.visual(image)
        embed = self.model.model.language_model.embed_tokens
        fixed = embed(torch.cat((self.prefix, self.suffix))).to(visual.dtype)
        before = fixed[: len(self.prefix)].expand(batch, -1, -1)
        after = fixed[len(self.prefix) :].expand(batch, -1, -1)
        embeds = torch.cat((before, visual, after, embed(ids).to(visual.dtype)), 1)
        pictured, behind = image_positions(len(self.prefix), rows, columns)
        shared = torch.cat((torch.arange(len(self.prefix)).expand(3, -1), pictured, torch.full((3, 1), behind)), 1)
        shared = shared.to(self.device)[:, None].expand(-1, batch, -1)
        own = (data["offsets"] + behind + 1).expand(3, -1, -1)
        positions = torch.cat((shared, own), 2)
        segments = torch.cat((data["segments"].new_zeros(batch, shared.shape[2]), data["segments"]), 1)
        mask = packed_mask(segments)
        hidden, _ = self.model.model.language_model(embeds, positions, mask.to(embeds.dtype))
        return hidden[:, -text:], visual

    def _exchange(self, world: int) -> None:
        if world == 1:
            return
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        flat = torch._utils._flatten_dense_tensors(gradients)  # one all-reduce instead of 250
        dist.all_reduce(flat)
        flat /= world
        torch._foreach_copy_(gradients, list(torch._utils._unflatten_dense_tensors(flat, gradients)))

    def _figures(
        self, logits: Tensor, labels: Tensor, losses: Tensor, dense: Tensor, right: Tensor, data: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            number = self.number_of[labels]
            is_number = number >= 0
            off = (self.number_of[logits.argmax(-1)] - number).abs()[is_number].float()
            return {
                "words": losses[~is_number].mean(), "numbers": losses[is_number].mean(), "dense": dense.detach(),
                "kind_right": right, "within_2": (off <= 2).float().mean(), "within_8": (off <= 8).float().mean(),
                "asked": data["asked"].sum(), "left_out": data["left_out"].sum(), "pictures": torch.tensor(len(data["ids"])),
            }


def packed_mask(segments: Tensor) -> Tensor:
    """Additive attention mask ``(B, 1, S, S)`` of packed rows, see `batches`.

    Empty places (segment -1) see only themselves and segment 0, so that no row of the softmax is empty.
    """
    length = segments.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    same = (segments[:, None] == 0) | (segments[:, None] == segments[:, :, None])
    allowed = causal & same
    return torch.zeros(allowed.shape, device=segments.device).masked_fill(~allowed, -1e9)[:, None]


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


class _Batches(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    """Batches of one rank, dealt out to the loader's processes."""

    def __init__(self, settings: PretrainSettings, rank: int, first: int) -> None:
        self.settings, self.rank, self.first = settings, rank, first

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        import cv2

        cv2.setNumThreads(0)
        settings = self.settings
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        source = RowSource(
            settings.tokenizer.read_text(encoding="utf-8"), settings.backgrounds, batch=settings.batch,
            recipe=SceneRecipe(), seed=settings.seed * 64 + self.rank,
        )
        index = self.first + worker
        while True:
            yield {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in source.draw(index).items()}
            index += workers


def _loader(settings: PretrainSettings, rank: int, first: int) -> Iterator[dict[str, Tensor]]:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if settings.backgrounds is not None:
        # Decoded once before the fork: the loader's processes share the pages.
        for path in RealBackgrounds(settings.backgrounds, evaluation=False).paths:
            read_tile(path)
    return iter(
        torch.utils.data.DataLoader(
            _Batches(settings, rank, first), batch_size=None, num_workers=settings.workers,
            prefetch_factor=4 if settings.workers else None, pin_memory=torch.cuda.is_available(),
        )
    )


class _Log:
    """A line of figures every few seconds, on the screen and in ``log.jsonl``."""

    def __init__(self, settings: PretrainSettings, rank: int, first: int, spent: float) -> None:
        self.settings, self.rank = settings, rank
        self.start = self.printed = self.saved = time.monotonic()
        self.spent = spent
        self.steps, self.seen, self.asked, self.left_out, self.waited = 0, 0, 0, 0, 0.0
        self.sums: dict[str, Tensor] = {}
        self.last: dict[str, float] = {}

    def add(self, step: int, figures: dict[str, Tensor], lr: float, waited: float, world: int) -> None:
        self.steps += 1
        self.waited += waited
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0) + value
        if self.rank or time.monotonic() - self.printed < 10:
            return
        totals = {name: float(value) for name, value in self.sums.items()}
        self.seen += int(totals["pictures"]) * world
        self.asked += int(totals["asked"]) * world
        self.left_out += int(totals["left_out"]) * world
        took = time.monotonic() - self.printed
        self.last = {
            "step": step, "s": round(self.spent + time.monotonic() - self.start, 1), "lr": lr,
            **{n: round(totals[n] / self.steps, 4) for n in ("words", "numbers", "dense", "kind_right", "within_2", "within_8")},
            "pictures": self.seen, "questions": self.asked, "left_out": self.left_out,
            "pictures_per_s": round(totals["pictures"] * world / took, 1), "waiting_share": round(self.waited / took, 3),
        }
        print(json.dumps(self.last), flush=True)  # noqa: T201 - a command's output
        with (self.settings.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(self.last) + "\n")
        self.printed, self.steps, self.waited, self.sums = time.monotonic(), 0, 0.0, {}

    def due(self) -> bool:
        if time.monotonic() - self.saved < self.settings.save_every_s:
            return False
        self.saved = time.monotonic()
        return True


def save(settings: PretrainSettings, step_fn: _Step, step: int, spent_s: float) -> None:
    """Weights for use (bfloat16) and a checkpoint for resuming (float32 with optimizer state)."""
    weights = {n: p.detach().to(torch.bfloat16).contiguous().cpu() for n, p in step_fn.model.state_dict().items()}
    temporary = settings.out / "model.safetensors.tmp"
    save_file(weights, temporary)
    temporary.replace(settings.out / "model.safetensors")
    state = {
        "model": step_fn.model.state_dict(), "head": step_fn.head.state_dict(),
        "optimizers": [o.state_dict() for o in step_fn.optimizers], "step": step, "spent_s": spent_s,
    }
    torch.save(state, settings.out / "checkpoint.tmp")
    (settings.out / "checkpoint.tmp").replace(settings.out / "checkpoint.pt")
    described = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}
    (settings.out / "settings.json").write_text(json.dumps({**described, "step": step, "spent_s": spent_s}, indent=1))


def _resume(settings: PretrainSettings, step_fn: _Step, device: torch.device) -> tuple[int, float]:
    path = settings.out / "checkpoint.pt"
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, map_location=device, weights_only=True)
    step_fn.model.load_state_dict(state["model"])
    step_fn.head.load_state_dict(state["head"])
    for optimizer, saved in zip(step_fn.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"]), float(state["spent_s"])


def load_weights(path: Path, device: torch.device | str = "cpu") -> Nano:
    """A model from ``model.safetensors`` of a run, in float32."""
    model = Nano(NanoConfig())
    model.load_state_dict({n: t.float() for n, t in load_file(path).items()})
    return model.to(device).eval()
