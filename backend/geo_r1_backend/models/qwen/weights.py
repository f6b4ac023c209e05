"""The language model's weights as decoding reads them: projections of the same input side by side.

Three ways, by what else needs the weights. *Fused in place*: the modules' own weights become views of the fused ones, so nothing
is held twice and every other user of the module sees the same numbers. *Copies*: merged with what a training run has learned so
far; as much memory again. *Modules*: called one by one (adapters under training, 4-bit layers).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_r1_backend.models.qwen.adapters import ActiveAdapter

Way = Literal["in place", "copies", "modules"]


class FusedLayer:
    """Weights of one layer, those with the same input below each other."""

    def __init__(self, layer: Any, *, in_place: bool) -> None:
        threefold, twofold = _threefold(layer), _twofold(layer)
        make = _joined_in_place if in_place else _room_for
        self.qkv = make(threefold)
        self.output = make([layer.self_attn.o_proj])
        self.gate_up = make(twofold)
        self.down = make([layer.mlp.down_proj])
        biases = [_base(one).bias for one in threefold]
        self.qkv_bias = torch.cat(biases).detach() if all(b is not None for b in biases) else None

    @torch.no_grad()
    def write(self, layer: Any) -> None:
        """The layer's weights as they are now, into the copies."""
        threefold = _threefold(layer)
        _write(self.qkv, threefold)
        if self.qkv_bias is not None:
            torch.cat([_base(one).bias for one in threefold], out=self.qkv_bias)
        _write(self.output, [layer.self_attn.o_proj])
        _write(self.gate_up, _twofold(layer))
        _write(self.down, [layer.mlp.down_proj])


class Weights:
    """Every layer's projections.

    Args:
        language_model: with `layers` under transformers' names.
        way: see the module.

    Raises:
        TypeError: if layers that are not plain linear ones shall be fused in place.
    """

    def __init__(self, language_model: Any, way: Way) -> None:
        self._layers = list(language_model.layers)
        self.way: Way = way
        if way == "in place":
            for layer in self._layers:
                for linear in (*_threefold(layer), *_twofold(layer)):
                    if type(linear) is not nn.Linear:
                        raise TypeError(
                            f"a {type(linear).__name__} cannot be fused in place; only plain linear layers can"
                        )
        self.fused: list[FusedLayer] = (
            []
            if way == "modules"
            else [FusedLayer(layer, in_place=way == "in place") for layer in self._layers]
        )
        self.adapter: ActiveAdapter | None = None
        """Low-rank changes beside the weights; None = the weights alone."""

    @property
    def is_plain(self) -> bool:
        """Whether a layer is its fused weights and nothing else, so that kernels may read them."""
        return bool(self.fused) and self.adapter is None

    def refresh(self) -> None:
        """Bring copies up to date; they stay in their places, graphs point there.

        Before every rollout, whether anything changed or not: a fused optimizer changes weights without a trace (not even their
        version counter moves), and a rollout with old weights looks just like a good one.
        """
        if self.way == "copies":
            for layer, fused in zip(self._layers, self.fused, strict=True):
                fused.write(layer)

    def query_key_value(self, index: int, normed: Tensor) -> Tensor:
        """All heads of a layer side by side, ``(…, (heads + 2 kv heads) · width)``."""
        if self.fused:
            layer = self.fused[index]
            found = F.linear(normed, layer.qkv, layer.qkv_bias)
        else:
            found = torch.cat([one(normed) for one in _threefold(self._layers[index])], -1)
        return self._adapted("qkv", index, normed, found)

    def output(self, index: int, mixed: Tensor) -> Tensor:
        """The attention's output projection."""
        if self.fused:
            found = F.linear(mixed, self.fused[index].output)
        else:
            found = self._layers[index].self_attn.o_proj(mixed)
        return self._adapted("output", index, mixed, found)

    def gate_up(self, index: int, normed: Tensor) -> Tensor:
        """Both projections into the perceptron, side by side."""
        if self.fused:
            found = F.linear(normed, self.fused[index].gate_up)
        else:
            found = torch.cat([one(normed) for one in _twofold(self._layers[index])], -1)
        return self._adapted("gate_up", index, normed, found)

    def down(self, index: int, inner: Tensor) -> Tensor:
        """The projection out of the perceptron."""
        if self.fused:
            found = F.linear(inner, self.fused[index].down)
        else:
            found = self._layers[index].mlp.down_proj(inner)
        return self._adapted("down", index, inner, found)

    def _adapted(self, place: str, index: int, inputs: Tensor, outputs: Tensor) -> Tensor:
        return (
            outputs if self.adapter is None else self.adapter.added(place, index, inputs, outputs)
        )


def _threefold(layer: Any) -> list[Any]:
    attention = layer.self_attn
    return [attention.q_proj, attention.k_proj, attention.v_proj]


def _twofold(layer: Any) -> list[Any]:
    return [layer.mlp.gate_proj, layer.mlp.up_proj]


def _base(linear: Any) -> Any:
    """The layer inside of an adapter under training."""
    return getattr(linear, "base", linear)


def _room_for(linears: list[Any]) -> Tensor:
    weights = [_base(one).weight for one in linears]
    room: Tensor = weights[0].new_empty(sum(len(w) for w in weights), weights[0].shape[1])
    return room


@torch.no_grad()
def _joined_in_place(linears: list[Any]) -> Tensor:
    """The weights below each other; each layer's own becomes its part of them."""
    if len(linears) == 1:
        weight: Tensor = linears[0].weight.detach()
        return weight
    joined = torch.cat([one.weight for one in linears])
    for linear, part in zip(
        linears, joined.split([len(one.weight) for one in linears]), strict=True
    ):
        linear.weight.data = part
    return joined


def _write(room: Tensor, linears: list[Any]) -> None:
    parts = room.split([len(_base(one).weight) for one in linears])
    for part, linear in zip(parts, linears, strict=True):
        if hasattr(linear, "merge_into"):  # an adapter under training
            linear.merge_into(part)
        else:
            part.copy_(linear.weight)
