"""Weights before training."""

from __future__ import annotations

import torch
from torch import nn

from geo_r1_backend.models.nano import Nano


def initialise(model: Nano, numbers: list[int]) -> None:
    """Weights before training; ``numbers[n]`` is the token id of the number n.

    Numbers start on a smooth curve instead of at random points: neighbours are alike from the first step, as
    coordinates are.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | nn.Conv3d):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for blocks, names in (
        (model.model.visual.blocks, ("attn.proj", "mlp.down_proj")),
        (model.model.language_model.layers, ("self_attn.o_proj", "mlp.down_proj")),
    ):
        for block in blocks:
            for name in names:
                block.get_parameter(f"{name}.weight").data.div_((2 * len(blocks)) ** 0.5)
    fan_in = 3 * model.config.patch_px**2
    nn.init.normal_(model.model.visual.patch_embed.proj.weight, std=0.5 * fan_in**-0.5)
    waves = 2 * torch.pi / torch.logspace(0.6, 3.3, 48)  # periods of 4 to 2,000 px
    angle = torch.arange(len(numbers))[:, None] * waves
    table = torch.cat((angle.cos(), angle.sin()), 1) @ torch.randn(96, model.config.hidden)
    model.model.language_model.embed_tokens.weight.data[numbers] = table / table.std() * 0.02
