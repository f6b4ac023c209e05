"""Batches of scenes from many processes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from geo_r1_backend.pretraining.backgrounds import RealBackgrounds, read_tile
from geo_r1_backend.pretraining.batches import RowSource
from geo_r1_backend.pretraining.photo.corpus import Corpus
from geo_r1_backend.pretraining.scenes import SceneRecipe
from geo_r1_backend.pretraining.settings import PretrainSettings


class Batches(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    """Batches of one rank, dealt out to the loader's processes."""

    def __init__(
        self, settings: PretrainSettings, rank: int, first: int, corpus: Corpus | None = None
    ) -> None:
        self.settings, self.rank, self.first = settings, rank, first
        self.corpus = corpus

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        import cv2

        cv2.setNumThreads(0)
        settings = self.settings
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        source = RowSource(
            settings.tokenizer.read_text(encoding="utf-8"),
            settings.backgrounds,
            batch=settings.batch,
            recipe=SceneRecipe(),
            seed=settings.seed * 64 + self.rank,
            corpus=self.corpus,
        )
        index = self.first + worker
        while True:
            yield {
                name: torch.from_numpy(np.ascontiguousarray(v))
                for name, v in source.draw(index).items()
            }
            index += workers


def batch_stream(settings: PretrainSettings, rank: int, first: int) -> Iterator[dict[str, Tensor]]:
    """Batches of one rank from number ``first`` on, endless."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if settings.backgrounds is not None:
        # Decoded once before the fork: the loader's processes share the pages.
        for path in RealBackgrounds(settings.backgrounds, evaluation=False).paths:
            read_tile(path)
    corpus = None
    if settings.photographs is not None:
        corpus = Corpus.read(settings.photographs, street_held_out=settings.street_held_out)
    return iter(
        torch.utils.data.DataLoader(
            Batches(settings, rank, first, corpus),
            batch_size=None,
            num_workers=settings.workers,
            prefetch_factor=4 if settings.workers else None,
            pin_memory=torch.cuda.is_available(),
        )
    )
