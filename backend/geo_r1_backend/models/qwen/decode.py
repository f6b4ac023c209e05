"""The decode loop that engine and rollout share: one token for each of some rows at a time.

Decoding is bound by the number of kernels and by reading the weights, not by arithmetic, so: buffers that never move (`rows.py`),
one CUDA graph of the whole step for each number of rows (layers, choice and end of an answer included), small kernels for what
stands between the matrix products, and no word from the device to the host but a copy now and then. On a CPU the same step runs
without a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.rows import Rows
from geo_r1_backend.models.qwen.weights import Weights

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
        self._pool: Any = None
        self.captures = 0
        """Graphs captured so far."""
        self.chosen: dict[int, dict[str, Any]] = {}
        """By rows: which way of a step was faster, and the times of both."""

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
        if key not in rows.graphs:
            rows.graphs[key] = self._captured(rows, count, draws=draws)
        for _ in range(steps):
            rows.graphs[key].replay()

    def step(
        self,
        rows: Rows,
        count: int,
        *,
        draws: bool,
        used: int | None = None,
        once: bool = False,
    ) -> None:
        """One token for each of the first rows; ended ones stay where they are.

        Args:
            rows: buffers.
            count: of the rows that take part.
            draws: whether any row has a temperature.
            used: slots that hold something in any row, where the host knows.
            once: with norms, gates and sums inside of the matrix products.
        """
        language = self.language
        at, positions = rows.used[:count], rows.positions[:count]
        hidden = language.embedded(rows.current[:count])
        run = self._layers_once if once else self._layers
        normed = run(rows, hidden, at, positions, used)
        heat = rows.heat[:count] if draws else None
        seen = rows.seen[:count] if rows.seen is not None else None
        ids, likely = self._choose(normed, heat, seen, rows.log_probs)
        self._note(rows, count, ids, likely)

    def _layers(
        self, rows: Rows, hidden: Tensor, at: Tensor, positions: Tensor, used: int | None
    ) -> Tensor:
        """All layers over one token of each row: its hidden state, normed."""
        language = self.language
        shape, weights, do = language.shape, language.weights, language.operations
        update: Tensor | None = None
        for index, layer in enumerate(language.model.layers):
            norm, after = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
            hidden, normed = do.add_norm(hidden, update, norm, shape.norm_eps)
            fused = weights.query_key_value(index, normed)
            keys, values = (kept[index, : len(at)] for kept in (rows.keys, rows.values))
            query = do.rotate_store(fused, language.tables, positions, at, keys, values, shape)
            mixed = do.attend(query, keys, values, at, shape, used)
            update = weights.output(index, mixed)
            hidden, normed = do.add_norm(hidden, update, after, shape.norm_eps)
            update = weights.down(index, do.swiglu(weights.gate_up(index, normed)))
        return do.add_norm(hidden, update, language.model.norm.weight, shape.norm_eps)[1]

    def _layers_once(
        self, rows: Rows, hidden: Tensor, at: Tensor, positions: Tensor, used: int | None
    ) -> Tensor:
        """The same for few rows: norms, gates and sums happen inside the matrix products."""
        language = self.language
        shape, do, eps = language.shape, language.operations, language.shape.norm_eps
        for index, (layer, fused) in enumerate(
            zip(language.model.layers, language.weights.fused, strict=True)
        ):
            norm, after = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
            heads = do.norm_linear(hidden, norm, eps, fused.qkv, fused.qkv_bias)
            keys, values = (kept[index, : len(at)] for kept in (rows.keys, rows.values))
            query = do.rotate_store(heads, language.tables, positions, at, keys, values, shape)
            mixed = do.attend(query, keys, values, at, shape, used)
            hidden = do.linear_add(mixed, fused.output, hidden)
            inner = do.norm_gated(hidden, after, eps, fused.gate_up)
            hidden = do.linear_add(inner, fused.down, hidden)
        return language.normed(hidden)

    def _choose(
        self, normed: Tensor, heat: Tensor | None, seen: Tensor | None, wanted: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens of ``(n, hidden)``, and their log-probabilities at temperature 1 where they are wanted."""
        logits = F.linear(normed, self.language.head).float()
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

    def _note(self, rows: Rows, count: int, ids: Tensor, likely: Tensor | None) -> None:
        ended, said = rows.ended[:count], rows.said[:count]
        ids = torch.where(ended, self._pad_id, ids)
        rows.tokens[:count].scatter_(1, said[:, None], ids[:, None])
        if likely is not None and rows.log_probs is not None:
            rows.log_probs[:count].scatter_(1, said[:, None], likely[:, None])
        if rows.seen is not None:
            rows.seen[:count].scatter_(1, ids[:, None], value=True)
        rows.current[:count].copy_(ids)
        on = (~ended).long()
        rows.used[:count].add_(on)
        rows.positions[:count].add_(on)
        said.add_(on)
        ended.logical_or_(self._is_end(ids) | (said >= rows.limits[:count]))

    def _is_end(self, ids: Tensor) -> Tensor:
        return (ids[:, None] == self._end_ids).any(1)

    def _captured(self, rows: Rows, count: int, *, draws: bool) -> Any:
        """Record a step, in two ways where both are possible, and keep the faster.

        Rows may be in the middle of their answers: what the trial steps change is put back.
        """
        language = self.language
        ways = [False]
        if language.weights.is_plain and language.operations.reads_once(count):
            ways.append(True)
        kept = [tensor.clone() for tensor in rows.small]
        dice = self.generator.get_state()

        def put_back() -> None:
            for tensor, value in zip(rows.small, kept, strict=True):
                tensor.copy_(value)

        graphs = [self._recorded(rows, count, draws, once, put_back) for once in ways]
        times_ms = [_time_ms(graph, put_back) for graph in graphs] if len(graphs) > 1 else [0.0]
        fastest = times_ms.index(min(times_ms))
        self.generator.set_state(dice)
        self.captures += 1
        self.chosen[count] = {
            "once": ways[fastest],
            "ms": dict(zip(("apart", "once"), times_ms, strict=False)),
        }
        return graphs[fastest]

    def _recorded(
        self, rows: Rows, count: int, draws: bool, once: bool, put_back: Callable[[], None]
    ) -> Any:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):  # the first compiles kernels, the second finds every workspace
                self.step(rows, count, draws=draws, once=once)
                put_back()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        if draws:
            graph.register_generator_state(self.generator)
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        # steps never overlap and leave their results in the rows, so all graphs share their scratch memory
        with torch.cuda.graph(graph, pool=self._pool):
            self.step(rows, count, draws=draws, once=once)
        return graph


def _time_ms(graph: Any, put_back: Callable[[], None]) -> float:
    """Of one replay: the best of some."""
    found = []
    for _ in range(4):
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        began.record()
        graph.replay()
        ended.record()
        ended.synchronize()
        put_back()
        found.append(float(began.elapsed_time(ended)))
    return min(found[1:])
