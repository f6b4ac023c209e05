"""A small random segmenter as a folder; not a test itself."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from geo_r1_backend.models.weights import write_tensors
from geo_r1_backend.segmentation.net import SegmenterNet, float_state
from geo_r1_backend.segmentation.package import RESULT, package
from geo_r1_backend.segmentation.settings import NetConfig

SMALL = NetConfig(side_px=32, widths=(8, 12, 16), depths=(1, 1, 1), fine=4)


def random_net(seed: int = 0, config: NetConfig = SMALL) -> SegmenterNet:
    """A net with running statistics that are not the initial ones."""
    torch.manual_seed(seed)
    net = SegmenterNet(config)
    for _ in range(3):
        net(torch.rand(4, 5, config.side_px, config.side_px))
    return net.eval()


def write_run(folder: Path, net: SegmenterNet) -> None:
    """What a training run leaves behind."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(float_state(net), folder / RESULT)
    described = {name: getattr(net.config, name) for name in NetConfig.__dataclass_fields__}
    (folder / "settings.json").write_text(json.dumps({"net": described}))


def write_segmenter(folder: Path, net: SegmenterNet) -> Path:
    """The folder that ``load_segmenter`` reads."""
    write_run(folder / "run", net)
    package(folder / "run", folder / "packed")
    return folder / "packed"
