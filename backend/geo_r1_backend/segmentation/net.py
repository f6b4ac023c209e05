"""The net: U-shaped, depthwise-separable, with batch norms that the graph folds away (`graph.py`)."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geo_r1_backend.segmentation.settings import NetConfig


class Normed(nn.Sequential):
    """A convolution and its batch norm; the state's names are `conv` and `norm`."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        padding = (kernel - 1) // 2
        self.add_module(
            "conv",
            nn.Conv2d(inside, outside, kernel, stride, padding, groups=groups, bias=False),
        )
        self.add_module("norm", nn.BatchNorm2d(outside))


class Block(nn.Module):
    """Depthwise, wide, narrow, and around it all: ``(n, width, h, w)`` -> the same."""

    def __init__(self, width: int, kernel: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = Normed(width, width, kernel, groups=width)
        self.wide = Normed(width, width * expansion, 1)
        self.narrow = Normed(width * expansion, width, 1)
        nn.init.constant_(self.narrow.get_submodule("norm").weight, 0.5)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu(self.wide(self.depthwise(x))))


class SegmenterNet(nn.Module):
    """Crops ``(n, 5, side, side)`` -> logits ``(n, 1, side, side)``; what the channels mean is `engines.crop_segmenter`."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths

        def blocks(width: int, depth: int) -> nn.Sequential:
            return nn.Sequential(
                *(Block(width, config.kernel, config.expansion) for _ in range(depth))
            )

        self.fine = Normed(5, config.fine, 3)
        self.stem = Normed(5, widths[0], 4, 2)
        self.down = nn.ModuleList(Normed(a, b, 2, 2) for a, b in itertools.pairwise(widths))
        self.encoder = nn.ModuleList(
            blocks(w, d) for w, d in zip(widths, config.depths, strict=True)
        )
        self.up = nn.ModuleList(Normed(b, a, 1) for a, b in itertools.pairwise(widths))
        self.decoder = nn.ModuleList(blocks(w, config.decoder_depth) for w in widths[:-1])
        self.last_up = Normed(widths[0], config.fine, 1)
        self.mix = Normed(config.fine, 2 * config.fine, 3)
        self.head = nn.Conv2d(2 * config.fine, 1, 3, padding=1)

    def forward(self, crops: Tensor) -> Tensor:
        x = centred(crops)
        fine = F.relu(self.fine(x))
        x = F.relu(self.stem(x))
        skips = []
        for index, stage in enumerate(self.encoder):
            if index:
                x = self.down[index - 1](x)
            x = stage(x)
            skips.append(x)
        for index in reversed(range(len(self.up))):
            x = skips[index] + doubled(self.up[index](x))
            x = self.decoder[index](x)
        x = F.relu(fine + doubled(self.last_up(x)))
        return self.head(F.relu(self.mix(x)))


def centred(crops: Tensor) -> Tensor:
    """Colours from 0..1 to -2..2; marks as they are."""
    return torch.cat([crops[:, :3] * 4 - 2, crops[:, 3:]], 1)


def doubled(x: Tensor) -> Tensor:
    """Twice the resolution, linear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def parameters_of(net: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(p.numel() for p in net.parameters())


def float_state(net: nn.Module) -> dict[str, Any]:
    """Parameters and running statistics as float32 numpy arrays."""
    return {
        name: value.detach().float().cpu().numpy()
        for name, value in net.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
