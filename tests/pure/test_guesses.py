"""Guesses of what an answer says next: only ever a saving, never a different answer."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.engines.guesses import TYPICAL_ANSWERS, Guesser
from geo_r1_backend.models.tokens import NUMBER, WORD

TWO_BOXES = '[{"bbox_2d":[1,2,3,4],"label":"tank"},{"bbox_2d":[5,6,7,8],"label":"tank"}]'


class Vocabulary:
    """Ids for words, numbers and signs as they are met."""

    def __init__(self):
        self.words = []

    def ids(self, text):
        parts = re.findall(r"\d+|[A-Za-z]+|.", text)
        for part in parts:
            if part not in self.words:
                self.words.append(part)
        return [self.words.index(part) for part in parts]

    def shape_of(self, token):
        word = self.words[token]
        return NUMBER if word.isdecimal() else WORD if word.isalpha() else token

    def text(self, ids):
        return "".join(self.words[token] for token in ids)


def followed(vocabulary, answer, typical=()):
    guesser = Guesser(vocabulary.shape_of, [vocabulary.ids(each) for each in typical])
    for token in vocabulary.ids(answer):
        guesser.add(token)
    return guesser


def test_the_form_of_a_box_is_known_after_the_first():
    """After one box, commas and brackets of the second are guessed, its numbers are not."""
    vocabulary = Vocabulary()
    vocabulary.ids(TWO_BOXES)
    start = TWO_BOXES.index("5")

    after_number = followed(vocabulary, TWO_BOXES[: start + 1])
    after_comma = followed(vocabulary, TWO_BOXES[: start + 2])

    assert vocabulary.text(after_number.guess(3)) == ","
    assert after_comma.guess(3) == []


def test_the_label_is_guessed_from_the_box_before():
    """What stands behind the last number is guessed as a whole, up to the next unknown number."""
    vocabulary = Vocabulary()
    vocabulary.ids(TWO_BOXES)
    cut = TWO_BOXES.index('],"label', TWO_BOXES.index("5"))

    guessed = vocabulary.text(followed(vocabulary, TWO_BOXES[:cut]).guess(30))

    assert guessed.startswith('],"label":"tank"}')


def test_a_named_box_is_copied():
    """When the answer begins with a box of the reasoning, its other numbers are guessed."""
    vocabulary = Vocabulary()
    text = "[11,12,13,14],[21,22,23,24]:[21,"
    vocabulary.ids(text)

    assert vocabulary.text(followed(vocabulary, text).guess(3)) == "22,23"


def test_typical_answers_help_from_the_first_box_on():
    """The form of an answer is known before anything was said, its numbers and words are not."""
    vocabulary = Vocabulary()
    for text in (*TYPICAL_ANSWERS, '<answer>{"bbox_2d":[7'):
        vocabulary.ids(text)

    with_form = followed(vocabulary, '<answer>{"bbox_2d":[7', TYPICAL_ANSWERS)
    without = followed(vocabulary, '<answer>{"bbox_2d":[7')

    assert vocabulary.text(with_form.guess(4)) == ","
    assert without.guess(4) == []


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 8))
def test_guesses_keep_their_limit(ids, limit):
    """Never more guesses than asked for, whatever was said."""
    guesser = Guesser(lambda token: NUMBER if token < 3 else WORD if token < 6 else token)
    for token in ids:
        guesser.add(token)

    assert len(guesser.guess(limit)) <= limit
