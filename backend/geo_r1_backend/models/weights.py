"""One set of int8 weights in a safetensors file, under the names that transformers writes to disk.

Each matrix is stored as int8 with one float32 scale per output channel (`NAME_scale`), norms and biases as float32.
Reading maps the file and needs numpy alone; who multiplies with the numbers is not this module's business.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_r1_backend.models.config import ModelConfig

WEIGHTS_FILE = "weights.safetensors"
SCALE_SUFFIX = "_scale"
ALIGNMENT_BYTES = 64  # one cache line, so that kernels may read the mapped file in place

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I8": np.dtype("i1"),
    "BF16": np.dtype("<u2"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class StoredTensor:
    """Where one tensor lies in a safetensors file."""

    dtype: str
    """safetensors' code: F32, I8, ..."""
    shape: tuple[int, ...]
    offset_bytes: int
    """From the start of the file."""
    length_bytes: int


def stock_names(config: ModelConfig) -> list[str]:
    """Names of all parameters as `save_pretrained` writes them, in the order in which they are stored.

    Projections that share their input follow each other (q, k, v; gate, up), so that a graph can read them as one
    larger matrix from one stretch of the file.
    """

    def linear(name: str, *, bias: bool) -> list[str]:
        return [f"{name}.weight", *([f"{name}.bias"] if bias else [])]

    names = linear("visual.patch_embed.proj", bias=False)
    for block in range(config.vision.depth):
        at = f"visual.blocks.{block}"
        names += [f"{at}.norm1.weight", f"{at}.norm2.weight"]
        for part in ("attn.qkv", "attn.proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"):
            names += linear(f"{at}.{part}", bias=True)
    names += ["visual.merger.ln_q.weight"]
    names += linear("visual.merger.mlp.0", bias=True) + linear("visual.merger.mlp.2", bias=True)
    names += ["model.embed_tokens.weight"]
    for layer in range(config.text.layers):
        at = f"model.layers.{layer}"
        names += [f"{at}.input_layernorm.weight", f"{at}.post_attention_layernorm.weight"]
        for part in ("q_proj", "k_proj", "v_proj"):
            names += linear(f"{at}.self_attn.{part}", bias=True)
        for part in ("self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"):
            names += linear(f"{at}.{part}", bias=False)
    names += ["model.norm.weight"]
    if not config.tied_embeddings:
        names += ["lm_head.weight"]
    return names


def stock_name(name: str) -> str:
    """Name on disk of a key of ``model.state_dict()``; names that are already so stay as they are.

    transformers 5 nests the language model and the vision tower under `model.` in memory, and undoes that when saving.
    """
    name = re.sub(r"^model\.visual\.", "visual.", name)
    return re.sub(r"^model\.language_model\.", "model.", name)


def module_name(name: str) -> str:
    """Key of ``model.state_dict()`` for a name on disk: the inverse of :func:`stock_name`."""
    if name.startswith("visual."):
        return f"model.{name}"
    return re.sub(r"^model\.", "model.language_model.", name)


def quantise_matrix(matrix: Array) -> tuple[Array, Array]:
    """Symmetric int8 per output channel, rounded to nearest.

    Args:
        matrix: ``(out, ...)`` float.

    Returns:
        int8 of the same shape, and float32 scales ``(out,)``; a row of zeros gets scale 1.
    """
    rows = matrix.astype(np.float32).reshape(len(matrix), -1)
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    values = np.clip(np.rint(rows / scale[:, None]), -127, 127).astype(np.int8)
    return values.reshape(matrix.shape), scale


def dequantise_matrix(values: Array, scale: Array) -> Array:
    """Float32 matrix of int8 ``values`` ``(out, ...)`` and ``scale`` ``(out,)``."""
    return values.astype(np.float32) * scale.reshape(-1, *[1] * (values.ndim - 1))


def quantise_state(state: Arrays, config: ModelConfig) -> dict[str, Array]:
    """Stored form of a float state dict, in stored order.

    Args:
        state: float arrays (or float32 CPU tensors) by name, as in ``state_dict()`` or as on disk. A tied
            `lm_head.weight` is left out.
        config: the model's shape; says which names there must be.

    Raises:
        ValueError: if a parameter is missing, unknown or not finite; the message names it.
    """
    given = {stock_name(name): np.asarray(array) for name, array in state.items()}
    if config.tied_embeddings:
        given.pop("lm_head.weight", None)
    names = stock_names(config)
    if missing := [name for name in names if name not in given]:
        message = f"the state dict lacks {missing[0]!r} ({len(missing)} names in all)"
        raise ValueError(message)
    if unknown := sorted(set(given) - set(names)):
        message = f"the state dict has {unknown[0]!r}, which this architecture has not ({len(unknown)} names in all)"
        raise ValueError(message)
    for name in names:
        if not np.isfinite(given[name]).all():
            message = f"{name!r} has values that are not finite"
            raise ValueError(message)
    matrices = [name for name in names if given[name].ndim > 1]
    quantised = {name: quantise_matrix(given[name]) for name in matrices}
    # Floats first: int8 after them may start anywhere, float32 must start at a multiple of 4.
    stored = {name: given[name].astype(np.float32) for name in names if name not in quantised}
    stored |= {name + SCALE_SUFFIX: quantised[name][1] for name in matrices}
    return stored | {name: quantised[name][0] for name in matrices}


def dequantise_state(stored: Arrays) -> dict[str, Array]:
    """Float32 state dict, by names on disk, that the stored weights stand for."""
    return {
        name: dequantise_matrix(array, stored[name + SCALE_SUFFIX])
        if array.dtype == np.int8
        else array.astype(np.float32)
        for name, array in stored.items()
        if not name.endswith(SCALE_SUFFIX)
    }


def float_state(folder: Path) -> dict[str, Array]:
    """Float32 arrays by ``state_dict()`` key of the model in ``folder``: what torch loads.

    A tied model has `lm_head.weight` as well, the same array as the embedding.

    Example:
        >>> model.load_state_dict({k: torch.from_numpy(v) for k, v in float_state(folder).items()})
    """
    state = {
        module_name(name): array
        for name, array in dequantise_state(read_tensors(folder / WEIGHTS_FILE)).items()
    }
    state.setdefault("lm_head.weight", state["model.language_model.embed_tokens.weight"])
    return state


def write_tensors(tensors: Arrays, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file that keeps the order of ``tensors`` (the library would sort them)."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {})}
    end = 0
    for name, array in tensors.items():
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT_BYTES)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())


def read_layout(path: Path) -> dict[str, StoredTensor]:
    """Where each tensor of a safetensors file lies.

    Raises:
        ValueError: if the file is cut off or is no safetensors file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if not 2 <= header_bytes <= size - 8:
            message = f"{path} is not a safetensors file (header of {header_bytes} bytes in a file of {size})"
            raise ValueError(message)
        header = json.loads(file.read(header_bytes))
    header.pop("__metadata__", None)
    start = 8 + header_bytes
    layout = {
        name: StoredTensor(
            dtype=entry["dtype"],
            shape=tuple(entry["shape"]),
            offset_bytes=start + entry["data_offsets"][0],
            length_bytes=entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
    }
    end = max(
        (tensor.offset_bytes + tensor.length_bytes for tensor in layout.values()), default=start
    )
    if end != size:
        message = f"{path} has {size} bytes, its header speaks of {end}: the file is damaged"
        raise ValueError(message)
    return layout


def read_tensors(path: Path, names: Sequence[str] | None = None) -> dict[str, Array]:
    """Tensors of a safetensors file as read-only views into the mapped file.

    numpy has no bfloat16: such tensors are copies in float32, which holds each of their numbers.

    Args:
        path: the file.
        names: which ones; all when left out.
    """
    layout = read_layout(path)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return dict(_views(mapped, layout, list(layout) if names is None else names))


def _views(
    mapped: mmap.mmap, layout: Mapping[str, StoredTensor], names: Sequence[str]
) -> Iterator[tuple[str, Array]]:
    for name in names:
        tensor = layout[name]
        count = int(np.prod(tensor.shape, dtype=np.int64))
        flat = np.frombuffer(mapped, _DTYPES[tensor.dtype], count, tensor.offset_bytes)
        if tensor.dtype == "BF16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        yield name, flat.reshape(tensor.shape)
