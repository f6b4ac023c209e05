"""Which prompts to ask next: each in its turn, and again those whose answers differed lately. Pure; JSON for checkpoints.

With some tens of prompts DAPO's "sample on until the batch is full of informative groups" would ask the same hopeless ones
over and over. Here a group that taught nothing is replaced by a prompt that did, asked afresh: completions are always the
current policy's.

Source: dynamic sampling, DAPO arXiv 2503.14476; replay by variance, MMR1 arXiv 2509.21268.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Any

from geo_r1_backend.training.advantage import informative

MEMORY = 0.7
"""Of a prompt's spread: how much of the old value stays when a new one comes."""
FLOOR = 0.02
"""Least weight of a prompt that was ever informative: what the model lost can come back."""


class Replay:
    """Order of prompts and how much each one teaches."""

    def __init__(self, prompts: int, seed: int = 0) -> None:
        if prompts < 1:
            raise ValueError(f"there are {prompts} prompts; at least one is needed")
        self._prompts = prompts
        self._random = random.Random(seed)  # noqa: S311 - reproducibility, not secrecy
        self._waiting: list[int] = []
        self._spread: dict[int, float] = {}

    def next(self, count: int) -> list[int]:
        """The next prompts in turn; every prompt once before any comes again, shuffled each time round."""
        chosen = []
        for _ in range(count):
            if not self._waiting:
                self._waiting = list(range(self._prompts))
                self._random.shuffle(self._waiting)
            chosen.append(self._waiting.pop())
        return chosen

    def note(self, prompt: int, metrics: Sequence[float]) -> None:
        """What the true metrics of a prompt's group were."""
        spread = max(metrics) - min(metrics) if informative(metrics) else 0.0
        before = self._spread.get(prompt)
        if before is not None or spread:
            self._spread[prompt] = (
                spread if before is None else MEMORY * before + (1 - MEMORY) * spread
            )

    def replacements(self, count: int, exclude: Collection[int] = ()) -> list[int]:
        """Up to ``count`` different prompts that were informative, drawn in proportion to their spread.

        Args:
            count: groups that taught nothing.
            exclude: prompts of this step.

        Returns:
            Fewer than ``count`` where fewer were ever informative.
        """
        weights = {
            prompt: max(FLOOR, spread)
            for prompt, spread in sorted(self._spread.items())
            if prompt not in exclude
        }
        chosen: list[int] = []
        while weights and len(chosen) < count:
            (prompt,) = self._random.choices(list(weights), list(weights.values()))
            chosen.append(prompt)
            del weights[prompt]
        return chosen

    def state(self) -> dict[str, Any]:
        """Everything that the next choice depends on, as JSON."""
        version, numbers, gauss = self._random.getstate()
        return {
            "prompts": self._prompts,
            "waiting": list(self._waiting),
            "spread": {str(prompt): spread for prompt, spread in sorted(self._spread.items())},
            "random": [version, list(numbers), gauss],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Replay:
        """The replay that `state` was taken of; it goes on with the same choices."""
        made = cls(int(state["prompts"]))
        made._waiting = [int(prompt) for prompt in state["waiting"]]
        made._spread = {int(prompt): float(s) for prompt, s in state["spread"].items()}
        version, numbers, gauss = state["random"]
        made._random.setstate((version, tuple(numbers), gauss))
        return made
