"""Which form of a model's weights fits into the memory that is free, before anything is read. Pure arithmetic."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

Precision = Literal["float32", "bfloat16", "4-bit"]

GB = 1_000_000_000
FOUR_BIT_BYTES = 0.56
"""Of one weight: half a byte, and a scale for every 64 of them, itself in 8 bits (NF4 with double quantisation)."""
WORK_GPU_BYTES = int(1.5 * GB)
"""Beside the weights on a GPU: the runtime, keys and values of some answers, the inside of a prompt."""
WORK_CPU_BYTES = GB
LINEAR = re.compile(r".*layers\.\d+\.(self_attn|mlp)\.\w+_proj\.weight")
"""What 4-bit storage is for; norms, embeddings and the vision tower stay as they are."""


@dataclass(frozen=True)
class Counts:
    """Numbers in a folder's weights."""

    linear: int
    """In the language model's linear layers."""
    other: int

    def needed_bytes(self, precision: Precision, work_bytes: int) -> int:
        """Memory to load them and to work."""
        wide = 4 if precision == "float32" else 2
        linear = FOUR_BIT_BYTES if precision == "4-bit" else wide
        return int(self.linear * linear + self.other * wide) + work_bytes


@dataclass(frozen=True)
class Choice:
    """How the weights are loaded, and why."""

    precision: Precision
    words: str
    """For people: the choice with its figures."""


class DoesNotFitError(MemoryError):
    """No form of the weights fits; the message has the figures and what would fit."""


def count_weights(folder: Path) -> Counts:
    """Numbers in the folder's weights, from the headers of its files alone.

    Raises:
        ValueError: if a file is no safetensors file.
    """
    linear = other = 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as stored:
            try:
                (length,) = struct.unpack("<Q", stored.read(8))
                header = json.loads(stored.read(length)) if length < 1 << 28 else None
            except (struct.error, ValueError):
                header = None
        if not isinstance(header, dict):
            message = f"{path.name} is no safetensors file, or it is cut off"
            raise ValueError(message)  # noqa: TRY004 - of a file, not of an argument
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            count = prod(tensor["shape"])
            if LINEAR.fullmatch(name) and "visual" not in name:
                linear += count
            else:
                other += count
    return Counts(linear, other)


def choose_precision(
    counts: Counts,
    free_bytes: int | None,
    *,
    on_gpu: bool,
    has_bitsandbytes: bool,
    wanted: Precision | None = None,
) -> Choice:
    """The best form that fits.

    Args:
        counts: of the model.
        free_bytes: of the device's memory; None = unknown, then nothing is refused.
        on_gpu: bfloat16 or 4-bit there; float32 or bfloat16 on a processor.
        has_bitsandbytes: whether 4-bit layers can be made here.
        wanted: this one or none; float32 on a GPU too.

    Raises:
        DoesNotFitError: if none does.
    """
    work = WORK_GPU_BYTES if on_gpu else WORK_CPU_BYTES
    forms: tuple[Precision, ...] = ("bfloat16", "4-bit") if on_gpu else ("float32", "bfloat16")
    need = {form: counts.needed_bytes(form, work) for form in forms}
    for form in (wanted,) if wanted else forms:
        if form == "4-bit" and not (on_gpu and has_bitsandbytes):
            continue
        needed = counts.needed_bytes(form, work)
        if free_bytes is None or needed <= free_bytes:
            free = "unknown" if free_bytes is None else f"{free_bytes / GB:.1f} GB"
            return Choice(form, f"{form}: needs {needed / GB:.1f} GB, {free} free")
    tried = wanted or forms[0]
    needed = counts.needed_bytes(tried, work)
    raise DoesNotFitError(
        _refusal(tried, needed, need, free_bytes, on_gpu=on_gpu, has_bitsandbytes=has_bitsandbytes)
    )


def _refusal(
    tried: Precision,
    needed: int,
    need: dict[Precision, int],
    free_bytes: int | None,
    *,
    on_gpu: bool,
    has_bitsandbytes: bool,
) -> str:
    where = "on the GPU" if on_gpu else "of memory"
    if tried == "4-bit" and not on_gpu:
        said = ["4-bit is for GPUs"]
    elif tried == "4-bit" and not has_bitsandbytes:
        said = ["4-bit needs the package bitsandbytes: install it"]
    else:
        free = f"{(free_bytes or 0) / GB:.1f} GB"
        said = [f"it needs {needed / GB:.1f} GB {where} in {tried}, {free} are free"]
    small = next(reversed(need))
    fits = [
        form for form in need if form != tried and (free_bytes is None or need[form] <= free_bytes)
    ]
    if fits:
        lacks = ": install the package bitsandbytes" if fits[0] == "4-bit" and not has_bitsandbytes else ""  # fmt: skip
        said.append(f"in {fits[0]} it would need {need[fits[0]] / GB:.1f} GB and fit{lacks}")
    else:
        said.append(f"the smallest form ({small}) needs {need[small] / GB:.1f} GB")
        said.append(
            "close other programs that use the GPU, or choose a smaller model"
            if on_gpu
            else "close other programs, or choose a smaller model"
        )
    return "; ".join(said)
