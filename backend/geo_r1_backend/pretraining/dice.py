"""Random draws that are the same on every machine and in every version of the libraries.

Only `random.Random.random` and `randbytes` are used below: Python guarantees their streams; NumPy's distributions may
change between releases (NEP 19), which would silently change the frozen evaluation recipe.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """A seeded source of every random decision of one scene."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducibility, not secrecy

    def uniform(self, low: float, high: float) -> float:
        """A float in [low, high)."""
        return low + (high - low) * self._random.random()

    def log_uniform(self, low: float, high: float) -> float:
        """A float whose logarithm is uniform: every octave is as likely as the next."""
        return low * math.exp(self._random.random() * math.log(high / low))

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the (option, weight) pairs."""
        at = self._random.random() * sum(weight for _, weight in options)
        for option, weight in options:
            at -= weight
            if at < 0:
                return option
        return options[-1][0]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """All options in random order."""
        left = list(options)
        return [left.pop(int(self._random.random() * len(left))) for _ in range(len(left))]

    def grid(self, height: int, width: int) -> np.ndarray:
        """Random bytes, ``(height, width)`` uint8."""
        raw = self._random.randbytes(height * width)
        return np.frombuffer(raw, np.uint8).reshape(height, width)
