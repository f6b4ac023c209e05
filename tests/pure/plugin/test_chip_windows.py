"""Windows around labels: all of the object, surroundings, and never always in the middle."""

from math import sqrt

from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.evaluation.masks import polygon_mask
from geo_r1_qgis.core.chip_windows import (
    BORDER,
    chips_per_label,
    visible_box_px,
    visible_rings_px,
    windows_around,
)
from geo_r1_qgis.core.label_check import Label


def label(left=100.0, bottom=100.0, width=20.0, height=10.0, fid=1):
    """A rectangle."""
    box = (left, bottom, left + width, bottom + height)
    return Label(fid, "tank", box, ())


@given(
    st.floats(-1e6, 1e6),
    st.floats(1, 3000),
    st.floats(1, 3000),
    st.floats(0.01, 10),
    st.integers(0, 99),
)
def test_every_window_shows_the_whole_object(left, width, height, units_per_px, seed):
    """A square with a border around the object, at any scale."""
    each = label(left, 0.0, width, height)
    for window in windows_around(each, units_per_px=units_per_px, count=4, seed=seed):
        side = window[2] - window[0]
        slack = 1e-6 * max(1.0, abs(left), side)

        assert abs(side - (window[3] - window[1])) <= slack
        for axis in (0, 1):
            assert window[axis] + BORDER * side <= each.box[axis] + slack
            assert window[axis + 2] - BORDER * side >= each.box[axis + 2] - slack


def test_the_object_is_not_always_in_the_middle():
    """Four windows have it at four places, the same ones each time; another label has others."""
    windows = windows_around(label(), units_per_px=0.3, count=4, seed=0)
    places = {round((110 - w[0]) / (w[2] - w[0]), 3) for w in windows}

    assert len(places) == 4
    assert windows == windows_around(label(), units_per_px=0.3, count=4, seed=0)
    assert windows != windows_around(label(fid=2), units_per_px=0.3, count=4, seed=0)


def test_few_labels_have_more_chips():
    """Twenty labels are seen four times each, a hundred once."""
    assert [chips_per_label(n) for n in (1, 20, 40, 100)] == [4, 4, 2, 1]


def test_a_cut_object_counts_from_half_on():
    """An object of which the chip shows less than half is not asked for; the box ends at the chip's edge."""
    assert visible_box_px([(-4, 10), (6, 20)], 100, 100) == [0, 10, 6, 20]
    assert visible_box_px([(-6, 10), (4, 20)], 100, 100) == []
    assert visible_box_px([(200, 10), (240, 20)], 100, 100) == []


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-30, 60), st.integers(-30, 60)), min_size=3, max_size=7).map(
            lambda points: [*points, points[0]]
        ),
        min_size=1,
        max_size=2,
    )
)
def test_a_cut_outline_shows_the_same_pixels(rings):
    """An outline that leaves the chip is cut off at its edge: closed, inside, and no pixel of the chip is lost or won."""
    # no line through such points meets the middle of a pixel, where rounding would decide
    moved = [[(x + sqrt(2) / 10, y + sqrt(3) / 10) for x, y in ring] for ring in rings]
    cut = visible_rings_px(moved, 32, 32)
    outside = [[(x + 40, y + 40) for x, y in ring] for ring in moved]
    whole = polygon_mask([outside], 112, 112)[40:72, 40:72]

    for ring in cut:
        assert len(ring) >= 4
        assert ring[0] == ring[-1]
        assert all(-1e-9 <= value <= 32 + 1e-9 for point in ring for value in point)
    if cut or len(rings) == 1:  # the hole of an outline that lies elsewhere is no object
        assert (polygon_mask([cut] if cut else [], 32, 32) == whole).all()
