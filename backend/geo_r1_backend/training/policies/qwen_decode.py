"""The decode loop of a rollout: one token for each completion of a group at a time, behind a shared prefix.

Decoding eight sequences of a 3B model is bound by the number of kernels, not by arithmetic, so: buffers of a fixed size that
never move, one CUDA graph of the whole step (layers, sampling and the end of completions included), adapters merged into fused
weights where memory allows, and no word from the device to the host but every `TOKENS_BETWEEN_LOOKS` tokens. On the CPU the same step
runs without a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import sdpa_kernel

from geo_r1_backend.training.lora import LoraLinear
from geo_r1_backend.training.policies.qwen_layers import FUSED, KeyValue, Shape, norm, rotated

TOKENS_BETWEEN_LOOKS = 16
"""So many tokens are decoded on a GPU before the host asks whether all completions have ended; on a CPU it asks each time."""
BUCKET = 64
"""Buffers grow by so many tokens, so that prompts of nearly the same length share one graph."""

LOOPS_KEPT = 4
"""Sets of buffers with their graphs: some 250 MB each for a 3B model, and a second to capture."""


@dataclass(frozen=True)
class Size:
    """Of the buffers; one graph each."""

    count: int
    prefix: int
    length: int
    greedy: bool


class _Fused:
    """Merged weights of one layer, those with the same input side by side."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        threefold = [attention.q_proj, attention.k_proj, attention.v_proj]
        self.qkv = _room_for(*threefold)
        has_bias = all(_base(one).bias is not None for one in threefold)
        self.qkv_bias = self.qkv.new_empty(len(self.qkv)) if has_bias else None
        self.output = _room_for(attention.o_proj)
        self.gate_up = _room_for(mlp.gate_proj, mlp.up_proj)
        self.down = _room_for(mlp.down_proj)

    @torch.no_grad()
    def write(self, layer: Any) -> None:
        """The layer's weights as they are now."""
        attention, mlp = layer.self_attn, layer.mlp
        threefold = [attention.q_proj, attention.k_proj, attention.v_proj]
        _write(self.qkv, *threefold)
        if self.qkv_bias is not None:
            torch.cat([_base(one).bias for one in threefold], out=self.qkv_bias)
        _write(self.output, attention.o_proj)
        _write(self.gate_up, mlp.gate_proj, mlp.up_proj)
        _write(self.down, mlp.down_proj)


class Weights:
    """The language model's weights as one step needs them: fused and merged copies, or the modules themselves."""

    def __init__(self, language_model: Any, *, merged: bool) -> None:
        self._layers = list(language_model.layers)
        self._fused = [_Fused(layer) for layer in self._layers] if merged else []

    def refresh(self) -> None:
        """Bring the copies up to date; they stay in their places, graphs point there.

        Before every rollout, whether anything changed or not: a fused optimizer changes weights without a trace (not even their
        version counter moves), and a rollout with old weights looks just like a good one.
        """
        for layer, fused in zip(self._layers, self._fused, strict=False):
            fused.write(layer)

    def query_key_value(self, index: int, normed: Tensor) -> Tensor:
        """All heads of a layer side by side, ``(G, (heads + 2 kv heads) · width)``."""
        if self._fused:
            return F.linear(normed, self._fused[index].qkv, self._fused[index].qkv_bias)
        attention = self._layers[index].self_attn
        return torch.cat(
            [f(normed) for f in (attention.q_proj, attention.k_proj, attention.v_proj)], -1
        )

    def output(self, index: int, mixed: Tensor) -> Tensor:
        """The attention's output projection."""
        if self._fused:
            return F.linear(mixed, self._fused[index].output)
        found: Tensor = self._layers[index].self_attn.o_proj(mixed)
        return found

    def mlp(self, index: int, normed: Tensor) -> Tensor:
        """The gated perceptron."""
        if self._fused:
            gate, up = F.linear(normed, self._fused[index].gate_up).chunk(2, -1)
            return F.linear(F.silu(gate) * up, self._fused[index].down)
        mlp = self._layers[index].mlp
        found: Tensor = mlp.down_proj(F.silu(mlp.gate_proj(normed)) * mlp.up_proj(normed))
        return found


class Decoder:
    """Samples completions behind a prefix."""

    def __init__(
        self,
        language_model: Any,
        head: Tensor,
        shape: Shape,
        *,
        end_ids: Sequence[int],
        pad_id: int,
        merged: bool,
    ) -> None:
        self._model, self._head, self._shape = language_model, head, shape
        self._end_ids = torch.tensor(list(end_ids), dtype=torch.long, device=head.device)
        self._pad_id = pad_id
        self.weights = Weights(language_model, merged=merged)
        self._loops: dict[Size, _Loop] = {}
        self._generator = torch.Generator(head.device)

    @torch.no_grad()
    def sample(
        self,
        last_hidden: Tensor,
        keys_values: Sequence[KeyValue],
        rotary: Callable[[int], tuple[Tensor, Tensor]],
        count: int,
        *,
        max_new_tokens: int,
        temperature: float,
        seed: int,
    ) -> list[list[int]]:
        """Token ids of ``count`` completions, each up to and with its end token.

        Args:
            last_hidden: of the prefix's last token, normed, ``(hidden,)``.
            keys_values: of the prefix, each layer.
            rotary: tables ``(n, width)`` for the first n tokens behind the prefix.
            count: completions.
            max_new_tokens: longest completion.
            temperature: 0 = the likeliest token.
            seed: of the sampling.
        """
        self.weights.refresh()
        prefix = keys_values[0][0].shape[1]
        size = Size(count, _up(prefix), _up(max_new_tokens), temperature <= 0)
        loop = self._loops.pop(size, None)
        if loop is None:
            # training asks for one size, an evaluation for another; the one that was not used for longest goes
            while len(self._loops) >= LOOPS_KEPT:
                self._loops.pop(next(iter(self._loops)))
            loop = _Loop(self, size)
        self._loops[size] = loop
        loop.begin(last_hidden, keys_values, rotary(size.length), temperature, seed)
        return loop.run(max_new_tokens)

    def step(self, loop: _Loop, used: int | None = None) -> None:
        """One token for each completion, in the loop's buffers.

        Args:
            loop: whose turn it is.
            used: slots of the buffers that hold something, where the host knows; a graph looks at all.
        """
        shape, count = self._shape, loop.size.count
        place = loop.at + loop.size.prefix
        loop.bias.index_fill_(1, place, 0.0)
        cos, sin = loop.cos.index_select(0, loop.at), loop.sin.index_select(0, loop.at)
        hidden = F.embedding(loop.current, self._model.embed_tokens.weight)
        repeat = shape.heads // shape.kv_heads
        mask = loop.bias[:, :used].view(1, 1, 1, -1).expand(count, shape.kv_heads, repeat, -1)
        for index, layer in enumerate(self._model.layers):
            normed = norm(layer.input_layernorm, hidden, shape)
            heads = self.weights.query_key_value(index, normed).unflatten(
                -1, (-1, shape.head_width)
            )
            turned = rotated(heads[:, : shape.heads + shape.kv_heads], cos, sin)
            key, value = loop.keys[index], loop.values[index]
            key.index_copy_(2, place, turned[:, shape.heads :, None])
            value.index_copy_(2, place, heads[:, shape.heads + shape.kv_heads :, None])
            # the query heads that share keys stand where a sequence would: nothing is expanded
            query = turned[:, : shape.heads].unflatten(1, (shape.kv_heads, repeat))
            with sdpa_kernel(FUSED):
                mixed = F.scaled_dot_product_attention(
                    query, key[:, :, :used], value[:, :, :used], attn_mask=mask
                )
            hidden = hidden + self.weights.output(index, mixed.flatten(1))
            normed = norm(layer.post_attention_layernorm, hidden, shape)
            hidden = hidden + self.weights.mlp(index, normed)
        loop.at.add_(1)
        self.choose(loop, norm(self._model.norm, hidden, shape))

    def choose(self, loop: _Loop, hidden: Tensor) -> None:
        """The next token of each completion from ``(G, hidden)``; ended ones are padded."""
        logits = F.linear(hidden, self._head).float()
        if loop.size.greedy:
            ids = logits.argmax(-1)
        else:
            # the largest of p / Exp(1) is a draw from p (the Gumbel trick), without a sort and without the host
            noise = torch.empty_like(logits)
            if logits.is_cuda:
                noise.exponential_(generator=self._generator)
            else:  # the same distribution; torch's own takes seven times as long on a CPU
                noise.uniform_(generator=self._generator).log_().neg_()
            ids = (torch.softmax(logits / loop.temperature, -1) / noise).argmax(-1)
        ids = torch.where(loop.ended, self._pad_id, ids)
        loop.current.copy_(ids)
        loop.tokens.index_copy_(1, loop.at, ids[:, None])
        loop.lengths.add_((~loop.ended).long())
        loop.ended.logical_or_((ids[:, None] == self._end_ids).any(1))

    @property
    def generator(self) -> torch.Generator:
        """Of the sampling; a graph must know it."""
        return self._generator

    @property
    def layout(self) -> tuple[int, Shape, Tensor]:
        """Layers, sizes, and a tensor of the right type and device."""
        return len(self._model.layers), self._shape, self._head


class _Loop:
    """Buffers of one size, and the graph of a step over them."""

    def __init__(self, decoder: Decoder, size: Size) -> None:
        layers, shape, like = decoder.layout
        self.size, self._decoder = size, decoder
        slots = size.prefix + size.length
        kept = (layers, size.count, shape.kv_heads, slots, shape.head_width)
        self.keys, self.values = like.new_zeros(kept), like.new_zeros(kept)
        # 0 where a token may be looked at; the type of the model, as the fused kernels ask
        self.bias = like.new_full((1, slots), float("-inf"))
        self.cos, self.sin = (like.new_zeros(size.length, shape.head_width) for _ in range(2))
        number: Any = {"dtype": torch.long, "device": like.device}
        self.at = torch.zeros(1, **number)
        self.current = torch.zeros(size.count, **number)
        self.tokens = torch.zeros(size.count, size.length + 1, **number)
        self.lengths = torch.zeros(size.count, **number)
        self.ended = torch.zeros(size.count, dtype=torch.bool, device=like.device)
        self.temperature = torch.ones((), device=like.device)
        self._graph: Any = None

    def begin(
        self,
        last_hidden: Tensor,
        keys_values: Sequence[KeyValue],
        tables: tuple[Tensor, Tensor],
        temperature: float,
        seed: int,
    ) -> None:
        """Fill the buffers with a prefix and choose the first tokens."""
        if self._graph is None and self.keys.is_cuda:
            self._capture()
        # not before the capture: its trial steps draw as well, and the same seed would give other tokens the second time
        self._decoder.generator.manual_seed(seed)
        prefix = keys_values[0][0].shape[1]
        for index, (key, value) in enumerate(keys_values):
            self.keys[index, :, :, :prefix] = key
            self.values[index, :, :, :prefix] = value
        self.bias.fill_(float("-inf"))
        self.bias[:, :prefix] = 0
        self.cos.copy_(tables[0])
        self.sin.copy_(tables[1])
        self.at.zero_()
        self.lengths.zero_()
        self.ended.zero_()
        self.temperature.fill_(temperature if temperature > 0 else 1.0)
        self._decoder.choose(self, last_hidden.expand(self.size.count, -1))

    def run(self, max_new_tokens: int) -> list[list[int]]:
        """The remaining tokens."""
        between = 1 if self._graph is None else TOKENS_BETWEEN_LOOKS
        for step in range(1, max_new_tokens):
            if step % between == 0 and bool(self.ended.all()):
                break
            if self._graph is None:
                self._decoder.step(self, self.size.prefix + step)
            else:
                self._graph.replay()
        lengths, tokens = self.lengths.tolist(), self.tokens.tolist()
        return [row[:length] for row, length in zip(tokens, lengths, strict=True)]

    def _capture(self) -> None:
        """Record a step. The buffers hold nothing yet; what the trial steps write is overwritten by `begin`."""
        self.bias.zero_()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                self._decoder.step(self)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._decoder.generator)
        with torch.cuda.graph(graph):
            self._decoder.step(self)
        self._graph = graph


def _up(tokens: int) -> int:
    """The next size of a buffer."""
    return -(-tokens // BUCKET) * BUCKET


def _base(linear: Any) -> Any:
    return getattr(linear, "base", linear)


def _room_for(*linears: Any) -> Tensor:
    weights = [_base(one).weight for one in linears]
    room: Tensor = weights[0].new_empty(sum(len(w) for w in weights), weights[0].shape[1])
    return room


def _write(room: Tensor, *linears: Any) -> None:
    parts = room.split([len(_base(one).weight) for one in linears])
    for part, linear in zip(parts, linears, strict=True):
        if isinstance(linear, LoraLinear):
            linear.merge_into(part)
        else:
            part.copy_(linear.weight)
