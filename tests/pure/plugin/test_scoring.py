"""Scores of answers, against the service's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.evaluation.metrics import f1, matched
from geo_r1_qgis.core.scoring import mark, tally

BOX = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 20)] * 2).map(
    lambda b: [float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3])]
)
BOXES = st.lists(BOX, max_size=5)


@pytest.mark.parametrize(
    ("said", "true", "says_none", "right"),
    [
        ([[0, 0, 10, 10]], [[0, 0, 10, 10]], False, True),
        ([[0, 0, 10, 10]], [[0, 0, 10, 20]], False, True),
        ([[0, 0, 10, 10]], [[0, 0, 10, 21]], False, False),
        ([[50, 50, 60, 60], [0, 0, 10, 10]], [[0, 0, 10, 10]], False, False),
        ([], [[0, 0, 10, 10]], True, False),
        ([], [], True, True),
        ([], [], False, False),
        ([[0, 0, 10, 10]], [], False, False),
    ],
)
def test_one_object(said, true, says_none, right):
    """The first box counts, at an IoU of one half; none is right only where nothing is and where it is said."""
    found = mark("rec", said, true, says_none=says_none)

    assert found.is_right is right
    assert tally([found]).value == float(right)


@given(st.lists(st.tuples(BOXES, BOXES), min_size=1, max_size=4))
def test_all_objects_are_scored_as_in_the_service(answers):
    """F1 over all pictures is the one that the service computes from the same boxes."""
    marks = [mark("ovd", said, true, says_none=not said) for said, true in answers]
    counts = [(matched(said, true), len(said), len(true)) for said, true in answers]
    found = tally(marks)

    assert found.metric == "f1@0.5"
    assert found.value == pytest.approx(f1(counts))
    assert found.objects == sum(len(true) for _, true in answers)
