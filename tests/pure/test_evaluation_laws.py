"""Figures of published sets obey the laws that make them comparable."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2", reason="the evaluation's package needs opencv")

from geo_r1_backend.evaluation.figure import ratio_figure
from geo_r1_backend.evaluation.masks import (
    Overlap,
    box_mask,
    ciou,
    giou,
    overlap,
    polygon_mask,
)
from geo_r1_backend.evaluation.metrics import (
    average_precision,
    bootstrap,
    mean,
    precision_recall,
    ranked_hits,
    ratio_interval,
)
from geo_r1_backend.evaluation.paper_style import NOTHING, boxes_of

whole = st.integers(0, 60)
box = st.tuples(whole, whole, st.integers(4, 30), st.integers(4, 30)).map(
    lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
)
boxes = st.lists(box, max_size=4)
overlaps = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(
        lambda n: Overlap(n[0], n[0] + n[1], n[0])
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.5, 3)), min_size=2, max_size=30))
def test_an_interval_of_a_ratio_encloses_it(pairs):
    """The interval never excludes the ratio of the sums by more than the resampling's coarseness."""
    top, bottom = [a for a, _ in pairs], [b for _, b in pairs]
    low, high = ratio_interval(top, bottom, draws=200)
    value = sum(top) / sum(bottom)

    assert low <= high
    assert low <= value + 0.05
    assert high >= value - 0.05


def test_a_ratio_of_ones_is_the_mean():
    """Over rows of their own, the quick interval is the one that the older figures have."""
    values = [float(n % 3 == 0) for n in range(120)]
    quick = ratio_interval(values, [1.0] * len(values))

    assert quick == pytest.approx(bootstrap(values, mean), abs=0.025)


def test_questions_about_one_picture_are_no_further_evidence():
    """A question asked ten times about each of 20 pictures has the interval of 20 questions."""
    once = [(f"{n}", float(n % 2)) for n in range(20)]
    often = [row for row in once for _ in range(10)]
    few, many = (ratio_figure("a", rows, lambda v: v) for rows in (once, often))

    assert (few.value, few.low, few.high) == pytest.approx((many.value, many.low, many.high))
    assert many.count == 200


@settings(deadline=None)
@given(boxes)
def test_a_perfect_answer_has_full_precision_and_recall(truth):
    """The truth as the answer reaches AP 1; nothing said about something reaches 0."""
    apart = [(x0 + 200 * n, y0, x1 + 200 * n, y1) for n, (x0, y0, x1, y1) in enumerate(truth)]
    hits, true = ranked_hits([apart], [apart])

    assert average_precision(precision_recall(hits, true)) == (1.0 if truth else 0.0)
    assert average_precision(precision_recall(*ranked_hits([[]], [apart]))) == 0.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=5))
def test_our_curve_has_cocos_average_precision(pictures):
    """AP at IoU 0.5 of the report's curve is pycocotools' own, over any boxes."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    from geo_r1_backend.evaluation.coco import BY_RANK, Detected, judge, summed

    rows = [Detected(f"{n:03}", "ship", said, true) for n, (said, true) in enumerate(pictures)]
    with contextlib.redirect_stdout(io.StringIO()):
        _, at_half, at_three_quarters = summed(judge(rows, BY_RANK))
    ours = average_precision(
        precision_recall(*ranked_hits([r.boxes_px for r in rows], [r.truth_px for r in rows]))
    )

    assert ours == pytest.approx(at_half, abs=1e-6)
    assert at_three_quarters <= at_half + 1e-9


def test_boxes_for_an_absent_class_cost_average_precision():
    """Without an oracle list, a false alarm in a picture that has nothing lowers AP; and the interval holds the value."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    from geo_r1_backend.evaluation.coco import ALL_ALIKE, Detected, coco_figures

    here = (10.0, 10.0, 40.0, 40.0)
    right = [Detected(f"{n}", "ship", [here], [here]) for n in range(10)]
    alarms = [Detected(f"{name}{n}", "ship", [here], []) for n in range(5) for name in "0z"]

    assert coco_figures(right)[0].value == pytest.approx(1.0)
    assert coco_figures(right, scores=ALL_ALIKE)[0].value == pytest.approx(1.0)
    spoilt = coco_figures(right + alarms)[0]
    assert spoilt.value < 0.75
    assert spoilt.low < spoilt.value < spoilt.high
    assert coco_figures(alarms) == []


def test_average_precision_does_not_depend_on_the_names_of_pictures():
    """First boxes of all pictures are equally sure: false alarms cost the same in the first pictures as in the last."""
    pytest.importorskip("pycocotools", reason="the extra “evaluate” is not installed")
    from geo_r1_backend.evaluation.coco import Detected, coco_figures

    here = (10.0, 10.0, 40.0, 40.0)
    right = [Detected(f"m{n:02}", "ship", [here], [here]) for n in range(40)]
    early, late = (
        coco_figures([*right, *[Detected(f"{name}{n}", "ship", [here], []) for n in range(20)]])
        for name in "az"
    )

    assert early[0].value == pytest.approx(late[0].value, abs=0.03)
    assert early[0].value == pytest.approx(2 / 3, abs=0.1)


def test_what_is_said_first_counts_as_surest():
    """The same boxes with the false alarm last have a better AP than with it first."""
    true, wrong = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 60.0, 60.0)
    last, first = (
        average_precision(precision_recall(*ranked_hits([said], [[true]])))
        for said in ([true, wrong], [wrong, true])
    )

    assert (last, first) == (1.0, pytest.approx(0.5))


@settings(deadline=None)
@given(overlaps)
def test_conventions_for_empty_targets_differ_in_giou_alone(found):
    """gIoU is the same under both conventions unless nothing was there and nothing said; cIoU always is."""
    nothing = Overlap(0, 0, 0)
    some = [o for o in found if not o.both_empty]
    low, high = (giou([*some, nothing], both_empty=value) for value in (0.0, 1.0))

    assert giou(some, both_empty=0.0) == giou(some, both_empty=1.0)
    assert high - low == pytest.approx(1 / (len(some) + 1))
    assert ciou([*some, nothing]) == ciou(some)
    assert 0 <= ciou(some) <= 1


@settings(deadline=None)
@given(box, box)
def test_masks_of_boxes_have_the_boxes_iou(a, b):
    """For boxes on whole pixels, the IoU of the filled masks is the boxes' own."""
    from geo_r1_backend.geo.boxes import iou

    found = overlap(box_mask([a], 100, 100), box_mask([b], 100, 100))

    assert found.shared_px / found.union_px == pytest.approx(iou(a, b))


@settings(deadline=None)
@given(box)
def test_a_polygon_of_a_box_is_the_box(a):
    """Both ways to a mask agree, in any direction of the ring; a hole takes its pixels away."""
    x0, y0, x1, y1 = a
    ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    hole = [(x0 + 1, y0 + 1), (x1 - 1, y0 + 1), (x1 - 1, y1 - 1), (x0 + 1, y1 - 1)]
    filled = box_mask([a], 100, 100)

    assert (polygon_mask([[ring]], 100, 100) == filled).all()
    assert (polygon_mask([[ring[::-1]]], 100, 100) == filled).all()
    pierced = polygon_mask([[ring, hole]], 100, 100)
    assert pierced.sum() == filled.sum() - (x1 - x0 - 2) * (y1 - y0 - 2)


def test_a_triangle_has_half_the_pixels():
    """A slanted edge takes the pixels whose centres lie inside, also beyond the picture's border."""
    mask = polygon_mask([[[(-10.0, 0.0), (90.0, 0.0), (-10.0, 100.25)]]], 100, 90)
    columns, rows = np.meshgrid(np.arange(90) + 0.5, np.arange(100) + 0.5)

    assert (mask == ((columns + 10) / 100 + rows / 100.25 < 1)).all()


def test_masks_of_other_sizes_are_refused():
    """Two masks of different pictures are an error with both sizes, not a figure."""
    with pytest.raises(ValueError, match=r"\(4, 5\).*\(5, 4\)"):
        overlap(np.zeros((4, 5), bool), np.zeros((5, 4), bool))


FENCE = "```json\n[{}]\n```"
ITEM = '{{"bbox_2d": {}, "label": "x"}}'


@pytest.mark.parametrize(
    ("task", "raw", "expected"),
    [
        ("rec", '<think>a [9,9,9,9]</think><answer>{"bbox_2d":[1,2,3,4]}</answer>', [(1, 2, 3, 4)]),
        ("rec", '<answer>[{"b":[1,2,3,4]},{"b":[5, 6, 7, 8]}]</answer>', [(5, 6, 7, 8)]),  # the last
        ("rec", '<answer>{"b":[1.5,2,3,4]}</answer>', [NOTHING]),  # a fraction is no number to them
        ("rec", '{"bbox_2d":[1,2,3,4]}', [NOTHING]),  # no answer tag
        ("rec", "<answer>[1,2,3,4]</answer>", [NOTHING]),  # no braces
        ("ovd", FENCE.format(ITEM.format("[1.9, 2, 3, 4]")), [(1, 2, 3, 4)]),  # cut to whole numbers
        ("ovd", "<answer>[" + ITEM.format("[1,2,3,4]") + "]</answer>", [(1, 2, 3, 4)]),
        ("ovd", "None", []),
        ("ovd", FENCE.format(ITEM.format("[1,2,3]")), []),  # three numbers
        ("ovd", FENCE.format("1, 2"), []),
        ("ovd", "[[[", []),
    ],
)  # fmt: skip
def test_answers_are_read_as_the_papers_scripts_read_them(task, raw, expected):
    """Numbers stay as the model wrote them, and the scripts' own quirks are kept."""
    assert list(boxes_of(task, raw)) == expected
