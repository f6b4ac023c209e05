"""How people really type: greetings, capitals, slips of the finger around a question that stays the same.

Applied in training only. The frozen evaluation keeps its own words, and its held-out wordings
(`evaluation/wordings.py`) share none of the phrases below.
"""

from __future__ import annotations

from geo_r1_backend.pretraining.dice import Dice

OPENINGS = (
    "please give me", "can you find", "could you show me", "where can I see", "zoom to", "highlight",
    "give me the location of", "tell me where I find", "look for", "get", "draw a box around",
    "detect", "identify", "I want", "I need to find", "search for", "help me find", "outline",
    "what about", "go to", "pick", "choose", "try to find", "now find", "box",
)  # fmt: skip
ENDINGS = (
    "in this image", "in the picture", "please", "here", "on the map", "in this view", "thanks",
    "in the scene", "for me", "if there is one", "now", "on this photo", "in the current view",
)  # fmt: skip
NEUTRAL = (
    "visible", "parked", "new", "old", "nice", "real", "existing", "single", "certain", "nearby",
)  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def reworded(dice: Dice, query: str) -> str:
    """The same question as somebody might have typed it; half of the time unchanged."""
    if dice.chance(0.5):
        return query
    words = query
    if dice.chance(0.3) and not words.endswith("?"):
        words = f"{dice.choice(OPENINGS)} {words[0].lower()}{words[1:]}"
    if dice.chance(0.25):
        words = f"{words.rstrip('.?')} {dice.choice(ENDINGS)}"
    if dice.chance(0.12):
        words = _with_neutral_word(dice, words)
    if dice.chance(0.15):
        words = words.replace("the ", "", 1)
    if dice.chance(0.18):
        words = _with_slip(dice, words)
    if dice.chance(0.14):
        words = dice.choice((words.upper(), words.title(), words.capitalize()))
    if dice.chance(0.12):
        words = words.rstrip(".?!") + dice.choice(("?", "!", " ?", "...", ","))
    return words or query


def _with_neutral_word(dice: Dice, text: str) -> str:
    """A word that changes nothing, behind an article."""
    return text.replace("the ", f"the {dice.choice(NEUTRAL)} ", 1)


def _with_slip(dice: Dice, text: str) -> str:
    """One letter dropped, doubled, swapped or mistaken in one of the longer words."""
    words = text.split(" ")
    long = [k for k, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    k = dice.choice(long)
    word, at = words[k], dice.integer(1, len(words[k]) - 2)
    words[k] = dice.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + dice.choice(LETTERS) + word[at + 1 :],
        )
    )
    return " ".join(words)
