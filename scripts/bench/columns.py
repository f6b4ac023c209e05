"""The four ways to run the embedded model on this CPU, each behind the service's own `Engine` seam, from one set of weights.

So every column is asked through the same code (`grounding.ground`): same views, prompts, parser, limits.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# As the service sets it for its torch worker: spinning threads would also slow down whoever is asked next.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch  # noqa: TID251 - two of the columns are torch
from tokenizers import Tokenizer

from geo_r1_backend.engines.base import Engine, EngineItem, EngineStatus, GenerationOptions, Piece
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.engines.torch_generate import answer_item
from geo_r1_backend.engines.torch_loading import load_model, load_processor
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.generate import answer_batch, load_float_model

INT8, FLOAT32, ONE_BY_ONE = "ONNX int8", "ONNX float32", "ONNX float32, no guesses"
OWN_LOOP, GENERATE = "torch, own loop", "transformers generate"
COLUMNS = (INT8, FLOAT32, ONE_BY_ONE, OWN_LOOP, GENERATE)


def load_columns(folder: Path, threads: int) -> dict[str, Engine]:
    """All of them, in one process."""
    torch.set_num_threads(threads)
    return {
        INT8: OnnxEngine(folder, threads, "int8"),
        FLOAT32: OnnxEngine(folder, threads),
        ONE_BY_ONE: OnnxEngine(folder, threads, guesses=0),
        OWN_LOOP: OwnLoop(folder),
        GENERATE: Generate(folder),
    }


class OwnLoop:
    """`models/generate.py`: plain torch with a key-value cache, one question at a time. It says everything at the end."""

    best_batch = 1
    nests = False

    def __init__(self, folder: Path) -> None:
        self.profile = read_profile(folder)
        self._model = load_float_model(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def status(self) -> EngineStatus:
        """Name and device."""
        return EngineStatus("torch, own loop", "cpu")

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `engines.base.Engine`."""
        for index, item in enumerate(items):
            if should_stop():
                return
            (text,) = answer_batch(
                self._model,
                self._tokenizer,
                [np.asarray(item.image.convert("RGB"))],
                [item.prompt],
                options.max_new_tokens,
            )
            count = len(self._tokenizer.encode(text).ids) + 1
            finish = "length" if count > options.max_new_tokens else "stop"
            yield Piece(index, text, count, finish)

    def close(self) -> None:
        """Nothing to end."""


class Generate:
    """transformers' `generate` over the stock folder that `geo-r1 models export` writes, in this process: no pipe in its time."""

    best_batch = 1
    nests = False

    def __init__(self, folder: Path) -> None:
        self._stock = tempfile.TemporaryDirectory(prefix="geo-r1-stock-")
        export_stock_folder(folder, Path(self._stock.name))
        self.profile = read_profile(folder)
        stock = Path(self._stock.name)
        self._model = load_model(stock, device="cpu", precision="float32").model
        self._processor = load_processor(stock, "qwen2_5_vl")
        self.first_token_s = 0.0
        """Of the last question, from the call of `generate`."""

    def status(self) -> EngineStatus:
        """Name and device."""
        return EngineStatus("transformers generate", "cpu")

    def generate(
        self,
        items: Sequence[EngineItem],
        options: GenerationOptions,
        should_stop: Callable[[], bool],
    ) -> Iterator[Piece]:
        """See `engines.base.Engine`."""
        for index, item in enumerate(items):
            began_s = time.perf_counter()
            said: list[Piece] = []
            self.first_token_s = 0.0

            def say(text: str, tokens: int, finish: Any) -> None:
                self.first_token_s = self.first_token_s or time.perf_counter() - began_s  # noqa: B023
                said.append(Piece(index, text, tokens, finish))  # noqa: B023

            message = {
                "prompt": item.prompt,
                "width_px": item.image.width,
                "height_px": item.image.height,
                "rgb": item.image.convert("RGB").tobytes(),
            }
            settings = {
                "max_new_tokens": options.max_new_tokens,
                "temperature": options.temperature,
                "seed": options.seed,
            }
            answer_item(
                self._model,
                self._processor,
                message,
                settings,
                say=say,
                should_stop=should_stop,
            )
            yield from said

    def close(self) -> None:
        """Remove the stock folder."""
        self._stock.cleanup()
