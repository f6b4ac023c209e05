"""Scores obey the laws that make them scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.evaluation.metrics import bootstrap, f1, matched, mean
from geo_r1_backend.geo.boxes import iou

corner = st.floats(0, 500, allow_nan=False)
box = st.tuples(corner, corner, st.floats(1, 200), st.floats(1, 200)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(box, box)
def test_iou_is_symmetric_and_bounded(a, b):
    """IoU does not care about order and lies between 0 and 1."""
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1 + 1e-9


@given(box)
def test_iou_with_itself_is_one(a):
    """A box overlaps itself wholly."""
    assert iou(a, a) == pytest.approx(1)


@given(st.lists(box, max_size=6))
def test_a_perfect_answer_matches_everything(boxes):
    """Every distinct box finds a partner when the answer is the truth."""
    assert matched(boxes, boxes) == len(boxes)


@given(st.lists(box, min_size=1, max_size=4))
def test_spamming_does_not_pay(boxes):
    """The same box said twice matches once."""
    assert matched([boxes[0]] * 5, [boxes[0]]) == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([(2, 2, 2)], 1.0),
        ([(1, 2, 2)], 0.5),
        ([(0, 0, 0)], 1.0),  # nothing there, nothing said
        ([(0, 3, 0)], 0.0),  # nothing there, three said
        ([(2, 2, 2), (0, 0, 2)], 2 * 2 / 6),  # summed over pictures, not averaged
    ],
)
def test_f1(counts, expected):
    """F1 is of the sums over pictures."""
    assert f1(counts) == pytest.approx(expected)


def test_interval_holds_the_mean_and_shrinks():
    """The bootstrap interval encloses the statistic and is narrower for more rows."""
    few, many = [0.0, 1.0] * 10, [0.0, 1.0] * 1000
    low, high = bootstrap(few, mean)
    low_many, high_many = bootstrap(many, mean)

    assert low < 0.5 < high
    assert high_many - low_many < (high - low) / 3
