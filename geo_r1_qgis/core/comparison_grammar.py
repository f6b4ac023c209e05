"""The words that comparisons are written with, as regular expressions: what people put around a question, ranks, relations.

Everything here matches text that `comparison_reading.tidied` has made small and free of marks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

from .comparison_types import Relation

COLOURS = (
    "white", "gray", "black", "red", "blue", "green", "yellow", "brown", "orange", "purple", "pink", "silver",
    "beige", "turquoise",
)  # fmt: skip
COLOUR_SPELLINGS = {"grey": "gray", "rusty brown": "brown", "violet": "purple"}
_SHADED = r"(?:(?:dark|light|bright|pale) )?(?:" + "|".join([*COLOUR_SPELLINGS, *COLOURS]) + ")"
TWO_COLOURS = re.compile(rf"\b({_SHADED}) and (?={_SHADED}\b)")
"""Written "white&red" while a sentence is taken apart: one attribute, not two kinds of object."""
COLOURED = rf"{_SHADED}(?:&{_SHADED})*"
ATTRIBUTES = (
    "parked", "moored", "anchored", "docked", "moving", "empty", "full", "new", "old", "abandoned", "damaged", "destroyed",
    "ruined", "flooded", "burnt", "burned", "covered", "open", "closed", "rusty", "shiny", "round", "circular", "square",
    "rectangular", "curved", "straight", "paved", "unpaved", "wooden", "concrete", "residential", "industrial",
    "commercial", "isolated", "fenced", "planted", "ploughed", "plowed", "frozen", "dry",
)  # fmt: skip
"""Adjectives that are no part of a name; the model that finds the targets is told them."""
NEUTRAL = (
    "visible",
    "nice",
    "real",
    "existing",
    "single",
    "certain",
    "nearby",
    "only",
    "very",
    "other",
)
"""Adjectives that change nothing that could be computed."""
NAMES_WITH_ADJECTIVE = (
    "round tank", "round tanks", "open pit", "open pits", "covered market", "big box", "middle school", "top soil",
    "right of way", "single family", "single track", "new town", "old town", "dry dock", "dry docks",
)  # fmt: skip
"""Names whose adjective is a part of them, as the embedded model knows them or a dictionary does."""

UNITS_M: Dict[str, float] = {
    "m": 1.0, "meter": 1.0, "metre": 1.0, "km": 1000.0, "kilometer": 1000.0, "kilometre": 1000.0, "ft": 0.3048,
    "foot": 0.3048, "feet": 0.3048, "yd": 0.9144, "yard": 0.9144, "mi": 1609.344, "mile": 1609.344,
}  # fmt: skip
NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
ORDINAL_WORDS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10,
}  # fmt: skip
NTH = r"(?:" + "|".join(ORDINAL_WORDS) + r"|\d{1,4}(?:st|nd|rd|th))"
COUNT = r"(?:" + "|".join(NUMBERS) + r"|\d{1,4})"

SUPERLATIVES: Dict[str, str] = {
    "largest": "largest", "biggest": "largest", "greatest": "largest", "hugest": "largest", "smallest": "smallest",
    "tiniest": "smallest", "littlest": "smallest", "longest": "longest", "shortest": "shortest", "widest": "widest",
    "broadest": "widest", "narrowest": "narrowest", "thinnest": "narrowest", "leftmost": "leftmost",
    "rightmost": "rightmost", "topmost": "topmost", "uppermost": "topmost", "highest": "topmost",
    "bottommost": "bottommost", "lowest": "bottommost", "lowermost": "bottommost", "undermost": "bottommost",
    "northernmost": "northernmost", "northmost": "northernmost", "most northern": "northernmost",
    "most northerly": "northernmost", "southernmost": "southernmost", "southmost": "southernmost",
    "most southern": "southernmost", "most southerly": "southernmost", "easternmost": "easternmost",
    "eastmost": "easternmost", "most eastern": "easternmost", "most easterly": "easternmost",
    "westernmost": "westernmost", "westmost": "westernmost", "most western": "westernmost",
    "most westerly": "westernmost", "most central": "most central", "innermost": "most central",
    "least central": "least central", "outermost": "least central", "nearest": "nearest", "closest": "nearest",
    "farthest": "farthest", "furthest": "farthest", "most distant": "farthest", "remotest": "farthest",
}  # fmt: skip
"""What people write -> a name of `RANKS`."""
COMPARATIVES: Dict[str, str] = {
    "larger": "largest", "bigger": "largest", "large": "largest", "big": "largest", "smaller": "smallest",
    "small": "smallest", "little": "smallest", "longer": "longest", "shorter": "shortest", "wider": "widest",
    "narrower": "narrowest", "left": "leftmost", "right": "rightmost", "upper": "topmost", "top": "topmost",
    "lower": "bottommost", "bottom": "bottommost", "northern": "northernmost", "southern": "southernmost",
    "eastern": "easternmost", "western": "westernmost", "central": "most central", "middle": "most central",
}  # fmt: skip
"""Between two, "the larger one" is the largest. Said of all ("all large tanks") it has no limit and is not computed."""
SIDES: Dict[str, str] = {
    "left": "leftmost", "right": "rightmost", "top": "topmost", "up": "topmost", "upper": "topmost",
    "bottom": "bottommost", "down": "bottommost", "lower": "bottommost", "north": "northernmost",
    "northern": "northernmost", "south": "southernmost", "southern": "southernmost", "east": "easternmost",
    "eastern": "easternmost", "west": "westernmost", "western": "westernmost",
}  # fmt: skip

_SIDE = "(?P<side>" + "|".join(sorted(SIDES, key=len, reverse=True)) + ")"
_MIDDLE = r"(?:the )?(?:very )?(?:center|centre|middle)"
_EDGE = r"(?: (?:side|edge|end|border|margin|part|corner))?"
VERB = (
    r"(?:(?:(?:that|which|who)(?: is| are| lies| lie| stands| stand| sits| sit| has| have)?|and|but|lying|located|situated"
    r"|standing|sitting|positioned|placed|with|is|are|lies|lie) )*"
)
_SUPER = "(?P<super>" + "|".join(sorted(SUPERLATIVES, key=len, reverse=True)) + ")"
_STOP = r"(?=$| (?:that|which|and|but|with|by|near|next|beside|left|right|to|on|in|above|over|below|under|nearest|closest|within|inside|north|south|east|west|farthest|furthest|lying|located) )"

_NTH = rf"(?:(?P<nth>{NTH}) )?"
_SOME = r"(?:directly |immediately |just |further |farther )?(?:(?:to|on|at|in) )?(?:the )?"
_OF = r"(?: side| end)? (?:of|from|than)"

CLAUSES: List[Tuple[str, Optional[Relation], str]] = [
    ("unknown", None, r"under construction|(?:in|at|on|to|near) (?:the )?(?:far )?(?:top|upper|bottom|lower|north|south)(?:ern)? ?(?:left|right|east|west)\w*(?: (?:corner|part|edge|side|end))?(?: of)?|(?:to the )?(?:north|south)[ -]?(?:east|west)\w*(?: (?:of|from))?"),
    # kind of clause, relation, what it looks like; longer ones first where one begins like another
    ("order", None, rf"(?P<nth>{NTH})(?: one)? (?:from|counting from|counted from) (?:the )?{_SIDE}{_EDGE}"),
    ("order", None, rf"(?:counting |counted )?from (?:the )?{_SIDE}{_EDGE}(?! (?:of|to) )"),
    ("far-side", None, rf"(?:the )?{_NTH}(?:farthest|furthest|most|farther|further|more)(?: away)?(?: (?:to|on|at|towards|in))?(?: the)? {_SIDE}(?:wards)?{_EDGE}(?! (?:of|than) )"),
    ("far-side", None, rf"(?:on|at|in|to|near|nearest to|nearest|closest to|closest|towards)(?: the)?(?: very| far| extreme| outer)? {_SIDE}{_EDGE}{_STOP}(?! of )"),
    ("not-center", None, rf"(?:the )?(?:farthest|furthest|most distant)(?: away)? from {_MIDDLE}{_STOP}(?! of )"),
    ("center", None, rf"(?:the )?(?:nearest to|nearest|closest to|closest|near|in|at|most in) {_MIDDLE}{_STOP}(?! of )"),
    ("measure", None, rf"(?:the )?{_SUPER} (?:size|area|extent|surface|footprint|length|width|one)"),
    ("among", None, r"(?:among|amongst|of|from among)(?: all)? (?:the others|the rest|them all|them|all)"),
    ("near", Relation.NEAR, rf"(?:within|(?:less|closer|nearer) than|at most|(?:no|not) (?:more|further|farther) than|up to)(?: a distance of)? (?P<number>\d+(?:\.\d+)?) ?(?P<unit>(?:{'|'.join(UNITS_M)})s?)(?: away)? (?:of|from|to|around)"),
    ("nearest", None, rf"(?:the )?{_NTH}(?:nearest to|nearest|closest to|closest|least far from|at the (?:shortest|smallest|least) distance (?:to|from|of))"),
    ("farthest", None, rf"(?:the )?{_NTH}(?:farthest|furthest|most distant|most remote|remotest|most far)(?: away)?(?: (?:from|to|of))?"),
    ("relation", Relation.LEFT_OF, rf"{_SOME}left{_OF}"),
    ("relation", Relation.RIGHT_OF, rf"{_SOME}right{_OF}"),
    ("relation", Relation.NORTH_OF, rf"{_SOME}north(?:ern)?{_OF}"),
    ("relation", Relation.SOUTH_OF, rf"{_SOME}south(?:ern)?{_OF}"),
    ("relation", Relation.EAST_OF, rf"{_SOME}east(?:ern)?{_OF}"),
    ("relation", Relation.WEST_OF, rf"{_SOME}west(?:ern)?{_OF}"),
    ("relation", Relation.ON, r"on top of|touching|overlapping|intersecting|crossing"),
    ("relation", Relation.ABOVE, r"(?:directly |immediately |just )?(?:above|over|higher(?: up)? than|further up than|on the (?:upper|top) side of)"),
    ("relation", Relation.BELOW, r"(?:directly |immediately |just )?(?:below|underneath|beneath|under|lower(?: down)? than|further down than|on the (?:lower|bottom) side of)"),
    ("relation", Relation.OUTSIDE, r"outside of|outside|not (?:inside of|inside|within|in)"),
    ("relation", Relation.INSIDE, r"inside of|inside|within|in the (?:middle|center|centre) of|contained (?:in|by)|enclosed by|in"),
    ("near", Relation.NEAR, r"next to|beside|besides|near to|nearby to|near|close to|adjacent to|alongside|not far from|in the (?:vicinity|neighborhood|neighbourhood) of|around|by|at"),
    ("unknown", None, r"on the (?:other|far|same|opposite) side of|between|along|across|opposite|behind|in front of|surrounded|surrounding|connected|facing|except|excluding|not|without|other than|(?:larger|bigger|smaller|longer|shorter|wider|more|less|fewer|greater|taller|higher) than|whose|where|when|made of|having|parallel|as|like"),
    ("relation", Relation.ON, r"on"),
    ("to", None, r"to|from"),
    ("super", None, rf"(?:the )?{_NTH}{_SUPER}(?: one)?(?: of (?:all|them all|them))?"),
    ("colour", None, rf"(?P<colour>{COLOURED})(?: in colou?r)?"),
    ("unknown", None, r"with"),
    ("and", None, r"and|or|but|that|which"),
]  # fmt: skip
"""What may stand behind the name of the target. The text behind a clause, up to the next, is its anchor."""


@lru_cache(maxsize=1)
def patterns() -> List[Tuple[str, Optional[Relation], re.Pattern[str]]]:
    """`CLAUSES`, compiled when the first sentence is read: it takes a moment that the start of QGIS should not wait for."""
    return [(kind, relation, re.compile(rf"(?:{text})(?= |$)")) for kind, relation, text in CLAUSES]


_LEAD = re.compile(
    r"^(?:please|kindly|hello|hi|hey|ok|okay|so|now|just|well|also|then"
    r"|(?:can|could|would|will) you(?: please)?(?: be so kind(?: as)?(?: to)?)?|be so kind(?: as)?(?: to)?"
    r"|(?:help me(?: to)? |try to )?(?:find|show|locate|point out|point|select|mark|highlight|detect|identify|outline|segment|extract"
    r"|digiti[sz]e|delineate|display|draw (?:a |the )?(?:box(?:es)?|polygons?|outlines?) around|box|zoom(?: in)? (?:to|on)|go to"
    r"|pick out|pick|choose|get|give|tell|look for|search for|list|map)(?: (?:me|us))?(?: (?:at|to|on))?"
    r"|(?:my \w+|i|we)(?: would like| want| wants| need| needs| am| are)(?: to)?(?: (?:looking for|interested in|see|find|have|know|get))?"
    r"|what about|how about|tell me|where(?:'s| is| are)|where (?:can|do|could) (?:i|we) (?:find|see|get)|where (?:i|we) (?:find|see)"
    r"|(?:what|which|who)(?:'s| is| are)|there (?:is|are)|(?:is|are) there|how many"
    r"|the (?:location|locations|position|positions|place|outline|outlines) of|it is|it's|that is) (?=\S)"
)
_ENDINGS = re.compile(
    r" (?:(?:in|on|of|within|from|over|across)(?: all of)?(?: (?:this|the|my|our|that))?(?: (?:satellite|aerial|whole|entire|current|present|full))*"
    r" (?:image|images|picture|photo|photograph|view|scene|map|screen|layer|raster|orthophoto|tile|frame|canvas)"
    r"|please|here|thanks|thank you(?: very much)?|for me|if there is one|if there are any|if any|now|as quickly as possible"
    r"|with (?:a )?(?:polygons?|box(?:es)?)|overall|altogether|in total|everywhere|are there|do you see|can you see)(?= |$)"
)
_WHICH = re.compile(
    r"^(?:which|what)(?: one)?(?P<of> of the| of these| of all)? (?!is |are |about )(?P<name>.+?) (?P<rest>(?:is|are|lies|lie|has|have|stands|sits) .+)$"
)
_COUNTING = re.compile(
    rf"^(?:counting|counted|starting) from (?:the )?(?:(?:{'|'.join(NEUTRAL)}) )?(?P<side>\w+),? (?:the )?(?P<nth>{NTH}) (?P<name>.+)$"
)


def without_politeness(text: str) -> str:
    """The question without what people say before and behind it."""
    text = _ENDINGS.sub("", f" {text}").strip()
    while True:
        shorter = text if _WHICH.match(text) else _LEAD.sub("", text, count=1)
        if shorter == text:
            return text
        text = shorter


_TOP = re.compile(
    rf"^(?:the )?top (?P<count>{COUNT}) (?P<name>.+?) by (?:the )?(?P<by>area|size|length|width)$"
)
_BY = {"area": "largest", "size": "largest", "length": "longest", "width": "widest"}
FOREIGN_RANK = re.compile(
    r"^(?P<word>(?!(?:for|har|w|e|r|n|ch|cr|t|gu|pri|qu|v|b|p|tempest)est |best )[a-z]{3,}est|(?:north|south)(?:east|west)(?:ern)?(?:most)?"
    r"|(?:most|least) \w+|best|worst) (?=\w)"
)
"""Superlatives of what no outline shows, and corners: in front of a name."""
PARTICIPLES = ("parked", "moored", "anchored", "docked", "moving", "isolated")
"""Attributes that also stand behind a name: "planes parked next to the terminal"."""


def reordered(text: str) -> str:
    """Forms that put the rank before the name or far behind it, in the usual order."""
    top = _TOP.match(text)
    if top:
        return f"the {top['count']} {_BY[top['by']]} {top['name']}"
    counting = _COUNTING.match(text)
    if counting:
        return f"the {counting['nth']} {counting['name']} from the {counting['side']}"
    which = _WHICH.match(text)
    if which:
        one_of = "one of the" if which["of"] else "the"
        return f"{one_of} {which['name']} that {which['rest']}"
    return text
