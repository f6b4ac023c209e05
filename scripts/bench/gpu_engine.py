"""`make bench-gpu`: a Qwen2.5-VL with random weights through our loop, beside transformers, in one process on one GPU.

    python scripts/bench/gpu_engine.py [--only ours,peers,…] [--minutes 9] [--out FILE.json]
    python scripts/bench/gpu_engine.py --self-check          # under a minute: which parts work here

Parts, in this order: floor, tune, ours, exact, peers, profile, grpo, embedded, ways, handover, compiled. Rows are written after each part, so what was
measured before the time is over is kept; a part that fails is a row with its reason. Prints a table in Markdown at the end. It needs
no network; `PYTHONPATH=backend` where the service is not installed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "backend")]

import torch  # noqa: E402
from engine_exact import exactness  # noqa: E402
from engine_ours import OTHER_WORDS, Ours, wait  # noqa: E402
from engine_peers import compiled_rows, generate_rows, vision_prefill_ms  # noqa: E402
from engine_table import table  # noqa: E402
from engine_tune import head_us, tune_table, tuned  # noqa: E402
from qwen_size import GEOMETRIES, make_model, make_tokenizer  # noqa: E402

from geo_r1_backend.models.qwen.choice import TOLERANCE, differences  # noqa: E402

COUNTS = (1, 8, 32, 64)


class Bench:
    """Everything that the parts share; models are made when a part asks for them."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.rows = given, {}
        self.began = time.perf_counter()
        self.tokenizer = make_tokenizer()
        self._model: Any = None
        self._ours: Ours | None = None

    @property
    def model(self) -> Any:
        """Random weights on the device; drawn there."""
        if self._model is None:
            self._model = make_model(self.given.geometry, self.given.device, self.tokenizer)
            self._model.generation_config.eos_token_id = None
        return self._model

    @property
    def ours(self) -> Ours:
        """Our loop over the same weights, fused in place."""
        if self._ours is None:
            small = self.given.geometry == "tiny"
            self._ours = Ours(
                self.model,
                self.tokenizer,
                side_px=112 if small else 504,
                max_rows=4 if small else 64,
            )
        return self._ours

    def forget(self) -> None:
        """Free the device for a part that makes its own model."""
        self._model = self._ours = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    # ---- parts -------------------------------------------------------------------------------------------------------

    def floor(self) -> dict[str, Any]:
        """Bytes of the language weights over the measured speed of a copy."""
        weights = sum(p.nbytes for n, p in self.model.named_parameters() if "visual" not in n)
        size = (1 << 28) if torch.cuda.is_available() else (1 << 22)
        source = torch.empty(size, dtype=torch.float32, device=self.given.device)
        target = torch.empty_like(source)
        for _ in range(3):
            target.copy_(source)
        wait()
        began = time.perf_counter()
        for _ in range(10):
            target.copy_(source)
        wait()
        speed = 2 * source.nbytes * 10 / (time.perf_counter() - began)
        return {
            "weights_gb": round(weights / 1e9, 2),
            "copy_gb_per_s": round(speed / 1e9),
            "floor_ms_per_token": round(weights / speed * 1e3, 2),
        }

    def tune(self) -> dict[str, Any]:
        """Blocks of the kernels, tried for this model's matrices; the parts that follow take the best."""
        found = tuned(self.ours)
        if "left_out" not in found:
            found["head_us"] = head_us(self.ours, 1)
        print(tune_table(found), flush=True)
        return found

    def ours_part(self) -> dict[str, Any]:
        """Our figures."""
        ours, small = self.ours, self.given.geometry == "tiny"
        counts = (1, 2) if small else COUNTS
        found: dict[str, Any] = {
            "kernels": ours.runtime.operations.name,
            "kernels_tried_s": round(ours.kernels_s, 2),
            "decode": {n: ours.decode_ms(n, steps=4 if small else 64) for n in counts},
            "decode_plain_torch": {
                n: ours.decode_ms(n, steps=4 if small else 32, plain=True) for n in counts[:2]
            },
            "vision_ms": round(ours.vision_ms(), 2),
            "vision_8_ms": round(ours.vision_ms(8), 2),
        }
        milliseconds, tokens = ours.prefill_ms()
        found["prefill_ms"], found["prefill_tokens"] = round(milliseconds, 2), tokens
        found["prefill_8_ms"] = round(ours.prefill_ms(8)[0], 2)
        found["recording"] = ours.recording()
        tokens = 8 if small else 200
        ours.query(tokens)
        whole, first = zip(*(ours.query(tokens) for _ in range(5)), strict=True)
        found["query_s"], found["first_token_ms"] = (
            round(sorted(whole)[2], 3),
            round(sorted(first)[2] * 1e3, 1),
        )
        picture = ours.picture()
        ours.query(4, picture)
        second = [ours.query(4, picture, OTHER_WORDS + "." * n)[1] for n in range(5)]
        found["second_question_first_token_ms"] = round(sorted(second)[2] * 1e3, 1)
        again = [ours.query(4, picture)[1] for _ in range(5)][1:]
        found["same_question_first_token_ms"] = round(sorted(again)[2] * 1e3, 1)
        tiles, said = (6, 4) if small else (64, 120)
        ours.tiles_per_s(tiles, said)
        found["tiles_per_s"] = round(ours.tiles_per_s(3 * tiles, said), 1)
        return found

    def exact(self) -> dict[str, Any]:
        """Our logits beside transformers'."""
        tokens = 6 if self.given.geometry == "tiny" else 200
        found = exactness(self.ours, self.model, self.tokenizer, tokens, float32=True)
        self.forget()
        return found

    def peers(self) -> dict[str, Any]:
        """Transformers' generate."""
        small = self.given.geometry == "tiny"
        ours, tokens = self.ours, 4 if small else 32
        counts = (1, 2) if small else COUNTS
        found: dict[str, Any] = {
            "generate": {
                n: generate_rows(
                    self.model, self.tokenizer, [ours.picture() for _ in range(n)], tokens
                )
                for n in counts
            }
        }
        one, most = found["generate"][counts[0]], found["generate"][counts[-1]]
        found["query_s"] = round((one["first_token_ms"] + 199 * one["ms_per_token"]) / 1e3, 2)
        seconds = (most["first_token_ms"] + 119 * most["ms_per_token"]) / 1e3
        found["tiles_per_s_batched"] = round(counts[-1] / seconds, 2)
        seconds = (one["first_token_ms"] + 119 * one["ms_per_token"]) / 1e3
        found["tiles_per_s_one_by_one"] = round(1 / seconds, 3)
        return found | vision_prefill_ms(self.model, self.tokenizer, ours.picture())

    def profile(self) -> dict[str, Any]:
        """Kernels of a token."""
        return {
            n: self.ours.profile(n) for n in ((1,) if self.given.geometry == "tiny" else (1, 8, 32))
        }

    def grpo(self) -> dict[str, Any]:
        """One step of GRPO with this loop: `gpu_grpo.py`'s, ours alone."""
        from our_side import Ours as Step

        self.forget()
        small = self.given.geometry == "tiny"
        given = argparse.Namespace(
            geometry=self.given.geometry, plan="checkpointed", rank=16, completions=8, kl_weight=0.04,
            tokens=8 if small else 256, side_px=112 if small else 504,
        )  # fmt: skip
        step = Step(given, self.given.device)
        for _ in range(2):
            step.step()
        step.spent_s.clear()
        wait()
        began = time.perf_counter()
        for _ in range(3):
            step.step()
        wait()
        found = {"step_s": round((time.perf_counter() - began) / 3, 3), **step.checks()}
        found["parts_s"] = {n: round(sum(s) / len(s), 3) for n, s in step.spent_s.items()}
        return found

    def embedded(self) -> dict[str, Any]:
        """The embedded model in bfloat16 and float32, ours beside transformers."""
        from engine_embedded import embedded_rows

        self.forget()
        return embedded_rows(self.given.device, self.given.queries)

    def ways(self) -> dict[str, Any]:
        """The embedded model by onnxruntime on the processor and on the card, and by torch: which one the service would choose."""
        from engine_ways import ways_rows

        self.forget()
        return ways_rows(min(self.given.queries, 100))

    def handover(self) -> dict[str, Any]:
        """The embedded model's service engine from its start on: who answers when."""
        from engine_handover import handover_rows

        self.forget()
        return handover_rows()

    def compiled(self) -> dict[str, Any]:
        """Static cache and compilation; minutes."""
        ours, small = self.ours, self.given.geometry == "tiny"
        return {
            n: compiled_rows(
                self.model, self.tokenizer, [ours.picture() for _ in range(n)], 4 if small else 64
            )
            for n in ((1,) if small else (1, 8))
        }


def self_check(device: str) -> dict[str, Any]:
    """Which kernels work here and how far each is from plain torch, and whether tiny models answer and learn."""
    found: dict[str, Any] = {}
    if device.startswith("cuda"):
        try:
            from geo_r1_backend.models.qwen.fused import FusedOperations

            for dtype in (torch.bfloat16, torch.float32):
                for name, apart in differences(FusedOperations(), device, dtype):
                    said = repr(apart)[:300] if isinstance(apart, Exception) else f"{apart:.1e}"
                    fine = not isinstance(apart, Exception) and apart <= TOLERANCE[dtype]
                    found[f"{name} {dtype}"] = ("works, " if fine else "FAILS, ") + said
        except ImportError as error:
            found["triton"] = f"FAILS, {error}"
    from engine_selfcheck import small_models

    return found | small_models(device)


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--geometry", choices=sorted(GEOMETRIES), default="3b")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", default="", help="parts, with commas between")
    parser.add_argument("--minutes", type=float, default=9.0, help="no part begins later")
    parser.add_argument("--queries", type=int, default=500, help="of the embedded model")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "gpu.json")
    parser.add_argument("--self-check", action="store_true")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    if given.self_check:
        found = self_check(given.device) | {"seconds": round(time.perf_counter() - began, 1)}
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(found, indent=1))
        return
    bench = Bench(given)
    parts: dict[str, Callable[[], Any]] = {
        "floor": bench.floor, "tune": bench.tune, "ours": bench.ours_part, "exact": bench.exact, "peers": bench.peers,
        "profile": bench.profile, "grpo": bench.grpo, "embedded": bench.embedded, "ways": bench.ways, "handover": bench.handover,
        "compiled": bench.compiled,
    }  # fmt: skip
    wanted = given.only.split(",") if given.only else list(parts)
    cuda = given.device.startswith("cuda")
    bench.rows["machine"] = {
        "device": torch.cuda.get_device_name() if cuda else platform.processor() or "cpu",
        "torch": torch.__version__,
        "geometry": given.geometry,
    }
    for name in wanted:
        since = time.perf_counter()
        if since - began > 60 * given.minutes:
            bench.rows[name] = {"left_out": "the time was over"}
            continue
        try:
            bench.rows[name] = parts[name]()
        except Exception as error:
            traceback.print_exc()
            bench.rows[name] = {"failed": f"{type(error).__name__}: {error}"[:500]}
            bench.forget()
        bench.rows[name]["seconds"] = round(time.perf_counter() - since, 1)
        if cuda:
            bench.rows[name]["peak_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
            torch.cuda.reset_peak_memory_stats()
        given.out.write_text(json.dumps(bench.rows, indent=1, default=str) + "\n", encoding="utf-8")
        print(f"{name}: {json.dumps(bench.rows[name], default=str)[:1500]}", flush=True)
    print(table(bench.rows))


if __name__ == "__main__":
    main()
