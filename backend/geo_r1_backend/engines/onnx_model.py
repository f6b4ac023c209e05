"""The numbers of the default engine: image to cached prefix, tokens to logits, by two onnxruntime sessions.

It knows arrays and token ids; text and streaming are `onnx.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from geo_r1_backend.models import pixels, positions
from geo_r1_backend.models.config import read_config
from geo_r1_backend.models.positions import Floats, Integers
from geo_r1_backend.models.weights import SCALE_SUFFIX, WEIGHTS_FILE, read_tensors

if TYPE_CHECKING:
    from PIL.Image import Image

VISION_FILE = "vision.onnx"
DECODER_FILE = "decoder.onnx"
EMBEDDING = "model.embed_tokens.weight"
THREADS_LIMIT = (
    4  # more threads wait for each other longer than they compute on matrices this small
)

# They share no base class but Exception.
RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    kind
    for kind in vars(onnxruntime_pybind11_state).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)


@dataclass(frozen=True)
class Cache:
    """Keys and values of the positions seen so far; never changed, so that several answers may grow from one."""

    tensors: tuple[onnxruntime.OrtValue, ...]
    """Keys and values of each layer in turn, each ``(1, kv_heads, length, head_dim)``."""
    length: int
    next_position: int
    """An image of 256 tokens is only 16 positions long, so this is not the length."""


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OnnxModel:
    """Vision tower and language model of a model folder.

    Args:
        folder: with `config.json`, `weights.safetensors` and both graphs.
        threads: of each session; the usable cores, at most four, when left out.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.config = read_config(folder)
        self.threads = threads or min(usable_cores(), THREADS_LIMIT)
        stored = read_tensors(folder / WEIGHTS_FILE, [EMBEDDING, EMBEDDING + SCALE_SUFFIX])
        self._rows, self._row_scales = stored[EMBEDDING], stored[EMBEDDING + SCALE_SUFFIX]
        options = session_options(self.threads)
        self._vision = onnxruntime.InferenceSession(
            folder / VISION_FILE, options, ["CPUExecutionProvider"]
        )
        self._decoder = onnxruntime.InferenceSession(
            folder / DECODER_FILE, options, ["CPUExecutionProvider"]
        )
        self._cache_names = [
            (f"past_{part}_{layer}", f"{part}_{layer}")
            for layer in range(self.config.text.layers)
            for part in ("key", "value")
        ]

    def visual_tokens(self, image: Image) -> Floats:
        """Features of an image, row-major: ``(rows * columns, hidden)``.

        Raises:
            ValueError: if the image does not fall into whole windows.
        """
        vision = self.config.vision
        rows, columns = pixels.token_grid(vision, image)
        order = positions.window_order(vision, rows, columns)
        cos, sin = positions.vision_rotation(vision, rows, columns)
        found = self._vision.run(
            None, {"patches": pixels.patches(vision, image), "cos": cos, "sin": sin}
        )[0]
        features: Floats = np.empty_like(found)
        features[order] = found
        return features

    def embedded(self, ids: Sequence[int]) -> Floats:
        """Embeddings of text tokens: ``(len(ids), hidden)``."""
        chosen = list(ids)
        embeddings: Floats = self._rows[chosen] * self._row_scales[chosen, None]
        return embeddings

    def empty_cache(self) -> Cache:
        """The beginning of a sequence."""
        text = self.config.text
        nothing = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
            [1, text.kv_heads, 0, text.head_dim], np.float32, "cpu"
        )
        return Cache((nothing,) * len(self._cache_names), 0, 0)

    def with_image(self, cache: Cache, features: Floats, rows: int, columns: int) -> Cache:
        """The sequence continued by the tokens of an image, ``(rows * columns, hidden)``."""
        first = cache.next_position
        places = positions.image_positions(first, rows, columns)
        return self._extended(cache, features, places, positions.after_image(first, rows, columns))[
            1
        ]

    def with_tokens(self, cache: Cache, ids: Sequence[int]) -> tuple[Floats, Cache]:
        """The sequence continued by text, and the logits ``(vocabulary,)`` of what follows."""
        places = positions.text_positions(cache.next_position, len(ids))
        return self._extended(cache, self.embedded(ids), places, cache.next_position + len(ids))

    def _extended(
        self, cache: Cache, embeddings: Floats, places: Integers, next_position: int
    ) -> tuple[Floats, Cache]:
        count, length = len(embeddings), cache.length + len(embeddings)
        cos, sin = positions.text_rotation(self.config.text, places)
        visible = np.tri(count, length, cache.length, dtype=np.bool_)
        # Bound as OrtValues: keys and values go from run to run without passing through numpy.
        binding = self._decoder.io_binding()
        for name, array in (
            ("embeddings", embeddings),
            ("cos", cos),
            ("sin", sin),
            ("visible", visible),
        ):
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        for (past, _), tensor in zip(self._cache_names, cache.tensors, strict=True):
            binding.bind_ortvalue_input(past, tensor)
        for name in ("logits", *(present for _, present in self._cache_names)):
            binding.bind_output(name)
        self._decoder.run_with_iobinding(binding)
        logits, *tensors = binding.get_outputs()
        return logits.numpy()[0], Cache(tuple(tensors), length, next_position)


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Options of both sessions."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Fold DequantizeLinear into float matrices once, at the start: see docs/adr/0005-one-set-of-weights.md.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # QGIS draws on the same cores: a waiting thread sleeps instead of spinning (and on two cores it is not slower).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
