"""The numbers of the default engine: image to cached prefix, tokens to logits, by two onnxruntime sessions.

It knows arrays and token ids; text and streaming are `onnx.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from geo_r1_backend.models import pixels, positions
from geo_r1_backend.models.arithmetic import GRAPH_FILES, Arithmetic
from geo_r1_backend.models.config import read_config
from geo_r1_backend.models.positions import Floats
from geo_r1_backend.models.weights import SCALE_SUFFIX, WEIGHTS_FILE, read_tensors

if TYPE_CHECKING:
    from PIL.Image import Image

Tensors = tuple[onnxruntime.OrtValue, ...]
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

    tensors: Tensors
    """Keys and values of each layer in turn, each ``(1, kv_heads, length, head_dim)``."""
    counts: npt.NDArray[np.bool_]
    """``(length,)``: false for guesses that were wrong; they stay behind and nothing looks at them."""
    next_position: int
    """An image of 256 tokens is only 16 positions long, so this is not the length."""

    def without_last(self, count: int) -> Cache:
        """The sequence as if its last ``count`` tokens had not been."""
        if not count:
            return self
        counts = self.counts.copy()
        counts[len(counts) - count :] = False
        return replace(self, counts=counts, next_position=self.next_position - count)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OnnxModel:
    """Vision tower and language model of a model folder.

    Args:
        folder: with `config.json`, `weights.safetensors` and both graphs.
        threads: of each session; the usable cores, at most four, when left out.
        arithmetic: see `models/arithmetic.py`; float16 needs the package onnx.
        device: `cpu`, or `cuda`: keys and values stay there from step to step, only a few tokens' embeddings and logits travel.

    Raises:
        FileNotFoundError: if the folder has no graphs for this arithmetic.
        RuntimeError: if the sessions are on a GPU only by name.
    """

    def __init__(
        self,
        folder: Path,
        threads: int | None = None,
        arithmetic: Arithmetic = "float32",
        device: str = "cpu",
    ) -> None:
        self.config = read_config(folder)
        self.threads = threads or min(usable_cores(), THREADS_LIMIT)
        stored = read_tensors(folder / WEIGHTS_FILE, [EMBEDDING, EMBEDDING + SCALE_SUFFIX])
        self._rows, self._row_scales = stored[EMBEDDING], stored[EMBEDDING + SCALE_SUFFIX]
        self.device = device
        self._kept_type = np.float16 if arithmetic == "float16" else np.float32
        self._vision, self._decoder = _sessions(folder, self.threads, arithmetic, device)
        self._cache_names = [
            (f"past_{part}_{layer}", f"{part}_{layer}")
            for layer in range(self.config.text.layers)
            for part in ("key", "value")
        ]
        everywhere = positions.text_positions(0, self.config.text.max_positions)
        self._rotation = positions.text_rotation(self.config.text, everywhere)

    @property
    def position_bytes(self) -> int:
        """Memory of one position of a `Cache`: keys and values of all layers."""
        text = self.config.text
        return text.layers * 2 * text.kv_heads * text.head_dim * np.dtype(self._kept_type).itemsize

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
        nothing = self.kept(np.zeros((1, text.kv_heads, 0, text.head_dim), self._kept_type))
        return Cache((nothing,) * len(self._cache_names), np.ones(0, np.bool_), 0)

    def kept(self, array: npt.NDArray[Any]) -> onnxruntime.OrtValue:
        """Keys or values on the device."""
        if not array.size:  # a GPU has no place for nothing
            return onnxruntime.OrtValue.ortvalue_from_numpy(array)
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), self.device, 0)

    def with_image(self, cache: Cache, features: Floats, rows: int, columns: int) -> Cache:
        """The sequence continued by the tokens of an image, ``(rows * columns, hidden)``."""
        first = cache.next_position
        places = positions.image_positions(first, rows, columns)
        rotation = positions.text_rotation(self.config.text, places)
        behind = positions.after_image(first, rows, columns)
        return self._extended(cache, features, rotation, behind, asked=1)[1]

    def with_tokens(self, cache: Cache, ids: Sequence[int]) -> tuple[Floats, Cache]:
        """The sequence continued by text, and the logits ``(vocabulary,)`` of what follows."""
        logits, cache = self._with_text(cache, ids, asked=1)
        return logits[0], cache

    def with_guesses(self, cache: Cache, ids: Sequence[int]) -> tuple[Floats, Cache]:
        """The same, with the logits after each of the tokens: ``(len(ids), vocabulary)``.

        Whoever guessed wrong goes on from `Cache.without_last`.
        """
        return self._with_text(cache, ids, asked=len(ids))

    def _with_text(self, cache: Cache, ids: Sequence[int], *, asked: int) -> tuple[Floats, Cache]:
        first, end = cache.next_position, cache.next_position + len(ids)
        cos, sin = (table[first:end] for table in self._rotation)
        return self._extended(cache, self.embedded(ids), (cos, sin), end, asked=asked)

    def _extended(
        self,
        cache: Cache,
        embeddings: Floats,
        rotation: tuple[Floats, Floats],
        next_position: int,
        *,
        asked: int,
    ) -> tuple[Floats, Cache]:
        count, before = len(embeddings), len(cache.counts)
        visible = np.tri(count, before + count, before, dtype=np.bool_)
        visible[:, :before] = cache.counts
        logits, tensors = self.run_decoder(
            cache.tensors, embeddings, rotation, visible, asked=asked
        )
        counts = np.concatenate([cache.counts, np.ones(count, np.bool_)])
        return logits, Cache(tensors, counts, next_position)

    def text_rotation(self, places: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Cos and sin of text at some positions, two tables ``(n, head_dim / 2)``."""
        cos, sin = self._rotation
        return cos[places], sin[places]

    def run_decoder(
        self,
        past: Tensors,
        embeddings: Floats,
        rotation: tuple[Floats, Floats],
        visible: npt.NDArray[np.bool_],
        *,
        asked: int,
    ) -> tuple[Floats, Tensors]:
        """One run of the graph, whatever the positions mean.

        Args:
            past: keys and values of the positions before, of each layer in turn.
            embeddings: of the new positions, ``(n, hidden)``.
            rotation: of the new positions, two tables ``(n, head_dim / 2)``.
            visible: ``(n, before + n)``: what each new position looks at.
            asked: of how many of the last positions the logits are wanted.

        Returns:
            Logits ``(asked, vocabulary)``, and the keys and values of all positions.
        """
        # Bound as OrtValues: keys and values go from run to run without passing through numpy.
        binding = self._decoder.io_binding()
        for name, array in (
            ("embeddings", embeddings),
            ("cos", rotation[0]),
            ("sin", rotation[1]),
            ("visible", visible),
            ("asked", np.array([asked], np.int64)),
        ):
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        for (name, _), tensor in zip(self._cache_names, past, strict=True):
            binding.bind_ortvalue_input(name, tensor)
        binding.bind_output("logits")
        for _, present in self._cache_names:
            binding.bind_output(present, self.device)
        self._decoder.run_with_iobinding(binding)
        logits, *tensors = binding.get_outputs()
        return logits.numpy(), tuple(tensors)


def _sessions(
    folder: Path, threads: int, arithmetic: Arithmetic, device: str
) -> list[onnxruntime.InferenceSession]:
    """Vision tower and language model."""
    options = session_options(threads)
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        if hasattr(
            onnxruntime, "preload_dlls"
        ):  # CUDA's libraries of pip's packages, torch's as well
            onnxruntime.preload_dlls()
        # other programs share the card: take what is needed, not twice as much each time
        settings = {
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
        }
        providers.insert(0, ("CUDAExecutionProvider", settings))
    graphs: Sequence[bytes | Path]
    if arithmetic == "float16":
        # deferred: needs onnx, which the service alone does not
        from geo_r1_backend.models.graphs_half import half_graphs

        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(folder)
        )
        graphs = half_graphs(folder)
    else:
        graphs = [_present(folder / name) for name in GRAPH_FILES[arithmetic]]
    sessions = [onnxruntime.InferenceSession(graph, options, providers) for graph in graphs]
    if device == "cuda" and any("CUDA" not in one.get_providers()[0] for one in sessions):
        raise RuntimeError("onnxruntime found no CUDA device, or not the libraries that it needs")
    return sessions


def _present(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing in {path.parent}")
    return path


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
