"""Odd rasters as wholes, through the toolbox, which goes the dock's way: answered in their place, or refused in a sentence."""

import time

import pytest
from osgeo import gdal
from qgis.core import QgsFeatureSink, QgsProcessingException, QgsProject, QgsRasterLayer

from geo_r1_qgis.capture.scene_plan import plan_scene
from geo_r1_qgis.layers import writer
from geo_r1_qgis.layers.geopackage import ResultFile
from geo_r1_qgis.layers.schema import SCENE_TILES
from geo_r1_qgis.processing.scene_algorithm import SceneAlgorithm
from tests.faults.conftest import small_disk  # noqa: F401 - a fixture
from tests.qgis.make_odd_scenes import ODD, UTM, bright_things, make_empty, make_odd, outlines
from tests.qgis.make_scene import eyes, make_scene, spread
from tests.qgis.measure_capture import resident_mb
from tests.qgis.test_toolbox import Told, loaded, run  # noqa: F401 - a fixture
from tests.qgis.test_toolbox_ground import Errors

ALGORITHMS = ("ground", "detectall", "groundtable")
AT_ONCE_S = 5.0
"""From the start of a run over 20 GB to its first question, on a busy machine; 1.2 s on a calm one."""
GROWN_MB = 200


def given(name, path, **more):
    """Parameters of one of the algorithms, with a query of its kind."""
    asked = {"RASTER": str(path), "OUTPUT": "memory:", **more}
    if name == "groundtable":
        return {**asked, "EXPRESSIONS": "all roofs", "COUNTS": "memory:"}
    return {"EXPRESSION": "all roofs", **asked}


def bounds_of(layer):
    """Bounds of a layer's features, in order."""
    boxes = [feature.geometry().boundingBox() for feature in layer.getFeatures()]
    return sorted((b.xMinimum(), b.yMinimum(), b.xMaximum(), b.yMaximum()) for b in boxes)


def refused(name, parameters):
    """What an algorithm says where it does not come to an end."""
    told = Errors()
    with pytest.raises(QgsProcessingException) as error:
        run(name, parameters, told)
    return " ".join([str(error.value), *told.errors])


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("ground", name) for name in ODD] + [(name, "no CRS") for name in ALGORITHMS[1:]],
)
def test_odd_rasters_are_answered_in_their_place(loaded, stub, tmp_path, algorithm, name):  # noqa: F811
    """Whatever its numbers, bands and geometry, its objects lie where the file says, to a pixel; a result file is kept."""
    stub.answer_items = bright_things
    told = Told()
    raster = make_odd(tmp_path / "odd.tif", **ODD[name])
    made = run(algorithm, given(algorithm, raster, JOURNAL=str(tmp_path / "kept.gpkg")), told)
    expected = outlines(ODD[name].get("geotransform", UTM))

    assert bounds_of(made["OUTPUT"]) == [pytest.approx(each, abs=0.5) for each in expected]
    assert (made["OUTCOME"], made["FAILED"]) == ("finished", 0)
    assert any("has no CRS" in words for words in told.warnings) == (name == "no CRS")


def test_without_a_crs_nothing_is_said_in_metres(loaded, stub, tmp_path):  # noqa: F811
    """A ranking is in the raster's own units and says so; sizes in metres are refused before anything is sent."""
    stub.answer_items = bright_things
    raster = make_odd(tmp_path / "odd.tif", epsg=None)
    told = Told()
    run("ground", {**given("ground", raster), "EXPRESSION": "the largest roof"}, told)
    ranking = "\n".join(told.infos)
    asked = len(stub.items_asked)
    too_small = refused("detectall", given("detectall", raster, MIN_AREA_M2=20.0))
    finer = refused("ground", given("ground", raster, M_PER_PX=0.6))

    assert "1. 729.0 units²" in ranking
    assert "not metres" in ranking
    assert "m²" not in ranking.replace("units²", "")
    assert "MIN_AREA_M2 is 20" in too_small
    assert "give it a CRS" in too_small
    assert "give it a CRS" in finer
    assert len(stub.items_asked) == asked


@pytest.mark.parametrize(("width_px", "height_px"), [(3, 20_000), (20_000, 3)])
def test_a_thread_of_a_raster_is_looked_at(loaded, stub, tmp_path, width_px, height_px):  # noqa: F811
    """Three pixels by twenty thousand are tiles like any others; what lies across them is found once."""
    path = tmp_path / "thin.tif"
    file = gdal.GetDriverByName("GTiff").Create(str(path), width_px, height_px, 3)
    file.SetGeoTransform(UTM)
    file.SetProjection(QgsRasterLayer(make_odd(tmp_path / "crs.tif"), "crs").crs().toWkt())
    across = "x" if width_px > height_px else "y"
    window = (5000, 0, 40, 3) if across == "x" else (0, 5000, 3, 40)
    for band in (1, 2, 3):
        file.GetRasterBand(band).Fill(60)
        file.GetRasterBand(band).WriteRaster(*window, bytes([250]) * 120)
    del file
    stub.answer_items = bright_things
    made = run("ground", given("ground", path))
    left, bottom, right, top = bounds_of(made["OUTPUT"])[0]

    assert made["COUNT"] == 1
    along = (left - UTM[0]) / 0.3 if across == "x" else (UTM[3] - top) / 0.3
    assert along == pytest.approx(5000, abs=1)
    assert max(right - left, top - bottom) == pytest.approx(12.0, abs=0.5)


def test_twenty_gigabytes_begin_at_once(loaded, stub, tmp_path):  # noqa: F811
    """The first question of 67,280 tiles comes after a moment, and Cancel ends it; memory does not follow the file."""
    path, began, first = make_empty(tmp_path / "sparse.tif", 83_000, 83_000), [], []

    def answer(_item, _image):
        first.append(time.monotonic() - began[0])
        return []

    stub.answer_items = answer
    told = Told()
    told.progressChanged.connect(lambda _: told.cancel() if len(first) >= 32 else None)
    before_mb = resident_mb("VmRSS")
    began.append(time.monotonic())
    plan = plan_scene(
        QgsRasterLayer(path, "sparse"), context=QgsProject.instance().transformContext()
    )
    planned_s = time.monotonic() - began[0]
    made = run("ground", given("ground", path), told)

    assert plan.tile_count == 67_280
    assert planned_s < 1
    assert first[0] < AT_ONCE_S
    assert made["OUTCOME"] == "stopped"
    assert made["TILES"] < 200
    assert resident_mb("VmRSS") - before_mb < GROWN_MB


def test_a_raster_of_nothing_is_said(loaded, stub, tmp_path):  # noqa: F811
    """Where no tile has data none is asked, and that is a warning and not “none found”."""
    told = Told()
    made = run(
        "ground", given("ground", make_odd(tmp_path / "odd.tif", nodata=0, low=0, high=0)), told
    )

    assert stub.items_asked == []
    assert (made["TILES"], made["EMPTY"], made["COUNT"]) == (0, 3, 0)
    assert any(
        "3 of 3 tiles were not asked: the raster has no data" in each for each in told.warnings
    )


def damaged(tmp_path, made):
    """A compressed copy of a raster with some of its blocks overwritten."""
    path = tmp_path / "damaged.tif"
    gdal.Translate(str(path), made.path, creationOptions=["TILED=YES", "COMPRESS=DEFLATE"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 400] = b"x" * 400
    path.write_bytes(bytes(content))
    return path


def test_a_damaged_file_says_which_part_it_is(loaded, stub, tmp_path):  # noqa: F811
    """Tiles that cannot be read are counted with the reason; all others are asked."""
    made = make_scene(tmp_path / "city.tif", 2000, 1600, spread(2000, 1600, 40, 3))
    stub.answer_items = eyes(made.boxes)
    path, told = damaged(tmp_path, made), Told()
    broken = run("ground", given("ground", path), told)

    assert 0 < broken["FAILED"] < 10
    assert broken["TILES"] == len(stub.items_asked) == 36 - broken["FAILED"]
    assert any(
        "could not be drawn" in each and "TIFFReadEncodedTile" in each for each in told.warnings
    )


def test_a_file_that_vanishes_ends_in_a_sentence(loaded, stub, tmp_path):  # noqa: F811
    """A mosaic whose southern parts go during the run: they have no answer, and once they are back only they are asked."""
    made = make_scene(tmp_path / "city.tif", 120, 16_000, spread(120, 16_000, 40, 3))
    parts = [tmp_path / f"part{number}.tif" for number in range(8)]
    for number, part in enumerate(parts):
        gdal.Translate(str(part), made.path, srcWin=[0, 2000 * number, 120, 2000])
    mosaic = tmp_path / "mosaic.vrt"
    gdal.BuildVRT(str(mosaic), [str(part) for part in parts]).FlushCache()
    see, gone = eyes(made.boxes), {}

    def answer(item, image):
        if not gone:
            gone.update({part: part.rename(part.with_suffix(".away")) for part in parts[-2:]})
        return see(item, image)

    stub.answer_items = answer
    asked = given("ground", mosaic, JOURNAL=str(tmp_path / "kept.gpkg"))
    told = Told()
    first = run("ground", asked, told)
    before = len(stub.items_asked)
    for part, away in gone.items():
        away.rename(part)
    second = run("ground", asked)

    assert first["FAILED"] > 0
    assert before == first["TILES"]
    assert any("part6.tif" in words for words in told.warnings)
    assert second["COUNT"] == len(made.boxes)
    assert (second["FAILED"], len(stub.items_asked)) == (0, second["TILES"])


@pytest.mark.parametrize(
    "name",
    [ALGORITHMS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in ALGORITHMS[1:])],
)
def test_a_full_disk_ends_a_run_that_can_be_gone_on_with(
    loaded, stub, tmp_path, small_disk, monkeypatch, name  # noqa: F811 - fixtures
):  # fmt: skip
    """The result file and a full disk: said with the way out, the file stays whole, and running it again asks the rest."""
    monkeypatch.setattr(writer, "RETRY_S", (0.05,))
    made = make_scene(tmp_path / "city.tif", 1600, 1300, spread(1600, 1300, 40, 3))
    see = eyes(made.boxes)

    def answer(item, image):
        if len(stub.items_asked) == 18:
            small_disk.fill()
        return see(item, image)

    stub.answer_items = answer
    journal = small_disk.folder / "kept.gpkg"
    asked = given(name, made.path, JOURNAL=str(journal))
    words = refused(name, asked)
    file = ResultFile(str(journal))
    kept = sum(1 for _ in file.rows(SCENE_TILES, "1 = 1"))
    file.close()
    small_disk.empty()
    before = len(stub.items_asked)
    stub.answer_items = see
    again = run(name, asked)

    assert "run it again with the same inputs" in words
    assert "by itself" not in words
    assert kept == 16
    assert len(stub.items_asked) - before == 24 - kept
    assert (again["COUNT"], again["OUTCOME"]) == (40, "finished")


class FullSink(QgsFeatureSink):
    """A sink that takes nothing more."""

    def addFeature(self, *_):  # noqa: N802 - QGIS's name
        return False

    def lastError(self):  # noqa: N802 - QGIS's name
        return "disk full"


def test_an_output_that_is_full_is_an_error(loaded, stub, tmp_path, monkeypatch):  # noqa: F811
    """An object that OUTPUT does not take is no success with fewer rows."""
    stub.answer_items = bright_things
    sink = FullSink()
    monkeypatch.setattr(SceneAlgorithm, "parameterAsSink", lambda *_: (sink, "nowhere"))
    words = refused("ground", given("ground", make_odd(tmp_path / "odd.tif")))

    assert "disk full" in words
    assert "choose another place" in words
