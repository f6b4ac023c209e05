"""Tile + merge = whole, row by row: the plugin's merging is the service's, and holds no more than the present rows."""

import random

import pytest

from geo_r1_backend.grounding import merge as service
from geo_r1_qgis.core import seams
from geo_r1_qgis.core.sweep import Sweep
from geo_r1_qgis.core.tiling import TilePlan
from tests.pure.test_merge import (
    WHOLE,
    as_truth,
    cut,
    dice_of,
    looked_at,
    noisy,
    rows,
    scattered,
    windows_of,
)


def said_of(objects, digits=6):
    """Labels and boxes without their order."""
    return sorted((o.label, *(round(v, digits) for v in o.box)) for o in objects)


def is_same(said, truth, within=0.001):
    """Whether the same objects are in both lists, each once."""
    first, second = (sorted((o[0], *o[1:]) for o in each) for each in (said, truth))
    return len(first) == len(second) and all(
        a[0] == b[0] and a[1:] == pytest.approx(b[1:], abs=within)
        for a, b in zip(first, second, strict=True)
    )


def swept(plan, truth, lost=0.0, seed=0):
    """What a run says of a scene, and the most that it held: each tile sees every object as far as it shows."""
    dice = random.Random(seed)  # noqa: S311 - reproducibility, not secrecy
    sweep, said, most, top = Sweep(plan), [], 0, 0
    for tile in plan.tiles():
        if tile.window[1] > top:
            top = tile.window[1]
            said += sweep.settle(top)
        across, down = tile.scale
        left, upper = tile.window[:2]
        near = [
            (label, box)
            for label, box in cut(truth, tuple(map(float, tile.window)))
            if dice.random() >= lost
        ]
        sweep.add(
            tile,
            [
                (label, ((b[0] - left) / across, (b[1] - upper) / down, (b[2] - left) / across, (b[3] - upper) / down), None)
                for label, b in near
            ],
        )  # fmt: skip
        most = max(most, sweep.open_count)
    return said + sweep.finish(), most


@pytest.mark.parametrize("scene", [scattered, rows])
def test_merging_is_that_of_the_service(scene):
    """The same boxes lead to the same objects on both sides of the wire."""
    for seed in range(40):
        dice = dice_of(seed)
        found = noisy(dice, looked_at(scene(dice, 200), windows_of()), shift=4.0)
        there = service.merge(found, WHOLE)
        here = seams.merge([seams.Found(f.box, f.label, f.window) for f in found], WHOLE)

        assert said_of(here) == said_of(there), f"seed {seed}"


@pytest.mark.parametrize("levels", [1, 2, 0])
@pytest.mark.parametrize("scene", [scattered, rows])
@pytest.mark.parametrize("largest", [60, 200, 500])
def test_tiles_and_sweep_equal_the_whole(scene, largest, levels):
    """Objects smaller than the overlap, larger than it and larger than a tile come back exactly, each once."""
    plan = TilePlan(900, 700, 300, 60, levels)
    for seed in range(25):
        truth = scene(dice_of(seed), largest)
        said, _ = swept(plan, truth)

        assert is_same(said_of(said), as_truth(truth)), f"seed {seed}"


def test_a_sweep_says_what_merging_at_the_end_would():
    """A detector that misses a third: what is said early is never taken back, moved or said again."""
    plan = TilePlan(900, 700, 300, 60, 1)
    for seed in range(40):
        truth = scattered(dice_of(seed), 200)
        said, _ = swept(plan, truth, lost=0.33, seed=seed)
        dice = random.Random(seed)  # noqa: S311
        found = [
            seams.Found(box, label, tuple(map(float, tile.window)))
            for tile in plan.tiles()
            for label, box in cut(truth, tuple(map(float, tile.window)))
            if dice.random() >= 0.33
        ]

        assert said_of(said) == said_of(seams.merge(found, WHOLE)), f"seed {seed}"


def test_what_waits_does_not_grow_with_the_height():
    """Ten times as many rows of tiles, and no more boxes in memory."""
    held = []
    for height in (2_000, 20_000):
        plan = TilePlan(1_500, height, 300, 60, 2)
        truth = [
            ("car", (float(x), float(y), x + 30.0, y + 30.0))
            for x in range(20, 1_400, 90)
            for y in range(20, height - 40, 90)
        ]
        said, most = swept(plan, truth)
        assert len(said) == len(truth)
        held.append(most)

    assert held[1] <= held[0] * 1.1


def test_a_coarse_tile_speaks_only_of_what_is_too_large_for_a_finer_one():
    """A coarse look may see small things badly; those are whole in a tile of the finer level, which has the word."""
    plan = TilePlan(600, 600, 300, 60, 2)
    coarse = next(tile for tile in plan.tiles() if tile.level == 1)
    sweep = Sweep(plan)
    sweep.add(coarse, [("car", (10, 10, 20, 20), None), ("ship", (50, 50, 150, 80), None)])

    assert said_of(sweep.finish()) == [("ship", 100.0, 100.0, 300.0, 160.0)]


def test_masks_come_along():
    """The outline of a mask is put where its tile lies."""
    plan = TilePlan(600, 300, 300, 60, 1)
    last = list(plan.tiles())[-1]
    sweep = Sweep(plan)
    ring = [[10, 10], [10, 20], [30, 20], [10, 10]]
    sweep.add(last, [("car", (10, 10, 30, 20), [[ring]])])
    (item,) = sweep.finish()

    assert item.members[0].polygons == [[[[310, 10], [310, 20], [330, 20], [310, 10]]]]
