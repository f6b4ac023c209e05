"""`geo_r1:ground`: whole rasters in the toolbox, with a service that sees without a fault."""

import pytest
from qgis.core import QgsProcessingException

from tests.qgis.make_scene import UTM, eyes, make_scene, spread
from tests.qgis.test_toolbox import Told, loaded, run  # noqa: F401 - a fixture

BOXES = spread(1000, 800, 25, 31, largest=120)


@pytest.fixture
def raster(loaded, stub, tmp_path):  # noqa: F811 - a fixture
    """A raster of nine tiles."""
    made = make_scene(tmp_path / "city.tif", 1000, 800, BOXES)
    stub.answer_items = eyes(made.boxes)
    return made


def boxes_of(layer):
    """Boxes of a layer's features in pixels of the raster, in order."""
    x, size, _, y, _, _ = UTM
    found = []
    for feature in layer.getFeatures():
        b = feature.geometry().boundingBox()
        found.append(
            ((b.xMinimum() - x) / size, (y - b.yMaximum()) / size, (b.xMaximum() - x) / size, (y - b.yMinimum()) / size)
        )  # fmt: skip
    return sorted(found)


def test_all_objects_of_a_raster(raster):
    """Every object is a polygon on its place, once, with what was asked and its area."""
    told = Told()
    made = run(
        "ground", {"RASTER": raster.path, "EXPRESSION": "all tanks", "OUTPUT": "memory:"}, told
    )

    assert boxes_of(made["OUTPUT"]) == [
        pytest.approx(box, abs=0.01) for box in sorted(raster.boxes)
    ]
    assert (made["COUNT"], made["FAILED"], made["OUTCOME"]) == (len(BOXES), 0, "finished")
    assert told.infos[0].startswith(f"{made['TILES']} tiles of 448 px")
    feature = next(made["OUTPUT"].getFeatures())
    assert feature["query"] == "all tanks"
    assert feature["area_m2"] == pytest.approx(feature.geometry().area(), rel=0.01)


def test_a_comparison_over_a_part(raster):
    """Of the western half the largest, with its ranking in the log; eastern tiles are not sent."""
    west = f"{UTM[0]},{UTM[0] + 500 * 0.3},{UTM[3] - 800 * 0.3},{UTM[3]} [EPSG:32633]"
    told = Told()
    made = run(
        "ground",
        {
            "RASTER": raster.path,
            "EXPRESSION": "the largest tank",
            "EXTENT": west,
            "OUTPUT": "memory:",
        },
        told,
    )
    inside = [b for b in raster.boxes if (b[0] + b[2]) / 2 <= 500]

    assert boxes_of(made["OUTPUT"]) == [
        pytest.approx(max(inside, key=lambda b: (b[2] - b[0]) * (b[3] - b[1])), abs=0.01)
    ]
    assert any("m²" in line for line in told.infos)


class Errors(Told):
    """What is said of an algorithm that does not begin."""

    def __init__(self):
        super().__init__()
        self.errors = []

    def reportError(self, error, fatal=False):  # noqa: N802 - QGIS's name
        self.errors.append(error)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"EXPRESSION": " "}, "EXPRESSION is empty"), ({"RASTER": "/nowhere.tif"}, "RASTER")],
)
def test_what_cannot_be_asked_is_refused(raster, stub, changed, words):
    """Before anything is sent, with the parameter's name."""
    given = {"RASTER": raster.path, "EXPRESSION": "all tanks", "OUTPUT": "memory:", **changed}
    told = Errors()
    with pytest.raises(QgsProcessingException) as refused:
        run("ground", given, told)

    assert words in " ".join([str(refused.value), *told.errors])
    assert stub.items_asked == []
