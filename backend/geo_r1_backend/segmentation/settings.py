"""Sizes of the net, what it is shown, and settings of a run. No torch here: the graph is built from these as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class NetConfig:
    """Sizes of the net: an encoder that halves its grid at each stage, and a decoder that adds each stage back."""

    side_px: int = 128
    """Of a crop; divisible by 2 to the number of stages."""
    widths: tuple[int, ...] = (56, 104, 176, 288)
    """Channels of the stages, at a half, a quarter, ... of the crop."""
    depths: tuple[int, ...] = (2, 3, 5, 4)
    """Blocks of the stages on the way down."""
    decoder_depth: int = 1
    """Blocks of each stage on the way up."""
    kernel: int = 5
    """Of the depthwise convolutions."""
    expansion: int = 2
    """Inner width of a block over its width."""
    fine: int = 12
    """Channels at the crop's full resolution."""


CONTEXT = 0.25
"""Shown around a box, of its longer side, on every side: room for a box that is some pixels off."""
SMALLEST_PX = 16.0
"""Least side of a crop in pixels of the image: a car of eight pixels is seen with its surroundings."""


@dataclass(frozen=True)
class SegmenterSettings:
    """Settings of one run."""

    seconds: float
    """Length of the run; the learning rate ends with it."""
    out: Path
    backgrounds: Path | None = None
    """Folder of real tiles; without them all ground is generated and no photograph-like scenes are drawn."""
    batch: int = 256
    pool: int = 40_000
    """Crops kept on the device and shown several times, turned and recoloured: drawing is slower than learning."""
    lr: float = 2e-3
    warmup_steps: int = 100
    final_lr_share: float = 0.02
    weight_decay: float = 0.02
    averaging: float = 0.998
    """Of the exponential moving average of the weights, which is what ships."""
    workers: int = 15
    seed: int = 1
    save_every_s: float = 30.0
    max_steps: int = 0
    """Stop after so many steps; 0 = by time alone."""
    start_from: Path | None = None
    """Folder of a run to go on from, whose net may have seen crops of another side; the optimizer starts anew."""
    net: NetConfig = field(default_factory=NetConfig)
