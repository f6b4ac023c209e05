"""Keys and values of prompts that were run lately, so that the next question about the same picture begins where they part."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

Key = tuple[bytes, str]
"""Digest of a picture's pixels, and the adapter that looked at it."""


@dataclass(frozen=True)
class Prefix:
    """A prompt that was run."""

    ids: list[int]
    keys: Tensor
    """``(layers, kv heads, tokens, width)``."""
    values: Tensor
    last: Tensor
    """Normed hidden state behind it, ``(hidden,)``: the same prompt once more needs no run at all."""
    features: Tensor | None = None
    """The picture as visual tokens ``(visual, hidden)``, where another prompt about it is run whole."""

    @property
    def bytes(self) -> int:
        """Memory that it holds."""
        kept = (self.keys, self.values, self.last, self.features)
        return sum(one.nbytes for one in kept if one is not None)


class PrefixCache:
    """The last prompts, one for each picture, within a number of bytes.

    Args:
        limit_bytes: 0 = nothing is kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self.hits = 0
        self._kept: OrderedDict[Key, Prefix] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key) -> Prefix | None:
        """The last prompt about a picture."""
        return self._kept.get(key)

    def shared(self, key: Key, ids: Sequence[int], image_end: int) -> tuple[Prefix, int] | None:
        """What is known of a picture, and how many tokens of a prompt about it need not be run.

        One token at least is left to run: the answer begins with what follows it. A prompt that parts before the end of the picture
        shares nothing worth copying.
        """
        found = self._kept.get(key)
        if found is None:
            return None
        count = 0
        for mine, other in zip(ids[:-1], found.ids, strict=False):
            if mine != other:
                break
            count += 1
        if count < image_end:
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return found, count

    def keep(self, key: Key, prefix: Prefix) -> None:
        """Remember a prompt in place of an earlier one about the same picture."""
        if prefix.bytes > self.limit_bytes:
            return
        old = self._kept.pop(key, None)
        self.bytes += prefix.bytes - (old.bytes if old else 0)
        self._kept[key] = prefix
        while self.bytes > self.limit_bytes:
            _, gone = self._kept.popitem(last=False)
            self.bytes -= gone.bytes

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.bytes = 0
