"""Small data sets for tests of training: chips with coloured rectangles, written as the service writes them."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from geo_r1_backend.models.registry import ModelFolder, describe, embedded_folder
from geo_r1_backend.training_wire import Sample

SIDE_PX = 448


def embedded() -> ModelFolder:
    """The embedded model."""
    folder = embedded_folder()
    assert folder is not None
    model = describe(folder)
    assert model is not None
    return model


def chip_png(box: list[int], seed: int, size: tuple[int, int] = (SIDE_PX, SIDE_PX)) -> bytes:
    """Grey ground with some noise and one red rectangle."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(90, 120, (height, width, 3)).astype(np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = (200, 40, 40)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write_dataset(
    root: Path,
    parts: dict[str, int],
    *,
    query: str = "the red court",
    label: str = "court",
    task: str = "rec",
    seed: int = 0,
) -> Path:
    """``root/datasets/ID`` with that many samples of each part, one chip each."""
    dice = np.random.default_rng(seed)
    samples, chips = [], {}
    for part, count in parts.items():
        for number in range(count):
            left, top = (int(v) for v in dice.integers(40, 300, 2))
            box = [left, top, left + int(dice.integers(50, 120)), top + int(dice.integers(50, 120))]
            png = chip_png(box, int(dice.integers(1 << 30)))
            sha256 = hashlib.sha256(png).hexdigest()
            chips[sha256] = png
            samples.append(
                Sample(
                    chip=sha256,
                    query=query,
                    task=task,
                    boxes_px=[[float(v) for v in box]],
                    label=label,
                    part=part,
                    place=f"{part}-{number}",
                )
            )
    listed = [asdict(sample) for sample in samples]
    name = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()[:16]
    folder = root / "datasets" / name
    (folder / "chips").mkdir(parents=True, exist_ok=True)
    for sha256, png in chips.items():
        (folder / "chips" / sha256).write_bytes(png)
    manifest = {"name": "rectangles", "samples": listed, "created": "2026-01-01T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
