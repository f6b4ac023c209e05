"""Overlapping windows: nothing small is ever cut by all of them, and they cover everything."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.grounding.windows import MAX_WINDOWS, plan_for_model, plan_windows

SIDES = st.integers(1, 1500)


@st.composite
def plans(draw):
    """A picture's size, a window's side and an overlap."""
    window = draw(st.integers(2, 500))
    return draw(SIDES), draw(SIDES), window, draw(st.integers(0, int(window * 0.9)))


@settings(max_examples=200, deadline=None)
@given(plans(), st.data())
def test_what_is_not_larger_than_the_overlap_lies_whole_in_a_window(plan, data):
    """Wherever it lies in the picture: the law that merging rests on."""
    width, height, window, overlap = plan
    if not overlap:
        return
    found = plan_windows(width, height, window_px=window, overlap_px=overlap)
    w = data.draw(st.integers(1, min(overlap, width)))
    h = data.draw(st.integers(1, min(overlap, height)))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))

    assert any(
        one.left_px <= x
        and one.top_px <= y
        and x + w <= one.left_px + one.width_px
        and y + h <= one.top_px + one.height_px
        for one in found
    )


@settings(max_examples=100, deadline=None)
@given(plans())
def test_windows_cover_the_picture_and_nothing_else(plan):
    """From border to border without a gap, none reaches out, all have one size, none comes twice."""
    width, height, window, overlap = plan
    found = plan_windows(width, height, window_px=window, overlap_px=overlap)
    assert len(set(found)) == len(found)
    assert {(w.width_px, w.height_px) for w in found} == {(min(window, width), min(window, height))}
    for size, starts, side in (
        (width, sorted({w.left_px for w in found}), found[0].width_px),
        (height, sorted({w.top_px for w in found}), found[0].height_px),
    ):
        assert starts[0] == 0
        assert starts[-1] + side == size
        assert all(b - a <= side for a, b in itertools.pairwise(starts))


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((448, 448), 1),  # what the model sees is one window
        ((449, 448), 2),  # a pixel more is two
        ((1024, 1024), 9),
        ((1024, 300), 3),  # a strip has one row
        ((100, 100), 1),  # smaller than a window
    ],
)
def test_how_many_windows_a_picture_has(size, count):
    """As few as the overlap allows."""
    assert len(plan_windows(*size, window_px=448, overlap_px=90)) == count


@pytest.mark.parametrize("size", [(9000, 7000), (64_000, 900), (600, 600), (3, 3)])
def test_a_large_picture_is_cut_into_larger_windows(size):
    """There are never more than the limit, whatever is sent."""
    assert 1 <= len(plan_for_model(*size, 448)) <= MAX_WINDOWS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((0, 10, 5, 1), "0 x 10"),
        ((10, 10, 5, 5), "overlap"),
        ((10, 10, 5, -1), "overlap"),
    ],
)
def test_impossible_plans_are_refused_with_the_value(arguments, says):
    """No picture, or an overlap that leaves nothing to move on by."""
    width, height, window, overlap = arguments
    with pytest.raises(ValueError, match=says):
        plan_windows(width, height, window_px=window, overlap_px=overlap)
