"""What a comparison is: a target, perhaps an anchor that it stands in a relation to, and a rank among those that fit.

This file is the typed form; `comparison_reading.py` makes it of a sentence, `comparison_words.py` says it. All three
are taken from here: ``from .comparison import Comparison, read_comparison, say``.
"""

from __future__ import annotations

from .comparison_reading import Reading, read_comparison
from .comparison_types import (
    DEFAULT_WITHIN_M,
    RANKS,
    SIDE_RELATIONS,
    Comparison,
    Rank,
    RankKey,
    Relation,
)
from .comparison_words import anchor_query, say, target_query

__all__ = [
    "DEFAULT_WITHIN_M",
    "RANKS",
    "SIDE_RELATIONS",
    "Comparison",
    "Rank",
    "RankKey",
    "Reading",
    "Relation",
    "anchor_query",
    "read_comparison",
    "say",
    "target_query",
]
