"""Frozen questions in words that training never used: does the answer survive another person's way of typing?

Hand-written while the weights that know other wordings were being trained, before any of their answers was seen. No phrase of
several words is in `pretraining/wording.py` (tested). The form in capitals is the exception: training has capitals too, and
`engines/prompts.py` puts such a sentence into small letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geo_r1_backend.evaluation.recipe import Question

FORMS = (
    "{q} !!",
    "hello, {q}",
    "would you be so kind to point me at {q}",
    "{q} (satellite image)",
    "my boss wants {q}",
    "could you locate {q} within my orthophoto",
    "display {q}, thank you very much",
    "i am interested in {q}",
    "where's {q}",
    "{q} on the screen",
    "mark {q} with a polygon",
    "ok so {q}",
    "{Q}",
    "{q} as quickly as possible",
    "just {q}",
)
"""``{q}`` the question, ``{Q}`` in capitals."""


def in_other_words(questions: Sequence[Question]) -> list[Question]:
    """Each question in the next of the forms."""
    asked = []
    for number, question in enumerate(questions):
        said = question.expression.query.rstrip(".?")
        form = FORMS[number % len(FORMS)]
        query = form.format(q=said[0].lower() + said[1:], Q=said.upper())
        asked.append(replace(question, expression=replace(question.expression, query=query)))
    return asked
