"""From the raster file to the polygon in the GeoPackage: on its object to less than half a pixel, in any geometry and CRS.

A faultless model answers with the box of a disc; each side of the polygon in the file must touch that disc on the ground
(`ground_truth.py`). Layer, map and file have different CRSs. `make exactness` prints what was measured.
"""

import math

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
)

from geo_r1_qgis.crs.reference import crs_from, wkt2
from tests.qgis.exact_chain import chip_of, crs_of, largest_error_px, true_area_m2, view_of, written
from tests.qgis.ground_truth import MIDDLES, make_discs
from tests.qgis.make_rasters import rotated

HALF_A_PIXEL = 0.5
ROTATIONS = (0, 30, 90, 213)
UTM = (500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.3)
DEGREE_PX = 0.3 / 111_320
OBLIQUE = "+proj=omerc +lat_0=46 +lonc=8 +alpha=20 +gamma=0 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +type=crs"
MARS_FLAT = "+proj=eqc +lat_ts=0 +lat_0=0 +lon_0=0 +a=3396190 +b=3376200 +units=m +type=crs"
OWN = ""
"""The raster's own CRS."""

GEOMETRIES = {
    "north-up": (UTM, "EPSG:32633"),
    "south-up": ((500_000.0, 0.3, 0.0, 5_399_910.0, 0.0, 0.3), "EPSG:32633"),
    "rotated": (rotated(UTM, 25), "EPSG:32633"),
    "sheared": ((500_000.0, 0.3, 0.06, 5_400_000.0, 0.03, -0.3), "EPSG:32633"),
    "pixels not square": ((500_000.0, 0.3, 0.0, 5_400_000.0, 0.0, -0.2), "EPSG:32633"),
    "degrees (EPSG:4326)": (
        (15.0, DEGREE_PX / math.cos(math.radians(48.75)), 0, 48.75, 0, -DEGREE_PX),
        "EPSG:4326",
    ),
    "US survey feet (EPSG:2263)": ((980_000.0, 1.0, 0, 200_000.0, 0, -1.0), "EPSG:2263"),
    "Mercator on the ellipsoid (EPSG:3395)": (
        (1_670_000.0, 0.5, 0, 6_200_000.0, 0, -0.5),
        "EPSG:3395",
    ),
    "Antarctica (EPSG:3031)": ((-1_500_000.0, 10.0, 0, 900_000.0, 0, -10.0), "EPSG:3031"),
    "Netherlands (EPSG:28992)": ((120_000.0, 0.25, 0, 480_000.0, 0, -0.25), "EPSG:28992"),
    "Switzerland (EPSG:2056)": ((2_600_000.0, 0.1, 0, 1_200_000.0, 0, -0.1), "EPSG:2056"),
    "New Zealand (EPSG:2193)": ((1_750_000.0, 0.3, 0, 5_430_000.0, 0, -0.3), "EPSG:2193"),
    "custom oblique Mercator": ((1_000.0, 0.3, 0, 2_000.0, 0, -0.3), OBLIQUE),
    "Mars, degrees (ESRI:104905)": ((137.0, 5e-5, 0, -4.5, 0, -5e-5), "ESRI:104905"),
    "Mars, custom metres": ((1_000_000.0, 2.0, 0, -300_000.0, 0, -2.0), MARS_FLAT),
}
ON_EARTH = (("EPSG:3857", "EPSG:3035"), (OWN, "EPSG:4326"), ("EPSG:4326", OWN))
"""CRS of the map and of the file."""
ELSEWHERE = {
    "US survey feet (EPSG:2263)": (
        ("EPSG:3857", "EPSG:32618"),
        (OWN, "EPSG:4326"),
        ("EPSG:4326", OWN),
    ),
    "Antarctica (EPSG:3031)": (("EPSG:3857", "EPSG:4326"), (OWN, "EPSG:4326"), ("EPSG:4326", OWN)),
    "New Zealand (EPSG:2193)": (("EPSG:3857", "EPSG:3832"), (OWN, "EPSG:4326"), ("EPSG:4326", OWN)),
    "Mars, degrees (ESRI:104905)": ((OWN, OWN), (OWN, MARS_FLAT)),
    "Mars, custom metres": ((OWN, OWN), (OWN, "ESRI:104905"), ("ESRI:104905", OWN)),
}
CASES = [
    (name, map_crs, file_crs)
    for name in GEOMETRIES
    for map_crs, file_crs in ELSEWHERE.get(name, ON_EARTH)
]


@pytest.mark.parametrize("rotation_deg", ROTATIONS)
@pytest.mark.parametrize(("name", "map_crs", "file_crs"), CASES)
def test_polygon_in_the_file_touches_its_disc(
    tmp_path, qgis_new_project, name, map_crs, file_crs, rotation_deg
):
    """Whatever the raster's geometry, the three CRSs and the canvas's rotation: on the object, with its true area."""
    geotransform, crs = GEOMETRIES[name]
    ground = make_discs(tmp_path / "discs.tif", geotransform, crs)
    layer = QgsRasterLayer(ground.path, "discs")
    chip = chip_of(layer, view_of(layer, crs_of(map_crs or layer.crs()), rotation_deg))

    answers = written(tmp_path, chip, MIDDLES, crs_of(file_crs or layer.crs()))

    assert len(answers) == len(MIDDLES)
    assert largest_error_px(answers, chip, ground, ("geometry and CRS", name)) < HALF_A_PIXEL
    for answer in answers:
        assert (
            len(answer.geometry.asMultiPolygon()[0][0]) == 5
        )  # four corners: a true quadrilateral
        assert answer.area_m2 == pytest.approx(true_area_m2(answer), rel=1e-4)
    QgsProject.instance().clear()


@pytest.mark.parametrize("rotation_deg", ROTATIONS)
def test_raster_without_crs_lies_in_the_projects(tmp_path, qgis_new_project, rotation_deg):
    """Without a CRS of its own a raster is in the project's, and its answers are exact there."""
    ground = make_discs(tmp_path / "discs.tif", UTM)
    layer = QgsRasterLayer(ground.path, "discs")
    layer.setCrs(QgsCoordinateReferenceSystem())
    chip = chip_of(layer, view_of(layer, crs_of("EPSG:32633"), rotation_deg))

    answers = written(tmp_path, chip, MIDDLES, crs_of("EPSG:32633"))

    assert len(answers) == len(MIDDLES)
    assert largest_error_px(answers, chip, ground, ("geometry and CRS", "no CRS")) < HALF_A_PIXEL
    QgsProject.instance().clear()


def bent(column, row):
    """A photograph that no affine fits: places as a polynomial of columns and rows."""
    u, v = column / 400, row / 300
    return 500_000 + 120 * u + 3 * u * v + 2 * u * u, 5_400_000 - 90 * v + 2 * u * v - v * v


GCPS = {
    "ground control points only": [
        (x, y, 500_000 + 0.3 * x + 0.05 * y, 5_400_000 + 0.05 * x - 0.3 * y)
        for x, y in ((0, 0), (400, 0), (400, 300), (0, 300))
    ],
    "ground control points, bent": [
        (x, y, *bent(x, y)) for x in (0, 130, 270, 400) for y in (0, 100, 200, 300)
    ],
}


@pytest.mark.parametrize("rotation_deg", ROTATIONS)
@pytest.mark.parametrize("name", GCPS)
def test_raster_with_ground_control_points_only(tmp_path, qgis_new_project, name, rotation_deg):
    """A scan with control points and no geotransform: on the object, by GDAL's own polynomial through the points."""
    ground = make_discs(tmp_path / "discs.tif", crs="EPSG:32633", gcps=GCPS[name])
    layer = QgsRasterLayer(ground.path, "discs")
    chip = chip_of(layer, view_of(layer, crs_of("EPSG:3857"), rotation_deg))

    answers = written(tmp_path, chip, MIDDLES, crs_of("EPSG:4326"))

    assert len(answers) == len(MIDDLES)
    assert largest_error_px(answers, chip, ground, ("geometry and CRS", name)) < HALF_A_PIXEL
    QgsProject.instance().clear()


def test_users_own_crs_is_known_by_its_definition(qgis_app):
    """``USER:100000`` is another CRS in every profile, so what counts is the definition that was kept with it."""
    definition = wkt2(crs_of(OBLIQUE))

    assert wkt2(crs_from("USER:100000", definition)) == definition
    assert crs_from("EPSG:2056", definition).authid() == "EPSG:2056"


def test_projects_choice_of_datum_shift_holds_all_the_way(tmp_path, qgis_new_project):
    """Where the project chose a datum shift, picture, polygon and file follow it: the object stays under its polygon."""
    shift = "+proj=pipeline +step +proj=axisswap +order=2,1 +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=push +v_3 +step +proj=cart +ellps=WGS84 +step +proj=helmert +x=300 +y=-200 +z=100 +step +inv +proj=cart +ellps=intl +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg +step +proj=axisswap +order=2,1"
    chosen = QgsCoordinateTransformContext()
    chosen.addCoordinateOperation(crs_of("EPSG:4326"), crs_of("EPSG:4230"), shift)
    ground = make_discs(tmp_path / "discs.tif", *GEOMETRIES["degrees (EPSG:4326)"])
    layer = QgsRasterLayer(ground.path, "discs")
    unshifted = chip_of(layer, view_of(layer, crs_of("EPSG:4230")))
    QgsProject.instance().setTransformContext(chosen)
    outline = QgsGeometry.fromRect(
        layer.extent()
    )  # bounds of QGIS 3.40 and later know no chosen shift
    outline.transform(QgsCoordinateTransform(layer.crs(), crs_of("EPSG:4230"), chosen))
    chip = chip_of(layer, view_of(layer, crs_of("EPSG:4230"), extent=outline.boundingBox()))

    answers = written(tmp_path, chip, MIDDLES, crs_of("EPSG:4326"))

    assert math.dist(chip.frame.centre_map(), unshifted.frame.centre_map()) > 1e-4
    assert largest_error_px(answers, chip, ground, ("geometry and CRS", "datum shift")) < 0.5
    QgsProject.instance().clear()
