"""Questions about real photographs: whole objects only, no copy on both sides of a split, no oracle list of classes."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="views are cut with opencv")

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.real import figures
from geo_r1_backend.evaluation.real.groups import grouped, split_of
from geo_r1_backend.evaluation.real.labels import READERS
from geo_r1_backend.evaluation.real.suites import ONE_OBJECT, real_questions
from geo_r1_backend.evaluation.real.views import VIEW_PX, draw_views
from geo_r1_backend.evaluation.scoring import Row
from geo_r1_backend.pretraining.dice import Dice

COLOURS = {"airplane": (250, 40, 40), "ship": (40, 40, 250), "vehicle": (40, 220, 40)}


def a_photograph(path, boxes, seed=0, size=(900, 700)):
    """Noise ground with one plain rectangle per (class, box)."""
    noise = np.random.default_rng(seed).integers(0, 60, (size[1] // 50, size[0] // 50, 3), np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)).copy()
    for name, (x0, y0, x1, y1) in boxes:
        picture[y0:y1, x0:x1] = COLOURS[name]
    Image.fromarray(picture).save(path, quality=98)


def write_nwpu(folder, photographs):
    """COCO as NWPU VHR-10 with polygons is published."""
    folder = folder / "nwpu-vhr10"
    folder.mkdir()
    names = ["airplane", "ship", "vehicle", "harbor"]
    notes = []
    for number, boxes in enumerate(photographs):
        a_photograph(folder / f"{number:03}.jpg", boxes, seed=number)
        for name, (x0, y0, x1, y1) in boxes:
            notes.append(
                {
                    "id": len(notes),
                    "image_id": number,
                    "category_id": 1 + names.index(name),
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
                }
            )
    document = {
        "images": [{"id": n, "file_name": f"{n:03}.jpg"} for n in range(len(photographs))],
        "annotations": notes,
        "categories": [{"id": 1 + n, "name": name} for n, name in enumerate(names)],
    }
    (folder / "annotations.json").write_text(json.dumps(document))


PHOTOGRAPHS = [
    [("airplane", (100, 100, 160, 150)), ("airplane", (400, 320, 480, 390)), ("ship", (700, 500, 860, 540))],
    [("airplane", (300, 200, 420, 310)), ("vehicle", (440, 40, 470, 60)), ("vehicle", (620, 480, 655, 510))],
    [("ship", (30, 600, 200, 650)), ("ship", (500, 300, 590, 330)), ("ship", (560, 60, 640, 90))],
]  # fmt: skip


@pytest.fixture
def data(tmp_path):
    """A folder as GEO_R1_DATA, with three photographs in NWPU's format."""
    write_nwpu(tmp_path, PHOTOGRAPHS)
    return tmp_path


def test_boxes_of_a_view_are_on_the_objects(data):
    """The pixels inside every box of every view have the colour of that object, those around it have not."""
    colour = {"airplane": "airplane", "ship": "ship", "car": "vehicle"}
    seen = 0
    for index, image in enumerate(READERS["nwpu"](data)):
        for scene in draw_views(image, Dice(index), 4):
            for item in scene.objects:
                x0, y0, x1, y1 = item.box_px
                inside = scene.image[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].reshape(-1, 3).mean(0)
                assert np.abs(inside - COLOURS[colour[item.kind]]).max() < 25
                assert item.area_px == pytest.approx((x1 - x0) * (y1 - y0), rel=0.15)
                seen += 1
    assert seen >= 8


def test_a_kind_that_is_cut_by_the_border_is_not_asked_for(data):
    """An object of which only a part shows makes its whole kind unknown in that view."""
    for index, image in enumerate(READERS["nwpu"](data)):
        for scene in draw_views(image, Dice(100 + index), 4):
            assert not {o.kind for o in scene.objects} & scene.unlabelled
            for item in scene.objects:
                assert min(item.box_px) >= 0
                assert max(item.box_px) <= VIEW_PX


def test_questions_are_the_same_every_time(data):
    """Data and seed alone decide what is asked, and only families that need no colour are."""
    first, second = (real_questions("real-rec", "nwpu", data, split="all") for _ in range(2))
    assert [
        (q.group, q.question.expression.query, q.question.expression.completion) for q in first
    ] == [(q.group, q.question.expression.query, q.question.expression.completion) for q in second]
    assert {q.question.family for q in first} <= set(ONE_OBJECT)
    assert len(first) >= 4


def test_all_asks_for_absent_kinds_too(data):
    """No oracle list: kinds that were looked for and are not there are asked for, and *none* is right."""
    asked = real_questions("real-ovd", "nwpu", data, split="all")
    absent = [q for q in asked if q.question.family == "none"]
    assert absent
    assert all(q.question.expression.answers == () for q in absent)
    assert {q.question.family for q in asked} == {"all", "none"}


def test_copies_and_near_duplicates_share_a_group(tmp_path):
    """Augmented copies of an original, and a slightly brighter picture of the same place, are never split."""
    folder = tmp_path / "aerial-airport" / "train"
    (folder / "images").mkdir(parents=True)
    (folder / "labelTxt").mkdir()
    plane = [("airplane", (100, 100, 160, 150))]
    for name, seed in (
        ("a_1_jpg.rf.x", 1),
        ("a_1_jpg.rf.y", 2),
        ("b_2_jpg.rf.x", 1),
        ("c_3_jpg.rf.x", 4),
    ):
        a_photograph(folder / "images" / f"{name}.jpg", plane, seed)
        (folder / "labelTxt" / f"{name}.txt").write_text("100 100 160 100 160 150 100 150 airplane 0\n")  # fmt: skip

    images = READERS["airports"](tmp_path)
    groups = grouped(images)

    # y is an augmentation of x; b shows the same place as x under another name; c is another place
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_splits_depend_on_the_group_alone():
    """A group is on one side only, and both sides get their share."""
    sides = [split_of(f"group {n}") for n in range(1000)]
    assert sides == [split_of(f"group {n}") for n in range(1000)]
    assert 230 <= sides.count("shots") <= 370


def test_streets_are_read_with_their_scene(tmp_path):
    """YOLO's shares become pixels; frames of one street have one group."""
    folder = tmp_path / "kit-ais-cars"
    folder.mkdir()
    for name in ("MOS76", "MOS79", "MunichStreet02-MOS80", "MOS170"):
        a_photograph(folder / f"{name}.png", [], size=(500, 400))
        (folder / f"{name}.txt").write_text("0 0.5 0.25 0.1 0.05\n")
    images = READERS["streets"](tmp_path)
    assert images[0].objects[0].box_px == pytest.approx((225, 90, 275, 110))
    assert len({image.group for image in images}) == 3


@pytest.mark.parametrize("source", sorted(READERS))
def test_a_missing_file_is_named_with_its_place(tmp_path, source):
    """The error says which file is missing and where it was expected."""
    with pytest.raises(ConfigError, match="is not there") as caught:
        READERS[source](tmp_path)
    assert str(tmp_path) in caught.value.hint


def a_row(right, family="plain", kind="ship", counts=(1, 1, 1)):
    """One scored question."""
    return Row(family, "448x448", "nwpu", kind, False, 0.9 if right else 0.1, right, False, counts, False)  # fmt: skip


def test_figures_count_places_not_copies():
    """Ten copies of one place widen no evidence: the interval is the one of a single place."""
    copies = [("place", a_row(n % 2 == 0)) for n in range(10)]
    apart = [(f"place {n}", a_row(n % 2 == 0)) for n in range(10)]
    together, single = (figures.rec_figures(rows)[0] for rows in (copies, apart))
    assert together.value == single.value == 0.5
    assert together.low == together.high == 0.5
    assert single.low < 0.5 < single.high


def test_unique_and_non_unique_are_told_apart():
    """A question with one candidate is unique, every other one is not."""
    rows = [("a", a_row(True)), ("b", a_row(False, "extreme"))]
    found = {f.name: f.value for f in figures.rec_figures(rows)}
    assert found["Acc@0.5, unique"] == 1.0
    assert found["Acc@0.5, non-unique"] == 0.0


def test_boxes_for_an_absent_kind_cost_f1():
    """F1 over all kinds that were asked for falls with every box where nothing is."""
    rows = [("a", a_row(True, "all")), ("b", a_row(False, "none", "", (0, 3, 0)))]
    found = {f.name: f.value for f in figures.ovd_figures(rows)}
    assert found["F1@0.5, kinds that are there"] == 1.0
    assert found["F1@0.5, all kinds asked for"] == pytest.approx(0.4)
