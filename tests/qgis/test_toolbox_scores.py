"""Masks and intervals in the toolbox: data sets of outlines, and scores that say how much is chance."""

import itertools
import json

import pytest

from tests.qgis.stub_service import a_detection, result, started
from tests.qgis.test_gui_train import make_labels, polygon
from tests.qgis.test_real_training import SPREAD
from tests.qgis.test_toolbox import Told, inputs, loaded, run, sent  # noqa: F401 - fixtures

ALL_OBJECTS, MASKS = 1, 2


def mask_of(polygons):
    """A detection of a mask as the service writes it."""
    return {**a_detection(box=(0, 0, 448, 448)), "kind": "mask", "polygons_px": polygons}


def test_outlines_end_at_the_edge_of_the_picture(stub, inputs):  # noqa: F811
    """Objects in rows, so that pictures cut through some: their outlines are cut off there, as the service demands."""
    rows = [polygon(x, y, 60, 20) for x, y in itertools.product(range(60, 3100, 110), (300, 1100))]
    found = run("builddataset", {**inputs, "LABELS": make_labels(rows), "TASK": MASKS})

    samples = sent(stub, found["DATASET"])
    points = [
        point
        for sample in samples
        for rings in sample["polygons_px"]
        for ring in rings
        for point in ring
    ]
    assert {each["task"] for each in samples} == {"gres"}
    assert all(0 <= value <= 448 for point in points for value in point)
    assert any(point[0] in (0, 448) for point in points)


def test_masks_score_a_model(stub, inputs):  # noqa: F811
    """The mean IoU of the masks: the whole object, its half, a box without a mask, in turn."""
    inputs.update(TASK=MASKS, LABELS=make_labels([polygon(*place) for place in SPREAD[:3]]))
    samples = sent(stub, run("builddataset", inputs)["DATASET"])
    shares, stub.scripts = [], []
    for number, sample in enumerate(samples):
        left, top, right, bottom = sample["boxes_px"][0]
        middle = round((left + right) / 2)
        half = [[[[left, top], [middle, top], [middle, bottom], [left, bottom], [left, top]]]]
        found = (mask_of(sample["polygons_px"]), mask_of(half), a_detection())[number % 3]
        shares.append((1.0, (middle - left) / (right - left), 0.0)[number % 3])
        stub.scripts.append([started(), result([found])])
    told = Told()
    found = run("evaluate", {**inputs, "PART": 1}, told)

    asked = [json.loads(each.body) for each in stub.requests if each.path == "/v1/ground"]
    assert [each["items"][0]["chip"] for each in asked] == [each["chip"] for each in samples]
    assert {each["items"][0]["task"] for each in asked} == {"gres"}
    assert found["METRIC"] == "giou"
    assert found["SCORE"] == pytest.approx(100 * sum(shares) / len(shares), abs=1)
    assert "LOW" not in found  # of so few objects a bound would only look like one
    assert any("gIoU" in line for line in told.infos)


def test_masks_are_scored_to_the_edge_of_a_large_picture(stub, inputs):  # noqa: F811
    """A large object has a picture of more than 448 px: what an answer leaves out beyond them counts as well."""
    inputs.update(
        TASK=MASKS, LABELS=make_labels([polygon(x, 300, 400, 60) for x in (200, 900, 1600)])
    )
    samples = sent(stub, run("builddataset", inputs)["DATASET"])
    shares, stub.scripts = [], []
    for sample in samples:
        left, top, right, bottom = sample["boxes_px"][0]
        end = min(right, 448)
        found = [[[[left, top], [end, top], [end, bottom], [left, bottom], [left, top]]]]
        shares.append((end - left) / (right - left))
        stub.scripts.append([started(), result([mask_of(found)])])

    score = run("evaluate", {**inputs, "PART": 1})["SCORE"]

    assert min(shares) < 0.95
    assert score == pytest.approx(100 * sum(shares) / len(shares), abs=1)


def test_a_score_says_how_much_is_chance(stub, inputs):  # noqa: F811
    """From thirty held-out objects on the score has its bounds over places, in the log and as outputs."""
    groups = [(x, y) for x in (0, 60, 120) for y in (0, 60)]
    inputs["LABELS"] = make_labels(
        [polygon(x + dx, y + dy) for x, y in SPREAD for dx, dy in groups]
    )
    inputs.update(TASK=ALL_OBJECTS, HELD_OUT=0.3)
    samples = sent(stub, run("builddataset", inputs)["DATASET"])
    held_out = [each for each in samples if each["part"] == "held_out"]
    first = held_out[0]["place"]
    stub.scripts = [
        [started(), result([a_detection(box=box) for box in each["boxes_px"][left_out:]])]
        for each in held_out
        for left_out in [1 if each["place"] == first else 3]
    ]
    told = Told()
    found = run("evaluate", inputs, told)

    assert found["OBJECTS"] >= 30
    assert 0 < found["LOW"] < found["SCORE"] < found["HIGH"] < 100
    bounds = f"(95 %: {found['LOW']:.0f} to {found['HIGH']:.0f})"
    assert any(bounds in line for line in told.infos)
