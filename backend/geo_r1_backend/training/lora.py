"""Low-rank adapters around the linear layers of any model: put in, switched off, merged, by names that peft reads too.

Ours and not peft's, because a rollout needs the merged weights beside the trained ones at every step, and because the adapter's
numbers stay float32 while a large model is bfloat16 (a step of 1e-6 is lost in bfloat16). It knows no optimizer and no file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LANGUAGE_LAYERS = r".*layers\.\d+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj)"
"""The linear layers of the language model's blocks, by their names in transformers and in `models/nano.py`; the vision
tower's are called otherwise (`blocks`)."""


class LoraLinear(nn.Module):
    """A frozen linear layer and a product of two thin matrices beside it: ``W x + b + (alpha / rank) · up (down x)``.

    Source: LoRA, arXiv 2106.09685. ``down`` begins at random, ``up`` at zero, so that an untrained adapter changes nothing.
    """

    def __init__(
        self, base: nn.Linear, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.base = base.requires_grad_(requires_grad=False)
        self.scale = alpha / rank
        self.enabled = True
        # as torch and peft begin a linear layer: uniform within 1 / sqrt(inputs)
        bound = 1 / math.sqrt(base.in_features)
        down = torch.empty(rank, base.in_features).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(down.to(base.weight.device))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank, device=base.weight.device))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(..., inputs)`` to ``(..., outputs)``."""
        outputs = self.base(inputs)
        if not self.enabled:
            return outputs
        thin = F.linear(inputs, self.down.to(inputs.dtype))
        return outputs + F.linear(thin, self.up.to(inputs.dtype)) * self.scale

    @torch.no_grad()
    def merged(self) -> Tensor:
        """The weight of one layer that does the same, ``(outputs, inputs)``, in the base's type; summed in float32."""
        weight = torch.addmm(self.base.weight.float(), self.up, self.down, alpha=self.scale)
        return weight.to(self.base.weight.dtype)

    @torch.no_grad()
    def merge_into(self, weight: Tensor) -> None:
        """Write the merged weight into a tensor of the base's type, without any other copy of it.

        The thin matrices are rounded to that type first, as the forward rounds them.
        """
        kept = self.base.weight
        up, down = self.up.to(kept.dtype), self.down.to(kept.dtype)
        torch.addmm(kept, up, down, alpha=self.scale, out=weight)


def add_lora(
    model: nn.Module,
    *,
    rank: int,
    alpha: float,
    seed: int = 0,
    names: str = LANGUAGE_LAYERS,
) -> dict[str, LoraLinear]:
    """Freeze a model and put an adapter around every linear layer whose whole name matches.

    Returns:
        Adapters by the name of the layer that they wrap.

    Raises:
        ValueError: if no name matches, or the rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"the rank of an adapter is at least 1, not {rank}")
    model.requires_grad_(requires_grad=False)
    found = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and re.fullmatch(names, name)
    }
    if not found:
        raise ValueError(f"no linear layer of {type(model).__name__} is called {names!r}")
    generator = torch.Generator().manual_seed(seed)
    adapters: dict[str, LoraLinear] = {}
    for name, layer in found.items():
        parent, _, last = name.rpartition(".")
        adapters[name] = LoraLinear(layer, rank, alpha, generator)
        setattr(model.get_submodule(parent), last, adapters[name])
    return adapters


def lora_parameters(adapters: dict[str, LoraLinear]) -> dict[str, nn.Parameter]:
    """Both matrices of each adapter, under the names that peft gives them in `adapter_model.safetensors`."""
    found: dict[str, nn.Parameter] = {}
    for name, adapter in adapters.items():
        found[f"base_model.model.{name}.lora_A.weight"] = adapter.down
        found[f"base_model.model.{name}.lora_B.weight"] = adapter.up
    return found


@contextmanager
def adapters_off(adapters: dict[str, LoraLinear]) -> Iterator[None]:
    """The base alone answers inside of this block."""
    before = [adapter.enabled for adapter in adapters.values()]
    for adapter in adapters.values():
        adapter.enabled = False
    try:
        yield
    finally:
        for adapter, enabled in zip(adapters.values(), before, strict=True):
            adapter.enabled = enabled
