"""`geo-r1 evaluate --suite masks`: cases, baselines, figures, and the command as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the evaluate extra is not installed")
pytest.importorskip("torch", reason="the torch extra is not installed")

from geo_r1_backend import cli
from geo_r1_backend.engines.segmenter import MaskPrompt
from geo_r1_backend.evaluation.segmenting.cases import (
    generated_cases,
    nwpu_cases,
    shaken,
)
from geo_r1_backend.evaluation.segmenting.command import measure
from geo_r1_backend.evaluation.segmenting.figures import CutRow, figures_of
from geo_r1_backend.evaluation.segmenting.grabcut import FilledBox, GrabCut
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.pretraining.dice import Dice
from tests.backend.tiny_segmenter import random_net, write_segmenter


class Oracle:
    """Knows the truth of the cases that it is asked about, in order."""

    name = "oracle"

    def __init__(self, cases):
        self.left = list(cases)

    def segment(self, image, prompts):
        case = self.left.pop(0)
        assert case.prompts == prompts
        return list(case.truth)


def test_generated_cases_are_frozen():
    """The same boxes and masks each time; jittered boxes are others, near the true ones."""
    first = list(generated_cases(None, jittered=False, count=12))
    again = list(generated_cases(None, jittered=False, count=12))
    off = list(generated_cases(None, jittered=True, count=12))

    assert [c.group for c in first] == [c.group for c in again] == [c.group for c in off]
    assert sum(len(c.prompts) for c in first) > 20
    for one, other, shifted in zip(first, again, off, strict=True):
        assert one.prompts == other.prompts
        np.testing.assert_array_equal(one.image, other.image)
        for true, moved in zip(one.prompts, shifted.prompts, strict=True):
            assert 0.6 < iou(true.box_px, moved.box_px) < 1


def test_a_segmenter_that_knows_the_truth_scores_one():
    """gIoU 1 for it, less for a filled box, and it is ahead by the difference."""
    cases = list(generated_cases(None, jittered=False, count=6))

    rows, ms_per_box = measure(cases, Oracle(cases), [FilledBox()])
    figures = {f.name: f for f in figures_of(rows, "oracle", ["filled box"])}

    assert set(ms_per_box) == {"oracle", "filled box"}
    assert figures["gIoU, oracle"].value == 1
    assert 0.3 < figures["gIoU, filled box"].value < 0.9
    ahead = figures["gIoU ahead of filled box"]
    assert ahead.value == pytest.approx(1 - figures["gIoU, filled box"].value)
    assert ahead.low <= ahead.value <= ahead.high
    assert ahead.count == len(rows)


def test_giou_is_the_mean_and_ciou_the_sum():
    """Two boxes of one place: a small right one and a large half right one."""
    rows = [
        CutRow("a", "car", 10, {"x": 10}, {"x": 10}),
        CutRow("a", "ship", 200, {"x": 500}, {"x": 1000}),
        CutRow("b", "ship", 30, {"x": 0}, {"x": 0}),
    ]
    figures = {f.name: f.value for f in figures_of(rows, "x", [])}

    assert figures["gIoU, x"] == pytest.approx(2.5 / 3)
    assert figures["cIoU, x"] == pytest.approx(510 / 1010)
    assert figures["gIoU of ship, x"] == pytest.approx(0.75)
    assert figures["gIoU, under 24 px, x"] == 1
    assert figures["gIoU, 96 px and more, x"] == 0.5


def test_grabcut_cuts_out_what_stands_out():
    """A bright disc on dark ground, from its box; without surroundings it is the box."""
    down, across = np.mgrid[0:80, 0:80]
    disc = (down - 40) ** 2 + (across - 40) ** 2 < 20**2
    noise = np.random.default_rng(0).integers(0, 20, (80, 80, 3))
    image = (np.where(disc[..., None], 200, 40) + noise).astype(np.uint8)

    mask = GrabCut().segment(image, [MaskPrompt((20, 20, 60, 60))])[0]
    whole = GrabCut().segment(image, [MaskPrompt((0, 0, 80, 80))])[0]

    assert (mask & disc).sum() / (mask | disc).sum() > 0.95
    assert whole.all()


def test_a_filled_box_holds_the_pixels_whose_centres_it_holds():
    """Half-open, at fractions of a pixel as well."""
    mask = FilledBox().segment(np.zeros((9, 9, 3), np.uint8), [MaskPrompt((1.6, 2, 4.5, 4.4))])[0]
    assert np.argwhere(mask).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


@pytest.mark.parametrize("seed", range(8))
def test_shaken_boxes_stay_in_the_picture(seed):
    """Whatever the box, also at the edge."""
    for box in ((0, 0, 6, 4), (90, 90, 100, 100), (10, 20, 80, 30)):
        moved = shaken(Dice(seed), box, (100, 100))
        assert 0 <= moved[0] < moved[2] <= 100
        assert iou(moved, box) > 0.6


def test_the_command_measures_and_writes(tmp_path, capsys, monkeypatch):
    """Without real images it says so, measures generated scenes, and writes every row."""
    monkeypatch.delenv("GEO_R1_DATA", raising=False)
    packed = write_segmenter(tmp_path, random_net())
    out = tmp_path / "rows.json"

    code = cli.main(
        [
            "evaluate",
            "--suite",
            "masks",
            "--segmenter",
            str(packed),
            "--every",
            "24",
            "--out",
            str(out),
        ]
    )

    assert code == 0
    said = capsys.readouterr()
    assert "masks-generated-1, true boxes" in said.out
    assert "gIoU ahead of GrabCut" in said.out
    assert "nwpu-vhr10" in said.err
    document = json.loads(out.read_text())
    part = document["masks-generated-1, boxes some pixels off"]
    assert part["figures"][0]["count"] == len(part["rows"]) > 5


def test_a_folder_without_a_segmenter_is_one_sentence(tmp_path, capsys):
    """Exit code 1 and what a segmenter is."""
    assert cli.main(["evaluate", "--suite", "masks", "--segmenter", str(tmp_path)]) == 1
    assert "segmenter.json" in capsys.readouterr().err


@pytest.mark.skipif(
    not Path(os.environ.get("GEO_R1_DATA", ""), "nwpu-vhr10").is_dir()
    or not os.environ.get("GEO_R1_DATA"),
    reason="GEO_R1_DATA names no folder: real images are not on this machine",
)
def test_nwpu_polygons_lie_in_their_boxes():
    """Each mask fills a part of its box and hardly leaves it."""
    for case in nwpu_cases(Path(os.environ["GEO_R1_DATA"]), every=60):
        filled = FilledBox().segment(case.image, case.prompts)
        for inside, truth in zip(filled, case.truth, strict=True):
            assert truth.any()
            assert (truth & inside).sum() / truth.sum() > 0.8
