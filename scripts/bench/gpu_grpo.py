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
import gc
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "backend")]

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
from our_side import PLANS, PROMPT, Ours  # noqa: E402
from qwen_size import GEOMETRIES, make_model, make_tokenizer  # noqa: E402
from trl_side import trl_steps  # noqa: E402


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
