"""Our side of `gpu_engine.py`: the loop of `models/qwen/`, part by part and whole."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from geo_r1_backend.models.qwen.batcher import answers
from geo_r1_backend.models.qwen.choice import choose_operations
from geo_r1_backend.models.qwen.decode import Decoder
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime

WORDS = "Please provide the bounding box coordinate of the region this sentence describes: the storage tank left of the road."
OTHER_WORDS = WORDS.replace("the storage tank left of the road", "the largest of all white roofs ")
PROMPT_SLOTS = 430
"""Of prompt and picture, where only decoding is measured."""


def clock(work: Callable[[], Any], times: int = 5, warm: int = 2) -> float:
    """Median seconds of a piece of work, the device waited for."""
    found = []
    for number in range(warm + times):
        wait()
        began = time.perf_counter()
        work()
        wait()
        if number >= warm:
            found.append(time.perf_counter() - began)
    return sorted(found)[len(found) // 2]


def wait() -> None:
    """Until the device has done everything."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


class Ours:
    """The runtime over one model, and what is measured of it.

    Args:
        model: of transformers, with random weights.
        tokenizer: for it.
        side_px: of pictures.
        max_rows: answers at once.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, side_px: int = 504, max_rows: int = 64
    ) -> None:
        began = time.perf_counter()
        device = model.lm_head.weight.device
        operations = choose_operations(device.type, model.dtype)
        self.kernels_s = time.perf_counter() - began
        self.runtime = QwenRuntime(
            model, tokenizer, operations=operations, max_rows=max_rows, kept_bytes=1 << 31
        )
        self.never_ends(self.runtime.decoder)
        self.runtime.end_ids = []
        self._random, self._side_px, self.device = np.random.default_rng(0), side_px, device

    @staticmethod
    def never_ends(decoder: Decoder) -> None:
        """Every answer runs to its limit, on both sides."""
        decoder._end_ids = decoder._end_ids[:0]

    def picture(self) -> np.ndarray:
        """A new one each time, so that nothing is known of it."""
        return self._random.integers(0, 255, (self._side_px, self._side_px, 3), dtype=np.uint8)

    def decode_ms(self, count: int, *, steps: int = 64, plain: bool = False) -> dict[str, Any]:
        """Milliseconds per token with some rows, all behind a prompt."""
        decoder = self.runtime.decoder
        if plain:
            language = dataclasses.replace(self.runtime.language, operations=Operations())
            decoder = Decoder(language, end_ids=[], pad_id=0)
        rows = decoder.make_rows(count, 1024)
        rows.used.fill_(PROMPT_SLOTS)
        rows.positions.fill_(PROMPT_SLOTS)
        rows.limits.fill_(rows.slots)
        rows.ended.fill_(value=False)
        began = time.perf_counter()
        decoder.run(rows, count, 1, draws=False)
        wait()
        capture_s = time.perf_counter() - began
        seconds = clock(lambda: decoder.run(rows, count, steps, draws=False), times=3, warm=1)
        return {
            "ms_per_token": round(seconds / steps * 1e3, 3),
            "capture_s": round(capture_s, 2),
            "chosen": decoder.chosen.get(count, {}),
        }

    def vision_ms(self, many: int = 1) -> float:
        """Milliseconds for some pictures, upload excluded."""
        pixels = torch.from_numpy(np.stack([self.picture() for _ in range(many)])).to(self.device)
        return clock(lambda: self.runtime.vision.encode(pixels)) * 1e3

    def prefill_ms(self, many: int = 1) -> tuple[float, int]:
        """Milliseconds for some prompts behind their visual tokens, and tokens of each."""
        asked = [self.runtime.asked(Question(self.picture(), WORDS)) for _ in range(many)]
        embeds, tables = self.runtime._embedded(asked)
        seconds = clock(lambda: self.runtime.run_prompts(embeds, tables))
        return seconds * 1e3, embeds.shape[1]

    def recording(self) -> dict[str, Any]:
        """How many sizes of pictures and prompts are recorded, and why one is not."""
        runtime = self.runtime
        return {
            "pictures": len(runtime.vision.by_shape),
            "prompts": len(runtime.by_shape),
            "refused": runtime.vision.by_shape.refused
            or runtime.by_shape.refused
            or runtime.decoder.refused,
        }

    def query(
        self, tokens: int, picture: np.ndarray | None = None, words: str = WORDS
    ) -> tuple[float, float]:
        """Seconds of one question from pixels on: the whole, and up to the first token."""
        question = Question(self.picture() if picture is None else picture, words)
        wait()
        began, first = time.perf_counter(), 0.0
        for _ in answers(self.runtime, [question], max_new_tokens=tokens):
            first = first or time.perf_counter() - began
        return time.perf_counter() - began, first

    def tiles_per_s(self, tiles: int, tokens: int) -> float:
        """Whole questions a second, each about a new picture."""
        questions = [Question(self.picture(), WORDS) for _ in range(tiles)]
        wait()
        began = time.perf_counter()
        for _ in answers(self.runtime, questions, max_new_tokens=tokens):
            pass
        return tiles / (time.perf_counter() - began)

    def profile(self, count: int) -> list[dict[str, Any]]:
        """Where a token's time goes: kernels of one replay, the longest first."""
        from torch.profiler import ProfilerActivity
        from torch.profiler import profile as profiled

        rows = self.runtime.decoder.make_rows(count, 1024)
        rows.used.fill_(PROMPT_SLOTS)
        rows.positions.fill_(PROMPT_SLOTS)
        rows.limits.fill_(rows.slots)
        rows.ended.fill_(value=False)
        self.runtime.decoder.run(rows, count, 4, draws=False)
        wait()
        with profiled(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as found:
            self.runtime.decoder.run(rows, count, 4, draws=False)
            wait()
        kernels = [one for one in found.key_averages() if one.device_time_total > 0]
        kernels.sort(key=lambda one: -one.self_device_time_total)
        return [
            {
                "kernel": one.key[:80],
                "per_token": one.count / 4,
                "us_per_token": round(one.self_device_time_total / 4, 1),
            }
            for one in kernels[:14]
        ]
