"""Lengths and areas on an ellipsoid, against Karney's geodesics (pyproj) and against formulas in closed form."""

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from geo_r1_qgis.core.ellipsoid import Ellipsoid

WGS84 = Ellipsoid(6_378_137.0, 1 / 298.257223563)
BESSEL = Ellipsoid(6_377_397.155, 1 / 299.1528128)
MARS = Ellipsoid(3_396_190.0, 1 / 169.894447223612)  # ESRI:107905, Mars 2000
SPHERE = Ellipsoid(1_737_400.0)  # the moon
ELLIPSOIDS = {"WGS 84": WGS84, "Bessel": BESSEL, "Mars": MARS, "sphere": SPHERE}
POINTS_PER_EDGE = 128
FLAT_M = 1_000.0
"""Up to here a square on the ground is flat to a hundred millionth, while Karney's method is only good to 0.1 m²."""


def geodesics_on(ellipsoid):
    return Geod(a=ellipsoid.semi_major_m, f=ellipsoid.flattening)


def ring_around(lon_deg, lat_deg, side_m, ellipsoid, turn_deg=0.0):
    """A closed ring of many points, on a square whose half diagonals are geodesics: degrees."""
    geod = geodesics_on(ellipsoid)
    corners = [
        geod.fwd(lon_deg, lat_deg, turn_deg + azimuth_deg, side_m / math.sqrt(2))[:2]
        for azimuth_deg in (315, 225, 135, 45, 315)
    ]
    ring = []
    for (lon0, lat0), (lon1, lat1) in itertools.pairwise(corners):
        ring += [(lon0, lat0), *geod.npts(lon0, lat0, lon1, lat1, POINTS_PER_EDGE - 1)]
    return [*ring, corners[-1]]


def true_area_m2(ring_deg, side_m, ellipsoid):
    """Of a square from `ring_around`, without the code that is tested."""
    if side_m <= FLAT_M:
        return side_m**2
    return abs(geodesics_on(ellipsoid).polygon_area_perimeter(*zip(*ring_deg, strict=False))[0])


def radians(ring_deg):
    return [(math.radians(lon), math.radians(lat)) for lon, lat in ring_deg]


@pytest.mark.parametrize("side_m", [0.3, 10.0, 1_000.0, 100_000.0, 2_000_000.0])
@pytest.mark.parametrize(
    ("lon_deg", "lat_deg"),
    [
        (15.0, 48.75),
        (0.0, 0.0),
        (-180.0, -17.0),  # across the date line
        (170.0, 84.0),
        (0.0, 90.0),  # around the pole
        (40.0, -89.9999),
    ],
)
@pytest.mark.parametrize("ellipsoid", ELLIPSOIDS)
def test_area_is_that_of_karneys_geodesic_polygon(ellipsoid, lon_deg, lat_deg, side_m):
    """A square of a few decimetres or of 2,000 km, anywhere, on any planet: the same area to a ten thousandth."""
    on = ELLIPSOIDS[ellipsoid]
    ring_deg = ring_around(lon_deg, lat_deg, side_m, on, turn_deg=20)

    assert on.area_m2(radians(ring_deg)) == pytest.approx(
        true_area_m2(ring_deg, side_m, on), rel=1e-4
    )


@given(st.floats(-180, 180), st.floats(-85, 85), st.floats(0.5, 1_000), st.floats(0, 360))
def test_area_of_small_squares_anywhere(lon_deg, lat_deg, side_m, turn_deg):
    """What an analyst looks at (half a metre to a kilometre) is right to a millionth of itself."""
    ring_deg = ring_around(lon_deg, lat_deg, side_m, WGS84, turn_deg)

    expected_m2 = true_area_m2(ring_deg, side_m, WGS84)

    assert WGS84.area_m2(radians(ring_deg)) == pytest.approx(expected_m2, rel=1e-6)


def test_whole_planet_in_closed_form():
    """Both hemispheres together are the surface of the ellipsoid, by the textbook's formula."""
    e = math.sqrt(WGS84.flattening * (2 - WGS84.flattening))
    surface_m2 = 2 * math.pi * WGS84.semi_major_m**2 * (1 + (1 - e * e) / e * math.atanh(e))
    equator = [(math.radians(lon / 10), 0.0) for lon in range(-1800, 1801)]

    assert 2 * WGS84.area_m2(equator) == pytest.approx(surface_m2, rel=1e-6)


def test_direction_of_a_ring_does_not_matter():
    """Clockwise or not, an area is positive."""
    ring = radians(ring_around(178.0, -17.0, 500_000.0, WGS84))

    assert WGS84.area_m2(ring) == pytest.approx(WGS84.area_m2(ring[::-1]), rel=1e-12)


def test_ring_without_points_has_no_area():
    """Nothing encloses nothing."""
    assert WGS84.area_m2([]) == 0.0


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 360), st.floats(0.05, 50_000))
def test_chord_is_the_geodesic_while_it_is_short(lon_deg, lat_deg, azimuth_deg, length_m):
    """Eight pixels of a drone photograph or of a weather satellite, at a pole or not: to a hundred thousandth."""
    assume(abs(lat_deg) <= 90)
    end_deg = geodesics_on(WGS84).fwd(lon_deg, lat_deg, azimuth_deg, length_m)[:2]
    start, end = radians([(lon_deg, lat_deg), end_deg])

    assert WGS84.chord_m(start, end) == pytest.approx(length_m, rel=1e-5, abs=1e-7)
