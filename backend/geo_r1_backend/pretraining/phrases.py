"""How people word the same question: templates per kind of expression, and articles, verbs and synonyms around them.

Slots: ``{one}`` / ``{many}`` the sought kind (singular / plural, colour included), ``{anchor}`` the other object.
"""

from __future__ import annotations

from geo_r1_backend.pretraining.catalogue import COLOUR_SYNONYMS, ObjectClass
from geo_r1_backend.pretraining.dice import Dice

ONE: dict[str, tuple[str, ...]] = {
    "plain": ("the {one}", "{one}", "a {one}", "the only {one}"),
    "colour": ("the {one}", "{one}", "the one {one}", "the {one} among the others"),
    "largest": (
        "the largest {one}",
        "the biggest {one}",
        "largest {one}",
        "the {one} that is largest",
        "the {one} with the largest size",
        "the biggest of the {many}",
        "the largest of all {many}",
    ),
    "smallest": (
        "the smallest {one}",
        "smallest {one}",
        "the tiniest {one}",
        "the {one} that is smallest",
        "the smallest of the {many}",
        "the {one} with the smallest size",
    ),
    "leftmost": (
        "the leftmost {one}",
        "the {one} furthest to the left",
        "the {one} on the far left",
        "the left-most {one}",
        "the {one} at the left end",
        "leftmost {one}",
        "the {one} farthest left",
    ),
    "rightmost": (
        "the rightmost {one}",
        "the {one} furthest to the right",
        "the {one} on the far right",
        "the right-most {one}",
        "the {one} at the right end",
        "rightmost {one}",
        "the {one} farthest right",
    ),
    "topmost": (
        "the topmost {one}",
        "the uppermost {one}",
        "the {one} at the top",
        "the highest {one} in the image",
        "the {one} closest to the top edge",
        "topmost {one}",
        "the {one} nearest the top",
    ),
    "bottommost": (
        "the bottommost {one}",
        "the lowest {one}",
        "the {one} at the bottom",
        "the lowermost {one}",
        "the {one} closest to the bottom edge",
        "bottommost {one}",
        "the {one} nearest the bottom",
    ),
    "from the left": (
        "the {nth} {one} from the left",
        "{nth} {one} from left",
        "the {one} that is {nth} from the left",
        "counting from the left, the {nth} {one}",
    ),
    "from the right": (
        "the {nth} {one} from the right",
        "{nth} {one} from right",
        "the {one} that is {nth} from the right",
        "counting from the right, the {nth} {one}",
    ),
    "from the top": (
        "the {nth} {one} from the top",
        "{nth} {one} from top",
        "the {one} that is {nth} from the top",
        "counting from the top, the {nth} {one}",
    ),
    "from the bottom": (
        "the {nth} {one} from the bottom",
        "{nth} {one} from bottom",
        "the {one} that is {nth} from the bottom",
        "counting from the bottom, the {nth} {one}",
    ),
    "by size": ("the {nth} largest {one}", "the {nth} biggest {one}", "{nth} largest {one}"),
    "nearest": (
        "the {one} nearest to the {anchor}",
        "the {one} closest to the {anchor}",
        "the {one} nearest the {anchor}",
        "the {one} next to the {anchor}",
        "the {one} by the {anchor}",
        "the {one} beside the {anchor}",
        "the {one} near the {anchor}",
    ),
    "farthest": (
        "the {one} farthest from the {anchor}",
        "the {one} furthest from the {anchor}",
        "the {one} most distant from the {anchor}",
        "the {one} furthest away from the {anchor}",
    ),
    "left of": (
        "the {one} left of the {anchor}",
        "the {one} to the left of the {anchor}",
        "the {one} on the left side of the {anchor}",
    ),
    "right of": (
        "the {one} right of the {anchor}",
        "the {one} to the right of the {anchor}",
        "the {one} on the right side of the {anchor}",
    ),
    "above": (
        "the {one} above the {anchor}",
        "the {one} over the {anchor}",
        "the {one} higher up than the {anchor}",
    ),
    "below": (
        "the {one} below the {anchor}",
        "the {one} under the {anchor}",
        "the {one} lower down than the {anchor}",
    ),
}

SIDES = ("left of", "right of", "above", "below")
SIDE_PHRASES = {
    "left of": ("left of the {anchor}", "to the left of the {anchor}"),
    "right of": ("right of the {anchor}", "to the right of the {anchor}"),
    "above": ("above the {anchor}",),
    "below": ("below the {anchor}",),
}

ALL = ("{many}", "all {many}", "every {one}", "all the {many}", "each {one}", "the {many}", "{one}")

LEADS = (
    ("", 8.0),
    ("find ", 1.0),
    ("show me ", 0.7),
    ("locate ", 0.7),
    ("where is ", 0.7),
    ("point out ", 0.3),
    ("select ", 0.4),
    ("please find ", 0.3),
    ("mark ", 0.3),
    ("I am looking for ", 0.2),
    ("which is ", 0.3),
)
LEADS_ALL = (("", 9.0), ("find ", 0.6), ("show ", 0.4), ("locate ", 0.4), ("mark ", 0.3))

ORDINALS = {2: ("second", "2nd"), 3: ("third", "3rd"), 4: ("fourth", "4th")}
ORDINAL_NAMES = {2: "Second", 3: "Third", 4: "Fourth"}


def words_for(dice: Dice, kind: ObjectClass) -> tuple[str, str]:
    """(singular, plural) as some person would say it; the canonical name half of the time."""
    if dice.chance(0.5) or not kind.synonyms:
        return kind.name, kind.plural
    return dice.choice(kind.synonyms)


def coloured(dice: Dice, colour: str, words: tuple[str, str]) -> tuple[str, str]:
    """The words with the colour in front, in one of its spellings."""
    if not colour:
        return words
    spelled = dice.choice(COLOUR_SYNONYMS.get(colour, (colour,)))
    if dice.chance(0.06):
        return f"{words[0]} that is {spelled}", f"{words[1]} that are {spelled}"
    return f"{spelled} {words[0]}", f"{spelled} {words[1]}"


def one_sentence(dice: Dice, template: str, *, lead: bool = True) -> str:
    """A filled template as somebody would type it."""
    text = template
    if lead and template.startswith("the "):
        opening = dice.weighted(LEADS)
        text = opening + text
        if opening == "where is " and dice.chance(0.7):
            text += "?"
    if dice.chance(0.15):
        text = text[0].upper() + text[1:]
    if dice.chance(0.1) and not text.endswith("?"):
        text += "."
    return text


def all_sentence(dice: Dice, one: str, many: str) -> str:
    """A wish for every object of a kind."""
    text = dice.choice(ALL).format(one=one, many=many)
    text = dice.weighted(LEADS_ALL) + text if not text.startswith(one) else text
    return text[0].upper() + text[1:] if dice.chance(0.12) else text
