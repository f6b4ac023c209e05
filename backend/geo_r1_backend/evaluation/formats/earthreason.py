"""EarthReason: questions whose answer is a mask, some of them about nothing.

- The published folders ``train | val | test``, each with ``images/`` (jpg or png), ``labels/`` (png, every value but 0 is the target)
  and ``QAs/`` (json: ``{"questions": [...], "answer": [...]}``; no answer = no target). Verified: SegEarth-R1's own loader, which asks the first
  question of a file, as is done here. It pairs the files by their sorted order; here they are paired by name, and a file without a
  partner is named. The folder may hold another of the same name (``test/test/images``), as some copies do.
- The jsonl of the paper's script, `{split}.jsonl`: ``{id, category, image, mask, problem, bbox_list}``, paths relative to the folder.
  Verified: Geo-R1's `test_gres_eval.py`; what ``bbox_list`` means is not needed. The parquet of EarthReason-FS is not read: its columns
  could not be verified.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.formats.needed import (
    IMAGE_SUFFIXES,
    field,
    needed,
    opener,
    read_json,
    read_json_lines,
)
from geo_r1_backend.evaluation.masks import Mask
from geo_r1_backend.evaluation.sample import Sample


def read_earthreason(data: Path, split: str = "test") -> list[Sample]:
    """One question per picture.

    Raises:
        ConfigError: naming what is missing.
    """
    lines = data / f"{split}.jsonl"
    if lines.is_file():
        return [
            _of_the_script(record, f"line {number} of {lines.name}", data)
            for number, record in enumerate(read_json_lines(lines), 1)
        ]
    images = needed(
        data / split / "images",
        data / split / split / "images",
        what=f"The folder {split}/images (or {lines.name})",
    )
    samples = []
    for picture in sorted(p for p in images.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES):
        label = needed(images.parent / "labels" / f"{picture.stem}.png")
        asked = needed(images.parent / "QAs" / f"{picture.stem}.json")
        questions = field(read_json(asked), "questions", asked.name)
        if not questions:
            raise ConfigError(f"{asked} has no question.", hint="Fetch the file again.")
        samples.append(_sample(picture.stem, str(questions[0]), picture, label))
    return samples


def _of_the_script(record: Any, where: str, data: Path) -> Sample:
    picture = needed(data / str(field(record, "image", where)))
    label = needed(data / str(field(record, "mask", where)))
    name = str(field(record, "id", where))
    query = str(field(record, "problem", where))
    return _sample(name, query, picture, label, str(record.get("category", "")))


def _sample(name: str, query: str, picture: Path, label: Path, kind: str = "") -> Sample:
    return Sample(
        id=name,
        picture=picture.name,
        task="gres",
        query=query,
        read_image=opener(picture),
        kind=kind,
        read_mask=mask_of(label),
    )


def mask_of(label: Path) -> Callable[[], Mask]:
    """Reads this picture as a mask when it is called: every value but 0 is the target."""

    def read() -> Mask:
        with Image.open(label) as file:
            values = np.asarray(file if file.mode in ("L", "P", "I", "1") else file.convert("L"))
        mask: Mask = values != 0
        return mask

    return read
