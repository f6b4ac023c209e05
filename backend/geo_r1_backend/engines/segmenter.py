"""The seam between boxes and masks: one batched Protocol, its value type, and the loader that knows which files are which.

A segmenter knows pixels, boxes and points. It does not know classes, HTTP, or what is done with a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from geo_r1_backend.errors import GeoR1Error, ModelFailed

if TYPE_CHECKING:
    import numpy as np

    from geo_r1_backend.geo.boxes import Box

CROPS_FILE = "segmenter.json"
"""Describes an ONNX segmenter that looks at crops: the embedded one, or a user's."""


@dataclass(frozen=True)
class MaskPrompt:
    """What is to be cut out: a box, and points that are certainly on the object."""

    box_px: Box
    """(x_min, y_min, x_max, y_max), half-open, pixels of the image; may reach over its edge."""
    points_px: tuple[tuple[float, float], ...] = ()
    """(x, y) of points on the object."""


class Segmenter(Protocol):
    """Masks from boxes and points on one picture."""

    name: str

    def segment(self, image: np.ndarray, prompts: Sequence[MaskPrompt]) -> list[np.ndarray]:
        """One mask per prompt, in the order of the prompts.

        Args:
            image: ``(height, width, 3)`` uint8 RGB.
            prompts: any number; none gives an empty list.

        Returns:
            ``(height, width)`` bool each, empty outside a generous margin around its box. A mask may be empty: nothing
            in the box stands out.

        Raises:
            EngineFailed: if the model cannot answer.
        """
        ...


def load_segmenter(folder: Path, threads: int) -> Segmenter:
    """The segmenter whose files lie in ``folder``.

    Args:
        folder: holds `segmenter.json` (an ONNX segmenter of crops) or a SAM checkpoint of transformers.
        threads: of the runtime.

    Raises:
        ModelFailed: if the folder holds neither, or its files are damaged or do not fit together.
        MissingExtra: if a SAM checkpoint needs torch and transformers, which are not installed.
    """
    try:
        # deferred: each brings its own runtime, and only one is needed
        if (folder / CROPS_FILE).is_file():
            from geo_r1_backend.engines.crop_segmenter import CropSegmenter

            return CropSegmenter(folder, threads)
        from geo_r1_backend.engines.sam import SamSegmenter, sam_kind

        if sam_kind(folder) is not None:
            return SamSegmenter(folder, threads)
    except GeoR1Error:
        raise
    except Exception as error:  # border: loading runs other people's code on the user's files
        raise ModelFailed(model=folder.name, reason=f"{type(error).__name__}: {error}") from error
    raise ModelFailed(
        model=folder.name,
        reason=_why_none(folder),
        hint="A segmenter is a folder with segmenter.json and its ONNX graph, or a SAM checkpoint; docs/segmenters.md describes both.",
    )


def _why_none(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if (folder / "config.json").is_file():
        return f"{folder} has no {CROPS_FILE}, and its config.json is not that of SAM or SAM 2"
    return f"{folder} has neither {CROPS_FILE} nor a config.json"
