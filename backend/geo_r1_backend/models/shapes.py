"""What a `config.json` says of a model's size beside what its weights are, and the mend where the two differ.

Some published checkpoints carry a `config.json` that was saved badly: a nested part is missing or empty, and what
reads it silently builds a model of another size, or fails with "'dict' object has no attribute 'to_dict'". The advice
that comes with such checkpoints is to take the base model's file instead. That is right exactly where the base's file
fits the weights, and this module looks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

HEADER_LIMIT_BYTES = 100_000_000
"""The limit of the format's own reader; a 72B model has 100 kB."""

QWEN_2_5 = {"hidden_size": 8192, "num_hidden_layers": 80, "vocab_size": 152064, "depth": 32}
"""What transformers takes where a Qwen2.5-VL's file says nothing."""
BASES = {
    (2048, 36): "Qwen/Qwen2.5-VL-3B-Instruct",
    (3584, 28): "Qwen/Qwen2.5-VL-7B-Instruct",
    (5120, 64): "Qwen/Qwen2.5-VL-32B-Instruct",
    (8192, 80): "Qwen/Qwen2.5-VL-72B-Instruct",
}
"""Width and layers -> the published base of that size."""
_LAYER = re.compile(r"(?:^|\.)layers\.([0-9]+)\.")
_BLOCK = re.compile(r"(?:^|\.)visual\.blocks\.([0-9]+)\.")

Header = Mapping[str, tuple[int, ...]]
"""Tensor -> shape."""


@dataclass(frozen=True)
class Shape:
    """The sizes that tell one model from another; 0 = not known."""

    hidden_size: int = 0
    layers: int = 0
    vocabulary: int = 0
    vision_blocks: int = 0


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a safetensors file, whose length must be what its header says.

    Raises:
        ValueError: if it is no safetensors file, or was cut off.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size_bytes < 8 or not 2 <= length <= min(HEADER_LIMIT_BYTES, size_bytes - 8):
            raise ValueError(f"{path.name} is no safetensors file")
        try:
            found = json.loads(file.read(length))
            entries = {n: e for n, e in dict(found).items() if n != "__metadata__"}
            end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
            shapes = {name: tuple(map(int, entry["shape"])) for name, entry in entries.items()}
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(f"{path.name} is no safetensors file") from error
    if 8 + length + end != size_bytes:
        raise ValueError(
            f"{path.name} has {size_bytes:,} bytes, its header says {8 + length + end:,}"
        )
    return shapes


def shape_of_weights(header: Header) -> Shape:
    """The sizes that the tensors have."""
    embedded = [shape for name, shape in header.items() if name.endswith("embed_tokens.weight")]
    vocabulary, hidden_size = embedded[0] if embedded and len(embedded[0]) == 2 else (0, 0)
    language = [name for name in header if ".visual." not in f".{name}"]
    return Shape(
        hidden_size=hidden_size,
        layers=_count(_LAYER, language),
        vocabulary=vocabulary,
        vision_blocks=_count(_BLOCK, header),
    )


def shape_of_config(config: Mapping[str, Any]) -> Shape:
    """The sizes that whatever reads this `config.json` will build."""
    nested = config.get("text_config")
    text = nested if isinstance(nested, Mapping) else config
    vision = config.get("vision_config")
    vision = vision if isinstance(vision, Mapping) else {}
    usual = QWEN_2_5 if config.get("model_type") == "qwen2_5_vl" else {}

    def size(part: Mapping[str, Any], name: str) -> int:
        value = part.get(name, usual.get(name, 0))
        return value if isinstance(value, int) else 0

    return Shape(
        hidden_size=size(text, "hidden_size"),
        layers=size(text, "num_hidden_layers"),
        vocabulary=size(text, "vocab_size"),
        vision_blocks=size(vision, "depth"),
    )


def fault_of_config(config: Mapping[str, Any] | None, weights: Shape) -> str:
    """Why this `config.json` does not belong to these weights; empty where it does.

    Example:
        >>> fault_of_config({"model_type": "qwen2_5_vl", "text_config": {}}, Shape(hidden_size=2048, layers=36))
        'config.json says hidden_size 8192, the weights have 2048'
    """
    if config is None:
        return "config.json is missing or is not JSON"
    for name in ("text_config", "vision_config"):
        if name in config and not isinstance(config[name], (Mapping, type(None))):
            return f"{name} of config.json is no object"
    said = shape_of_config(config)
    for part in fields(Shape):
        given, true = getattr(said, part.name), getattr(weights, part.name)
        if given and true and given != true:
            return f"config.json says {part.name} {given}, the weights have {true}"
    return ""


def base_of_shape(config: Mapping[str, Any]) -> str:
    """The published base of this size; empty where there is none that is known."""
    if config.get("model_type") != "qwen2_5_vl":
        return ""
    said = shape_of_config(config)
    return BASES.get((said.hidden_size, said.layers), "")


def _count(pattern: re.Pattern[str], names: Iterable[str]) -> int:
    numbers = (int(found[1]) for name in names if (found := pattern.search(name)))
    return max(numbers, default=-1) + 1
