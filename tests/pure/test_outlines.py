"""Masks as polygons: exact where a mask is, valid whatever it is, and hardly more points than its shape has."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from geo_r1_backend.geo.outlines import MAX_CORNERS, SPECK_PX, area_px, outlines

SIDE_PX = 160


def grid(side=SIDE_PX):
    """Centres of the pixels."""
    ys, xs = np.mgrid[0:side, 0:side] + 0.5
    return xs, ys


def disc(x, y, radius, side=SIDE_PX):
    xs, ys = grid(side)
    return (xs - x) ** 2 + (ys - y) ** 2 < radius**2


def ellipse(dice):
    """An ellipse anywhere, of any size and direction."""
    xs, ys = grid()
    x, y, turn = dice.uniform(60, 100), dice.uniform(60, 100), dice.uniform(0, math.pi)
    long, short = dice.uniform(10, 55), dice.uniform(6, 30)
    along = (xs - x) * math.cos(turn) + (ys - y) * math.sin(turn)
    across = (ys - y) * math.cos(turn) - (xs - x) * math.sin(turn)
    return (along / long) ** 2 + (across / short) ** 2 < 1


def blob(dice):
    """A star-shaped thing with a wavy edge."""
    xs, ys = grid()
    angle, far = np.arctan2(ys - 80, xs - 80), np.hypot(xs - 80, ys - 80)
    waves = sum(
        dice.uniform(-0.08, 0.08) * np.cos(k * angle + dice.uniform(0, 6.3)) for k in range(1, 6)
    )
    return far < dice.uniform(20, 60) * (1 + waves)


def turned_rectangle(dice):
    """A building."""
    xs, ys = grid()
    turn = dice.uniform(0, math.pi)
    along = (xs - 80) * math.cos(turn) + (ys - 80) * math.sin(turn)
    across = (ys - 80) * math.cos(turn) - (xs - 80) * math.sin(turn)
    return (abs(along) < dice.uniform(10, 50)) & (abs(across) < dice.uniform(8, 30))


def noise(dice):
    """Anything: single pixels, chessboards, tatters."""
    height, width = dice.integers(1, 40, 2)
    mask = dice.random((height, width)) < dice.uniform(0.05, 0.97)
    for _ in range(dice.integers(0, 3)):
        around = np.pad(mask, 1).astype(int)
        mask = sum(
            around[i : i + height, j : j + width] for i in range(3) for j in range(3)
        ) > dice.integers(2, 6)
    return mask


def shape_of(mask):
    return shapely.MultiPolygon([(rings[0], rings[1:]) for rings in outlines(mask)])


def rasterised(shape, like):
    height, width = like.shape
    ys, xs = np.mgrid[0:height, 0:width] + 0.5
    return shapely.contains_xy(shape, xs, ys)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def points_of(mask):
    return [point for polygon in outlines(mask) for ring in polygon for point in ring]


def test_one_pixel_is_a_unit_square():
    """Pixels are half-open: the pixel (3, 2) reaches from (3, 2) to (4, 3); its ring is closed and runs down its left side."""
    mask = np.zeros((5, 8), bool)
    mask[2, 3] = True

    assert outlines(mask) == [[[[3, 2], [3, 3], [4, 3], [4, 2], [3, 2]]]]


def test_nothing_has_no_outline():
    """An empty mask, and one without pixels, has no polygon."""
    assert outlines(np.zeros((4, 4), bool)) == outlines(np.zeros((0, 7), bool)) == []


def test_upright_rectangles_are_exact():
    """The corners of a building that stands straight in the picture are its pixels' corners: four points, no bevel."""
    mask = np.zeros((50, 60), bool)
    mask[10:31, 5:48] = True

    assert outlines(mask) == [[[[5, 10], [5, 31], [48, 31], [48, 10], [5, 10]]]]


@pytest.mark.parametrize("make", [ellipse, blob, turned_rectangle])
def test_smooth_shapes_come_back(make):
    """Rasterised again, an outline covers its mask (IoU >= 0.97) and has its area within 4 %, with far fewer points than pixels."""
    for seed in range(60):
        mask = make(np.random.default_rng(seed))
        shape = shape_of(mask)

        assert iou(rasterised(shape, mask), mask) >= 0.97, seed
        assert shape.area == pytest.approx(mask.sum(), rel=0.04), seed
        assert area_px(outlines(mask)) == pytest.approx(shape.area), seed
        assert len(points_of(mask)) <= 12 + 4 * math.sqrt(shape.length), seed


@pytest.mark.parametrize("radius", [3.5, 4.5, 7, 12, 30, 70])
def test_small_things_are_followed_more_closely(radius):
    """A tank of five pixels is as round as one of a hundred and forty."""
    mask = disc(80.3, 79.6, radius)

    assert iou(rasterised(shape_of(mask), mask), mask) >= 0.97
    assert shape_of(mask).area == pytest.approx(mask.sum(), rel=0.03)


def test_no_point_of_an_outline_is_far_from_the_mask():
    """Outline and edge of the mask are nowhere more than 1.3 pixels apart, either way."""
    for seed in range(20):
        mask = blob(np.random.default_rng(seed))
        exact = shapely.union_all(
            [shapely.box(x, y, x + 1, y + 1) for y, x in zip(*mask.nonzero(), strict=True)]
        )

        assert shapely.hausdorff_distance(shape_of(mask).boundary, exact.boundary, 0.2) <= 1.3


def test_holes_are_kept():
    """A stadium has its field as a hole, an island in it is a polygon of its own, and the area leaves the hole out."""
    mask = disc(80, 80, 60) & ~disc(80, 80, 40) | disc(85, 78, 15)
    found = outlines(mask)

    assert [len(polygon) for polygon in found] == [2, 1]
    stadium = shapely.Polygon(found[0][0], found[0][1:])
    assert stadium.area == pytest.approx(math.pi * (60**2 - 40**2), rel=0.01)
    assert area_px(found) == pytest.approx(mask.sum(), rel=0.01)
    assert shapely.Polygon(found[0][1]).contains(shapely.Polygon(found[1][0]))


def test_a_hole_belongs_to_the_outline_around_it():
    """Of rings in rings, each has its own hole."""
    mask = disc(80, 80, 70) & ~disc(80, 80, 55) | disc(80, 80, 40) & ~disc(80, 80, 20)

    outer, inner = (shapely.Polygon(rings[0], rings[1:]) for rings in outlines(mask))

    assert outer.area == pytest.approx(math.pi * (70**2 - 55**2), rel=0.01)
    assert inner.area == pytest.approx(math.pi * (40**2 - 20**2), rel=0.01)


def test_specks_and_pinholes_are_dropped():
    """Two stray pixels beside a hangar and one missing in its roof are noise, not parts."""
    mask = np.zeros((100, 100), bool)
    mask[20:60, 20:80] = True
    mask[90, 5:7] = mask[5, 95] = True
    mask[40, 50] = False

    assert outlines(mask) == [[[[20, 20], [20, 60], [80, 60], [80, 20], [20, 20]]]]


def test_the_largest_part_is_never_a_speck():
    """A mask that is nothing but a few pixels keeps them."""
    mask = np.zeros((9, 9), bool)
    mask[4, 4:6] = mask[1, 1] = True

    assert SPECK_PX > 2
    assert outlines(mask) == [[[[4, 4], [4, 5], [6, 5], [6, 4], [4, 4]]]]


def test_parts_that_touch_at_a_corner_are_parts():
    """Two squares that meet like fields of a chessboard are two polygons with one common point; two holes are two holes."""
    mask = np.zeros((20, 20), bool)
    mask[2:8, 2:8] = mask[8:14, 8:14] = True

    assert [len(polygon) for polygon in outlines(mask)] == [1, 1]
    assert [len(polygon) for polygon in outlines(np.pad(~mask, 3, constant_values=True))] == [3]
    assert shape_of(mask).is_valid
    assert shape_of(np.pad(~mask, 3, constant_values=True)).is_valid


def test_every_mask_has_a_valid_outline():
    """1,000 masks of any kind: no ring crosses itself or another, holes lie inside, all rings are closed and turn as they should."""
    for seed in range(1000):
        mask = noise(np.random.default_rng(seed))
        found = outlines(mask)
        assert bool(found) == bool(mask.any())
        shape = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in found])

        assert shape.is_valid, (seed, shapely.is_valid_reason(shape))
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for rings in found for ring in rings)
        # y points down: what runs anticlockwise on the map is clockwise to shapely
        turns = [[shapely.LinearRing(ring).is_ccw for ring in rings] for rings in found]
        assert turns == [[False] + [True] * (len(rings) - 1) for rings in found]


def test_coordinates_are_halves_inside_of_the_mask():
    """Numbers are exact multiples of half a pixel, within the frame of the mask: nothing is rounded on the wire."""
    for seed in range(100):
        mask = noise(np.random.default_rng(seed))
        height, width = mask.shape
        for x, y in points_of(mask):
            assert 2 * x == int(2 * x)
            assert 2 * y == int(2 * y)
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_a_shifted_mask_has_a_shifted_outline():
    """Where a mask lies in its picture changes nothing but the numbers."""
    mask = blob(np.random.default_rng(7))
    shifted = np.pad(mask, ((11, 0), (5, 0)))

    assert points_of(shifted) == [[x + 5, y + 11] for x, y in points_of(mask)]


def test_noise_over_a_large_picture_stays_small():
    """A mask that is torn to shreds is outlined in coarser pixels: bounded points, still valid, about the same place."""
    mask = np.random.default_rng(1).random((900, 1200)) < 0.8
    mask[:, 600:] = False
    shape = shape_of(mask)

    assert len(points_of(mask)) <= MAX_CORNERS
    assert shape.is_valid
    assert shape.bounds == pytest.approx((0, 0, 600, 900), abs=16)
