"""The frozen evaluation is balanced as it promises, and stays frozen."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from geo_r1_backend.evaluation.recipe import (
    FAMILIES,
    ONE_OBJECT,
    PER_FAMILY,
    SMALL_PX,
    frozen_questions,
)
from geo_r1_backend.pretraining.scenes import VIEWS_PX

FROZEN = "5c5fec27097d299f"
"""Of the 70 generated questions among the first 20 indices; a change of this value is a new recipe."""


@pytest.fixture(scope="module")
def questions():
    """The half on generated ground, twenty indices deep."""
    return list(frozen_questions(None, 20))


def test_the_recipe_is_frozen(questions):
    """The questions are letter for letter those of the first version."""
    text = "\n".join(
        f"{q.seed} {q.view_px} {q.expression.query} {q.expression.completion}" for q in questions
    )

    assert hashlib.sha256(text.encode()).hexdigest()[:16] == FROZEN


def test_every_family_and_view_is_asked_equally_often(questions):
    """Each view ratio occurs equally often in each family; a full run has at least 150 of each family."""
    counts = Counter((q.family, q.view_px) for q in questions)

    assert PER_FAMILY >= 150
    assert set(counts) == {(f, v) for f in FAMILIES for v in VIEWS_PX}
    assert len(set(counts.values())) == 1


def test_nobody_has_a_single_candidate(questions):
    """Guessing among candidates is never enough: two at least, four or more in half of the questions."""
    many = few = 0
    for question in frozen_questions(None, 40):
        if question.family in (*ONE_OBJECT, "all"):
            count = len(question.expression.candidates)
            assert count >= 2
            many, few = many + (count >= 4), few + (count < 4)

    assert many == few


def test_thirty_percent_are_small(geo_r1_data):
    """In every family three of ten sought objects are under 24 px, over both halves together."""
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    real = RealBackgrounds(geo_r1_data / "naip-backgrounds", evaluation=True)
    questions = list(frozen_questions(real, 10))
    for family in ONE_OBJECT:
        part = [q for q in questions if q.family == family]
        assert sum(q.expression.answers[0].longest_px < SMALL_PX for q in part) == 3


def test_half_lie_on_photographs(geo_r1_data):
    """With the photographs half of the questions lie on tiles that training never saw."""
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    real = RealBackgrounds(geo_r1_data / "naip-backgrounds", evaluation=True)
    backgrounds = Counter(q.background for q in frozen_questions(real, 10))

    assert backgrounds["real"] == backgrounds["generated"]
