"""`make bench-grpo`: one GRPO step of a Qwen2.5-VL with random weights, ours beside TRL's, in one process on one GPU.

    python scripts/bench/gpu_grpo.py [--side ours|trl|both] [--plan checkpointed|lean|fast|free] [--steps N] [--out FILE]
    torchrun --nproc_per_node N scripts/bench/gpu_grpo.py --weak [--groups 2]

Paired: the same geometry, rank of the adapter, completions, tokens, picture size, KL weight and checkpointing. Each step sees a new
picture, so nothing is kept from one step to the next; no completion ends early on either side. `--weak` gives every GPU the same
number of groups and compares completions per second of all GPUs with those of the first one alone. Prints one JSON object. It
needs no network, no torchvision and no files but the project's; `PYTHONPATH=backend` where the service is not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "backend")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from qwen_size import GEOMETRIES, PROFILE, make_model, make_tokenizer  # noqa: E402
from trl_side import trl_steps  # noqa: E402

from geo_r1_backend.models.config import parse_config  # noqa: E402
from geo_r1_backend.models.pixels import raster_patches  # noqa: E402
from geo_r1_backend.training.advantage import advantages  # noqa: E402
from geo_r1_backend.training.loss import policy_loss  # noqa: E402
from geo_r1_backend.training.policies.memory import CHECKPOINTED, FAST, LEAN  # noqa: E402
from geo_r1_backend.training.policies.qwen import QwenPolicy  # noqa: E402

PROMPT = "Locate the storage tank left of the road. " * 4
PLANS = {"fast": FAST, "checkpointed": CHECKPOINTED, "lean": LEAN, "free": None}


def options() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", choices=["ours", "trl", "both"], default="both")
    parser.add_argument(
        "--plan", choices=sorted(PLANS), default="checkpointed", help="ours: memory"
    )
    parser.add_argument("--geometry", choices=sorted(GEOMETRIES), default="3b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--side-px", type=int, default=504)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--kl-weight", type=float, default=0.04)
    parser.add_argument("--steps", type=int, default=4, help="measured, after the warm-up")
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--weak", action="store_true", help="weak scaling, under torchrun")
    parser.add_argument("--groups", type=int, default=2, help="--weak: groups per GPU and step")
    parser.add_argument("--no-check", action="store_true", help="skip the checks of our figures")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    # TRL's side does what ours does
    given.checkpointed = given.plan != "fast"
    return given


class Ours:
    """Our step: encode, prefix, sample, log-probabilities, loss, optimizer."""

    def __init__(self, given: argparse.Namespace, device: str, seed: int = 0) -> None:
        tokenizer = make_tokenizer()
        self.policy = QwenPolicy(
            make_model(given.geometry, device, tokenizer),
            tokenizer,
            PROFILE,
            rank=given.rank,
            alpha=2 * given.rank,
            plan=PLANS[given.plan],
        )
        self.policy.end_ids = []  # every completion runs to its limit, as TRL's do here
        self.given, self.device = given, device
        self.parameters = list(self.policy.trainable().values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-6, fused=device != "cpu")
        self.pictures = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.spent_s: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time of a part of a step."""
        began = time.perf_counter()
        yield
        if self.device != "cpu":
            torch.cuda.synchronize()
        self.spent_s.setdefault(name, []).append(time.perf_counter() - began)

    def picture(self) -> np.ndarray:
        """A new one each time."""
        side = self.given.side_px
        return self.pictures.integers(0, 255, (side, side, 3), dtype=np.uint8)

    def step(self, groups: int = 1, processes: int = 1) -> None:
        """One optimizer step over some groups; with several processes their gradients are summed."""
        given, policy = self.given, self.policy
        sequences = groups * processes * given.completions
        for _ in range(groups):
            with self.phase("encode"):
                image = policy.encode(self.picture())
            with self.phase("prefix"):
                prefix = policy.prefix(image, PROMPT)
            with self.phase("sample"):
                said = policy.sample(
                    prefix,
                    given.completions,
                    max_new_tokens=given.tokens,
                    temperature=1.0,
                    generator=self.generator,
                )
            rewards = torch.rand(len(said), generator=self.generator).tolist()
            with self.phase("reference"):
                reference, _ = policy.log_probs(image, PROMPT, said, reference=True)
            with self.phase("update"):
                new, mask = policy.log_probs(image, PROMPT, said)
                policy_loss(
                    new,
                    new.detach(),
                    reference,
                    mask,
                    torch.tensor(advantages(rewards, "dapo"), device=new.device),
                    method="dapo",
                    clip_low=0.2,
                    clip_high=0.28,
                    kl_weight=given.kl_weight,
                    max_tokens=given.tokens,
                    tokens_in_batch=sequences * given.tokens,
                    sequences_in_batch=sequences,
                ).loss.backward()
        with self.phase("optimizer"):
            if processes > 1:
                flat = torch.cat([p.grad.flatten() for p in self.parameters])
                dist.all_reduce(flat)
                for p, part in zip(
                    self.parameters, flat.split([p.numel() for p in self.parameters]), strict=True
                ):
                    p.grad.copy_(part.view_as(p))
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def checks(self) -> dict[str, float]:
        """Whether the figures are of a step that does its work: our log-probabilities beside transformers' own forward."""
        policy, picture = self.policy, self.picture()
        image = policy.encode(picture)
        prefix = policy.prefix(image, PROMPT)
        said, (greedy,) = (
            policy.sample(
                prefix,
                count,
                max_new_tokens=min(32, self.given.tokens),
                temperature=temperature,
                generator=self.generator,
            )
            for count, temperature in ((2, 1.0), (1, 0.0))
        )
        found, _ = policy.log_probs(image, PROMPT, said)
        naive = torch.stack(
            [
                naive_log_probs(policy, picture, one).gather(
                    1, torch.tensor(one, device=found.device)[:, None]
                )[:, 0]
                for one in said
            ]
        )
        apart = (found - naive).abs()
        likeliest = naive_log_probs(policy, picture, greedy).argmax(-1).tolist()
        return {
            # of random weights in bfloat16 some likeliest tokens are ties
            "greedy_agrees": sum(a == b for a, b in zip(likeliest, greedy, strict=True))
            / len(greedy),
            "log_prob_apart_mean": round(float(apart.mean()), 5),
            "log_prob_apart_max": round(float(apart.max()), 5),
            "log_prob_mean": round(float(found.mean()), 3),
        }


def naive_log_probs(policy: QwenPolicy, picture: np.ndarray, said: list[int]) -> torch.Tensor:
    """Log-probabilities ``(L, vocabulary)`` behind a prompt through transformers' own forward, picture included."""
    model: Any = policy.model
    device = model.lm_head.weight.device
    vision = parse_config(model.config.to_dict()).vision
    rows, columns = (side // vision.patch_px for side in picture.shape[:2])
    prompt = policy.prompt_ids(PROMPT, rows * columns // vision.merge**2)
    ids = torch.tensor([prompt + said], device=device)
    pixels = torch.from_numpy(raster_patches(vision, picture))
    logits = model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == model.config.image_token_id).int(),
        pixel_values=pixels.to(device, model.dtype),
        image_grid_thw=torch.tensor([[1, rows, columns]], device=device),
    ).logits[0, len(prompt) - 1 : -1]
    return logits.float().log_softmax(-1)


def measure_ours(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each step, where they went, and the peak of memory."""
    side = Ours(given, given.device)
    _reset_peak(given.device)
    taken = []
    for number in range(given.warm_up + given.steps):
        if number == given.warm_up:
            side.spent_s.clear()
        began = time.perf_counter()
        side.step()
        _wait(given.device)
        taken.append(time.perf_counter() - began)
    found = _figures(taken, given)
    plan = side.policy.plan
    found["plan"] = {
        "merged": plan.merged,
        "checkpointed": plan.checkpointed,
        "rows": plan.logit_rows,
    }
    found["parts_s"] = {n: round(statistics.median(t), 4) for n, t in side.spent_s.items()}
    found["decode_ms_per_token"] = round(1e3 * found["parts_s"]["sample"] / given.tokens, 3)
    if not given.no_check:
        found["checks"] = side.checks()
    return found


def measure_trl(given: argparse.Namespace) -> dict[str, Any]:
    """The same of TRL."""
    tokenizer = make_tokenizer()
    model = make_model(given.geometry, given.device, tokenizer)
    _reset_peak(given.device)
    return _figures(trl_steps(model, tokenizer, given, PROMPT), given)


def measure_weak(given: argparse.Namespace) -> dict[str, Any]:
    """Completions per second of the first GPU alone, then of all at once with the same groups each."""
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = given.device.startswith("cuda")
    device = f"cuda:{local}" if on_gpu else "cpu"
    if on_gpu:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    world = dist.get_world_size()
    side = Ours(given, device, seed=rank)

    def rate(processes: int) -> float:
        for _ in range(given.warm_up):
            side.step(given.groups, processes)
        _wait(device)
        if processes > 1:
            dist.barrier()
        began = time.perf_counter()
        for _ in range(given.steps):
            side.step(given.groups, processes)
        _wait(device)
        if processes > 1:
            dist.barrier()
        made = given.steps * given.groups * given.completions * processes
        return made / (time.perf_counter() - began)

    # the others wait in the barrier meanwhile
    alone = rate(1) if rank == 0 else 0.0
    dist.barrier()
    together = rate(world)
    dist.destroy_process_group()
    return {
        "gpus": world,
        "groups_per_gpu": given.groups,
        "completions_per_s_alone": round(alone, 3),
        "completions_per_s": round(together, 3),
        "times": round(together / alone, 3) if alone else 0.0,
        "rank": rank,
    }


def main() -> None:
    """Measure, print, write."""
    given = options()
    on_gpu = given.device.startswith("cuda")
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if on_gpu else platform.processor() or "cpu",
        "torch": torch.__version__,
        "geometry": given.geometry,
        "completions": given.completions,
        "tokens": given.tokens,
        "side_px": given.side_px,
    }
    if given.weak:
        found["weak"] = measure_weak(given)
        if found["weak"].pop("rank"):
            return
    else:
        # ours first: what TRL leaves behind would count against us, what we leave is freed
        for side, measure in (("ours", measure_ours), ("trl", measure_trl)):
            if given.side in (side, "both"):
                found[side] = measure(given)
                gc.collect()
                if on_gpu:
                    torch.cuda.empty_cache()
                print(f"{side}: {found[side]}", file=sys.stderr, flush=True)
        if given.side == "both":
            found["times_faster"] = round(
                found["trl"]["s_per_step"] / found["ours"]["s_per_step"], 2
            )
    text = json.dumps(found, indent=1)
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n", encoding="utf-8")


def _figures(taken: list[float], given: argparse.Namespace) -> dict[str, Any]:
    measured = taken[given.warm_up :]
    peak = torch.cuda.max_memory_allocated() if given.device.startswith("cuda") else 0
    return {
        "s_per_step": round(statistics.median(measured), 3),
        "steps_s": [round(one, 3) for one in measured],
        "warm_up_s": [round(one, 3) for one in taken[: given.warm_up]],
        "peak_gb": round(peak / 1e9, 2),
    }


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def _reset_peak(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
