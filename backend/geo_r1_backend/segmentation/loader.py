"""Crops from many processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.segmentation.examples import PictureSource, crops_of
from geo_r1_backend.segmentation.settings import SegmenterSettings

PICTURES_PER_PART = 8
"""Drawn before anything is handed over."""


class Crops(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    """Parts of some dozens of crops ``(n, 6, side, side)`` uint8, dealt out to the loader's processes."""

    def __init__(self, settings: SegmenterSettings, source: PictureSource, first: int) -> None:
        self.settings, self.source, self.first = settings, source, first

    def __iter__(self) -> Iterator[Tensor]:
        import cv2

        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        part = self.first + worker
        while True:
            yield torch.from_numpy(self._part(part))
            part += workers

    def _part(self, part: int) -> np.ndarray:
        found: list[np.ndarray] = []
        for number in range(PICTURES_PER_PART):
            seed = (self.settings.seed << 40) + part * PICTURES_PER_PART + number
            found += crops_of(self.source.draw(seed), Dice(seed + 1), self.settings.net.side_px)
        side = self.settings.net.side_px
        return np.stack(found) if found else np.zeros((0, 6, side, side), np.uint8)


def crop_stream(settings: SegmenterSettings, first: int) -> Iterator[Tensor]:
    """Parts from number ``first`` on, endless."""
    source = PictureSource(settings.backgrounds)
    return iter(
        torch.utils.data.DataLoader(
            Crops(settings, source, first),
            batch_size=None,
            num_workers=settings.workers,
            prefetch_factor=4 if settings.workers else None,
            pin_memory=torch.cuda.is_available(),
        )
    )


class Pool:
    """The last crops, on the device: a ring from which batches are drawn, turned, mirrored and recoloured."""

    def __init__(self, room: int, side: int, device: torch.device) -> None:
        self.crops = torch.zeros((room, 6, side, side), dtype=torch.uint8, device=device)
        self.filled = self.at = self.taken = 0

    def add(self, part: Tensor) -> None:
        """Take some crops in; the oldest go."""
        room = len(self.crops)
        places = (self.at + torch.arange(len(part))) % room
        self.crops[places.to(self.crops.device)] = part.to(self.crops.device, non_blocking=True)
        self.at = (self.at + len(part)) % room
        self.filled = min(room, self.filled + len(part))
        self.taken += len(part)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """(crops ``(n, 5, side, side)`` from 0 to 1, truth ``(n, 1, side, side)``), one turn and mirror per batch."""
        chosen = torch.randint(self.filled, (count,), device=self.crops.device)
        found = self.crops[chosen].float() / 255
        found = torch.rot90(found, int(torch.randint(4, ()).item()), (2, 3))
        if torch.rand(()).item() < 0.5:
            found = found.flip(3)
        colours, marks, truth = found[:, :3], found[:, 3:5], found[:, 5:]
        gain = 1 + 0.3 * (torch.rand((count, 3, 1, 1), device=found.device) - 0.5)
        shift = 0.2 * (torch.rand((count, 1, 1, 1), device=found.device) - 0.5)
        colours = (colours * gain + shift).clamp(0, 1)
        # now and then without points, so that the same crop is seen with and without them
        without = (torch.rand((count, 1, 1, 1), device=found.device) < 0.3).float()
        marks = torch.cat([marks[:, :1], marks[:, 1:] * (1 - without)], 1)
        return torch.cat([colours, marks], 1), truth
