"""Tiles of a scene: laws of the plan, on any size, and memory that does not depend on it."""

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_qgis.core.tiling import UNTIL_WHOLE, TilePlan, TilingError

sizes = st.integers(1, 3000)
sides = st.integers(28, 500)


@st.composite
def plans(draw):
    """Any plan of up to a few hundred tiles."""
    tile = draw(sides)
    return TilePlan(
        draw(sizes), draw(sizes), tile, draw(st.integers(0, tile // 2)), draw(st.integers(0, 4))
    )


@settings(deadline=None, max_examples=150)
@given(plans())
def test_tiles_cover_everything(plan):
    """Every pixel of the scene lies in a tile of each level, and no tile reaches beyond the scene."""
    for level in range(plan.levels):
        tiles = [tile for tile in plan.tiles() if tile.level == level]
        across = sorted({(tile.window[0], tile.window[2]) for tile in tiles})
        down = sorted({(tile.window[1], tile.window[3]) for tile in tiles})

        assert len(tiles) == len(across) * len(down)
        for spans, size in ((across, plan.width_px), (down, plan.height_px)):
            assert spans[0][0] == 0
            assert spans[-1][1] == size
            assert all(b[0] <= a[1] for a, b in itertools.pairwise(spans))


@settings(deadline=None, max_examples=150)
@given(plans(), st.data())
def test_what_fits_into_the_overlap_lies_whole_in_a_tile(plan, data):
    """An object that is not larger than the overlap of a level is seen whole by one tile of that level at least."""
    level = data.draw(st.integers(0, plan.levels - 1))
    size = plan.overlap_px << level
    left = data.draw(st.integers(0, max(0, plan.width_px - size)))
    top = data.draw(st.integers(0, max(0, plan.height_px - size)))
    right, bottom = min(left + size, plan.width_px), min(top + size, plan.height_px)

    assert any(
        tile.window[0] <= left
        and tile.window[1] <= top
        and right <= tile.window[2]
        and bottom <= tile.window[3]
        for tile in plan.tiles()
        if tile.level == level
    )


@settings(deadline=None, max_examples=100)
@given(plans())
def test_order_lets_go_of_what_lies_above(plan):
    """Tiles are numbered from 0, there are as many as `count` says, and none begins above one before it."""
    tiles = list(plan.tiles())

    assert [tile.number for tile in tiles] == list(range(plan.count))
    assert all(a.window[1] <= b.window[1] for a, b in itertools.pairwise(tiles))


@settings(deadline=None, max_examples=100)
@given(sizes, sizes, sides)
def test_until_whole_ends_with_one_view(width, height, tile):
    """The coarsest of all levels is one tile that shows the whole scene, and no finer one is."""
    plan = TilePlan(width, height, tile, tile // 5, UNTIL_WHOLE)
    last = [each for each in plan.tiles() if each.level == plan.levels - 1]

    assert [each.window for each in last] == [(0, 0, width, height)]
    if plan.levels > 1:
        assert sum(each.level == plan.levels - 2 for each in plan.tiles()) > 1


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 10, 448, 90),  # no pixels
        (10, 10, 20, 4),  # smaller than a cell of the model
        (10, 10, 448, 448),  # an overlap that leaves nothing to go on by
        (10, 10, 448, 90, -1),  # no such level
    ],
)
def test_nonsense_is_refused(arguments):
    """Sizes that leave nothing to look at are an error with the values in it."""
    with pytest.raises(TilingError, match=r"\d"):
        TilePlan(*arguments)


def test_a_country_is_planned_in_constant_memory():
    """10^12 pixels are eight million looks: counted at once, and walked through in a few kilobytes."""
    plan = TilePlan(1_000_000, 1_000_000, 448, 90, UNTIL_WHOLE)
    tracemalloc.start()
    for tile in itertools.islice(plan.tiles(), 20_000):
        assert tile.window[2] <= 1_000_000
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert plan.count > 7_800_000
    assert most_bytes < 100_000
