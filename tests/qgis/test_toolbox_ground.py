"""`geo_r1:ground`: whole rasters in the toolbox, with a service that sees without a fault."""

import os
from collections import Counter

import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsRectangle,
    QgsVectorLayer,
)

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


HALVES = {"west": (0, 500), "east": (500, 1000), "sea": (3000, 3400)}


@pytest.fixture
def areas(raster):
    """A polygon layer with the western and the eastern half, and one that the raster does not have."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633&field=part:string", "parts", "memory")
    x, size, _, y, _, _ = UTM
    for name, (left, right) in HALVES.items():
        feature = QgsFeature(layer.fields())
        feature["part"] = name
        rectangle = QgsRectangle(x + left * size, y - 800 * size, x + right * size, y)
        feature.setGeometry(QgsGeometry.fromRect(rectangle))
        layer.dataProvider().addFeature(feature)
    return layer


def middle_in(box, name):
    return HALVES[name][0] <= (box[0] + box[2]) / 2 <= HALVES[name][1]


def area_px(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def test_each_area_has_an_answer_of_its_own(raster, areas):
    """Of each half the largest, under the half's name and in the style of the dock's layer; what lies beside is said."""
    told = Told()
    made = run(
        "ground",
        {
            "RASTER": raster.path, "EXPRESSION": "the largest tank", "AREAS": areas, "AREA_FIELD": "part",
            "OUTPUT": "memory:",
        },
        told,
    )  # fmt: skip
    found = {f["area_id"]: f for f in made["OUTPUT"].getFeatures()}

    assert set(found) == {"west", "east"}
    for name, feature in found.items():
        largest = max((b for b in raster.boxes if middle_in(b, name)), key=area_px)
        assert feature["area_m2"] == pytest.approx(area_px(largest) * 0.09, rel=0.01)
        assert feature["kind"] == "box"
        assert feature["model"] == "geo-r1-nano"
    assert any("left out: 1." in each for each in told.warnings)
    assert made["OUTPUT"].renderer().type() == "RuleRenderer"


def test_a_kind_is_found_without_the_small_ones(raster):
    """`detectall` takes a bare kind, and leaves out what is smaller than was asked for."""
    sizes = sorted(area_px(box) * 0.09 for box in raster.boxes)
    limit = (sizes[9] + sizes[10]) / 2
    made = run(
        "detectall",
        {"RASTER": raster.path, "EXPRESSION": "tank", "MIN_AREA_M2": limit, "OUTPUT": "memory:"},
    )

    assert made["COUNT"] == made["OUTPUT"].featureCount() == len(BOXES) - 10
    assert min(f["area_m2"] for f in made["OUTPUT"].getFeatures()) > limit


def test_a_table_of_expressions_and_areas(raster, areas):
    """Every expression in every area: objects with both names, and a row of counts for each pair, once per expression."""
    table = QgsVectorLayer("NoGeometry?field=question:string", "questions", "memory")
    for words in ("all tanks", "", "the largest tank"):
        row = QgsFeature(table.fields())
        row["question"] = words
        table.dataProvider().addFeature(row)
    made = run(
        "groundtable",
        {
            "RASTER": raster.path, "TABLE": table, "FIELD": "question", "EXPRESSIONS": "all tanks\nall tanks left of nothing",
            "AREAS": areas, "AREA_FIELD": "part", "OUTPUT": "memory:", "COUNTS": "memory:",
        },
    )  # fmt: skip
    rows = {(f["query"], f["area_id"]): f for f in made["COUNTS"].getFeatures()}
    by_cell = Counter((f["query"], f["area_id"]) for f in made["OUTPUT"].getFeatures())
    west = [box for box in raster.boxes if middle_in(box, "west")]

    assert len(rows) == made["COUNTS"].featureCount() == 3 * 2
    assert rows["all tanks", "west"]["count"] == len(west)
    assert rows["all tanks", "west"]["area_m2"] == pytest.approx(
        sum(area_px(b) * 0.09 for b in west), rel=0.01
    )
    assert rows["the largest tank", "east"]["count"] == 1
    assert {cell: row["count"] for cell, row in rows.items() if row["count"]} == dict(by_cell)
    assert made["COUNT"] == sum(by_cell.values())


def test_what_a_result_file_has_is_not_asked_again(raster, stub, tmp_path):
    """Cancelled, it goes on with the tiles that are missing and comes to all objects; a third time nothing is asked."""
    given = {
        "RASTER": raster.path, "EXPRESSION": "all tanks", "M_PER_PX": 0.15, "OUTPUT": "memory:",
        "JOURNAL": str(tmp_path / "kept.gpkg"),
    }  # fmt: skip
    told = Told()
    told.progressChanged.connect(lambda share: told.cancel() if share > 20 else None)
    first = run("ground", given, told)
    asked = len(stub.items_asked)
    again = run("ground", given)
    both = len(stub.items_asked)
    told = Told()
    third = run("ground", given, told)

    assert (first["OUTCOME"], again["OUTCOME"], third["OUTCOME"]) == (
        "stopped",
        "finished",
        "finished",
    )
    assert 0 < asked < both == len(stub.items_asked)
    assert len(set(map(str, stub.items_asked))) == len(stub.items_asked)
    assert again["COUNT"] == third["COUNT"] == len(BOXES)
    assert any("known from the result file" in line for line in told.infos)

    os.utime(raster.path, ns=(1, 1))  # as if it were written anew
    assert run("ground", given)["COUNT"] == len(BOXES)
    assert len(stub.items_asked) > both


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("ground", {"EXPRESSION": " "}, "EXPRESSION is empty"),
        ("ground", {"RASTER": "/nowhere.tif"}, "RASTER"),
        ("ground", {"EXTENT": "0,1,0,1 [EPSG:32633]", "AREAS": True}, "leave one of them empty"),
        ("detectall", {"EXPRESSION": "the largest tank"}, "all tank"),
        ("groundtable", {"EXPRESSIONS": " \n "}, "There is no expression"),
        ("groundtable", {"TABLE": True}, "without FIELD"),
        ("groundtable", {"EXPRESSIONS": "\n".join(f"all tanks {n}" for n in range(1001))}, "at most 1000"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(raster, stub, areas, name, changed, words):
    """Before anything is sent, with the parameter's name."""
    given = {"RASTER": raster.path, "OUTPUT": "memory:"}
    if name != "groundtable":
        given["EXPRESSION"] = "all tanks"
    given.update({key: areas if value is True else value for key, value in changed.items()})
    told = Errors()
    with pytest.raises(QgsProcessingException) as refused:
        run(name, given, told)

    assert words in " ".join([str(refused.value), *told.errors])
    assert stub.items_asked == []
