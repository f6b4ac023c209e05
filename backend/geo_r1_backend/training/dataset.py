"""A data set as the routine sees it: each sample with its chip at model size, its prompt and the way back. No torch.

Chips are decoded and resized by the code that answers questions (`grounding/images.py`, `engines/resize.py`), prompts are those
of `engines/prompts.py`: what is learned is what will be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.resize import View, plan_view
from geo_r1_backend.errors import ChipUnknown, ConfigError
from geo_r1_backend.grounding.images import open_image
from geo_r1_backend.training_wire import Part, Sample

if TYPE_CHECKING:
    from geo_r1_backend.engines.base import ModelProfile

DATASET_MANIFEST = "manifest.json"
CHIPS_FOLDER = "chips"


@dataclass(frozen=True)
class TrainingSample:
    """One question, ready to be asked."""

    index: int
    """Place in the data set: its name in `completions` and in every random choice."""
    sample: Sample
    view: View
    prompt: str
    """The user's turn after the image."""
    image: npt.NDArray[np.uint8]
    """``(height, width, 3)`` at model size; samples of one chip share it."""


def read_samples(dataset_folder: Path) -> list[Sample]:
    """Samples of ``datasets/ID``, without their chips.

    Raises:
        ConfigError: if the data set is gone or damaged.
    """
    path = dataset_folder / DATASET_MANIFEST
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [Sample(**fields) for fields in stored["samples"]]
    except (FileNotFoundError, NotADirectoryError) as missing:
        raise ConfigError(
            f"the data set {dataset_folder.name} is gone",
            hint="It was deleted meanwhile. Build it again (the same samples get the same id), then resume the run.",
            dataset=dataset_folder.name,
        ) from missing
    except (ValueError, KeyError, TypeError) as broken:
        raise ConfigError(
            f"the data set {dataset_folder.name} is damaged ({broken})",
            hint="Delete it and build it again.",
            dataset=dataset_folder.name,
        ) from broken


def data_hash(samples: Sequence[Sample]) -> str:
    """SHA-256 of samples; their chips are in it by their own hashes."""
    text = json.dumps([asdict(sample) for sample in samples], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Dataset:
    """Samples by part; chips are decoded on first use and kept.

    Args:
        folder: ``datasets/ID``.
        profile: of the model that looks.
        think: whether prompts ask for reasoning.

    Raises:
        ConfigError: if the data set is gone, damaged, or has nothing to train on.
    """

    def __init__(self, folder: Path, profile: ModelProfile, *, think: bool) -> None:
        self._folder, self._profile, self._think = folder, profile, think
        self._samples = read_samples(folder)
        self._shown: dict[str, tuple[View, npt.NDArray[np.uint8]]] = {}
        if not self.indices("train"):
            raise ConfigError(
                f"none of the {len(self._samples)} samples is in the part “train”",
                hint="Put most of them there; “validation” and “held_out” are looked at only.",
            )

    def __len__(self) -> int:
        return len(self._samples)

    def indices(self, part: Part) -> list[int]:
        """Places of the samples of one part."""
        return [i for i, sample in enumerate(self._samples) if sample.part == part]

    def part(self, part: Part) -> list[TrainingSample]:
        """All samples of one part."""
        return [self[index] for index in self.indices(part)]

    def __getitem__(self, index: int) -> TrainingSample:
        """One sample with its chip.

        Raises:
            ConfigError: if the data set is gone.
            ChipError: if its chip cannot be decoded.
        """
        sample = self._samples[index]
        if sample.chip not in self._shown:
            self._shown[sample.chip] = self._show(sample.chip)
        view, image = self._shown[sample.chip]
        prompt = prompt_for(sample.task, sample.query, think=self._think)
        return TrainingSample(index, sample, view, prompt, image)

    def _show(self, sha256: str) -> tuple[View, npt.NDArray[np.uint8]]:
        try:
            chip = open_image(self._folder / CHIPS_FOLDER / sha256)
        except FileNotFoundError as missing:
            read_samples(self._folder)  # says it if all is gone
            raise ChipUnknown(sha256=sha256) from missing
        view = plan_view(chip.width, chip.height, self._profile)
        image: npt.NDArray[Any] = np.asarray(view.render(chip), np.uint8)
        return view, image
