"""Scenes like photographs: exact truth under blur and noise, real sets only as far as training may see them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from geo_r1_backend.evaluation.real.held_out import held_out_airport, street_fold
from geo_r1_backend.evaluation.real.labels import read_airports, read_streets
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.batches import questions_about
from geo_r1_backend.pretraining.catalogue import CLASSES
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.photo import labelled, lens, looked_at
from geo_r1_backend.pretraining.photo.canvas import Canvas
from geo_r1_backend.pretraining.photo.compose import Composer, Sources, draw_photo
from geo_r1_backend.pretraining.photo.corpus import Corpus
from geo_r1_backend.pretraining.photo.mirror import turned
from geo_r1_backend.pretraining.photo.recipe import (
    DENSE,
    STANDING_IN_PHOTOGRAPHS,
    PhotoRecipe,
)
from geo_r1_backend.pretraining.photo.textures import Materials
from geo_r1_backend.pretraining.training_examiner import TrainingExaminer

VIEW = (448, 448)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two hundred made tiles in the form of the real ones: calm ground, a few of them with a strong edge."""
    folder = tmp_path_factory.mktemp("tiles")
    rng = np.random.default_rng(5)
    for number in range(60):
        base = rng.integers(40, 200, 3)
        tile = np.clip(base + rng.normal(0, 6, (256, 256, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"place_{number}.jpg"), tile)
    real = RealBackgrounds(folder, evaluation=False)
    return Sources(real, Materials(real.paths))


@pytest.fixture(scope="module")
def scenes(sources):
    """Scenes on all sorts of ground."""
    return [draw_photo(seed, PhotoRecipe(), sources, VIEW) for seed in range(60)]


def test_the_same_seed_gives_the_same_scene(sources, scenes):
    """A training run can be repeated."""
    again = draw_photo(7, PhotoRecipe(), sources, VIEW)

    assert np.array_equal(again.image, scenes[7].image)
    assert [o.box_px for o in again.objects] == [o.box_px for o in scenes[7].objects]


def test_boxes_are_the_bounds_of_outlines(scenes):
    """A box is the frame of its outlines to the pixel, inside the view."""
    for scene in scenes:
        for item in scene.objects:
            points = np.concatenate(item.outlines_px)
            bounds = np.array([*points.min(0), *points.max(0)]).clip(0, 448)
            assert np.abs(bounds - item.box_px).max() <= 3
            assert 0 <= item.box_px[0] < item.box_px[2] <= scene.width_px
            assert 0 <= item.box_px[1] < item.box_px[3] <= scene.height_px


def test_every_kind_is_drawn(scenes):
    """Each class of the catalogue appears in sixty scenes."""
    assert {o.kind for scene in scenes for o in scene.objects} == {kind.name for kind in CLASSES}


def test_objects_change_what_is_seen(sources):
    """Where an object stands, the picture differs from the same ground without it."""
    plain = PhotoRecipe(infrared_share=0, gray_share=0, ground=(("materials", 1.0),))
    seen = 0
    for seed in range(30):
        scene = draw_photo(seed, plain, sources, VIEW)
        for item in scene.objects:
            x0, y0, x1, y1 = item.box_px
            if min(x1 - x0, y1 - y0) < 20:
                continue
            inside = scene.image[y0:y1, x0:x1].reshape(-1, 3).astype(float)
            around = scene.image[max(0, y0 - 6) : y1 + 6, max(0, x0 - 6) : x1 + 6].astype(float)
            seen += 1
            assert inside.std(0).max() > 1 or np.abs(inside.mean(0) - around.mean((0, 1))).max() > 1
    assert seen > 40


def test_what_may_stand_in_a_photograph_is_never_drawn_on_one(scenes):
    """On a real ground no kind is asked for that may be there unlabelled, and nothing is taught of rare ones' absence."""
    real = [scene for scene in scenes if scene.background == "real"]
    for scene in real:
        assert scene.unlabelled == STANDING_IN_PHOTOGRAPHS
        assert scene.uncertain == looked_at.possible_on_tile("place_7")
        assert not {o.kind for o in scene.objects} & scene.unlabelled
    assert len(real) > 10


def test_nobody_asks_for_what_is_uncertain(scenes):
    """*None* is never the taught answer for a kind that might stand in the picture."""
    for number, scene in enumerate(scenes):
        examiner = TrainingExaminer(scene, Dice(number))
        for _ in range(10):
            question = examiner.ask("none")
            if question is not None and question.reasoning.endswith(": none."):
                name = question.reasoning.removeprefix("Find ").removesuffix(": none.")
                kinds = {k.plural: k.name for k in CLASSES}
                assert kinds[name] not in scene.unlabelled | scene.uncertain


def test_a_tile_that_nobody_looked_at_may_hold_anything_rare():
    """Absence is taught only where a person has looked: courts are possible on an unknown tile and on one with courts."""
    unknown = looked_at.possible_on_tile("elsewhere_2020_4")
    with_courts = looked_at.possible_on_tile("riverside_2018_22")

    assert looked_at.SPORT | {"roundabout"} <= unknown
    assert with_courts >= looked_at.SPORT
    assert looked_at.possible_on_tile("riverside_2018_23") == {"solar array", "shipping container"}
    assert "ship" in looked_at.possible_on_airport("airport_122", 200, 3)
    assert looked_at.possible_on_airport("airport_105", 500, 3) >= looked_at.COURTS
    assert not looked_at.possible_on_airport("airport_105", 200, 3) & {"ship", *looked_at.SPORT}


def test_some_photographs_are_left_bare(sources):
    """On a photograph without a single drawn object every question is about what is not there."""
    recipe = PhotoRecipe(bare_share=1.0, ground=(("photograph", 1.0),))
    scene = draw_photo(3, recipe, sources, VIEW)
    asked = questions_about(scene, Dice(1))

    assert not scene.objects
    assert len(asked) > 3
    assert {question.answers for question in asked} == {()}


def test_crowded_views_are_crowded(sources):
    """The dense recipe shows up to 60 objects, and often more than 20."""
    counts = [len(draw_photo(seed, DENSE, sources, VIEW).objects) for seed in range(40)]

    assert max(counts) > 40
    assert sum(count > 20 for count in counts) > 8


def test_colours_are_not_named_where_they_cannot_be_seen(sources):
    """In infrared and gray pictures no object has a colour."""
    for recipe in (PhotoRecipe(infrared_share=1), PhotoRecipe(infrared_share=0, gray_share=1)):
        for seed in range(5):
            assert {o.colour for o in draw_photo(seed, recipe, sources, VIEW).objects} <= {""}


def test_a_group_may_turn_out_empty(sources):
    """Where every place of a row stays free, or no object fits, the scene goes on without that group."""
    canvas = Canvas(np.zeros((896, 896, 3), np.uint8), Dice(1))
    composer = Composer(canvas, sources.materials)
    composer._poses = lambda *_: []
    for kind in CLASSES:
        for _ in range(20):
            composer.group(kind, 6)

    assert composer.objects == []


@pytest.mark.parametrize("flips", [(True, False), (False, True), (True, True)])
def test_a_mirror_image_of_a_mirror_image_is_the_scene(scenes, flips):
    """Twice the same flip is nothing, for pixels, boxes and outlines."""
    scene = scenes[3]
    once = turned(scene, mirrored=flips[0], upside_down=flips[1])
    twice = turned(once, mirrored=flips[0], upside_down=flips[1])

    assert np.array_equal(twice.image, scene.image)
    assert not np.array_equal(once.image, scene.image)
    assert [o.box_px for o in twice.objects] == [o.box_px for o in scene.objects]
    assert all(
        np.allclose(a, b)
        for one, other in zip(twice.objects, scene.objects, strict=True)
        for a, b in zip(one.outlines_px, other.outlines_px, strict=True)
    )


def test_a_mirrored_box_shows_the_mirrored_object(scenes):
    """The pixels in the flipped box are the flipped pixels of the box."""
    scene = next(s for s in scenes if s.objects)
    x0, y0, x1, y1 = scene.objects[0].box_px
    other = turned(scene, mirrored=True, upside_down=False)
    a0, b0, a1, b1 = other.objects[0].box_px

    assert np.array_equal(other.image[b0:b1, a0:a1], scene.image[y0:y1, x0:x1][:, ::-1])


def test_a_lens_keeps_the_size_and_moves_nothing():
    """Whatever a camera does, a bright square stays where it is."""
    picture = np.full((224, 224, 3), 90, np.uint8)
    picture[100:140, 60:120] = 220
    for seed in range(30):
        seen = lens.photographed(Dice(seed), picture).astype(float).mean(2)
        bright = np.argwhere(seen > (seen[120, 90] + seen[20, 20]) / 2)
        assert seen.shape == (224, 224)
        assert np.abs(bright.min(0) - (100, 60)).max() <= 3
        assert np.abs(bright.max(0) - (139, 119)).max() <= 3


@pytest.mark.parametrize(
    ("rgb", "name"),
    [((240, 240, 236), "white"), ((30, 32, 34), "black"), ((128, 126, 130), "gray"), ((180, 40, 40), "red"), ((40, 70, 170), "blue")],
)  # fmt: skip
def test_a_colour_is_named_by_what_fills_the_box(rgb, name):
    """A car with a dark windscreen has the colour of its paint."""
    patch = np.full((16, 30, 3), rgb, np.uint8)
    patch[4:12, 10:14] = (30, 36, 44)

    assert labelled.colour_of(patch) == name


def test_held_out_photographs_are_never_read(geo_r1_data):
    """Training reads one copy of each original, and none that is kept for evaluation."""
    corpus = Corpus.read(geo_r1_data, street_held_out=1)
    airports = {i.group for i in read_airports(geo_r1_data) if not held_out_airport(i)}
    streets = [i for i in read_streets(geo_r1_data) if street_fold(i) != 1]

    assert len(corpus.photographs["airplane"]) == len(airports)
    assert len(corpus.photographs["car"]) == len(streets) > 0


def test_a_view_of_a_photograph_shows_its_boxes(geo_r1_data):
    """Boxes of a view lie where the objects are: the same pixels as in the file, enlarged."""
    corpus = Corpus.read(geo_r1_data)
    counts = []
    for seed in range(60):
        scene = corpus.draw(seed, Dice(seed), VIEW, dense=seed % 2 == 0)
        if scene is None:
            continue
        counts.append(len(scene.objects))
        assert scene.image.shape == (448, 448, 3)
        for item in scene.objects:
            x0, y0, x1, y1 = item.box_px
            assert 0 <= x0 < x1 <= 448
            assert 0 <= y0 < y1 <= 448
    assert len(counts) > 40
    assert max(counts) > 20


def test_streets_are_taught_to_hold_no_ships_and_courts(geo_r1_data):
    """In a view of a street *none* is the answer for every kind that is not in one of the street scenes."""
    corpus = Corpus.read(geo_r1_data)
    taught = set()
    for seed in range(12):
        scene = labelled.draw_labelled(
            seed, corpus.photographs["car"], corpus.sources.materials, VIEW, most=40
        )
        if scene is None:
            continue
        dice = Dice(seed)
        asked = [TrainingExaminer(scene, dice).ask("none") for _ in range(40)]
        taught |= {q.reasoning.removeprefix("Find ") for q in asked if q is not None}

    assert {
        "ships: none.",
        "tennis courts: none.",
        "airplanes: none.",
        "storage tanks: none.",
    } <= taught
    assert not {"buildings: none.", "buses: none.", "swimming pools: none."} & taught
