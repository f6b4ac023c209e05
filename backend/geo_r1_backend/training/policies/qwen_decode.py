"""The rollout: completions of a group behind a shared prefix, by the decode loop of `models/qwen/` that answers questions as well.

What is its own here: the prefix is run once by the training forward and copied into every row, adapters under training are merged
into fused copies where memory allows, and each token's log-probability is kept, so that every run can hold its rollout against
its trainer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from geo_r1_backend.models.qwen.decode import Decoder, Language, Tables
from geo_r1_backend.models.qwen.layout import KeyValue, Shape
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.rows import Rows
from geo_r1_backend.models.qwen.weights import Weights

TOKENS_BETWEEN_LOOKS = 16
"""So many tokens are decoded on a GPU before the host asks whether all completions have ended; on a CPU it asks each time."""
BUCKET = 64
"""Buffers grow by so many tokens, so that prompts of nearly the same length share one graph."""
ROWS_KEPT = 4
"""Sets of buffers with their graphs: some 250 MB each for a 3B model."""


@dataclass(frozen=True)
class Prefix:
    """Prompt and picture, run once."""

    keys_values: list[KeyValue]
    last_hidden: Tensor
    """Of the last token, normed, ``(hidden,)``."""
    next_position: int
    """Rotary position of the first token behind it."""


@dataclass(frozen=True)
class Completions:
    """What a rollout said."""

    ids: list[list[int]]
    """Each up to and with its end token."""
    log_probs: Tensor
    """``(G, longest)`` float32 on the device, at temperature 1, as decoding saw them; behind a completion's end they mean nothing."""


class Rollout:
    """Samples completions behind a prefix.

    Args:
        language_model: of transformers.
        head: weight of the output head.
        shape: sizes.
        tables: rotary tables of text.
        end_ids: tokens that end a completion.
        pad_id: what ended ones are filled with.
        merged: keep merged, fused copies of the layers.
        operations: small kernels; None = plain torch.
    """

    def __init__(
        self,
        language_model: Any,
        head: Tensor,
        shape: Shape,
        tables: Tables,
        *,
        end_ids: Sequence[int],
        pad_id: int,
        merged: bool,
        operations: Operations | None = None,
    ) -> None:
        self.weights = Weights(language_model, "copies" if merged else "modules")
        language = Language(
            language_model, head, shape, self.weights, tables, operations or Operations()
        )
        self._decoder = Decoder(language, end_ids=end_ids, pad_id=pad_id)
        self._rows: dict[tuple[int, int], Rows] = {}

    @torch.no_grad()
    def sample(
        self, prefix: Prefix, count: int, *, max_new_tokens: int, temperature: float, seed: int
    ) -> Completions:
        """``count`` completions behind one prefix.

        Args:
            prefix: as the training forward made it.
            count: completions.
            max_new_tokens: longest completion.
            temperature: 0 = the likeliest token.
            seed: of the sampling.
        """
        length = prefix.keys_values[0][0].shape[1]
        rows = self._room(count, length + max_new_tokens)
        every = torch.arange(count, device=prefix.last_hidden.device)
        self._put(rows, every, prefix)
        self._decoder.generator.manual_seed(seed)
        return self._run(rows, prefix.last_hidden.expand(count, -1), max_new_tokens, temperature)

    @torch.no_grad()
    def likeliest(self, prefixes: Sequence[Prefix], *, max_new_tokens: int) -> list[list[int]]:
        """The likeliest completion behind each of some prefixes, decoded together."""
        longest = max(one.keys_values[0][0].shape[1] for one in prefixes)
        rows = self._room(len(prefixes), longest + max_new_tokens)
        for row, prefix in enumerate(prefixes):
            self._put(rows, torch.tensor([row], device=prefix.last_hidden.device), prefix)
        hidden = torch.stack([one.last_hidden for one in prefixes])
        return self._run(rows, hidden, max_new_tokens, 0.0).ids

    def _put(self, rows: Rows, which: Tensor, prefix: Prefix) -> None:
        keys, values = (torch.stack(p)[:, None] for p in zip(*prefix.keys_values, strict=True))
        rows.put(which, keys, values, torch.full_like(which, keys.shape[3]))
        rows.positions[which] = prefix.next_position

    def _run(
        self, rows: Rows, hidden: Tensor, max_new_tokens: int, temperature: float
    ) -> Completions:
        """All rows until each has ended."""
        self.weights.refresh()
        decoder, draws = self._decoder, temperature > 0
        every = torch.arange(rows.count, device=hidden.device)
        limit = torch.full_like(every, max_new_tokens)
        rows.begin(every, rows.positions.clone(), limit, temperature)
        decoder.first(rows, every, hidden, draws=draws)
        done = 1
        while done < max_new_tokens and not bool(rows.ended.all()):
            between = TOKENS_BETWEEN_LOOKS if rows.keys.is_cuda else 1
            steps = min(between, max_new_tokens - done)
            decoder.run(rows, rows.count, steps, draws=draws)
            done += steps
        lengths, tokens, likely = rows.said.tolist(), rows.tokens.tolist(), rows.log_probs
        if likely is None:
            raise RuntimeError("rows of a rollout keep log-probabilities")
        ids = [row[:length] for row, length in zip(tokens, lengths, strict=True)]
        return Completions(ids, likely[:, : max(lengths)].clone())

    def _room(self, count: int, tokens: int) -> Rows:
        """Buffers; training asks for one size, an evaluation for another, and the one that was not used for longest goes."""
        slots = -(-tokens // BUCKET) * BUCKET
        rows = self._rows.pop((count, slots), None)
        if rows is None:
            while len(self._rows) >= ROWS_KEPT:
                self._rows.pop(next(iter(self._rows)))
            rows = self._decoder.make_rows(count, slots, log_probs=True)
        self._rows[count, slots] = rows
        return rows
