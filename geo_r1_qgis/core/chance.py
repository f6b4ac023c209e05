"""Choices by a seed that anybody can repeat: numbers are read off a hash, so they are the same in every Python and on both sides.

Nothing here is secret or meant to be hard to guess.
"""

from __future__ import annotations

import hashlib
import struct
from typing import List


def share(*names: object) -> float:
    """A number in [0, 1) that belongs to these names (a seed, a label, a counter), evenly spread over names."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / float(2**48)


def between(low: float, high: float, *names: object) -> float:
    """The same, in [low, high)."""
    return low + (high - low) * share(*names)


def shuffled(count: int, *names: object) -> List[int]:
    """0 to ``count - 1`` in the order that belongs to these names."""
    return sorted(range(count), key=lambda number: share(*names, number))


def drawn(count: int, limit: int, *names: object) -> List[int]:
    """`count` numbers of 0 to ``limit - 1`` with replacement, that belong to these names; all from one hash, so it is quick."""
    text = "\x1f".join(str(name) for name in names)
    numbers = struct.unpack(f"<{count}I", hashlib.shake_256(text.encode()).digest(4 * count))
    return [number * limit >> 32 for number in numbers]
