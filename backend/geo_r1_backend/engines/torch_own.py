"""Answers through the own loop (`models/qwen/`): items of a request together, text of whole characters, adapters exchanged per request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from geo_r1_backend.engines.torch_generate import Message, TextPieces
from geo_r1_backend.models.qwen.adapters import read_adapter
from geo_r1_backend.models.qwen.batcher import answers
from geo_r1_backend.models.qwen.runtime import Question, QwenRuntime

ADAPTERS_KEPT = 8
"""In memory at once; some 120 MB each for a 3B model at rank 16."""


class OwnAnswers:
    """Items of a request, as many at once as rows.

    Args:
        runtime: the model.
        tokenizer: of transformers.
    """

    def __init__(self, runtime: QwenRuntime, tokenizer: Any) -> None:
        self.runtime, self._tokenizer = runtime, tokenizer
        self.best_batch = runtime.max_rows
        self._adapters: OrderedDict[Path, None] = OrderedDict()

    @property
    def slow(self) -> str:
        """Why answers take several times as long as they could; empty = they do not."""
        why = self.runtime.refused
        return f"CUDA graphs could not be recorded: {why}" if why else ""

    def warm(self, width_px: int, height_px: int, prompt: str, max_new_tokens: int) -> None:
        """Ask about two empty pictures up to the first words: kernels are compiled and graphs recorded before a user waits for them.

        Args:
            width_px: of the pictures that will be asked about most.
            height_px: the same.
            prompt: of about the length that prompts have.
            max_new_tokens: that requests ask for.
        """
        for level in (90, 160):
            pixels = np.full((height_px, width_px, 3), level, np.uint8)
            saying = answers(
                self.runtime, [Question(pixels, prompt)], max_new_tokens=max_new_tokens
            )
            for number, _ in enumerate(saying):
                if number:
                    break
            saying.close()  # type: ignore[attr-defined]  # a generator
        self.runtime.prefixes.clear()

    def adapt(self, folder: Path | None) -> None:
        """Answer with a run's adapter from now on, read at its first use; None = with the base alone.

        Raises:
            ValueError: if it is not one of this base.
        """
        name = str(folder or "")
        if folder is not None and not self.runtime.has_adapter(name):
            like = self.runtime.language.head
            self.runtime.add_adapter(name, read_adapter(folder, self.runtime.linear_rows, like))
        if folder is not None:
            self._adapters[folder] = None
            self._adapters.move_to_end(folder)
            while len(self._adapters) > ADAPTERS_KEPT:
                gone, _ = self._adapters.popitem(last=False)
                self.runtime.drop_adapter(str(gone))
        self.runtime.use(name)

    def answer(
        self,
        items: list[Message],
        options: Message,
        *,
        say: Callable[..., None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Say pieces of all items as they come; each item ends with one piece that has its finish."""
        texts = [TextPieces(self._text) for _ in items]
        unsaid = [0] * len(items)
        for said in answers(
            self.runtime,
            [_question(item) for item in items],
            max_new_tokens=int(options["max_new_tokens"]),
            temperature=float(options["temperature"]),
            seed=int(options["seed"]),
            should_stop=should_stop,
        ):
            unsaid[said.index] += len(said.ids)
            text = texts[said.index].add(*said.ids) if said.ids else ""
            if said.finish:
                text += texts[said.index].rest()
            if text or said.finish:
                say(index=said.index, text=text, tokens=unsaid[said.index], finish=said.finish)
                unsaid[said.index] = 0

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


def _question(item: Message) -> Question:
    pixels = np.frombuffer(item["rgb"], np.uint8)
    return Question(pixels.reshape(item["height_px"], item["width_px"], 3), item["prompt"])
