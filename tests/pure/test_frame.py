"""Pixel to map and back, on frames of any rotation, shear, flip and unit."""

import itertools
import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo_r1_qgis.core.frame import Frame, FrameError, view_affine

UTM = (0.3, 0.0, 500_000.0, 0.0, -0.3, 5_400_000.0)
"""North-up, 0.3 m, Zone 33."""

centres = st.tuples(st.floats(-2e7, 2e7), st.floats(-2e7, 2e7))
scales = st.floats(1e-7, 1e4)  # degrees of a drone photograph .. kilometres
rotations = st.floats(-360, 360)
sides = st.integers(1, 4096)


@st.composite
def frames(draw):
    """A frame that a canvas could show."""
    width_px, height_px = draw(sides), draw(sides)
    affine = view_affine(
        centre_map=draw(centres),
        units_per_px=draw(scales),
        width_px=width_px,
        height_px=height_px,
        rotation_deg=draw(rotations),
    )
    return Frame(width_px, height_px, affine)


def resolution_px(frame):
    """What double precision can tell apart at these coordinates, in pixels."""
    largest = max(abs(number) for point in frame.outline_map() for number in point)
    return 8 * math.ulp(largest) / math.hypot(frame.affine[0], frame.affine[3]) + 1e-9


@given(frames(), st.floats(0, 1), st.floats(0, 1))
def test_pixel_to_map_and_back_is_the_identity(frame, right, down):
    """A place in the chip comes back to itself, as exactly as floating point can say."""
    assume(resolution_px(frame) < 1e-3)
    x_px, y_px = right * frame.width_px, down * frame.height_px

    back = frame.map_to_px(*frame.px_to_map(x_px, y_px))

    assert back == pytest.approx((x_px, y_px), abs=max(resolution_px(frame), 1e-9 * frame.width_px))


@given(
    st.tuples(*[st.floats(-10, 10)] * 2), st.tuples(*[st.floats(-10, 10)] * 2), st.floats(0, 500)
)
def test_sheared_frames_come_back_too(right, down, place_px):
    """Any affine with an inverse will do, not only the rotations of a canvas."""
    determinant = right[0] * down[1] - right[1] * down[0]
    assume(abs(determinant) > 1e-2)
    frame = Frame(500, 500, (right[0], down[0], 1000.0, right[1], down[1], -2000.0))

    back = frame.map_to_px(*frame.px_to_map(place_px, place_px / 2))

    assert back == pytest.approx((place_px, place_px / 2), abs=1e-6)


@given(frames())
def test_centre_survives_rotation(frame):
    """Rotating a view turns it about its own middle."""
    middle = frame.map_to_px(*frame.centre_map())

    tolerance = resolution_px(frame) + 1e-9 * max(frame.width_px, frame.height_px)
    assert middle == pytest.approx((frame.width_px / 2, frame.height_px / 2), abs=tolerance)


@given(frames())
def test_ring_of_a_box_is_a_closed_quadrilateral_with_its_true_area(frame):
    """The outline has four different corners, ends where it began, and keeps the box's area at any rotation."""
    assume(resolution_px(frame) < 1e-4)
    box_px = (0.25 * frame.width_px, 0.5 * frame.height_px, frame.width_px, frame.height_px)

    ring = frame.box_px_to_ring_map(box_px)

    x0, y0 = ring[0]
    shifted = [(x - x0, y - y0) for x, y in ring]
    doubled = sum(xa * yb - xb * ya for (xa, ya), (xb, yb) in itertools.pairwise(shifted))
    scale = math.hypot(frame.affine[0], frame.affine[3])
    expected = (box_px[2] - box_px[0]) * (box_px[3] - box_px[1]) * scale**2
    assert len(ring) == 5
    assert ring[0] == ring[-1]
    assert doubled / 2 == pytest.approx(expected, rel=1e-2, abs=scale**2 * 1e-3)


@given(frames())
def test_json_keeps_every_bit(frame):
    """A stored frame is equal to the one that was drawn, digit for digit."""
    assert Frame.from_json(frame.to_json()) == frame


def test_north_up_box_is_the_rectangle_one_expects():
    """Rows go south: the upper left pixel corner is the north-west corner."""
    frame = Frame(100, 100, UTM)

    assert frame.box_px_to_ring_map((0, 0, 10, 20)) == [
        (500_000.0, 5_400_000.0),
        (500_000.0, 5_399_994.0),
        (500_003.0, 5_399_994.0),
        (500_003.0, 5_400_000.0),
        (500_000.0, 5_400_000.0),
    ]


def test_quarter_turns_are_exact():
    """At 90° no cosine of 6e-17 creeps into the coordinates."""
    affine = view_affine(
        centre_map=(0, 0), units_per_px=1, width_px=10, height_px=10, rotation_deg=90
    )

    assert affine == (0.0, 1.0, -5.0, 1.0, 0.0, -5.0)


def test_mask_keeps_its_holes_and_is_closed():
    """A multipolygon stays a multipolygon; open rings are closed, holes stay holes."""
    frame = Frame(10, 10, (1, 0, 0, 0, -1, 0))
    outer = [[0, 0], [8, 0], [8, 8], [0, 8]]
    hole = [[2, 2], [4, 2], [4, 4], [2, 2]]

    (polygon,) = frame.polygons_px_to_map([[outer, hole]])

    assert polygon[0] == [(0, 0), (8, 0), (8, -8), (0, -8), (0, 0)]
    assert polygon[1] == [(2, -2), (4, -2), (4, -4), (2, -2)]


@pytest.mark.parametrize(
    ("box_px", "clipped"),
    [
        ((-5, -5, 5, 5), (0, 0, 5, 5)),  # over the corner
        ((1, 2, 3, 4), (1, 2, 3, 4)),  # inside: untouched
        ((90, 40, 200, 60), (90, 40, 100, 50)),  # over the far corner
        ((200, 10, 300, 20), (100, 10, 100, 20)),  # outside: no area is left
    ],
)
def test_boxes_are_clipped_to_the_chip(box_px, clipped):
    """A model may point a little beside the picture; the map shows what is inside of it."""
    assert Frame(100, 50, UTM).clip_box_px(box_px) == clipped


@pytest.mark.parametrize(
    ("width_px", "affine"),
    [
        (0, UTM),  # no pixels
        (10, (1, 1, 0, 1, 1, 0)),  # both axes the same: a line
        (10, (float("nan"), 0, 0, 0, 1, 0)),  # not a number
        (10, (1, 0, 0, 1)),  # four numbers
    ],
)
def test_impossible_frames_are_refused(width_px, affine):
    """What could only give nonsense later is refused where it is made."""
    with pytest.raises(FrameError):
        Frame(width_px, 10, affine)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"width_px": 1, "height_px": 1}', "nonsense"])
def test_what_is_not_a_frame_is_refused(text):
    """Damaged text in a GeoPackage is one clear error."""
    with pytest.raises(FrameError):
        Frame.from_json(text)


def test_frame_of_a_newer_version_is_read():
    """Keys that this version does not know are ignored."""
    stored = json.loads(Frame(10, 20, UTM, m_per_px=0.3).to_json())
    stored["tilt_deg"] = 12

    assert Frame.from_json(json.dumps(stored)).m_per_px == 0.3
