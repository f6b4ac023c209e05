"""A whole Qwen2.5-VL that answers questions about pictures: prompts, pictures, prefixes and rows put together.

It knows pixels and token ids; text, pipes and files are the engine's. Its parts: `vision.py` and `prefill.py` before the first
token, `decode.py` for all others, `batcher.py` for many questions at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from geo_r1_backend.models.qwen.adapters import ActiveAdapter, Adapter
from geo_r1_backend.models.qwen.decode import Decoder, Tables
from geo_r1_backend.models.qwen.graphs import ByShape
from geo_r1_backend.models.qwen.language import checked_config, linear_rows, make_language
from geo_r1_backend.models.qwen.layout import key_value_bytes
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.prefill import prefill, rotary_rows
from geo_r1_backend.models.qwen.prefixes import Prefix, PrefixCache
from geo_r1_backend.models.qwen.prompts import Prompt, make_prompt
from geo_r1_backend.models.qwen.rows import Rows
from geo_r1_backend.models.qwen.vision import VisionTower
from geo_r1_backend.models.qwen.weights import Way

ROWS_KEPT = 2
"""Sets of buffers with their graphs."""
SLOTS = (512, 1024, 2048, 4096, 8192, 16_384, 32_768)
"""Sizes of a row: few, so that buffers and graphs are found again."""
ONE_ROW_SLOTS = 4096
PROMPT_STEP = 64
"""Prompts on a GPU are padded to so many tokens, so that questions about pictures of one size share a recorded graph."""
RECORDED_TOKENS = 1024
"""More than this at once keep a GPU busy for longer than Python needs to launch them, so nothing is gained by recording.

Up to here another question about a known picture is run whole, too: recorded that takes 7 ms of an H100 where the part that differs takes
30 ms of Python, and by the same kernels it gives the same numbers as a first question. Longer prompts and processors run what differs."""
ROW_COUNTS = (1, 2, 4, 8, 16, 32, 64, 96, 128)


@dataclass(frozen=True)
class Question:
    """One prompt about one picture."""

    pixels: npt.NDArray[np.uint8]
    """``(height, width, 3)``, sides multiples of a visual token's."""
    text: str


@dataclass(frozen=True)
class Asked:
    """A question as token ids."""

    question: Question
    prompt: Prompt
    key: tuple[bytes, str]


class QwenRuntime:
    """Answers questions.

    Args:
        model: `Qwen2_5_VLForConditionalGeneration` on its device; fused in place, its values stay.
        tokenizer: of transformers, with the chat template.
        operations: small kernels.
        way: how the weights are read; `modules` for 4-bit layers.
        max_rows: questions answered at the same time, at most.
        kept_bytes: of keys and values of pictures that were asked about lately.

    Raises:
        ValueError: for positions or attention that are not Qwen2.5-VL's own.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        operations: Operations | None = None,
        way: Way = "in place",
        max_rows: int = 64,
        kept_bytes: int = 1 << 30,
    ) -> None:
        model.requires_grad_(requires_grad=False)
        self.config, self._tokenizer, self.max_rows = checked_config(model), tokenizer, max_rows
        self.operations = operations or Operations()
        self.language = make_language(model, self.config, self.operations, way)
        self.vision = VisionTower(model.model.visual, self.config.vision, self.operations)
        self.device, self.dtype = self.language.head.device, self.language.head.dtype
        settings = model.generation_config
        ends = settings.eos_token_id
        self.end_ids = [ends] if isinstance(ends, int) else list(ends or [self.config.eos_token_id])
        self.decoder = Decoder(
            self.language,
            end_ids=self.end_ids,
            pad_id=self.config.pad_token_id,
            repetition_penalty=float(settings.repetition_penalty or 1.0),
        )
        self.prefixes = PrefixCache(kept_bytes)
        self.whole_tokens = RECORDED_TOKENS if self.device.type == "cuda" else 0
        self.by_shape = ByShape(lambda embeds, cos, sin: prefill(self.language, embeds, (cos, sin)))
        self._rows: dict[tuple[int, int], Rows] = {}
        self._adapters: dict[str, Adapter] = {}
        self._active = ""
        self._buffers: dict[int, ActiveAdapter] = {}

    @property
    def refused(self) -> str:
        """Why this GPU does not record steps, prompts or pictures, so that all is several times slower; empty = it does."""
        return self.decoder.refused or self.by_shape.refused or self.vision.by_shape.refused

    # ---- adapters ----------------------------------------------------------------------------------------------------

    @property
    def linear_rows(self) -> list[dict[str, int]]:
        """Outputs of each linear layer of each layer, by its name: what an adapter must fit."""
        return linear_rows(self.config)

    def add_adapter(self, name: str, adapter: Adapter) -> None:
        """Hold an adapter in memory, beside the others."""
        self._adapters[name] = adapter

    def drop_adapter(self, name: str) -> None:
        """Forget an adapter that is not at work, and what it has looked at."""
        self._adapters.pop(name, None)

    def has_adapter(self, name: str) -> bool:
        """Whether it is in memory."""
        return name in self._adapters

    def use(self, name: str) -> None:
        """Answer with an adapter from now on; empty = with the base alone.

        Raises:
            KeyError: if it is not in memory.
        """
        if name:
            adapter = self._adapters[name]
            buffers = self._buffers.get(adapter.rank)
            if buffers is None or not buffers.fits(adapter):
                if buffers is not None:  # graphs point into the buffers that go
                    self._rows.clear()
                    self.by_shape.clear()
                buffers = self._buffers[adapter.rank] = ActiveAdapter(adapter)
            elif name != self._active or self.language.weights.adapter is not buffers:
                buffers.write(adapter)
            self.language.weights.adapter = buffers
        else:
            self.language.weights.adapter = None
        self._active = name

    # ---- questions ---------------------------------------------------------------------------------------------------

    def asked(self, question: Question) -> Asked:
        """A question as token ids.

        Raises:
            ValueError: if a side of the picture is no multiple of a visual token's.
        """
        vision = self.config.vision
        height_px, width_px = question.pixels.shape[:2]
        if height_px % vision.token_px or width_px % vision.token_px:
            raise ValueError(
                f"an image of {width_px} x {height_px} px is not a whole number of tokens of {vision.token_px} px"
            )
        rows, columns = height_px // vision.token_px, width_px // vision.token_px
        prompt = make_prompt(self.config, self._tokenizer, question.text, rows, columns)
        digest = hashlib.blake2b(f"{rows}x{columns}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(question.pixels).data)
        return Asked(question, prompt, (digest.digest(), self._active))

    def rows_for(self, questions: int, tokens: int) -> Rows:
        """Buffers for some questions at once, of up to ``tokens`` each, within half of the memory that is free.

        Raises:
            ValueError: if one row alone is longer than the model has positions for.
        """
        if tokens > SLOTS[-1]:
            raise ValueError(
                f"picture, question and answer need {tokens:,} tokens; at most {SLOTS[-1]:,} fit"
            )
        # one question has room for any usual answer, so that all have the graph that was recorded at load
        least = ONE_ROW_SLOTS if self.device.type == "cuda" and min(questions, self.max_rows) == 1 else 0  # fmt: skip
        slots = next(size for size in SLOTS if size >= max(tokens, least))
        wanted = next(n for n in ROW_COUNTS if n >= min(questions, self.max_rows))
        known = self._rows.pop((wanted, slots), None)
        if known is None:
            while len(self._rows) >= ROWS_KEPT:
                self._rows.pop(next(iter(self._rows)))
            row_bytes = slots * key_value_bytes(self.config.text, self.dtype.itemsize)
            fitting = max(1, self._free_bytes() // 2 // row_bytes)
            while wanted > fitting and wanted > 1:
                wanted = ROW_COUNTS[ROW_COUNTS.index(wanted) - 1]
            known = self._rows.pop((wanted, slots), None) or self.decoder.make_rows(wanted, slots)
        self._rows[wanted, slots] = known
        return known

    def prefill(self, group: Sequence[Asked], rows: Rows, which: Sequence[int]) -> Tensor:
        """Run some prompts into rows.

        Returns:
            Normed hidden state behind each, ``(n, hidden)``.
        """
        places: list[int] = []
        looked_at: set[tuple[bytes, str]] = set()
        for place, one in enumerate(group):
            # a picture that another question of this group looks at comes behind that one
            if not self._is_known(one) and one.key not in looked_at:
                places.append(place)
                looked_at |= {one.key} if self.prefixes.limit_bytes else set()
        found: dict[int, Tensor] = {}
        if places:
            hidden = self._fresh([group[p] for p in places], rows, [which[p] for p in places])
            found = dict(zip(places, hidden, strict=True))
        for place, one in enumerate(group):
            if place not in found:
                found[place] = self._known(one, rows, which[place])
        return torch.stack([found[place] for place in range(len(group))])

    def _is_known(self, one: Asked) -> bool:
        """Whether less than the whole prompt has to be run."""
        known = self.prefixes.find(one.key)
        if known is None or (known.ids != one.prompt.ids and self._is_run_whole(one)):
            return False
        prompt = one.prompt
        return self.prefixes.shared(one.key, prompt.ids, prompt.image_end) is not None

    def _is_run_whole(self, one: Asked) -> bool:
        return len(one.prompt.ids) <= self.whole_tokens

    def _fresh(self, group: Sequence[Asked], rows: Rows, which: Sequence[int]) -> list[Tensor]:
        seen = self._seen(group)
        embeds, tables = self._embedded(group, seen)
        hidden, keys, values = self.run_prompts(embeds, tables)
        lengths = [len(one.prompt.ids) for one in group]
        where = torch.tensor(which, device=self.device)
        rows.put(where, keys, values, torch.tensor(lengths, device=self.device))
        for row, one in zip(which, group, strict=True):
            self._mark(rows, row, one.prompt)
        ends = torch.tensor(lengths, device=self.device) - 1
        last = hidden[torch.arange(len(group), device=self.device), ends]
        normed = self.language.normed(last)
        for index, (one, length) in enumerate(zip(group, lengths, strict=True)):
            if self.prefixes.limit_bytes:
                mine = [t[:, index, :, :length].clone() for t in (keys, values)]
                features = seen[index].clone() if self._is_run_whole(one) else None
                prefix = Prefix(one.prompt.ids, mine[0], mine[1], normed[index].clone(), features)
                self.prefixes.keep(one.key, prefix)
        return list(normed)

    def run_prompts(self, embeds: Tensor, tables: Tables) -> tuple[Tensor, Tensor, Tensor]:
        """`prefill`, recorded where that pays; results are good until the next call."""
        adapter = self.language.weights.adapter
        hidden, keys, values = self.by_shape(
            embeds,
            *tables,
            worth=embeds.shape[0] * embeds.shape[1] <= RECORDED_TOKENS,
            key=adapter.rank if adapter is not None else 0,
        )
        return hidden, keys, values

    def _known(self, one: Asked, rows: Rows, row: int) -> Tensor:
        """A prompt whose picture is known: nothing is run, or only what differs."""
        shared = self.prefixes.shared(one.key, one.prompt.ids, one.prompt.image_end)
        # it may have been driven out by its own group, or stand in it twice
        if shared is None or (shared[0].ids != one.prompt.ids and self._is_run_whole(one)):
            return self._fresh([one], rows, [row])[0]
        prefix, count = shared
        if prefix.ids == one.prompt.ids:
            where = torch.tensor([row], device=self.device)
            length = torch.tensor([len(prefix.ids)], device=self.device)
            rows.put(where, prefix.keys[:, None], prefix.values[:, None], length)
            self._mark(rows, row, one.prompt)
            return prefix.last
        past = (prefix.keys[:, :, :count], prefix.values[:, :, :count])
        ids = torch.tensor(one.prompt.ids[count:], device=self.device)
        positions = torch.from_numpy(one.prompt.positions[:, count:].copy()).to(self.device)
        tables = rotary_rows(self.language.tables, self.config.text.mrope_section, positions)
        embeds = self.language.embedded(ids)[None]
        hidden, keys, values = prefill(self.language, embeds, tables, past)
        keys = torch.cat((past[0][:, None], keys), 3)
        values = torch.cat((past[1][:, None], values), 3)
        where = torch.tensor([row], device=self.device)
        rows.put(where, keys, values, torch.tensor([keys.shape[3]], device=self.device))
        normed = self.language.normed(hidden[:, -1])[0]
        self.prefixes.keep(one.key, Prefix(one.prompt.ids, keys[:, 0], values[:, 0], normed))
        self._mark(rows, row, one.prompt)
        return normed

    def _embedded(
        self, group: Sequence[Asked], seen: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, Tables]:
        """Embeddings ``(n, tokens, hidden)`` and rotary tables ``(n · tokens, width / 2)``, padded behind."""
        seen = seen or self._seen(group)
        step = PROMPT_STEP if self.device.type == "cuda" else 1
        wide = -(-max(len(one.prompt.ids) for one in group) // step) * step
        padded = torch.zeros(len(group), wide, dtype=torch.long)
        places = torch.zeros(len(group), wide, 3, dtype=torch.long)
        for row, one in enumerate(group):
            padded[row, : len(one.prompt.ids)] = torch.tensor(one.prompt.ids)
            places[row, : len(one.prompt.ids)] = torch.from_numpy(one.prompt.positions.T.copy())
        positions = places.flatten(0, 1).T.to(self.device)
        embeds = self.language.embedded(padded.to(self.device))
        for index, (one, features) in enumerate(zip(group, seen, strict=True)):
            prompt = one.prompt
            embeds[index, prompt.image_first : prompt.image_end] = features
        return embeds, rotary_rows(self.language.tables, self.config.text.mrope_section, positions)

    def _seen(self, group: Sequence[Asked]) -> list[Tensor]:
        """Visual tokens of some pictures, those of one size together; what is known is not looked at."""
        by_size: dict[tuple[int, ...], list[int]] = {}
        found: dict[int, Tensor] = {}
        for place, one in enumerate(group):
            known = self.prefixes.find(one.key)
            if known is not None and known.features is not None:
                found[place] = known.features
                self.prefixes.hits += 1
            else:
                by_size.setdefault(one.question.pixels.shape, []).append(place)
        for places in by_size.values():
            stacked = torch.from_numpy(np.stack([group[p].question.pixels for p in places]))
            if self.device.type == "cuda":
                stacked = stacked.pin_memory().to(self.device, non_blocking=True)
            found.update(zip(places, self.vision.encode(stacked), strict=True))
        return [found[place] for place in range(len(group))]

    def _mark(self, rows: Rows, row: int, prompt: Prompt) -> None:
        """Note which tokens a row has seen, for a repetition penalty."""
        if rows.seen is not None:
            rows.seen[row] = False
            rows.seen[row, torch.tensor(sorted(set(prompt.ids)), device=self.device)] = True

    def _free_bytes(self) -> int:
        if self.device.type == "cuda":
            free = torch.cuda.mem_get_info(self.device)[0]
            return int(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())
        return 8 << 30
