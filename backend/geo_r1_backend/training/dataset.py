"""A data set as the routine sees it: each sample with its chip at model size, its prompt and the way back. No torch.

Chips are decoded and resized by the code that answers questions (`grounding/images.py`, `engines/resize.py`), prompts are those
of `engines/prompts.py`: what is learned is what will be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.resize import View, plan_view
from geo_r1_backend.errors import ChipUnknown, ConfigError, DatasetUnknown, NothingToLearn
from geo_r1_backend.grounding.images import open_image
from geo_r1_backend.grounding.masks import boxes_task
from geo_r1_backend.training.rewards import Segment, true_mask
from geo_r1_backend.training.turning import can_turn, turned_image, turned_sample
from geo_r1_backend.training_wire import Part, Sample
from geo_r1_backend.wire import Task

if TYPE_CHECKING:
    from PIL import Image

    from geo_r1_backend.engines.base import ModelProfile
    from geo_r1_backend.engines.segmenter import Segmenter
    from geo_r1_backend.evaluation.masks import Mask

DATASET_MANIFEST = "manifest.json"
CHIPS_FOLDER = "chips"
CHIPS_KEPT = 256
"""Decoded, in memory: 150 MB at 448 px."""


@dataclass(frozen=True)
class TrainingSample:
    """One question, ready to be asked."""

    index: int
    """Place in the data set: its name in `completions` and in every random choice."""
    sample: Sample
    """Boxes in pixels of the chip as it is turned."""
    view: View
    prompt: str
    """The user's turn after the image."""
    image: npt.NDArray[np.uint8]
    """``(height, width, 3)`` at model size; samples of one chip share it."""
    turn: int = 0
    """From which of eight sides, see `turning.py`."""
    segment: Segment | None = None
    """Cuts objects out of the chip as it is turned; where masks are asked for."""
    mask: Mask | None = None
    """The true one, ``(height, width)`` of the chip; where masks are asked for."""
    asked_as: Task | None = None
    """Masks of a model that was not taught the third task: its boxes are asked for and cut out, as when it answers."""

    @property
    def asked(self) -> Sample:
        """The sample with the task that the model itself is asked."""
        return self.sample if self.asked_as is None else replace(self.sample, task=self.asked_as)

    @property
    def picture(self) -> tuple[str, int]:
        """What its image depends on: visual tokens are kept under this."""
        return self.sample.chip, self.turn


def read_samples(dataset_folder: Path) -> list[Sample]:
    """Samples of ``datasets/ID``, without their chips.

    Raises:
        DatasetUnknown: if the data set is gone.
        ConfigError: if it is damaged.
    """
    path = dataset_folder / DATASET_MANIFEST
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [Sample(**fields) for fields in stored["samples"]]
    except (FileNotFoundError, NotADirectoryError) as missing:
        raise DatasetUnknown(dataset=dataset_folder.name) from missing
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
    """Samples by part; chips are decoded on first use and some are kept.

    Args:
        folder: ``datasets/ID``.
        profile: of the model that looks.
        think: whether prompts ask for reasoning.
        segmenter: frozen, between boxes and masks; only samples of masks need it.

    Raises:
        DatasetUnknown: if the data set is gone.
        NothingToLearn: if it has nothing to train on.
    """

    def __init__(
        self,
        folder: Path,
        profile: ModelProfile,
        *,
        think: bool,
        segmenter: Segmenter | None = None,
    ) -> None:
        self._folder, self._profile, self._think = folder, profile, think
        self._segmenter = segmenter
        self._samples = read_samples(folder)
        self._chips: dict[str, Image.Image] = {}
        if not self.indices("train"):
            raise NothingToLearn(samples=len(self._samples))

    def __len__(self) -> int:
        return len(self._samples)

    def check(self) -> None:
        """See that it is still there.

        Raises:
            DatasetUnknown: if it was deleted meanwhile.
        """
        if not (self._folder / DATASET_MANIFEST).is_file():
            raise DatasetUnknown(dataset=self._folder.name)

    def indices(self, part: Part) -> list[int]:
        """Places of the samples of one part."""
        return [i for i, sample in enumerate(self._samples) if sample.part == part]

    def part(self, part: Part, limit: int | None = None) -> list[TrainingSample]:
        """Samples of one part, or ``limit`` of them, spread over all."""
        found = self.indices(part)
        if limit is not None and len(found) > limit:
            found = [found[i * len(found) // limit] for i in range(limit)]
        return [self[index] for index in found]

    def can_turn(self, index: int) -> bool:
        """Whether a sample may be shown from another side."""
        return can_turn(self._samples[index].query)

    def __getitem__(self, index: int) -> TrainingSample:
        """One sample with its chip.

        Raises:
            DatasetUnknown: if the data set is gone.
            ChipError: if its chip is gone or cannot be decoded.
        """
        return self.turned(index, 0)

    def turned(self, index: int, turn: int) -> TrainingSample:
        """One sample from another side; raises as ``[]`` does."""
        sample = self._samples[index]
        chip = self._chip(sample.chip)
        shown = turned_image(chip, turn)
        view = plan_view(shown.width, shown.height, self._profile)
        seen = turned_sample(sample, turn, chip.width, chip.height)
        segment, mask = None, None
        if sample.task == "gres" and self._segmenter is not None:
            segment = partial(self._segmenter.segment, np.asarray(shown.convert("RGB"), np.uint8))
            mask = true_mask(seen, shown.width, shown.height)
        asked_as = _asked_as(sample, self._profile.tasks)
        return TrainingSample(
            index=index,
            sample=seen,
            view=view,
            prompt=prompt_for(asked_as or sample.task, sample.query, think=self._think),
            image=np.asarray(view.render(shown), np.uint8),
            turn=turn,
            segment=segment,
            mask=mask,
            asked_as=asked_as,
        )

    def _chip(self, sha256: str) -> Image.Image:
        if sha256 not in self._chips:
            try:
                chip = open_image(self._folder / CHIPS_FOLDER / sha256)
            except FileNotFoundError as missing:
                self.check()
                raise ChipUnknown(sha256=sha256) from missing
            while len(self._chips) >= CHIPS_KEPT:
                self._chips.pop(next(iter(self._chips)))
            self._chips[sha256] = chip
        return self._chips[sha256]


def _asked_as(sample: Sample, tasks: tuple[str, ...]) -> Task | None:
    if sample.task != "gres" or "gres" in tasks:
        return None
    asked = boxes_task(sample.query, tasks)
    # several objects fit a question for one: nobody could say which of them is the truth
    return "ovd" if len(sample.boxes_px) > 1 and "ovd" in tasks else asked
