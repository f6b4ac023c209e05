"""Singular and plural of English names of things, by a small table and rules; for names that people give to objects."""

from __future__ import annotations

import re
from typing import Callable

_PLURALS = {
    "aircraft": "aircraft",
    "hovercraft": "hovercraft",
    "spacecraft": "spacecraft",
    "watercraft": "watercraft",
    "sheep": "sheep",
    "fish": "fish",
    "crossroads": "crossroads",
    "headquarters": "headquarters",
    "barracks": "barracks",
    "waterworks": "waterworks",
    "gasworks": "gasworks",
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "goose": "geese",
    "quay": "quays",
    "wharf": "wharves",
    "leaf": "leaves",
    "shelf": "shelves",
    "half": "halves",
    "gas": "gases",
    "bus": "buses",
    "minibus": "minibuses",
    "campus": "campuses",
    "lens": "lenses",
    "canvas": "canvases",
    "cactus": "cacti",
    "basis": "bases",
    "oasis": "oases",
    "quarry": "quarries",
    "cache": "caches",
    "movie": "movies",
    "volcano": "volcanoes",
}
_SINGULARS = {many: one for one, many in reversed(list(_PLURALS.items()))}
_HEAD = re.compile(r"^(.+?)( (?:for|of|with|under|in|on) .+)$")
"""In "courts for tennis" the first part has the number."""


def singular(name: str) -> str:
    """The name of one: "storage tanks" -> "storage tank". A singular comes back as it is."""
    return _by_head(name, _singular_word)


def plural(name: str) -> str:
    """The name of several: "bus" -> "buses"."""
    return _by_head(name, _plural_word)


def is_plural(name: str) -> bool:
    """Whether the name says by its form that several are meant; "aircraft" does not."""
    return singular(name) != name


def _by_head(name: str, change: Callable[[str], str]) -> str:
    match = _HEAD.match(name)
    head, tail = match.groups() if match else (name, "")
    before, space, last = head.rpartition(" ")
    return f"{before}{space}{change(last)}{tail}"


def _singular_word(word: str) -> str:
    if word in _PLURALS:
        return word
    if word in _SINGULARS:
        return _SINGULARS[word]
    for ending, kept in (
        ("ies", "y"),
        ("sses", "ss"),
        ("shes", "sh"),
        ("ches", "ch"),
        ("xes", "x"),
        ("zzes", "zz"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + kept
    if len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _plural_word(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word in _SINGULARS:
        return word
    if len(word) > 1 and word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "sh", "ch", "x", "z")):
        return word + "es"
    return word + "s"
