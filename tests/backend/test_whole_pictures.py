"""Planes on held-out airports, cars by street scene: whole photographs, asked about as the service would be."""

from __future__ import annotations

import json
import zlib
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="questions are worded by the generator's grammar")

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.real import whole_pictures
from geo_r1_backend.evaluation.real.held_out import airport_place, held_out_airport
from geo_r1_backend.evaluation.real.suites import real_questions
from geo_r1_backend.evaluation.real.ways import Way, read_ways
from geo_r1_backend.evaluation.real.whole_pictures import pictures, summarise
from tests.backend.test_windows_answers import seeing

HELD_OUT = ["airport_3", "airport_4", "airport_9"]
SEEN = ["airport_1", "airport_2"]
PLANES = [(x, y, x + 16, y + 16) for y in (40, 300, 500) for x in range(30, 560, 75)]


def write_photograph(path, boxes):
    """Red things on grey fields that no other place has, as JPEG or PNG by the name."""
    place = zlib.crc32(path.name.split("_jpg")[0].encode())
    fields = np.random.default_rng(place).integers(20, 140, (8, 9, 1), np.uint8)
    noise = fields.repeat(75, 0).repeat(67, 1)[:600, :600].repeat(3, 2)
    noise = np.pad(noise, ((0, 600 - noise.shape[0]), (0, 600 - noise.shape[1]), (0, 0)))
    for x0, y0, x1, y1 in boxes:
        noise[y0:y1, x0:x1] = (230, 20, 20)
    Image.fromarray(noise).save(path, quality=98)


@pytest.fixture
def data(tmp_path):
    """Five airports, two copies each, and a frame of each street scene, in their publishers' formats."""
    folder = tmp_path / "aerial-airport" / "train"
    (folder / "images").mkdir(parents=True)
    (folder / "labelTxt").mkdir()
    lines = [f"{x0} {y0} {x1} {y0} {x1} {y1} {x0} {y1} airplane 0" for x0, y0, x1, y1 in PLANES]
    for name in (*HELD_OUT, *SEEN):
        for copy in ("aa", "bb"):
            write_photograph(folder / "images" / f"{name}_jpg.rf.{copy}.jpg", PLANES)
            (folder / "labelTxt" / f"{name}_jpg.rf.{copy}.txt").write_text("\n".join(lines))
    streets = tmp_path / "kit-ais-cars"
    streets.mkdir()
    for name in ("MOS76", "MunichStreet02-MOS80", "MOS170"):
        write_photograph(streets / f"{name}.png", PLANES)
        (streets / f"{name}.txt").write_text(
            "\n".join(
                f"0 {(x0 + x1) / 1200} {(y0 + y1) / 1200} {(x1 - x0) / 600} {(y1 - y0) / 600}"
                for x0, y0, x1, y1 in PLANES
            )
        )
    return tmp_path


def options(**more):
    """What the command line gives."""
    given = {
        "suite": "airports",
        "windows": "view,300",
        "overlap_px": None,
        "fold": None,
        "every": 1,
        "threads": 1,
        "arithmetic": "float32",
        "out": None,
        "report": None,
        "limit": None,
        "no_think": False,
        "seed": 0,
    }
    return Namespace(**{**given, **more})


@pytest.fixture
def measured(data, monkeypatch, tmp_path, capsys):
    """Runs the command with an engine that sees what is red and larger than 14 px in its own picture."""

    def measure(**more):
        monkeypatch.setenv("GEO_R1_DATA", str(data))
        monkeypatch.setattr(
            "geo_r1_backend.engines.onnx.OnnxEngine", lambda *_: replace_labels(seeing())
        )
        out = tmp_path / "out.json"
        assert whole_pictures.run(options(out=out, **more), tmp_path / "model") == 0
        document = json.loads(out.read_text())
        return {(f["way"], f["name"]): f for f in document["figures"]}, capsys.readouterr().out

    return measure


def replace_labels(engine):
    look = engine.answer
    engine.answer = lambda item: look(item).replace("tank", "airplane")
    return engine


def test_windows_and_the_whole_view_are_compared_in_one_run(measured):
    """Things of 16 px vanish in the whole view (12 px there) and are all found through windows; places are counted once."""
    figures, said = measured()

    assert figures["view", "recall@0.5"]["value"] == 0.0
    assert figures["300 px, 60", "F1@0.5"]["value"] == 1.0
    assert figures["300 px, 60", "precision@0.5"]["value"] == 1.0
    assert figures["300 px, 60", "F1@0.5"]["count"] == 3
    assert figures["300 px, 60", "recall@0.5, under 24 px"]["value"] == 1.0
    assert "3 pictures of 3 places with 72 objects" in said
    assert "10.0 looks" in said


def test_the_page_shows_the_first_way(measured, tmp_path):
    """`--report` has the figures of all ways, and the pictures as they were answered in the first one."""
    page = tmp_path / "report.html"
    measured(report=page)

    text = page.read_text(encoding="utf-8")
    assert "recall@0.5, 300 px, 60" in text
    assert text.count('class="card"') == 3
    assert "Says there is none." in text


def test_streets_have_a_figure_per_scene(measured):
    """All three scenes, or the one of a fold."""
    figures, _ = measured(suite="streets", windows="300")
    fold, said = measured(suite="streets", windows="300", fold=1)

    names = {name for _, name in figures}
    assert {"F1@0.5, street 1", "F1@0.5, street 2", "F1@0.5, street 3"} <= names
    assert [name for _, name in fold if "street" in name] == ["F1@0.5, street 2"]
    assert "streets, street 2, 1 pictures" in said


def test_only_held_out_airports_one_copy_each(data):
    """What training saw is not asked about, and augmented copies are no further evidence."""
    chosen = pictures("airports", data)
    assert [image.group for image in chosen] == sorted(HELD_OUT)
    assert all(held_out_airport(image) and "aa" in image.path.name for image in chosen)
    assert len({airport_place(image) for image in chosen}) == len(chosen)


def test_ways_are_read_from_the_command_line():
    """The service's own way, one look, or windows with an overlap of a fifth or as given."""
    assert read_ways("auto, view,300") == [
        Way("auto", "auto"),
        Way("view", "view"),
        Way("300 px, 60", "windows", 300, 60),
    ]
    assert read_ways("300", 20) == [Way("300 px, 20", "windows", 300, 20)]


@pytest.mark.parametrize(("text", "overlap"), [("3", None), ("big", None), ("", None), ("300", 300), ("300", -1)])  # fmt: skip
def test_ways_that_make_no_sense_are_named(text, overlap):
    """The word and the overlap stand in the error, and what would do in its hint."""
    with pytest.raises(ConfigError, match="--windows") as caught:
        read_ways(text, overlap)
    assert "auto, view" in caught.value.hint


def test_without_data_the_command_says_what_it_needs(monkeypatch, tmp_path):
    """Photographs are not part of the project."""
    monkeypatch.delenv("GEO_R1_DATA", raising=False)
    with pytest.raises(ConfigError, match="GEO_R1_DATA"):
        whole_pictures.run(options(), tmp_path)


def test_intervals_are_over_places():
    """Two pictures of one place give no interval, two places do."""
    row = whole_pictures.Row("w", "p", "here", (1, 1, 1), (1, 1, 1), ((1, 0, 1),) * 4, 0, 1.0)
    bad = replace(row, counts=(0, 1, 1))
    alike = summarise("w", [row, bad])[0]
    apart = summarise("w", [row, replace(bad, place="there")])[0]

    assert alike.low == alike.value == alike.high == 0.5
    assert apart.low < apart.value < apart.high


def test_other_suites_ask_about_held_out_airports_only_as_well(data):
    """`real-ovd --source airports` never asks about what training saw; shots are never held out."""
    asked = real_questions("real-ovd", "airports", data)
    shots = real_questions("real-ovd", "airports", data, split="shots")

    assert {q.group for q in asked} <= set(HELD_OUT)
    assert asked
    assert not {q.group for q in shots} & {q.group for q in asked}
