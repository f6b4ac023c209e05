"""From a typed sentence to a comparison: deterministic, by the words of `comparison_grammar.py`, and honest about the rest.

Understood are the sentences that the embedded model was taught with and what people usually write beside them. Words
that found no place come back in `Reading.rest`: nothing is dropped in silence.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

from . import comparison_grammar as grammar
from .comparison_clauses import Clause, clauses_of
from .comparison_types import DEFAULT_WITHIN_M, RANKS, Comparison, Rank, RankKey, Relation
from .comparison_words import rank_name
from .nouns import is_plural, singular
from .slips import mended

_ENDS = "left|right|top|bottom|upper|lower|north|south|east|west|northern|southern|eastern|western"
MAX_CHARACTERS = 400
"""A longer text is no comparison: it is read by the model alone."""


@dataclass(frozen=True)
class Reading:
    """What was understood of a sentence.

    Attributes:
        comparison: the typed form; none where not even a target was found.
        rest: the user's own words that the comparison does not express, in their order.
    """

    comparison: Optional[Comparison]
    rest: Tuple[str, ...] = ()


def read_comparison(query: str) -> Reading:
    """Understand a sentence; never raises. The same sentence always gives the same reading."""
    text = tidied(query)
    if not text or len(text) > MAX_CHARACTERS or not _is_latin(text):
        return Reading(None, (text,) if text else ())
    counted = ("how many",) if "how many " in f"{text} " else ()
    asked = grammar.reordered(grammar.without_politeness(text))
    reading = _Reader(asked).reading()
    return replace(
        reading, rest=(*counted, *(words.replace("&", " and ") for words in reading.rest))
    )


def _is_latin(text: str) -> bool:
    """Whether it can be English: of other scripts no word is known here, and none has a plural in -s."""
    return all(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())


def tidied(query: str) -> str:
    """Small letters, single spaces, no marks, usual spellings, slips of the finger in the words of comparisons mended."""
    text = unicodedata.normalize("NFKC", query).lower().replace("’", "'")
    text = re.sub(r"\([^)]*\)", " ", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)|[,;:!?\"“”„…*]", " ", text)
    text = re.sub(r"\b(left|right)[ -]hand\b", r"\1", text)
    text = re.sub(rf"\b({_ENDS})[ -]most\b(?! (?:of|part)\b)", r"\1most", text)
    text = re.sub(r"\b(north|south)[ -](east|west)", r"\1\2", text)
    text = " ".join(mended(word) for word in text.split())
    return grammar.TWO_COLOURS.sub(r"\1&", text)


# ---- the sentence, piece by piece --------------------------------------------------------------------------------------

_DETERMINER = re.compile(
    r"^(?P<many>all of the|all of|all the|all|every single|every|each of the|each|both of the|both|any of the|any|some of the"
    r"|some|several|these|those)(?= )|^(?P<one>the only|the one|one of the|one of|the|an|a|one|this|that|my)(?= )"
)  # fmt: skip
_COUNT = re.compile(rf"^(?P<count>{grammar.COUNT})(?: of the| of)? ")
_NTH = re.compile(rf"^(?P<nth>{grammar.NTH}) ")
_SUPERLATIVE = re.compile(
    rf"^(?P<super>{'|'.join(sorted(grammar.SUPERLATIVES, key=len, reverse=True))})"
    r"(?P<of> (?:one )?(?:of|among|amongst|from)(?: all)?(?: the| these| those| my)?)? "
)
_COMPARATIVE = re.compile(
    rf"^(?P<word>{'|'.join(grammar.COMPARATIVES)})(?: (?:one )?of the(?: two)?)? "
)
_ATTRIBUTE = re.compile(rf"^(?P<word>{grammar.COLOURED}|{'|'.join(grammar.ATTRIBUTES)}) ")
_NEUTRAL = re.compile(rf"^(?:{'|'.join(grammar.NEUTRAL)}) ")
_EMPTY_NAMES = ("one", "ones", "it", "them", "others", "other", "thing", "things", "of")
_LENGTHS = {"length": ("longest", "shortest"), "width": ("widest", "narrowest")}


class _Reader:
    """Takes one sentence apart; used once."""

    def __init__(self, text: str) -> None:
        self.rest: List[str] = []
        self.attributes: List[str] = []
        self.anchor = ""
        self.anchor_attributes: List[str] = []
        self.relation: Optional[Relation] = None
        self.within_m: Optional[float] = None
        self.near_words = ""
        self.rank: Optional[Rank] = None
        self.nth = ""
        self.count = 0
        self.comparative = ""
        self.one_of_many = False
        self.determiner = ""
        self.name, self.clauses = clauses_of(self._without_front(text))
        name, _, last = self.name.rpartition(" ")
        if name and last in grammar.PARTICIPLES:
            self.name = name
            self.attributes.append(last)

    def reading(self) -> Reading:
        target = singular(self.name)
        if not target or target in _EMPTY_NAMES:
            return Reading(None, tuple(filter(None, [self.name, *(c.text for c in self.clauses)])))
        for clause in self.clauses:
            self._take(clause)
        many = self._many()
        self._settle_rank(many=many)
        self._settle_near(many=many)
        by_distance = self.rank is not None and self.rank.key is RankKey.DISTANCE
        if by_distance and not self.anchor:
            self.rest.append("farthest" if self.rank and self.rank.descending else "nearest")
            self.rank, by_distance = None, False
        if self.relation is None and not by_distance:
            many = many or (not self.determiner and self.rank is None)
        if self.rank is not None and many:
            many, self.rank = self._several(self.rank)
        comparison = Comparison(
            target=target,
            attributes=tuple(self.attributes),
            relation=self.relation,
            anchor=self.anchor,
            anchor_attributes=tuple(self.anchor_attributes),
            rank=self.rank,
            many=many,
            within_m=self.within_m,
        )
        return Reading(comparison, tuple(self.rest))

    # -- in front of the name --------------------------------------------------------------------------------------

    def _without_front(self, text: str) -> str:
        text = f"{text} "
        match = _DETERMINER.match(text)
        if match:
            self.determiner = "many" if match["many"] else "one"
            self.one_of_many = match.group(0).startswith("one of")
            text = text[match.end() + 1 :]
        while not text.startswith(grammar.NAMES_WITH_ADJECTIVE):
            shorter = self._without_word(text)
            if shorter == text:
                break
            text = shorter
        return text.strip()

    def _without_word(self, text: str) -> str:
        for pattern in (
            _SUPERLATIVE,
            _NTH,
            _COUNT,
            _ATTRIBUTE,
            _NEUTRAL,
            _COMPARATIVE,
            grammar.FOREIGN_RANK,
        ):
            match = pattern.match(text)
            if match is None or (pattern is _COMPARATIVE and text[match.end() :].startswith("of ")):
                continue
            found = match.groupdict()
            if pattern is _SUPERLATIVE:
                self._add_rank(RANKS[grammar.SUPERLATIVES[found["super"]]], found["super"])
                self.one_of_many = self.one_of_many or bool(found["of"])
            elif pattern is _NTH:
                self.nth = found["nth"]
            elif pattern is grammar.FOREIGN_RANK:
                self.rest.append(found["word"])
            elif pattern is _COUNT:
                self.count = grammar.NUMBERS.get(found["count"]) or int(found["count"])
            elif pattern is _ATTRIBUTE:
                self.attributes.append(_spelled(found["word"]))
            elif pattern is _COMPARATIVE:
                if self.comparative:
                    self.rest.append(found["word"])
                self.comparative = self.comparative or found["word"]
                self.one_of_many = self.one_of_many or " of the" in match.group(0)
            return text[match.end() :]
        return text

    # -- behind the name -------------------------------------------------------------------------------------------

    def _take(self, clause: Clause) -> None:
        kind = clause.kind
        if clause.group("nth"):
            self.nth = clause.group("nth")
        if kind in ("near", "relation", "nearest", "farthest", "to"):
            self._take_anchor(clause)
            return
        if kind in ("order", "far-side"):
            self._add_rank(RANKS[grammar.SIDES[clause.group("side")]], clause.text)
        elif kind == "center":
            self._add_rank(RANKS["most central"], clause.text)
        elif kind == "not-center":
            self._add_rank(RANKS["least central"], clause.text)
        elif kind in ("measure", "super"):
            self._add_rank(RANKS[_superlative_of(clause)], clause.text)
        elif kind == "colour":
            where = self.anchor_attributes if self.anchor else self.attributes
            where.append(_spelled(clause.group("colour")))
        elif kind == "unknown" or (kind == "and" and clause.tail):
            self.rest.append(clause.text)
            return
        if clause.tail:
            self.rest.append(clause.tail)

    def _take_anchor(self, clause: Clause) -> None:
        anchor = _anchor(clause.tail)
        name, attributes, rest = anchor
        waits = clause.kind == "to" and not (self.rank and self.rank.key is RankKey.DISTANCE)
        if not name or self.anchor or waits:
            self.rest.append(clause.text)
            return
        if clause.kind in ("nearest", "farthest"):
            if self.rank is not None:
                self.rest.append(clause.text)
                return
            self.rank = RANKS[clause.kind]
        elif clause.kind == "near":
            number, unit = clause.group("number"), clause.group("unit")
            if number:
                metres = grammar.UNITS_M[unit if unit in grammar.UNITS_M else unit[:-1]]
                self.within_m = float(f"{float(number) * metres:.12g}")
                self.relation = Relation.NEAR
                if not self.within_m > 0:
                    self.rest.append(clause.text)
                    self.relation = self.within_m = None
                    return
            else:
                self.near_words = clause.text
        elif clause.kind == "relation":
            self.relation = clause.relation
        self.anchor, self.anchor_attributes = name, attributes
        self.rest += rest

    # -- what it all comes to --------------------------------------------------------------------------------------

    def _add_rank(self, rank: Rank, words: str) -> None:
        if self.rank is None:
            self.rank = rank
        elif self.rank != rank:
            self.rest.append(words)

    def _many(self) -> bool:
        if self.one_of_many:
            return False
        return self.determiner == "many" or self.count > 1 or is_plural(self.name)

    def _settle_rank(self, *, many: bool) -> None:
        if self.comparative:
            if many or self.rank is not None:
                self.rest.append(self.comparative)
            else:
                self.rank = RANKS[grammar.COMPARATIVES[self.comparative]]
        if self.nth and self.rank is None:
            self.rest.append(self.nth)
        elif self.nth and self.rank is not None:
            self.rank = replace(self.rank, place=_number(self.nth))

    def _settle_near(self, *, many: bool) -> None:
        """One "near" something is the nearest, as the model is taught; several, or one with a rank, are within a distance."""
        if not self.near_words:
            return
        if self.rank is None and not many:
            self.rank = RANKS["nearest"]
        else:
            self.relation, self.within_m = Relation.NEAR, DEFAULT_WITHIN_M

    def _several(self, rank: Rank) -> Tuple[bool, Rank]:
        """The first so many of a rank, or the one of it where nobody said how many."""
        if self.count > 1 and not self.nth:
            return True, replace(rank, place=self.count)
        if self.count != 1 and not self.one_of_many:
            self.rest.append(f"{rank_name(rank)} {self.name}")
        return False, rank


def _anchor(text: str) -> Tuple[str, List[str], List[str]]:
    """(name, attributes, words that cannot be expressed) of what stands behind a relation."""
    text, attributes, rest = f"{text} ", [], []
    match = _DETERMINER.match(text)
    if match:
        text = text[match.end() + 1 :]
    while not text.startswith(grammar.NAMES_WITH_ADJECTIVE):
        for pattern in (_SUPERLATIVE, _NTH, _COUNT, _ATTRIBUTE, _NEUTRAL, grammar.FOREIGN_RANK):
            match = pattern.match(text)
            if match:
                break
        else:
            break
        if pattern is _ATTRIBUTE:
            attributes.append(_spelled(match["word"]))
        elif pattern is not _NEUTRAL:
            rest.append(match.group(0).strip())
        text = text[match.end() :]
    name = singular(text.strip())
    return ("" if name in _EMPTY_NAMES else name), attributes, rest


def _superlative_of(clause: Clause) -> str:
    name = grammar.SUPERLATIVES[clause.group("super")]
    for quantity, (most, least) in _LENGTHS.items():
        if clause.match.group(0).endswith(f" {quantity}") and name in ("largest", "smallest"):
            return most if name == "largest" else least
    return name


def _spelled(words: str) -> str:
    for other, usual in grammar.COLOUR_SPELLINGS.items():
        words = re.sub(rf"\b{other}\b", usual, words)
    return words.replace("&", " and ")


def _number(nth: str) -> int:
    return max(1, grammar.ORDINAL_WORDS.get(nth) or int(nth[:-2]))
