"""Masks by an ONNX graph that looks at one square crop per box: the embedded segmenter, or a user's own.

The folder holds `segmenter.json`:

    {"format": 1, "name": "…", "graph": "segmenter.onnx", "side_px": 128, "context": 0.25, "smallest_px": 16}

`context` is how much of the box's longer side the crop shows beyond the box on every side, `smallest_px` the least side
of a crop in pixels of the image. The graph has one input, `crops`, ``(n, 5, side_px, side_px)`` float32: red, green, blue
from 0 to 1, the share of each pixel inside the box, and discs of three pixels around the points; and one output,
`logits`, ``(n, 1, side_px, side_px)`` float32, above 0 on the object.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from geo_r1_backend.engines.crop_pixels import crop_channels, mask_from_logits
from geo_r1_backend.engines.onnx_model import RUNTIME_ERRORS, session_options
from geo_r1_backend.engines.segmenter import CROPS_FILE, MaskPrompt
from geo_r1_backend.errors import EngineFailed, ModelFailed
from geo_r1_backend.geo.crops import window_around
from geo_r1_backend.models.manifest import MANIFEST_FILE, check_manifest

FORMAT = 1
INPUT, OUTPUT, CHANNELS = "crops", "logits", 5
BATCH = 16  # crops per run: more gains nothing on a CPU and costs memory
SIDES_PX = (32, 1024)
CONTEXT = (0.0, 2.0)


@dataclass(frozen=True)
class CropSettings:
    """Content of `segmenter.json`."""

    name: str
    graph: str
    side_px: int
    context: float
    smallest_px: float


class CropSegmenter:
    """Runs the graph of a folder.

    Raises:
        ModelFailed: if the description, the graph or the manifest (where there is one) is damaged or does not fit.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        if (folder / MANIFEST_FILE).is_file():
            check_manifest(folder)
        self.settings = read_settings(folder)
        self.name = self.settings.name
        graph = folder / self.settings.graph
        try:
            self._session = onnxruntime.InferenceSession(
                graph, session_options(threads), providers=["CPUExecutionProvider"]
            )
        except RUNTIME_ERRORS as error:
            raise _failed(folder, f"{graph.name} cannot be read ({error})") from error
        self._check_graph(folder)

    def segment(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        """One mask per prompt, see `engines.segmenter.Segmenter`.

        Raises:
            ValueError: if the image is not ``(height, width, 3)`` uint8, or a box is none.
            EngineFailed: if the graph fails.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            message = f"the image is {image.shape} {image.dtype}, not (height, width, 3) uint8"
            raise ValueError(message)
        masks: list[np.ndarray] = []
        for first in range(0, len(prompts), BATCH):
            masks += self._batch(image, prompts[first : first + BATCH])
        return masks

    def _batch(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        settings = self.settings
        windows = [
            window_around(prompt.box_px, settings.context, settings.smallest_px)
            for prompt in prompts
        ]
        crops = np.stack(
            [
                crop_channels(image, prompt, window, settings.side_px)
                for prompt, window in zip(prompts, windows, strict=True)
            ]
        )
        try:
            logits = self._session.run([OUTPUT], {INPUT: crops})[0]
        except RUNTIME_ERRORS as error:
            raise EngineFailed(f"{settings.graph}: {error}", engine=self.name) from error
        height, width = image.shape[:2]
        return [
            mask_from_logits(crop[0], window, (width, height))
            for crop, window in zip(logits, windows, strict=True)
        ]

    def _check_graph(self, folder: Path) -> None:
        side = self.settings.side_px
        for kind, values, name, channels in (
            ("input", self._session.get_inputs(), INPUT, CHANNELS),
            ("output", self._session.get_outputs(), OUTPUT, 1),
        ):
            found = {value.name: value.shape for value in values}
            if name not in found or (kind == "input" and len(found) > 1):
                raise _failed(
                    folder,
                    f"the graph has the {kind}s {', '.join(found) or '(none)'}, not “{name}”",
                )
            shape = found[name]
            fits = len(shape) == 4 and all(
                given == wanted or not isinstance(given, int)
                for given, wanted in zip(shape[1:], (channels, side, side), strict=True)
            )
            if not fits or isinstance(shape[0], int):
                raise _failed(
                    folder,
                    f"the {kind} “{name}” has the shape {shape}, not (n, {channels}, {side}, {side})",
                )


def read_settings(folder: Path) -> CropSettings:
    """`segmenter.json` of a folder.

    Raises:
        ModelFailed: naming the field that is missing or out of its bounds.
    """
    path = folder / CROPS_FILE
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise _failed(
                folder, f"{CROPS_FILE} has format {document['format']!r}, known is {FORMAT}"
            )
        settings = CropSettings(
            str(document["name"]),
            str(document["graph"]),
            int(document["side_px"]),
            float(document["context"]),
            float(document["smallest_px"]),
        )
    except KeyError as missing:
        raise _failed(folder, f"{CROPS_FILE} lacks {missing}") from missing
    except (OSError, ValueError, TypeError, AttributeError) as broken:
        raise _failed(folder, f"{CROPS_FILE} cannot be read ({broken})") from broken
    for name, value, (low, high) in (
        ("side_px", settings.side_px, SIDES_PX),
        ("context", settings.context, CONTEXT),
        ("smallest_px", settings.smallest_px, (1, SIDES_PX[1])),
    ):
        if not low <= value <= high:
            raise _failed(folder, f"{name} in {CROPS_FILE} is {value}, allowed are {low} to {high}")
    if Path(settings.graph).name != settings.graph or not (folder / settings.graph).is_file():
        raise _failed(
            folder, f"the graph {settings.graph!r} of {CROPS_FILE} is no file in {folder}"
        )
    return settings


def _failed(folder: Path, reason: str) -> ModelFailed:
    return ModelFailed(
        model=folder.name,
        reason=reason,
        hint="docs/segmenters.md describes the folder of a segmenter.",
    )
