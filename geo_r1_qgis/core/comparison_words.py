"""A comparison in canonical English, and the two questions that find its targets and its anchors.

What is said here is read back to the same comparison (a law of the tests), so the sentence can stand in a line edit.
"""

from __future__ import annotations

from typing import Optional, Tuple

from .comparison_types import RANKS, Comparison, Rank, RankKey, Relation
from .nouns import plural

ORDINALS = {
    2: "second",
    3: "third",
    4: "fourth",
    5: "fifth",
    6: "sixth",
    7: "seventh",
    8: "eighth",
    9: "ninth",
    10: "tenth",
}
_NAMES = {(rank.key, rank.descending): name for name, rank in RANKS.items()}


def say(comparison: Comparison) -> str:
    """The comparison as a sentence without a full stop: "the largest white storage tank left of the road"."""
    rank, many = comparison.rank, comparison.many
    name = noun_phrase(comparison.attributes, comparison.target, many=many)
    anchor = ""
    if comparison.anchor:
        anchor = noun_phrase(comparison.anchor_attributes, comparison.anchor, many=False)
    words = ["all" if many and rank is None else "the"]
    by_distance = rank is not None and rank.key is RankKey.DISTANCE
    to_anchor = comparison.relation is None and by_distance
    behind = to_anchor and rank is not None and rank.place == 1
    if rank is not None and not behind:
        words.append(_rank_words(rank, many=many))
    words.append(name)
    if to_anchor and rank is not None:
        words += [rank_name(rank)] if behind else []
        words += ["from" if rank.descending else "to", "the", anchor]
    elif comparison.relation is not None:
        words += [relation_words(comparison.relation, comparison.within_m), "the", anchor]
    return " ".join(words)


def target_query(comparison: Comparison) -> str:
    """What each tile is asked (task `ovd`) to find the candidates: "all white storage tanks"."""
    return "all " + noun_phrase(comparison.attributes, comparison.target, many=True)


def anchor_query(comparison: Comparison) -> Optional[str]:
    """What each tile is asked to find the anchors: "all roads"; none where no anchor is needed."""
    if not comparison.anchor:
        return None
    return "all " + noun_phrase(comparison.anchor_attributes, comparison.anchor, many=True)


def noun_phrase(attributes: Tuple[str, ...], name: str, *, many: bool) -> str:
    """Attributes before the name, in one number."""
    return " ".join([*attributes, plural(name) if many else name])


def rank_name(rank: Rank) -> str:
    """The superlative of a rank: "largest"; its place is not in it."""
    return _NAMES[rank.key, rank.descending]


def relation_words(relation: Relation, within_m: Optional[float]) -> str:
    """What stands between target and anchor: "left of", "within 50 m of"."""
    if relation is Relation.NEAR and within_m is not None:
        return f"within {within_m:.12g} m of"
    return relation.value


def _rank_words(rank: Rank, *, many: bool) -> str:
    if many:
        return f"{rank.place} {rank_name(rank)}"
    if rank.place == 1:
        return rank_name(rank)
    return f"{ordinal(rank.place)} {rank_name(rank)}"


def ordinal(place: int) -> str:
    """The place as a word: "second", "11th"."""
    if place in ORDINALS:
        return ORDINALS[place]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ending}"
