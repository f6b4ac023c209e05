"""Slips of the finger in the words that comparisons are made with, mended before a sentence is read."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict

from . import comparison_grammar as grammar

_KEYWORDS = (
    "above", "below", "right", "under", "third", "fourth", "second", "bottom", "beside", "counting", "larger", "smaller",
    "bigger", "upper", "lower", "large", "small", "further", "farther", "white", "black", "green", "brown", "yellow", "which",
    "where", "locate", "select", "please", "highlight", "detect", "identify",
    *(word for word in grammar.SUPERLATIVES if " " not in word and len(word) > 5),
)  # fmt: skip
_OTHER_WORDS = frozenset(
    (
        "light", "might", "night", "sight", "tight", "fight", "eight", "bright", "wright", "fright", "blow", "udder",
        "closet", "tower", "neatest", "wildest", "back", "block", "while", "write", "greek", "greed", "greet", "greens",
        "brow", "brawn", "blown", "crown", "browns", "lover", "lowers", "smell", "stall", "shall", "smalls", "father", "there",
        "were", "here", "thirds", "seconds", "cotton", "forth", "aside", "reside", "side", "rightly", "flight", "weight",
        "height", "lights", "rights", "biggest", "widest",
    )
)  # fmt: skip
"""Words that are one slip away from a keyword and mean something else."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def mended(word: str) -> str:
    """The keyword that the word is one slip away from (a letter dropped, added, mistaken or swapped), or the word.

    The first letter is never the wrong one: people hit it, and "tower" stays a tower.
    """
    if len(word) < 4 or word in _OTHER_WORDS or not word.isalpha():
        return word
    return _slips().get(word, word)


@lru_cache(maxsize=1)
def _slips() -> Dict[str, str]:
    slips: Dict[str, str] = {}
    for word in _KEYWORDS:
        for at in range(1, len(word)):
            before, after = word[:at], word[at:]
            slips.setdefault(before + after[1:], word)
            slips.setdefault(before + after[1:2] + after[:1] + after[2:], word)
            for letter in _LETTERS:
                slips.setdefault(before + letter + after, word)
                slips.setdefault(before + letter + after[1:], word)
    known = (*_KEYWORDS, *grammar.SUPERLATIVES, *grammar.COMPARATIVES, *grammar.SIDES)
    for word in (*known, *grammar.ORDINAL_WORDS):
        slips.pop(word, None)
    return slips
