"""Scenes are exact, varied, and the same on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from geo_r1_backend.pretraining.catalogue import CLASSES, REAL_BACKGROUND_UNLABELLED
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.painters import PAINTERS
from geo_r1_backend.pretraining.scenes import VIEWS_PX, SceneRecipe, draw_scene

SEEDS = range(40)


@pytest.fixture(scope="module")
def scenes():
    """Some scenes on generated ground."""
    return [draw_scene(seed, SceneRecipe()) for seed in SEEDS]


def test_the_same_seed_gives_the_same_scene_on_every_machine():
    """Sixty scenes have the bytes that they had on two machines with OpenCV 5.0, NumPy 2.4 and 2.5."""
    digest = hashlib.sha256()
    for seed in range(60):
        digest.update(draw_scene(seed, SceneRecipe()).image.tobytes())

    assert digest.hexdigest()[:16] == "51a9efbc85d9fa12"


def test_dice_keep_their_stream():
    """The source of all decisions gives the numbers that it always gave."""
    dice = Dice(42)

    assert [dice.integer(1, 6) for _ in range(8)] == [4, 1, 2, 2, 5, 5, 6, 1]


def test_boxes_enclose_masks(scenes):
    """A box is the frame of its object's mask; the rasteriser paints every pixel that it touches, hence two pixels."""
    for scene in scenes:
        for index, item in enumerate(scene.objects):
            ys, xs = np.nonzero(scene.mask(index))
            around = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            assert np.abs(np.array(around) - np.array(item.box_px)).max() <= 2, (
                item.kind,
                around,
                item.box_px,
            )


def test_objects_of_a_scene_lie_inside_it(scenes):
    """No object is cut by the edge of the picture."""
    for scene in scenes:
        for item in scene.objects:
            x0, y0, x1, y1 = item.box_px
            assert 0 <= x0 < x1 <= scene.width_px
            assert 0 <= y0 < y1 <= scene.height_px


def test_every_class_is_drawn_and_differs_from_its_ground(scenes):
    """Each of at least twelve classes has a painter and appears."""
    seen = {item.kind for seed in range(200) for item in draw_scene(seed, SceneRecipe()).objects}

    assert len(CLASSES) >= 12
    assert seen == {kind.name for kind in CLASSES} == set(PAINTERS)


def test_every_view_is_drawn(scenes):
    """Scenes come in every view ratio of the model, all of multiples of 112 px and at most 256 visual tokens."""
    assert {(s.width_px, s.height_px) for s in scenes} == set(VIEWS_PX)
    assert all(w % 112 == 0 == h % 112 and w * h <= 256 * 28 * 28 for w, h in VIEWS_PX)


def test_photographs_are_never_complete_truth(geo_r1_data):
    """On a real background the kinds that stand there unlabelled are named, and are not the first group."""
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    real = RealBackgrounds(geo_r1_data / "naip-backgrounds", evaluation=True)
    for seed in SEEDS:
        scene = draw_scene(seed, SceneRecipe(real_share=1.0), real)
        assert scene.background == "real"
        assert scene.unlabelled == REAL_BACKGROUND_UNLABELLED


def test_evaluation_tiles_are_never_trained_on(geo_r1_data):
    """Training and evaluation photographs have no tile in common."""
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    folder = geo_r1_data / "naip-backgrounds"
    training = set(RealBackgrounds(folder, evaluation=False).paths)
    evaluation = set(RealBackgrounds(folder, evaluation=True).paths)

    assert training.isdisjoint(evaluation)
    assert min(len(training), len(evaluation)) > 50
