"""The vision tower with all its windows, and all pictures of one size, in one attention call per layer.

transformers calls attention once per window; at 504 px that is 25 calls in 28 of 32 layers, and most of the time. Here patches
stand in window order; a layer that looks through windows gathers them into whole windows (the last ones at a picture's border
are padded, and the padding is masked), the other layers see each picture whole. It calls the modules of transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import sdpa_kernel

from geo_r1_backend.models.config import VisionConfig
from geo_r1_backend.models.pixels import normalised_levels
from geo_r1_backend.models.positions import Floats, Integers
from geo_r1_backend.models.qwen.graphs import ByShape
from geo_r1_backend.models.qwen.operations import FUSED, Operations

RECORDED_PATCHES = 4096
"""More than this at once keep a GPU busy for longer than Python needs to launch them, so nothing is gained by recording."""


@dataclass(frozen=True)
class Grid:
    """Where the patches of one picture size stand; tables on the device."""

    order: Tensor
    """``(tokens,)``: row-major index of the token that comes i-th in window order."""
    back: Tensor
    """Its inverse."""
    cos: Tensor
    """``(patches, head width / 2)`` in window order, float32."""
    sin: Tensor
    gather: Tensor | None
    """``(windows, patches of a whole window)``: patch in each place of each window; None = no window is padded."""
    scatter: Tensor | None
    """``(patches,)``: place of each patch among those of all windows."""
    mask: Tensor | None
    """``(windows, 1, 1, patches of a whole window)`` bool: true where a place holds a patch."""


def window_places(vision: VisionConfig, rows: int, columns: int) -> Integers:
    """``(windows, tokens of a window)``: row-major token in each place of each window, -1 where the picture ends before the window."""
    side = vision.window_px // vision.token_px
    grid = np.full((-(-rows // side) * side, -(-columns // side) * side), -1, dtype=np.int64)
    grid[:rows, :columns] = np.arange(rows * columns).reshape(rows, columns)
    high, wide = (length // side for length in grid.shape)
    return grid.reshape(high, side, wide, side).transpose(0, 2, 1, 3).reshape(-1, side * side)


def rotation(
    vision: VisionConfig, rows: int, columns: int, order: Integers
) -> tuple[Floats, Floats]:
    """Cos and sin of each patch in window order, half rows and half columns; ``(patches, head width / 2)``."""
    merge = vision.merge
    y, x = np.meshgrid(np.arange(rows * merge), np.arange(columns * merge), indexing="ij")
    places = np.stack([y, x], -1).reshape(rows, merge, columns, merge, 2).transpose(0, 2, 1, 3, 4)
    places = places.reshape(rows * columns, merge**2, 2)[order].reshape(-1, 2)
    quarter = vision.head_dim // 4
    steps = np.arange(quarter, dtype=np.float32) / np.float32(quarter)
    frequencies = (1.0 / np.power(np.float32(vision.rope_theta), steps)).astype(np.float32)
    angles = (places[:, :, None].astype(np.float32) * frequencies).reshape(len(places), -1)
    return np.cos(angles), np.sin(angles)


class VisionTower:
    """Pictures to visual tokens.

    Args:
        tower: of transformers, `visual`.
        vision: its sizes.
        operations: small kernels.
    """

    def __init__(self, tower: Any, vision: VisionConfig, operations: Operations) -> None:
        self._tower, self._vision, self._do = tower, vision, operations
        weight = tower.patch_embed.proj.weight
        self._device, self._dtype = weight.device, weight.dtype
        self._levels = torch.from_numpy(normalised_levels()).to(self._device)
        self._grids: dict[tuple[int, int], Grid] = {}
        self._fuse()
        self.by_shape = ByShape(self._encoded)

    def encode(self, pictures: Tensor) -> Tensor:
        """Visual tokens, row by row.

        Args:
            pictures: ``(n, height, width, 3)`` uint8 on the device, sides multiples of a token's.

        Returns:
            ``(n, rows · columns, hidden of the language model)``.
        """
        many, height_px, width_px, _ = pictures.shape
        side, merge = self._vision.token_px, self._vision.merge
        self.grid(height_px // side, width_px // side)  # its tables come over the bus
        patches = many * (height_px // side) * (width_px // side) * merge**2
        (tokens,) = self.by_shape(pictures, worth=patches <= RECORDED_PATCHES)
        return tokens.clone() if tokens.is_cuda else tokens

    @torch.no_grad()
    def _encoded(self, pictures: Tensor) -> tuple[Tensor]:
        """The same without a word from the host; the picture's tables are there."""
        vision = self._vision
        many, height_px, width_px, _ = pictures.shape
        rows, columns = height_px // vision.token_px, width_px // vision.token_px
        grid = self.grid(rows, columns)
        hidden = self._patches(pictures, rows, columns)[:, grid.order].flatten(0, 2)
        hidden = F.linear(hidden, self._tower.patch_embed.proj.weight.flatten(1))
        cos, sin = (t.repeat(many, 1) for t in (grid.cos, grid.sin))
        update: Tensor | None = None
        for index, block in enumerate(self._tower.blocks):
            hidden, normed = self._do.add_norm(hidden, update, block.norm1.weight, 1e-6)
            whole = index in vision.full_attention_blocks
            update = self._attention(block.attn, normed, cos, sin, many, None if whole else grid)
            hidden, normed = self._do.add_norm(hidden, update, block.norm2.weight, 1e-6)
            update = self._mlp(index, block.mlp, normed)
        merger = self._tower.merger
        hidden, normed = self._do.add_norm(hidden, update, merger.ln_q.weight, 1e-6)
        tokens: Tensor = merger.mlp(normed.view(-1, vision.hidden_size * vision.merge**2))
        return (tokens.unflatten(0, (many, -1))[:, grid.back],)

    def grid(self, rows: int, columns: int) -> Grid:
        """Tables of a picture of ``rows`` x ``columns`` visual tokens, made once."""
        if (rows, columns) not in self._grids:
            self._grids[rows, columns] = self._make_grid(rows, columns)
        return self._grids[rows, columns]

    def _make_grid(self, rows: int, columns: int) -> Grid:
        vision = self._vision
        places = window_places(vision, rows, columns)
        order = places[places >= 0]
        cos, sin = rotation(vision, rows, columns, order)

        def here(array: Any) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

        gather = scatter = mask = None
        if (places < 0).any():
            four = vision.merge**2
            real = np.repeat(places >= 0, four, axis=1)  # patches of a token follow each other
            flat = np.flatnonzero(real)
            filled = np.zeros(real.size, np.int64)
            filled[flat] = np.arange(len(flat))
            gather, scatter = here(filled.reshape(real.shape)), here(flat)
            mask = here(real)[:, None, None]
        return Grid(
            here(order), here(np.argsort(order)), here(cos), here(sin), gather, scatter, mask
        )

    def _patches(self, pictures: Tensor, rows: int, columns: int) -> Tensor:
        """``(n, tokens, patches of a token, numbers of a patch)``, as transformers' processor makes them."""
        vision = self._vision
        merge, side = vision.merge, vision.patch_px
        split = pictures.view(-1, rows, merge, side, columns, merge, side, 3)
        # -> (n, row, column, row within, column within, channel, y, x)
        split = split.permute(0, 1, 4, 2, 5, 7, 3, 6)
        channel = torch.arange(3, device=self._device).view(3, 1, 1)
        values = self._levels[channel, split.long()].to(self._dtype)
        values = values[:, :, :, :, :, :, None].expand(*[-1] * 6, vision.temporal_patch, -1, -1)
        return values.reshape(len(pictures), rows * columns, merge**2, vision.patch_values)

    def _attention(
        self, attention: Any, normed: Tensor, cos: Tensor, sin: Tensor, many: int, grid: Grid | None
    ) -> Tensor:
        """Of one layer: through windows where there is a grid, else over each picture."""
        heads = self._vision.heads
        threefold = attention.qkv(normed).unflatten(-1, (3 * heads, -1))
        turned = self._do.rotated(threefold[:, : 2 * heads], cos, sin)
        parts = (turned[:, :heads], turned[:, heads:], threefold[:, 2 * heads :])
        mask = None
        if grid is not None and grid.gather is not None and grid.mask is not None:
            windows, places = grid.gather.shape
            # (n, patches, heads, width) -> (n · windows, places, heads, width)
            query, key, value = (
                part.unflatten(0, (many, -1))[:, grid.gather.flatten()].reshape(
                    many * windows, places, heads, -1
                )
                for part in parts
            )
            mask = grid.mask.repeat(many, 1, 1, 1)
        else:
            groups = many if grid is None else len(normed) // self._vision.window_patches
            query, key, value = (part.unflatten(0, (groups, -1)) for part in parts)
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        with sdpa_kernel(FUSED):
            found = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        found = found.transpose(1, 2).flatten(2).flatten(0, 1)
        if grid is not None and grid.scatter is not None:
            found = found.unflatten(0, (many, -1))[:, grid.scatter].flatten(0, 1)
        projected: Tensor = attention.proj(found)
        return projected

    def _mlp(self, index: int, mlp: Any, normed: Tensor) -> Tensor:
        weight, bias = self._gates[index]
        found: Tensor = mlp.down_proj(self._do.swiglu(F.linear(normed, weight, bias)))
        return found

    @torch.no_grad()
    def _fuse(self) -> None:
        """Both projections into each perceptron side by side; the modules' own weights become views of them."""
        self._gates: list[tuple[Tensor, Tensor]] = []
        for block in self._tower.blocks:
            gate, up = block.mlp.gate_proj, block.mlp.up_proj
            weight, bias = torch.cat([gate.weight, up.weight]), torch.cat([gate.bias, up.bias])
            for linear, w, b in zip((gate, up), weight.chunk(2), bias.chunk(2), strict=True):
                linear.weight.data, linear.bias.data = w, b
            self._gates.append((weight, bias))
