"""Scores of answers, against the service's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.evaluation.masks import overlap, polygon_mask, question_iou
from geo_r1_backend.evaluation.metrics import f1, matched
from geo_r1_backend.training.scores import Row, score_of
from geo_r1_qgis.core.mask_overlap import mask_iou
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


RING = st.lists(st.tuples(st.integers(-8, 50), st.integers(-8, 50)), min_size=3, max_size=6).map(
    lambda points: [[x + 0.13, y + 0.29] for x, y in [*points, points[0]]]
)
OUTLINES = st.lists(st.lists(RING, min_size=1, max_size=2), max_size=3)


@given(OUTLINES, OUTLINES, st.booleans())
def test_masks_overlap_as_in_the_service(said, true, says_none):
    """Outlines with holes, over one another or over the edge share the pixels that the service counts."""
    masks = [polygon_mask(each, 40, 48) for each in (said, true)]
    expected = question_iou(overlap(*masks), both_empty=float(says_none))

    found = mask_iou(said, true, width_px=48, height_px=40, says_none=says_none)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("task", ["rec", "ovd", "gres"])
def test_the_interval_is_that_of_the_service(task):
    """Over 60 pictures of 20 places both sides give the same figure, and bounds within two points of each other."""
    marks, rows = [], []
    for number in range(60):
        place = f"place {number % 20}"
        right = (number % 20) * 7 % 10 < 6 and number % 7 > 0
        said = [[0.0, 0.0, 10.0, 10.0]] if right else [[50.0, 50.0, 60.0, 60.0]]
        share = (0.9 if right else 0.1) if task == "gres" else None
        true = [[0.0, 0.0, 10.0, 10.0]]
        marks.append(mark(task, said, true, says_none=False, mask_iou=share, place=place))
        rows.append(Row(number, place, task, right, int(right), 1, 1, float(right), share))
    found, theirs = tally(marks), score_of(rows, "held_out")

    assert (found.metric, found.samples) == (theirs.metric, theirs.samples)
    assert found.value == pytest.approx(theirs.value)
    assert found.low == pytest.approx(theirs.low, abs=0.02)
    assert found.high == pytest.approx(theirs.high, abs=0.02)
    assert found.low < found.value < found.high


def test_pictures_of_one_place_promise_no_more_than_one():
    """The same answers bound the score more narrowly from forty places than from four, and not at all from one."""
    widths = []
    for places in (40, 4, 1):
        marks = [
            mark("rec", [[0, 0, 9, 9]] if n % places % 2 else [], [[0, 0, 9, 9]], says_none=False, place=str(n % places))
            for n in range(40)
        ]  # fmt: skip
        found = tally(marks)
        widths.append(found.high - found.low)

    assert widths[1] > 1.5 * widths[0] > 0
    assert widths[2] == 0
    assert tally([]).value == tally([]).low == tally([]).high == 0.0
