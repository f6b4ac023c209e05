"""A folder of files becomes a model that loads: whole weights, a `config.json` that fits them, a processor.

The same for what came from a hub and for what is imported.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geo_r1_backend.manager.plan import FAMILY
from geo_r1_backend.models.learned import read_json
from geo_r1_backend.models.shapes import Shape, fault_of_config, read_header, shape_of_weights
from geo_r1_backend.models.stock_files import (
    CONFIG_FILE,
    INDEX_FILE,
    PROCESSOR_FILES,
    WEIGHTS,
    missing_processor_files,
    missing_shards,
)

ORIGINAL_FILE = "config.original.json"
Refuse = Callable[[str], Exception]
"""Makes the error of whoever asks, from a reason."""


def check_weights(folder: Path, refuse: Refuse) -> Shape:
    """The sizes that the weights of a folder have; every file is as long as its header says and none is missing.

    Raises:
        Exception: what ``refuse`` makes.
    """
    names = sorted(path.name for path in folder.iterdir() if WEIGHTS.fullmatch(path.name))
    if not names:
        raise refuse("it has no weights as model*.safetensors")
    missing = missing_shards(names)
    index = read_json(folder / INDEX_FILE)
    if index is not None and isinstance(index.get("weight_map"), dict):
        missing += sorted({str(name) for name in index["weight_map"].values()} - set(names))
    if missing:
        raise refuse(f"{missing[0]} is missing")
    header: dict[str, tuple[int, ...]] = {}
    for name in names:
        try:
            header |= read_header(folder / name)
        except ValueError as error:
            raise refuse(str(error)) from error
    return shape_of_weights(header)


def complete(folder: Path, lent: Path | None, weights: Shape, refuse: Refuse) -> str:
    """Lend what is missing and mend `config.json`; what was wrong with that, or an empty text.

    Args:
        folder: of the model; files are added to it.
        lent: a folder with the processor and the `config.json` of the base; None = there is none.
        weights: what `check_weights` found.
        refuse: as above.

    Raises:
        Exception: what ``refuse`` makes, where it cannot become a model that loads.
    """
    for name in PROCESSOR_FILES:
        if lent is not None and (lent / name).is_file() and not (folder / name).exists():
            shutil.copyfile(lent / name, folder / name)
    missing = missing_processor_files(path.name for path in folder.iterdir())
    if missing:
        raise refuse(f"it has no {missing[0]}, and no base model to lend one")
    return _mend_config(folder, lent, weights, refuse)


def _mend_config(folder: Path, lent: Path | None, weights: Shape, refuse: Refuse) -> str:
    config = read_json(folder / CONFIG_FILE)
    fault = fault_of_config(config, weights)
    if not fault and config is not None and config.get("model_type") not in FAMILY:
        raise refuse(
            f"its model_type is {config.get('model_type')!r}; known are {', '.join(FAMILY)}"
        )
    if not fault:
        return ""
    other = read_json(lent / CONFIG_FILE) if lent is not None else None
    if other is None:
        raise refuse(f"{fault}, and there is no base model whose file could replace it")
    if (still := fault_of_config(other, weights)) or other.get("model_type") not in FAMILY:
        raise refuse(f"{fault}, and the base's does not fit either ({still or 'another family'})")
    if (folder / CONFIG_FILE).exists():
        (folder / CONFIG_FILE).replace(folder / ORIGINAL_FILE)
    _write(folder / CONFIG_FILE, other)
    return fault


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
