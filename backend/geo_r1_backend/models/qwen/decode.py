"""The decode loop that engine and rollout share: one token for each of some rows at a time.

Decoding is bound by the number of kernels and by reading the weights, not by arithmetic, so: buffers that never move (`rows.py`),
one CUDA graph of the whole step for each number of rows (layers, choice and end of an answer included), small kernels for what
stands between the matrix products, and no word from the device to the host but a copy now and then. On a CPU the same step runs
without a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_r1_backend.models.qwen.graphs import TRIES, Pool, reason_of, recorded, time_ms
from geo_r1_backend.models.qwen.head import wide_logits
from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.rows import Rows
from geo_r1_backend.models.qwen.weights import Weights


@dataclass(frozen=True)
class Way:
    """How a step is done."""

    once: bool = False
    """Whether matrix products have the norm before them, the gate or the sum behind them inside, in one kernel."""
    early: bool = False
    """Whether our kernels start before the one in front of them has ended."""

    @property
    def name(self) -> str:
        """For people."""
        return ("once" if self.once else "apart") + (", early" if self.early else "")


APART, ONCE = Way(), Way(once=True)

Tables = tuple[Tensor, Tensor]
"""Cos and sin of all positions of text, ``(positions, width / 2)``."""


@dataclass(frozen=True)
class Language:
    """The language model as decoding needs it."""

    model: Any
    """With `layers`, `norm` and `embed_tokens` under transformers' names."""
    head: Tensor
    """``(vocabulary, hidden)``."""
    shape: Shape
    weights: Weights
    tables: Tables
    operations: Operations

    @property
    def layers(self) -> int:
        """How many there are."""
        return len(self.model.layers)

    def embedded(self, ids: Tensor) -> Tensor:
        """Embeddings of token ids."""
        return F.embedding(ids, self.model.embed_tokens.weight)

    def normed(self, hidden: Tensor) -> Tensor:
        """What the head reads."""
        eps = self.shape.norm_eps
        return self.operations.add_norm(hidden, None, self.model.norm.weight, eps)[1]


class Decoder:
    """Steps over rows.

    Args:
        language: the model.
        end_ids: tokens that end an answer.
        pad_id: what ended rows are filled with.
        repetition_penalty: of transformers' generation settings; 1 = none.
    """

    def __init__(
        self,
        language: Language,
        *,
        end_ids: Sequence[int],
        pad_id: int,
        repetition_penalty: float = 1.0,
    ) -> None:
        self.language, self._pad_id, self.penalty = language, pad_id, repetition_penalty
        device = language.head.device
        self._end_ids = torch.tensor(list(end_ids), dtype=torch.long, device=device)
        self.generator = torch.Generator(device)
        self._early = language.operations.early()
        # steps never overlap and leave their results in the rows, so all graphs share their scratch memory
        self._pool = Pool()
        self.captures = 0
        """Graphs captured so far."""
        self.chosen: dict[int, dict[str, Any]] = {}
        """By rows: which way of a step was the fastest, the times of all, and why some are none."""
        self._failures = 0
        self.refused = ""
        """Why the last step could be recorded in no way; empty = it was."""

    def make_rows(self, count: int, slots: int, *, log_probs: bool = False) -> Rows:
        """Buffers for this model."""
        return Rows(
            count,
            slots,
            layers=self.language.layers,
            shape=self.language.shape,
            like=self.language.head,
            vocabulary=len(self.language.head) if self.penalty != 1.0 else 0,
            log_probs=log_probs,
        )

    @torch.no_grad()
    def first(self, rows: Rows, which: Tensor, normed: Tensor, *, draws: bool) -> None:
        """The first token of rows that `Rows.begin` has prepared, from ``(n, hidden)`` behind their prompts."""
        seen = rows.seen[which] if rows.seen is not None else None
        ids, likely = self._choose(
            normed, rows.heat[which] if draws else None, seen, rows.log_probs
        )
        rows.tokens[which, 0] = ids
        if likely is not None and rows.log_probs is not None:
            rows.log_probs[which, 0] = likely
        if rows.seen is not None:
            rows.seen[which, ids] = True
        rows.current[which] = ids
        rows.said[which] = 1
        rows.ended[which] = self._is_end(ids) | (rows.limits[which] <= 1)

    @torch.no_grad()
    def run(self, rows: Rows, count: int, steps: int, *, draws: bool) -> None:
        """Some steps of the first rows; on a GPU they are under way when this returns."""
        if not rows.keys.is_cuda:
            for _ in range(steps):
                self.step(rows, count, draws=draws, used=int(rows.used[:count].max()) + 1)
            return
        adapter = self.language.weights.adapter
        key = (count, draws, adapter.rank if adapter is not None else 0)
        graph = rows.graphs.get(key) or self._captured(rows, count, draws=draws)
        if not self.refused or self._failures >= TRIES:
            rows.graphs[key] = graph
        for _ in range(steps):
            graph.replay()

    def step(
        self,
        rows: Rows,
        count: int,
        *,
        draws: bool,
        used: int | None = None,
        way: Way = APART,
    ) -> Tensor:
        """One token for each of the first rows; ended ones stay where they are.

        Args:
            rows: buffers.
            count: of the rows that take part.
            draws: whether any row has a temperature.
            used: slots that hold something in any row, where the host knows.
            way: see there.

        Returns:
            What the head read, ``(count, hidden)``.
        """
        language = self.language
        at, positions = rows.used[:count], rows.positions[:count]
        # sums of all layers in float32: rounded 72 times they are what sets a bfloat16 rollout and its trainer apart
        hidden = language.embedded(rows.current[:count]).float()
        normed = self._layers(rows, hidden, at, positions, used, way)
        heat = rows.heat[:count] if draws else None
        seen = rows.seen[:count] if rows.seen is not None else None
        ids, likely = self._choose(normed, heat, seen, rows.log_probs)
        if likely is not None and rows.log_probs is not None:
            rows.log_probs[:count].scatter_(1, rows.said[:count, None], likely[:, None])
        if seen is not None:
            seen.scatter_(1, ids[:, None], value=True)
        language.operations.note(rows, ids, self._end_ids, self._pad_id)
        return normed

    def _layers(
        self,
        rows: Rows,
        hidden: Tensor,
        at: Tensor,
        positions: Tensor,
        used: int | None,
        way: Way,
    ) -> Tensor:
        """All layers over one token of each row: its hidden state, normed."""
        language = self.language
        shape, weights, do = language.shape, language.weights, language.operations
        if way.early:
            do = self._early or do
        eps = shape.norm_eps
        update: Tensor | None = None  # what is still to be added to the hidden state
        for index, layer in enumerate(language.model.layers):
            norm, after = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
            fused = weights.fused[index] if way.once else None
            if fused is not None:
                heads = do.norm_linear(hidden, norm, eps, fused.qkv, fused.qkv_bias)
            else:
                hidden, normed = do.add_norm(hidden, update, norm, eps)
                heads = weights.query_key_value(index, normed)
            keys, values = (kept[index, : len(at)] for kept in (rows.keys, rows.values))
            mixed = do.attend_new(
                heads, language.tables, positions, at, keys, values, shape, rows.arrivals, used
            )
            if fused is not None:
                hidden = do.linear_add(mixed, fused.output, hidden)
                inner = do.norm_gated(hidden, after, eps, fused.gate_up)
                hidden = do.linear_add(inner, fused.down, hidden)
            else:
                hidden, normed = do.add_norm(hidden, weights.output(index, mixed), after, eps)
                update = weights.down(index, do.swiglu(weights.gate_up(index, normed)))
        return do.add_norm(hidden, update, language.model.norm.weight, eps)[1]

    def _choose(
        self, normed: Tensor, heat: Tensor | None, seen: Tensor | None, wanted: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens of ``(n, hidden)``, and their log-probabilities at temperature 1 where they are wanted."""
        head = self.language.head
        logits = F.linear(normed, head).float() if wanted is None else wide_logits(normed, head)
        shown = logits
        if seen is not None:
            weaker = torch.where(logits > 0, logits / self.penalty, logits * self.penalty)
            shown = torch.where(seen, weaker, logits)
        ids = shown.argmax(-1)
        if heat is not None:
            # the largest of p / Exp(1) is a draw from p (the Gumbel trick), without a sort and without the host
            noise = torch.empty_like(logits)
            if logits.is_cuda:
                noise.exponential_(generator=self.generator)
            else:  # the same distribution; torch's own takes seven times as long on a CPU
                noise.uniform_(generator=self.generator).log_().neg_()
            likely = torch.softmax(shown / heat.clamp(min=1e-6)[:, None], -1)
            ids = torch.where(heat > 0, (likely / noise).argmax(-1), ids)
        if wanted is None:
            return ids, None
        return ids, logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(1)

    def _is_end(self, ids: Tensor) -> Tensor:
        return (ids[:, None] == self._end_ids).any(1)

    def _captured(self, rows: Rows, count: int, *, draws: bool) -> Any:
        """Record a step, in several ways where kernels can do more at once, and keep the fastest.

        Rows may be in the middle of their answers: what the trial steps change is put back. Where a way cannot be recorded, another
        is taken; where none can, the step runs as it is.
        """
        language = self.language
        ways: list[Way] = [APART]
        if language.weights.is_plain and language.operations.reads_once(count):
            ways.append(ONCE)
        kept = [tensor.clone() for tensor in rows.small]
        dice = self.generator.get_state()

        def put_back() -> None:
            for tensor, value in zip(rows.small, kept, strict=True):
                tensor.copy_(value)

        found: dict[Way, _Recorded] = {}
        left_out: dict[str, str] = {}

        def try_way(way: Way) -> None:
            try:
                graph, normed = recorded(
                    lambda: self.step(rows, count, draws=draws, way=way),
                    pool=self._pool,
                    generator=self.generator if draws else None,
                    after_trial=put_back,
                )
                found[way] = _Recorded(graph, time_ms(graph, put_back), normed.clone())
            except RuntimeError as error:  # border: a compiler and a driver run here
                put_back()
                left_out[way.name] = reason_of(error)

        for way in ways:
            try_way(way)
        if self._early is not None and found:
            quickest = min(found, key=lambda way: found[way].ms)
            for way in {quickest, ONCE} & found.keys():
                early = replace(way, early=True)
                try_way(early)
                # the same kernels in the same order: another result is one that was read too early
                if early in found and not torch.equal(found[early].normed, found[way].normed):
                    del found[early]
                    left_out[early.name] = f"another result than {way.name}"
        self.generator.set_state(dice)
        self.captures += 1
        if not found:
            self.refused, self._failures = left_out[APART.name], self._failures + 1
            return _Eager(lambda: self.step(rows, count, draws=draws))
        self.refused, self._failures = "", 0
        fastest = min(found, key=lambda way: found[way].ms)
        times_ms = {way.name: round(one.ms, 3) for way, one in found.items()}
        self.chosen[count] = {"once": fastest.name, "ms": times_ms, "left_out": left_out}
        return found[fastest].graph


@dataclass(frozen=True)
class _Recorded:
    """A way of a step."""

    graph: Any
    ms: float
    normed: Tensor
    """What the head reads after it."""


class _Eager:
    """A step that cannot be recorded, in a graph's place."""

    def __init__(self, step: Callable[[], Tensor]) -> None:
        self._step = step

    @torch.no_grad()
    def replay(self) -> None:
        """Run it."""
        self._step()
