"""How the segmenter is made: its pictures, its loss, its run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from geo_r1_backend import cli  # noqa: E402
from geo_r1_backend.geo.boxes import iou  # noqa: E402
from geo_r1_backend.models.weights import read_tensors  # noqa: E402
from geo_r1_backend.pretraining.dice import Dice  # noqa: E402
from geo_r1_backend.segmentation import train as training  # noqa: E402
from geo_r1_backend.segmentation.examples import (  # noqa: E402
    PictureSource,
    crops_of,
    jittered,
    tight_box,
)
from geo_r1_backend.segmentation.forms import FORMS  # noqa: E402
from geo_r1_backend.segmentation.settings import NetConfig, SegmenterSettings  # noqa: E402
from geo_r1_backend.segmentation.shapes import draw_shapes  # noqa: E402
from tests.backend.tiny_segmenter import SMALL  # noqa: E402


def settings(tmp_path, **changed):
    """A run that takes seconds on a CPU."""
    given = {
        "seconds": 600.0,
        "out": tmp_path / "run",
        "batch": 8,
        "pool": 64,
        "workers": 0,
        "warmup_steps": 2,
        "max_steps": 3,
        "net": SMALL,
    }
    return SegmenterSettings(**(given | changed))


def test_pictures_of_shapes_come_from_their_seed():
    """The same seed gives the same pixels and the same truth."""
    first, shapes = draw_shapes(7, None, (200, 160))
    again, others = draw_shapes(7, None, (200, 160))

    np.testing.assert_array_equal(first, again)
    assert [s.box_px for s in shapes] == [s.box_px for s in others]
    assert not np.array_equal(first, draw_shapes(8, None, (200, 160))[0])


def test_every_form_has_an_inside():
    """Each of the forms fills between a thirtieth and all of its box, wherever it is turned."""
    for number, form in enumerate(FORMS):
        for seed in range(20):
            points = np.concatenate(form(Dice(1000 * number + seed), 100.0))
            assert np.isfinite(points).all()
            assert np.ptp(points, 0).max() > 20


def test_shapes_have_tight_boxes_and_masks_of_their_boxes():
    """A mask touches all four sides of its box."""
    seen = 0
    for seed in range(60):
        image, shapes = draw_shapes(seed, None, (180, 140))
        for shape in shapes:
            x0, y0, x1, y1 = shape.box_px
            assert 0 <= x0 < x1 <= image.shape[1]
            assert 0 <= y0 < y1 <= image.shape[0]
            assert tight_box(shape.mask) == (0, 0, x1 - x0, y1 - y0)
            seen += 1
    assert seen > 100


def test_rings_keep_their_holes():
    """Somewhere among the shapes is a mask whose middle is empty and that goes around it."""
    holes = 0
    for seed in range(150):
        for shape in draw_shapes(seed, None, (220, 220))[1]:
            height, width = shape.mask.shape
            middle = shape.mask[height // 2, :]
            holes += (
                not middle[width // 2] and middle[: width // 2].any() and middle[width // 2 :].any()
            )
    assert holes >= 5


@pytest.mark.parametrize("seed", range(12))
def test_shown_boxes_stay_near_the_true_one(seed):
    """IoU 0.7 or more, inside the picture."""
    dice = Dice(seed)
    for _ in range(50):
        x, y = dice.uniform(0, 80), dice.uniform(0, 80)
        box = (x, y, x + dice.uniform(3, 20), y + dice.uniform(3, 20))
        shown = jittered(dice, box, (100, 100))
        assert iou(shown, box) >= 0.7
        assert 0 <= shown[0] < shown[2] <= 100


def test_crops_hold_what_the_net_sees_and_the_truth():
    """Most of the object lies in the box that is shown, and points lie on it."""
    source = PictureSource(None)
    inside, on_object, crops = [], [], 0
    for seed in range(12):
        for crop in crops_of(source.draw(seed), Dice(seed), 32):
            assert crop.shape == (6, 32, 32)
            assert crop.dtype == np.uint8
            box, points, truth = crop[3] > 127, crop[4] > 127, crop[5] > 127
            if truth.sum() > 40:
                inside.append((truth & box).sum() / truth.sum())
            if points.any() and truth.any():
                on_object.append((truth & points).any())
            crops += 1
    assert crops > 30
    assert np.mean(inside) > 0.8
    assert np.mean(on_object) > 0.9


def test_the_loss_prefers_the_truth():
    """Right logits cost less than none, none less than wrong ones; the IoU says the same."""
    truth = torch.zeros(2, 1, 32, 32)
    truth[:, :, 8:24, 10:20] = 1
    right, wrong = (truth * 2 - 1) * 8, (1 - truth * 2) * 8

    costs = [float(training.loss_of(logits, truth)) for logits in (right, truth * 0, wrong)]

    assert costs == sorted(costs)
    assert float(training.mean_iou(right, truth)) == 1
    assert float(training.mean_iou(wrong, truth)) == 0


def test_a_run_leaves_weights_and_goes_on_where_it_stopped(tmp_path):
    """Three steps and three more: the counters go on, and the log has a line for each part."""
    training.train(settings(tmp_path))
    first = json.loads((tmp_path / "run/settings.json").read_text())
    training.train(settings(tmp_path, max_steps=6))
    second = json.loads((tmp_path / "run/settings.json").read_text())

    assert (first["step"], second["step"]) == (3, 6)
    assert second["spent_s"] > first["spent_s"]
    assert second["parts"] > first["parts"]
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [3, 6]
    assert (tmp_path / "run/segmenter.safetensors").stat().st_size > 1000


def test_a_run_may_go_on_from_another_at_a_larger_side(tmp_path):
    """The weights are taken over, whatever the side of the crops was."""
    training.train(settings(tmp_path, out=tmp_path / "first", max_steps=2))
    wider = replace(SMALL, side_px=48)
    training.train(
        settings(
            tmp_path,
            out=tmp_path / "on",
            max_steps=1,
            start_from=tmp_path / "first",
            net=wider,
            lr=0.0,
        )
    )

    before = read_tensors(tmp_path / "first" / training.RESULT)
    after = read_tensors(tmp_path / "on" / training.RESULT)
    np.testing.assert_allclose(after["stem.conv.weight"], before["stem.conv.weight"], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--widths", "8", "16"], "--widths has 2 stages, --depths 4"),
        (["--side-px", "100"], "--side-px is 100, which cannot be halved 4 times"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tmp_path, capsys, options, said):
    """Before anything is drawn."""
    code = cli.main(
        ["pretrain-segmenter", "--seconds", "1", "--out", str(tmp_path / "run"), *options]
    )

    assert code == 1
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_net_learns_to_cut_out(tmp_path):
    """A minute's worth of steps lifts the IoU of crops far above what it began with."""
    net = NetConfig(side_px=32, widths=(16, 24, 32), depths=(1, 1, 1), fine=8)
    early = training.train(settings(tmp_path, net=net, out=tmp_path / "early", max_steps=4))
    late = training.train(
        settings(
            tmp_path, net=net, out=tmp_path / "late", batch=24, pool=600, max_steps=120, lr=5e-3
        )
    )

    assert late["loss"] < 0.75 * early["loss"]
    assert late["iou"] > early["iou"] + 0.2
