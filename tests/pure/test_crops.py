"""Windows of a picture: what is cut out and put back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.geo.crops import (
    Window,
    axis_taps,
    box_channel,
    paste,
    points_channel,
    sample,
    window_around,
)


def test_a_window_that_is_the_picture_is_sampled_unchanged():
    """At the picture's own resolution every sample is the pixel itself."""
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    np.testing.assert_allclose(sample(picture, Window(0, 0, 24), 24), picture, atol=1e-4)


@given(
    start=st.floats(-50, 80),
    length=st.floats(0.5, 200),
    count=st.integers(1, 64),
    size=st.integers(1, 90),
)
def test_samples_are_means_of_pixels(start, length, count, size):
    """Every sample mixes pixels with non-negative weights that sum to 1, wherever the window lies."""
    pixels, weights = axis_taps(start, start + length, count, size)
    assert pixels.shape == weights.shape
    assert (pixels >= 0).all()
    assert (pixels < size).all()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


@given(
    x=st.floats(-20, 60),
    y=st.floats(-20, 60),
    side_px=st.floats(8, 90),
)
def test_a_ramp_comes_back_where_it_was(x, y, side_px):
    """A linear ramp survives cutting and putting back to a tenth of a pixel, away from the edges, at any scale."""
    down, across = np.mgrid[0:64, 0:80].astype(np.float32)
    ramp = 2 * across + 3 * down
    window = Window(x, y, side_px)
    left, top, values = paste(sample(ramp, window, 32), window, (80, 64))
    margin = int(2 * max(1, side_px / 32)) + 2
    inner = np.zeros((64, 80), bool)
    inner[margin:-margin, margin:-margin] = True
    inside = np.zeros((64, 80), bool)
    inside[top : top + values.shape[0], left : left + values.shape[1]] = True
    reach = np.s_[
        max(0, top + margin) : max(0, top + values.shape[0] - margin),
        max(0, left + margin) : max(0, left + values.shape[1] - margin),
    ]
    found = np.zeros((64, 80), np.float32)
    found[top : top + values.shape[0], left : left + values.shape[1]] = values
    checked = inner[reach]
    np.testing.assert_allclose(found[reach][checked], ramp[reach][checked], atol=0.5)


def test_a_window_beyond_the_picture_gives_nothing_back():
    """No pixel of the picture lies in it."""
    assert paste(np.ones((32, 32), np.float32), Window(200, 5, 20), (80, 64))[2].size == 0


def test_the_box_covers_pixels_by_their_share():
    """A box edge in the middle of a crop pixel counts half."""
    channel = box_channel((2, 2, 5.5, 6), Window(0, 0, 8), 8)
    assert channel.sum() == pytest.approx(3.5 * 4)
    assert channel[3, 5] == pytest.approx(0.5)


def test_points_are_discs_of_three_crop_pixels():
    """Whatever the scale; points outside the window leave no trace."""
    near = points_channel([(10, 10), (500, 3)], Window(0, 0, 20), 64)
    assert near.sum() == pytest.approx(np.pi * 9, abs=4)
    assert near[32, 32] == 1


@pytest.mark.parametrize(
    "box",
    [
        (3, 3, 2, 9),  # swapped corners
        (0, float("nan"), 2, 2),
        (0, 0, float("inf"), 2),
    ],
)
def test_what_is_no_box_is_named(box):
    """The error repeats the box."""
    with pytest.raises(ValueError, match="a box is"):
        window_around(box, 0.25, 16)


def test_a_small_box_is_shown_with_its_surroundings():
    """The square is centred on the box and has at least the smallest side."""
    assert window_around((10, 10, 14, 12), 0.25, 16) == Window(4, 3, 16)
    assert window_around((0, 0, 40, 20), 0.25, 16) == Window(-10, -20, 60)
