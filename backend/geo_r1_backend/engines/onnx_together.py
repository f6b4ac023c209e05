"""Several sequences in one cache of the default engine, so that one step reads the weights once for all of them.

The decoder's graph takes one sequence and says for each new position what it may look at. Here the keys and values of
several sequences follow each other, and each position looks at those of its own: the graph need not know. What that
costs, and that it pays up to about four, is in docs/experiments.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from geo_r1_backend.engines.onnx_model import Cache, OnnxModel
from geo_r1_backend.models.positions import Floats

NOBODY = -1
"""Owner of a position whose token was guessed wrong, or whose sequence has ended."""


class Together:
    """Sequences that grow side by side; each has a number of the caller's choice."""

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self._tensors = model.empty_cache().tensors
        self._owners: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._next: dict[int, int] = {}
        """Position of each sequence's next token."""

    def join(self, number: int, cache: Cache) -> None:
        """Take in a sequence as it is now; the cache itself stays as it was."""
        kept, wanted = self._owners != NOBODY, cache.counts
        self._tensors = tuple(
            self._model.kept(
                np.concatenate([mine.numpy()[:, :, kept], other.numpy()[:, :, wanted]], axis=2)
            )
            for mine, other in zip(self._tensors, cache.tensors, strict=True)
        )
        joined = np.full(int(wanted.sum()), number, np.int64)
        self._owners = np.concatenate([self._owners[kept], joined])
        self._next[number] = cache.next_position

    def leave(self, number: int) -> None:
        """Forget a sequence and what is nobody's."""
        del self._next[number]
        kept = (self._owners != number) & (self._owners != NOBODY)
        self._tensors = tuple(self._model.kept(mine.numpy()[:, :, kept]) for mine in self._tensors)
        self._owners = self._owners[kept]

    def without_last(self, number: int, count: int) -> None:
        """A sequence as if its last ``count`` tokens had not been."""
        if count:
            self._owners[np.flatnonzero(self._owners == number)[-count:]] = NOBODY
            self._next[number] -= count

    def step(self, ids: Mapping[int, Sequence[int]]) -> dict[int, Floats]:
        """Each sequence continued by some tokens, and the logits ``(tokens, vocabulary)`` after each of them."""
        tokens = [token for some in ids.values() for token in some]
        owners = np.repeat(list(ids), [len(some) for some in ids.values()])
        places = np.concatenate(
            [np.arange(self._next[n], self._next[n] + len(some)) for n, some in ids.items()]
        )
        everybody = np.concatenate([self._owners, owners])
        # its own sequence alone, up to itself
        visible = everybody[None, :] == owners[:, None]
        visible[:, len(self._owners) :] &= np.tri(len(tokens), dtype=np.bool_)
        logits, self._tensors = self._model.run_decoder(
            self._tensors,
            self._model.embedded(tokens),
            self._model.text_rotation(places),
            visible,
            asked=len(tokens),
        )
        self._owners = everybody
        found: dict[int, Floats] = {}
        first = 0
        for number, some in ids.items():
            self._next[number] += len(some)
            found[number] = logits[first : first + len(some)]
            first += len(some)
        return found
