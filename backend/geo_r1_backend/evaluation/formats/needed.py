"""What all readers share: a missing file is named with the place where it was expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from geo_r1_backend.errors import ConfigError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
WRAPPERS = ("Please provide the bounding box coordinate of the region this sentence describes:",)
"""The paper's prompt, where a file has it around the sentence; the prompt is added again when the model is asked."""


def needed(*places: Path, what: str = "") -> Path:
    """The first of these places that exists.

    Raises:
        ConfigError: naming the file and every place where it was looked for.
    """
    for place in places:
        if place.exists():
            return place
    listed = " or ".join(str(place) for place in places)
    raise ConfigError(
        f"{what or places[0].name} is not there.",
        hint=f"It is expected at {listed}. --data names the folder of the set.",
    )


def read_json(path: Path) -> Any:
    """A JSON file.

    Raises:
        ConfigError: if it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}.", hint="Fetch it again.") from error


def read_json_lines(path: Path) -> list[Any]:
    """A file with one JSON value per line.

    Raises:
        ConfigError: naming the line that is no JSON.
    """
    values = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except ValueError as error:
            raise ConfigError(
                f"Line {number} of {path} is not JSON: {error}.", hint="Fetch the file again."
            ) from error
    return values


def field(record: Any, name: str, where: str) -> Any:
    """One field of a record.

    Raises:
        ConfigError: naming the field, the record and the fields that are there.
    """
    if isinstance(record, dict) and name in record:
        return record[name]
    there = ", ".join(sorted(record)) if isinstance(record, dict) else type(record).__name__
    raise ConfigError(
        f"{where} has no “{name}”; it has: {there or 'nothing'}.",
        hint="The file has another layout than the published one; docs/evaluation.md describes it.",
    )


def four_numbers(values: Any, where: str) -> tuple[float, float, float, float]:
    """A box.

    Raises:
        ConfigError: if it is not four numbers.
    """
    try:
        x_min, y_min, x_max, y_max = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{where}: a box is four numbers, not {values!r}.", hint="Look at this record."
        ) from error
    return x_min, y_min, x_max, y_max


def opener(path: Path) -> Callable[[], Image.Image]:
    """Reads this picture as RGB when it is called."""

    def read() -> Image.Image:
        with Image.open(needed(path)) as file:
            return file.convert("RGB")

    return read


def picture_named(folders: Sequence[Path], name: str) -> Path:
    """A picture by its name, in the first folder that has it; the first folder's where none has."""
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    return folders[0] / name


def sentence(text: Any) -> str:
    """The sentence alone, without what a file's authors wrapped around it."""
    line = str(text).replace("<image>", " ").strip()
    for wrapper in WRAPPERS:
        if line.lower().startswith(wrapper.lower()):
            line = line[len(wrapper) :].strip()
    return line


def is_true(value: Any) -> bool | None:
    """A truth value that may be written as a word; None where it says nothing."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in ("true", "1", "yes") else False if word in ("false", "0", "no") else None
