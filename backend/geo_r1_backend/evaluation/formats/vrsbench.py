"""VRSBench's referring task: the published json, the json of the paper's scripts, and the few-shot parquet (VRSBench-FS).

- `VRSBench_EVAL_referring.json` beside `Images_val/`: a list of ``{image_id, question, ground_truth, question_id, obj_cls, unique,
  obj_corner, ...}``; ``ground_truth`` is ``"{<25><40><33><60>}"``, hundredths of the picture's sides. Verified: three independent
  loaders of the published file (names, scale 0 to 100 over all its coordinates, 16,159 records, 13 of them without area). Not
  verified on the file itself, which was not at hand.
- `VRSBench_EVAL_referring_detailed.json` (the paper's scripts): ``{image, problem, solution, is_unique}``, the box in pixels. Verified:
  Geo-R1's `test_rec_r1_eval.py`; ``is_unique`` by its `recal_rec_acc_unique.py`.
- Parquet, `val-*.parquet` or `data/val-*.parquet`: ``images: list<struct<bytes, path>>, problem, answer: list<double>`` (pixels),
  ``category, is_unique`` (a word). Verified: the data set's page (names and types) and a loader of its first shard
  (``images[0]["bytes"]``, the wrapper around the sentence). How ``is_unique`` spells its words is not verified; *true* and *false*
  in any case, 1 and 0 are understood.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from geo_r1_backend.errors import ConfigError, MissingExtra
from geo_r1_backend.evaluation.formats.needed import (
    field,
    four_numbers,
    is_true,
    needed,
    opener,
    picture_named,
    read_json,
    sentence,
)
from geo_r1_backend.evaluation.sample import Sample

PUBLISHED = "VRSBench_EVAL_referring.json"
OF_THE_SCRIPTS = "VRSBench_EVAL_referring_detailed.json"
HUNDREDTHS = re.compile(r"<\s*(-?\d+(?:\.\d+)?)\s*>")


def read_vrsbench(data: Path, split: str = "val") -> list[Sample]:
    """All referring sentences of a folder: parquet where there is some, else json.

    Args:
        data: folder of the set.
        split: of the parquet files (`val`, `train_1shot`, …); the json files are the validation split.

    Raises:
        ConfigError: naming what is missing, or the record that cannot be read.
        MissingExtra: if there is parquet and pyarrow is not installed.
    """
    shards = sorted({*data.glob(f"{split}-*.parquet"), *data.glob(f"data/{split}-*.parquet"),
                     *data.glob(f"{split}.parquet"), *data.glob(f"data/{split}.parquet")})  # fmt: skip
    if shards:
        return [sample for shard in shards for sample in _parquet(shard)]
    path = needed(
        data / PUBLISHED,
        data / OF_THE_SCRIPTS,
        data / f"{split}-*.parquet",
        what=f"{PUBLISHED} (or a parquet file of the split “{split}”)",
    )
    folders = [data / "Images_val", data / "images" / "Images_val", data / "images", data]
    read = _of_the_scripts if path.name == OF_THE_SCRIPTS else _published
    return [
        read(record, f"record {number} of {path.name}", folders)
        for number, record in enumerate(read_json(path))
    ]


def _published(record: Any, where: str, folders: list[Path]) -> Sample:
    name = str(field(record, "image_id", where))
    numbers = [
        float(n) / 100 for n in HUNDREDTHS.findall(str(field(record, "ground_truth", where)))
    ]
    return Sample(
        id=str(record.get("question_id", where)),
        picture=name,
        task="rec",
        query=sentence(field(record, "question", where)),
        read_image=opener(picture_named(folders, name)),
        kind=str(record.get("obj_cls", "")),
        unique=is_true(record.get("unique")),
        relative_truth=(four_numbers(numbers, f"{where}, ground_truth"),),
    )


def _of_the_scripts(record: Any, where: str, folders: list[Path]) -> Sample:
    name = str(field(record, "image", where))
    return Sample(
        id=where,
        picture=name,
        task="rec",
        query=sentence(field(record, "problem", where)),
        read_image=opener(picture_named(folders, name)),
        kind=str(record.get("category", "")),
        unique=is_true(record.get("is_unique")),
        truth_px=(four_numbers(field(record, "solution", where), f"{where}, solution"),),
    )


def _parquet(path: Path) -> Iterator[Sample]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(extra="evaluate", package="pyarrow", what="Reading parquet") from error
    try:
        file = parquet.ParquetFile(path)
        columns = set(file.schema_arrow.names)
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path} is no parquet file: {error}.", hint="Fetch it again.") from error
    for name in ("images", "problem", "answer"):
        field(dict.fromkeys(columns), name, path.name)
    wanted = [c for c in ("problem", "answer", "category", "is_unique") if c in columns]
    leaves = [file.schema.column(i).path for i in range(len(file.schema))]
    # the names of the pictures without their bytes
    wanted += [leaf for leaf in leaves if leaf.startswith("images.") and leaf.endswith(".path")]
    number = 0
    for group in range(file.num_row_groups):
        for index, row in enumerate(file.read_row_group(group, columns=wanted).to_pylist()):
            where = f"row {number} of {path.name}"
            yield Sample(
                id=where,
                picture=_picture_name(row) or _digest(path, group, index),
                task="rec",
                query=sentence(row["problem"]),
                read_image=lambda group=group, index=index: Image.open(  # type: ignore[misc]
                    io.BytesIO(_bytes(path, group, index))
                ).convert("RGB"),
                kind=str(row.get("category") or ""),
                unique=is_true(row.get("is_unique")),
                truth_px=(four_numbers(row["answer"], f"{where}, answer"),),
            )
            number += 1


def _picture_name(row: Any) -> str:
    """Two rows about one picture name it alike, so that they are resampled together."""
    pictures = row.get("images") or [{}]
    return str(pictures[0].get("path") or "")


def _digest(path: Path, group: int, index: int) -> str:
    """Stands for the name of a picture that has none."""
    return hashlib.sha256(_bytes(path, group, index)).hexdigest()


def _bytes(path: Path, group: int, index: int) -> bytes:
    pictures = _images(path, group)[index]
    if not pictures or not pictures[0].get("bytes"):
        raise ConfigError(
            f"A row of {path.name} has no picture in it.",
            hint="Only parquet with the pictures inside (bytes) can be read.",
        )
    content: bytes = pictures[0]["bytes"]
    return content


@lru_cache(maxsize=1)
def _images(path: Path, group: int) -> list[Any]:
    """The pictures of one row group: as much as is held in memory at once."""
    from pyarrow import parquet

    rows = parquet.ParquetFile(path).read_row_group(group, columns=["images"])
    pictures: list[Any] = rows.column("images").to_pylist()
    return pictures
