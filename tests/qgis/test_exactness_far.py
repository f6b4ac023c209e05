"""Where straight lines bend and numbers jump: the date line, the poles, views of half a continent, other planets."""

import math

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProject, QgsRasterLayer, QgsRectangle

from geo_r1_qgis.capture.plan import plan_view
from geo_r1_qgis.core import wire
from geo_r1_qgis.core.records import RunStart
from geo_r1_qgis.layers.store import DetectionStore
from tests.qgis.exact_chain import (
    answers_in,
    chip_of,
    crs_of,
    largest_error_px,
    true_area_m2,
    view_of,
    written,
)
from tests.qgis.ground_truth import MIDDLES, make_discs, transformed
from tests.qgis.make_rasters import picture, write_tiff

HALF_WORLD_M = 20_037_508.342789244
SEAM_COLUMN = 212.8
"""The date line goes through the middle of the green disc."""
DEGREE_PX = 1e-4
PDC_SEAM_M = math.radians(30) * 6_378_137
NZ_SEAM = transformed([(180, -45)], "EPSG:4326", "EPSG:2193")[0]

OVER_THE_DATE_LINE = {
    "EPSG:4326, 179.98 to 180.02": (
        (180 - SEAM_COLUMN * DEGREE_PX, DEGREE_PX, 0, -45, 0, -DEGREE_PX),
        "EPSG:4326",
    ),
    "EPSG:4326, -180.02 to -179.98": (
        (-180 - SEAM_COLUMN * DEGREE_PX, DEGREE_PX, 0, -45, 0, -DEGREE_PX),
        "EPSG:4326",
    ),
    "EPSG:3857": ((HALF_WORLD_M - SEAM_COLUMN * 10, 10, 0, -5_620_021, 0, -10), "EPSG:3857"),
    "EPSG:3395": ((HALF_WORLD_M - SEAM_COLUMN * 10, 10, 0, -5_589_795, 0, -10), "EPSG:3395"),
    "EPSG:3832": ((PDC_SEAM_M - SEAM_COLUMN * 10, 10, 0, -5_589_795, 0, -10), "EPSG:3832"),
    "EPSG:2193": ((NZ_SEAM[0] - SEAM_COLUMN * 10, 10, 0, NZ_SEAM[1] + 1_500, 0, -10), "EPSG:2193"),
}
CONTINUOUS, TORN = ("EPSG:3832", "EPSG:2193"), ("EPSG:4326", "EPSG:3857", "EPSG:3395")


def view_over_the_seam(layer, ground, map_crs, rotation_deg, side):
    """A canvas whose middle is the date line, on one or the other edge of the map where the map is torn there."""
    x, y = gdal.ApplyGeoTransform(ground.geotransform, SEAM_COLUMN, 150)
    (centre,) = transformed(
        transformed([(x, y)], ground.crs_wkt, "EPSG:4326"), "EPSG:4326", map_crs
    )
    half_x, half_y = (0.025, 0.02) if map_crs == "EPSG:4326" else (2_600.0, 2_200.0)
    centre_x = centre[0]
    if map_crs in TORN:
        centre_x = side * (180.0 if map_crs == "EPSG:4326" else HALF_WORLD_M)
    extent = QgsRectangle(
        centre_x - half_x, centre[1] - half_y, centre_x + half_x, centre[1] + half_y
    )
    return view_of(layer, crs_of(map_crs), rotation_deg, extent)


FILE_CRS = ("EPSG:4326", "EPSG:3857", "EPSG:3832", "EPSG:2193")
DATE_LINE_CASES = [
    # every raster under every map; each pair with two of the file's CRSs and one rotation
    (name, map_crs, FILE_CRS[(row + column + other) % 4], 30 * ((row + column) % 2))
    for row, name in enumerate(OVER_THE_DATE_LINE)
    for column, map_crs in enumerate((*CONTINUOUS, *TORN))
    for other in (0, 1)
]


@pytest.mark.parametrize(("name", "map_crs", "file_crs", "rotation_deg"), DATE_LINE_CASES)
def test_object_on_the_date_line(tmp_path, qgis_new_project, name, map_crs, file_crs, rotation_deg):
    """A raster over 180°, seen in a CRS that goes on there or in one that ends there: on the object all the same.

    In the raster's own CRS its other end is another place; that is one clear sentence.
    """
    ground = make_discs(tmp_path / "discs.tif", *OVER_THE_DATE_LINE[name])
    layer = QgsRasterLayer(ground.path, "discs")
    side = -1 if name.startswith("EPSG:4326, -180") else 1
    settings = view_over_the_seam(layer, ground, map_crs, rotation_deg, side)

    chip = chip_of(layer, settings)
    answers = written(tmp_path, chip, MIDDLES, crs_of(file_crs))

    assert "green" in {answer.colour for answer in answers}
    assert largest_error_px(answers, chip, ground, ("over the date line", name)) < 0.5
    for answer in answers:
        assert answer.area_m2 == pytest.approx(true_area_m2(answer), rel=1e-3)
        is_cut = answer.colour == "green" and file_crs in TORN and map_crs != file_crs
        if is_cut:
            assert len(answer.geometry.asMultiPolygon()) == 2  # one part on each side
    if map_crs in TORN and map_crs == layer.crs().authid():
        beyond = plan_view(view_over_the_seam(layer, ground, map_crs, 0, -side), layer)
        assert "is not in this area" in beyond.problem
    QgsProject.instance().clear()


POLAR_M = 5_000.0
POLAR = (-200 * POLAR_M, POLAR_M, 0, 150 * POLAR_M, 0, -POLAR_M)
"""2,000 x 1,500 km of Antarctica with the pole in the middle."""
AT_THE_POLE = {
    "red": (72.3, 62.1),
    "green": (203.0, 148.0),  # the pole is inside
    "blue": (102.5, 232.7),
    "yellow": (272.0, 182.9),
}


@pytest.mark.parametrize("rotation_deg", [0, 30, 213])
@pytest.mark.parametrize("file_crs", ["EPSG:3031", "EPSG:4326"])
def test_box_around_the_pole(tmp_path, qgis_new_project, file_crs, rotation_deg):
    """Sides of 120 km beside the pole, and a box with the pole inside: exact in metres and in degrees."""
    ground = make_discs(tmp_path / "discs.tif", POLAR, "EPSG:3031", middles=AT_THE_POLE)
    layer = QgsRasterLayer(ground.path, "discs")
    chip = chip_of(layer, view_of(layer, layer.crs(), rotation_deg))

    answers = written(tmp_path, chip, AT_THE_POLE, crs_of(file_crs))

    assert len(answers) == 4
    note = ("bent edges", f"pole, EPSG:3031 kept in {file_crs}")
    assert largest_error_px(answers, chip, ground, note) < 0.5
    for answer in answers:
        assert answer.area_m2 == pytest.approx(true_area_m2(answer), rel=5e-3)
    QgsProject.instance().clear()


WIDE = {
    "4,000 km, EPSG:3035 kept in degrees": (
        (2_500_000.0, 10_000.0, 0, 4_800_000.0, 0, -10_000.0),
        "EPSG:3035",
        "EPSG:4326",
    ),
    "4,000 km, EPSG:3035 kept in EPSG:3857": (
        (2_500_000.0, 10_000.0, 0, 4_800_000.0, 0, -10_000.0),
        "EPSG:3035",
        "EPSG:3857",
    ),
    "40° of longitude, degrees kept in EPSG:3035": (
        (-10.0, 0.1, 0, 68.0, 0, -0.1),
        "EPSG:4326",
        "EPSG:3035",
    ),
}


@pytest.mark.parametrize("rotation_deg", [0, 30])
@pytest.mark.parametrize("name", WIDE)
def test_box_of_hundreds_of_kilometres(tmp_path, qgis_new_project, name, rotation_deg):
    """A large object in a wide view: its sides, straight in the picture, are followed where they bend in the file's CRS."""
    geotransform, crs, file_crs = WIDE[name]
    ground = make_discs(
        tmp_path / "discs.tif", geotransform, crs, radius_px=100.0, middles={"red": (190.2, 150.7)}
    )
    layer = QgsRasterLayer(ground.path, "discs")
    chip = chip_of(layer, view_of(layer, layer.crs(), rotation_deg))

    (answer,) = written(tmp_path, chip, ["red"], crs_of(file_crs))

    assert largest_error_px([answer], chip, ground, ("bent edges", name)) < 0.5
    assert len(answer.geometry.asMultiPolygon()[0][0]) > 5  # corners alone would be some pixels off
    assert answer.area_m2 == pytest.approx(true_area_m2(answer), rel=1e-3)
    QgsProject.instance().clear()


def colours_of(lon, lat):
    """A colour for each place of the earth, without a jump anywhere."""
    lon, lat = np.radians(lon), np.radians(lat)
    across = np.cos(lat)
    return np.stack(
        [
            128 + 100 * across * np.cos(lon),
            128 + 100 * across * np.sin(lon),
            128 + 100 * np.sin(lat),
        ]
    )


@pytest.mark.parametrize(
    ("map_crs", "extent"),
    [
        (
            "EPSG:3031",
            QgsRectangle(-3_000_000, -2_000_000, 3_000_000, 2_500_000),
        ),  # the pole beside the middle
        ("EPSG:3832", QgsRectangle(1_000_000, -3_000_000, 6_000_000, 1_000_000)),  # over 180°
        (
            "EPSG:3857",
            QgsRectangle(HALF_WORLD_M - 3e6, -2e6, HALF_WORLD_M + 3e6, 2e6),
        ),  # beyond the map's edge
    ],
)
def test_every_pixel_of_a_whole_earth_is_of_its_own_place(tmp_path, qgis_app, map_crs, extent):
    """A raster of the whole earth has a seam; over it and around the pole each pixel still shows the place that it is of."""
    lon, lat = np.meshgrid(np.arange(-180, 180, 0.25) + 0.125, np.arange(90, -90, -0.25) - 0.125)
    write_tiff(
        tmp_path / "earth.tif",
        np.rint(colours_of(lon, lat)).astype(np.uint8),
        (-180, 0.25, 0, 90, 0, -0.25),
        4326,
    )
    layer = QgsRasterLayer(str(tmp_path / "earth.tif"), "earth")

    chip = chip_of(layer, view_of(layer, crs_of(map_crs), 0, extent))

    pixels = picture(chip.image_bytes).astype(float)[::3, ::3]
    frame = chip.frame
    columns, rows = np.meshgrid(np.arange(0, frame.width_px, 3), np.arange(0, frame.height_px, 3))
    places = [
        frame.px_to_map(x + 0.5, y + 0.5)
        for x, y in zip(columns.ravel(), rows.ravel(), strict=False)
    ]
    there = np.array(transformed(places, map_crs, "EPSG:4326"))
    truth = colours_of(there[:, 0], there[:, 1]).T.reshape(pixels.shape)
    off = np.abs(pixels - truth).max(axis=2)
    assert chip.empty_share < 0.001
    assert (off > 4).mean() < 0.002  # a hair at the seam, where Qt mixes the border with nothing
    assert np.median(off) <= 1


@pytest.mark.parametrize(
    ("layer_crs", "map_crs"), [("ESRI:104905", "EPSG:32633"), ("EPSG:4326", "ESRI:104905")]
)
def test_other_planet_is_a_sentence(tmp_path, qgis_app, layer_crs, map_crs):
    """A raster of Mars in a project of the Earth: QGIS would hand the numbers through; we say so and send nothing."""
    ground = make_discs(tmp_path / "discs.tif", (15.0, 5e-5, 0, -4.5, 0, -5e-5), layer_crs)
    layer = QgsRasterLayer(ground.path, "Gale crater")
    settings = view_of(layer, crs_of(map_crs), 0, layer.extent())

    problem = plan_view(settings, layer).problem

    assert "different planets" in problem
    assert "Gale crater" in problem


def test_polygon_that_cannot_be_is_said_and_holds_nothing_up(tmp_path, qgis_new_project, qtbot):
    """The pole in Mercator's projection: the answer is kept without a polygon, and the next one is written as usual."""
    ground = make_discs(tmp_path / "discs.tif", POLAR, "EPSG:3031", middles=AT_THE_POLE)
    layer = QgsRasterLayer(ground.path, "discs")
    chip = chip_of(layer, view_of(layer, layer.crs()))
    project = QgsProject.instance()
    project.setFileName(str(tmp_path / "project.qgz"))
    project.setCrs(crs_of("EPSG:3857"))
    store = DetectionStore(project)
    run_uid = store.begin_run(RunStart(query="discs", frame=chip.frame))
    around = wire.Detection(rank=0, label="around the pole", box_px=[190.0, 140.0, 215.0, 165.0])
    beside = wire.Detection(rank=1, label="beside it", box_px=[60.0, 50.0, 84.0, 74.0])

    with qtbot.waitSignal(store.failed, timeout=8000) as failed:
        store.add(run_uid, around, chip.frame, "")
        store.add(run_uid, beside, chip.frame, "")
    with qtbot.waitSignal(store.layer_ready, timeout=8000):
        pass
    store.close()

    answers = {answer.colour: answer for answer in answers_in(store.path)}
    assert failed.args[0].code == "layer-transform"
    assert "waiting" not in failed.args[0].parameters
    assert answers["around the pole"].geometry.isNull()
    assert answers["around the pole"].area_m2 > 0
    assert not answers["beside it"].geometry.isEmpty()
    project.clear()
