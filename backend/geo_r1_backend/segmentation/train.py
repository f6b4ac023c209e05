"""The training run of the segmenter: from nothing to weights in a given time, on one device.

A run is bounded by time and resumes from its last checkpoint; the learning rate follows the elapsed share of the time.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from geo_r1_backend.models.weights import read_tensors, write_tensors
from geo_r1_backend.segmentation.loader import Pool, crop_stream
from geo_r1_backend.segmentation.net import SegmenterNet, float_state, parameters_of
from geo_r1_backend.segmentation.settings import SegmenterSettings

CHECKPOINT = "checkpoint.safetensors"
RESULT = "segmenter.safetensors"
EDGE_WEIGHT = 3.0
"""Added to the weight of pixels near an edge of the truth."""
FRESH_SHARE = 0.12
"""Least share of new crops in what a step is shown, on the average; a slow loader makes the steps wait for it."""
CPU_POOL = 4_000
"""Most crops kept where there is no GPU: 400 MB, and no step there would use more."""
LOG_EVERY_S = 10.0


def train(settings: SegmenterSettings) -> dict[str, float]:
    """Train and leave `segmenter.safetensors` (float32, averaged), `log.jsonl`, `settings.json` and a checkpoint in ``settings.out``.

    Returns:
        The last figures of the log.
    """
    started = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True  # every step has the same shapes
    settings.out.mkdir(parents=True, exist_ok=True)
    run = _Run(settings, device)
    room = settings.pool if device.type == "cuda" else min(settings.pool, CPU_POOL)
    pool = Pool(room, settings.net.side_px, device)
    parts = crop_stream(settings, run.parts)
    while pool.filled < min(room, 4 * settings.batch):
        run.take(pool, parts)
    log = _Log(settings, run)
    saved = time.monotonic()
    while True:
        spent = run.spent_s + time.monotonic() - started
        share = spent / settings.seconds
        if share >= 1 or (settings.max_steps and run.step >= settings.max_steps):
            break
        while pool.taken < FRESH_SHARE * settings.batch * run.steps_here:
            run.take(pool, parts)
        if log.waited_s < 0.25 * (
            time.monotonic() - started
        ):  # more than the least, as long as it costs little
            run.take(pool, parts)
        log.add(run.learn(*pool.batch(settings.batch), _schedule(run.step, share, settings)))
        log.waited_s = run.waited_s
        log.write(spent)
        if time.monotonic() - saved > settings.save_every_s:
            run.save(spent)
            saved = time.monotonic()
    log.write(run.spent_s + time.monotonic() - started, now=True)
    run.save(run.spent_s + time.monotonic() - started)
    return log.last


def loss_of(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy that minds edges, and dice, both per crop: a small object counts as much as a large one.

    Args:
        logits: ``(n, 1, side, side)``.
        truth: the same, shares from 0 to 1.
    """
    edge = F.max_pool2d(truth, 5, 1, 2) + F.max_pool2d(-truth, 5, 1, 2)
    weight = 1 + EDGE_WEIGHT * edge
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight) / weight.mean()
    chances = logits.sigmoid()
    shared = (chances * truth).sum((1, 2, 3))
    both = chances.sum((1, 2, 3)) + truth.sum((1, 2, 3))
    return entropy + (1 - (2 * shared + 1) / (both + 1)).mean()


@torch.no_grad()
def mean_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean over crops of the masks' intersection over union, at the crop's resolution."""
    found, true = logits > 0, truth > 0.5
    union = (found | true).sum((1, 2, 3)).clamp(min=1)
    return ((found & true).sum((1, 2, 3)) / union).mean()


class _Run:
    """Net, average, optimizer and counters: all that a checkpoint holds."""

    def __init__(self, settings: SegmenterSettings, device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.net = SegmenterNet(settings.net).to(device)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if settings.start_from is not None:
            given = read_tensors(settings.start_from / RESULT)
            state = {name: torch.from_numpy(value.copy()) for name, value in given.items()}
            # all there but the counters of batches, which nothing reads
            self.net.load_state_dict(self.net.state_dict() | state)
        self.average = SegmenterNet(settings.net).to(device)
        self.average.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average.load_state_dict(self.net.state_dict())
        matrices = [p for p in self.net.parameters() if p.ndim > 1]
        vectors = [p for p in self.net.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=settings.lr,
            fused=device.type == "cuda",
        )
        self.step = self.steps_here = self.parts = self.crops = 0
        self.spent_s = self.waited_s = 0.0
        self._resume()

    def take(self, pool: Pool, parts: Iterator[Tensor]) -> None:
        """The next part of the stream into the pool."""
        waited = time.monotonic()
        part = next(parts)
        self.waited_s += time.monotonic() - waited
        pool.add(part)
        self.parts += 1
        self.crops += len(part)

    def learn(self, crops: Tensor, truth: Tensor, factor: float) -> dict[str, Tensor]:
        """One step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.lr * factor
        self.net.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.net(crops.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        loss = loss_of(logits, truth)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self._follow()
        self.step += 1
        self.steps_here += 1
        return {"loss": loss.detach(), "iou": mean_iou(logits, truth)}

    @torch.no_grad()
    def _follow(self) -> None:
        """The average follows the net; faster at the beginning, when the net moves far."""
        keep = min(self.settings.averaging, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.net.state_dict()
        names = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[n] for n in names], [theirs[n] for n in names], 1 - keep)

    def save(self, spent_s: float) -> None:
        """The averaged net for use, and a checkpoint."""
        out = self.settings.out
        temporary = out / "result.tmp"
        write_tensors(float_state(self.average), temporary)
        temporary.replace(out / RESULT)
        named = {f"net/{n}": t for n, t in self.net.state_dict().items()}
        named |= {f"average/{n}": t for n, t in self.average.state_dict().items()}
        for number, values in self.optimizer.state_dict()["state"].items():
            named |= {f"optimizer/{number}/{n}": torch.as_tensor(t) for n, t in values.items()}
        counters = {"step": self.step, "parts": self.parts, "crops": self.crops, "spent_s": spent_s}
        save_file(
            {n: t.detach().cpu().contiguous().clone() for n, t in named.items()},
            out / "checkpoint.tmp",
            {name: str(value) for name, value in counters.items()},
        )
        (out / "checkpoint.tmp").replace(out / CHECKPOINT)
        described = {
            k: str(v) if isinstance(v, Path) else v for k, v in asdict(self.settings).items()
        }
        (out / "settings.json").write_text(json.dumps(described | counters, indent=1))

    def _resume(self) -> None:
        path = self.settings.out / CHECKPOINT
        if not path.exists():
            return
        with safe_open(path, "pt") as file:
            counters = file.metadata()
        named = load_file(path, device=str(self.device))

        def below(start: str) -> dict[str, Tensor]:
            return {n.removeprefix(start): t for n, t in named.items() if n.startswith(start)}

        self.net.load_state_dict(below("net/"))
        self.average.load_state_dict(below("average/"))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in below("optimizer/").items():
            number, key = name.split("/")
            state.setdefault(int(number), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        self.step, self.parts = int(counters["step"]), int(counters["parts"])
        self.crops, self.spent_s = int(counters["crops"]), float(counters["spent_s"])


class _Log:
    """A line of figures every few seconds, on the screen and in `log.jsonl`."""

    def __init__(self, settings: SegmenterSettings, run: _Run) -> None:
        self.settings, self.run = settings, run
        self.last: dict[str, float] = {"parameters": parameters_of(run.net)}
        self.waited_s = 0.0
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._written = time.monotonic()

    def add(self, figures: dict[str, Tensor]) -> None:
        """The figures of a step."""
        self._steps += 1
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0) + value

    def write(self, spent_s: float, *, now: bool = False) -> None:
        """A line, when it is time."""
        took = time.monotonic() - self._written
        if not self._steps or (took < LOG_EVERY_S and not now):
            return
        self.last = {
            "step": self.run.step,
            "s": round(spent_s, 1),
            "lr": self.run.optimizer.param_groups[0]["lr"],
            **{name: round(float(v) / self._steps, 4) for name, v in self._sums.items()},
            "crops_drawn": self.run.crops,
            "crops_per_s": round(self._steps * self.settings.batch / took, 1),
            "waited_s": round(self.waited_s, 1),
        }
        print(json.dumps(self.last), flush=True)  # noqa: T201 - a command's output
        with (self.settings.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(self.last) + "\n")
        self._sums, self._steps, self._written = {}, 0, time.monotonic()


def _schedule(step: int, share: float, settings: SegmenterSettings) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    end = settings.final_lr_share
    return min(1.0, (step + 1) / settings.warmup_steps) * (end + (1 - end) * cosine)
