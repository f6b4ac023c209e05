"""Low-rank adapters of finished training runs beside one base: several in memory, one at work, exchanged between two questions.

The numbers of the base are never touched. An adapter's matrices of the projections that share an input are put together once,
so that a fused projection needs two thin products and not six. What is at work lies in buffers of its own: exchanging it is a copy
of some tens of megabytes, and captured graphs stay right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from geo_r1_backend.models.learned import ADAPTER_FILE, WEIGHTS_FILE

PEFT_CONFIG_FILE = "adapter_config.json"
NAME = re.compile(
    r".*\blayers\.(?P<layer>\d+)\.(?:self_attn|mlp)\.(?P<linear>[a-z]+_proj)\.lora_(?P<half>[AB])\.(?:default\.)?weight"
)
PLACES: dict[str, tuple[str, ...]] = {
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "output": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}
"""Fused projections and what they are made of."""


@dataclass(frozen=True)
class Thin:
    """What an adapter adds to one fused projection: ``up (down x)``, its scale already inside of ``up``."""

    down: Tensor
    """``(rank · parts, inputs)``."""
    up: Tensor
    """``(outputs, rank · parts)``; zero where a part of the outputs does not belong to a part of the rank."""


@dataclass(frozen=True)
class Adapter:
    """Of every layer, by fused projection."""

    rank: int
    layers: list[dict[str, Thin]]

    @property
    def bytes(self) -> int:
        """Memory of all its matrices."""
        thins = [thin for layer in self.layers for thin in layer.values()]
        return sum(t.down.nbytes + t.up.nbytes for t in thins)


def is_low_rank(folder: Path) -> bool:
    """Whether a folder's adapter is one of two thin matrices; else it is new values, which only merging can use."""
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS_FILE, "pt") as stored:
        return any(NAME.fullmatch(name) for name in stored.keys())  # noqa: SIM118 - no mapping


def read_adapter(folder: Path, layers: list[dict[str, int]], like: Tensor) -> Adapter:
    """An adapter of ours or of peft.

    Args:
        folder: with `adapter_model.safetensors` and `adapter.json` or `adapter_config.json`.
        layers: rows of each linear layer of each layer of the base, by its name.
        like: a tensor of the base's type on its device.

    Raises:
        ValueError: if it is not an adapter of this base; the message names what does not fit.
    """
    from safetensors.torch import load_file

    rank, alpha = _settings(folder)
    found: dict[tuple[int, str, str], Tensor] = {}
    for name, tensor in load_file(folder / WEIGHTS_FILE).items():
        match = NAME.fullmatch(name)
        if match is None or "visual" in name:
            raise ValueError(
                f"the adapter has {name}, which is no low-rank matrix of the language model; merge it into its base first"
            )
        found[int(match["layer"]), match["linear"], match["half"]] = tensor
    known = {(index, name) for index, layer in enumerate(layers) for name in layer}
    foreign = sorted({(index, name) for index, name, _ in found} - known)
    if foreign:
        raise ValueError(
            f"the adapter has layer {foreign[0][0]}.{foreign[0][1]}, which the base has not"
        )
    return Adapter(
        rank,
        [
            {
                place: _put_together(found, index, names, layer, rank, alpha / rank, like)
                for place, names in PLACES.items()
            }
            for index, layer in enumerate(layers)
        ],
    )


def _settings(folder: Path) -> tuple[int, float]:
    ours = folder / ADAPTER_FILE
    path = ours if ours.is_file() else folder / PEFT_CONFIG_FILE
    stored: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stored.get("use_dora") or stored.get("use_rslora"):
        raise ValueError(
            f"{path.name} asks for DoRA or rsLoRA; merge the adapter into its base first"
        )
    if path is ours:
        return int(stored["rank"]), float(stored["alpha"])
    return int(stored["r"]), float(stored["lora_alpha"])


def _put_together(
    found: Mapping[tuple[int, str, str], Tensor],
    index: int,
    names: tuple[str, ...],
    layer: Mapping[str, int],
    rank: int,
    scale: float,
    like: Tensor,
) -> Thin:
    outputs = sum(layer[name] for name in names)
    inputs = next((found[index, n, "A"].shape[1] for n in names if (index, n, "A") in found), None)
    if inputs is None:
        return Thin(like.new_zeros(0, 0), like.new_zeros(outputs, 0))
    down = like.new_zeros(rank * len(names), inputs)
    up = like.new_zeros(outputs, rank * len(names))
    row = 0
    for part, name in enumerate(names):
        columns = slice(part * rank, (part + 1) * rank)
        first, second = found.get((index, name, "A")), found.get((index, name, "B"))
        if first is not None and second is not None:
            if len(first) != rank or second.shape != (layer[name], rank):
                raise ValueError(
                    f"the adapter's layer {index}.{name} is {tuple(second.shape)} x {tuple(first.shape)}; "
                    f"the base wants {layer[name]} rows and adapter rank {rank}"
                )
            # thin matrices are rounded to the base's type before they are scaled, as in training
            down[columns] = first.to(down)
            up[row : row + layer[name], columns] = second.to(up)
        row += layer[name]
    return Thin(down, up * scale)


class ActiveAdapter:
    """Buffers of the adapter at work; they never move."""

    def __init__(self, adapter: Adapter) -> None:
        self.rank = adapter.rank
        self._layers = [
            {place: Thin(thin.down.clone(), thin.up.clone()) for place, thin in layer.items()}
            for layer in adapter.layers
        ]

    def fits(self, adapter: Adapter) -> bool:
        """Whether another adapter goes into these buffers."""
        return all(
            mine[place].down.shape == thin.down.shape
            for mine, layer in zip(self._layers, adapter.layers, strict=True)
            for place, thin in layer.items()
        )

    def write(self, adapter: Adapter) -> None:
        """Put another adapter to work."""
        for mine, layer in zip(self._layers, adapter.layers, strict=True):
            for place, thin in layer.items():
                mine[place].down.copy_(thin.down)
                mine[place].up.copy_(thin.up)

    def added(self, place: str, index: int, inputs: Tensor, outputs: Tensor) -> Tensor:
        """``outputs`` and what the adapter adds to them."""
        thin = self._layers[index][place]
        if not len(thin.down):
            return outputs
        narrow = F.linear(inputs, thin.down)
        return torch.addmm(outputs.flatten(0, -2), narrow.flatten(0, -2), thin.up.t()).view_as(
            outputs
        )
