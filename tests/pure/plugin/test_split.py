"""Labels are divided by place, so that the judging never sees ground that was learned from."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_qgis.core.split import MAX_LEFT_OUT, MIN_TRAIN_SHARE, split_by_place, targets

SIDES = st.floats(5, 60)
WINDOWS = st.lists(
    st.builds(
        lambda x, y, side: (x, y, x + side, y + side), st.floats(0, 1000), st.floats(0, 1000), SIDES
    ),
    min_size=1,
    max_size=60,
)


def overlap(first, second):
    """Whether two bounds share ground."""
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )


@given(WINDOWS, st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_neighbours_are_never_in_two_parts(windows, seed):
    """Windows of different parts share no ground, and windows that do are one place."""
    split = split_by_place(windows, seed=seed)
    for i, first in enumerate(windows):
        for j in range(i):
            if split.parts[i] and split.parts[j] and overlap(first, windows[j]):
                assert split.parts[i] == split.parts[j]
                assert split.places[i] == split.places[j]


@given(WINDOWS, st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_a_place_lies_in_one_part(windows, seed):
    """Each place has one part, train has at least half, few are left out, and the same seed gives the same."""
    split = split_by_place(windows, seed=seed)
    by_place = {}
    for part, place in zip(split.parts, split.places, strict=True):
        if part is not None:
            by_place.setdefault(place, set()).add(part)
    used = sum(part is not None for part in split.parts)

    assert all(len(parts) == 1 for parts in by_place.values())
    assert split.count("train") >= min(MIN_TRAIN_SHARE * used, max(1, used - 2))
    assert split.parts.count(None) <= MAX_LEFT_OUT * len(windows)
    assert split == split_by_place(windows, seed=seed)
    assert bool(split.count("validation")) == bool(split.count("held_out"))


def test_twenty_lone_objects():
    """Twenty places: 14 to learn from, three to choose by, three to judge by."""
    windows = [(100 * i, 0, 100 * i + 50, 50) for i in range(20)]
    split = split_by_place(windows, seed=0)

    assert [split.count(part) for part in ("train", "validation", "held_out")] == [14, 3, 3]


def test_three_lone_objects():
    """One for each part: the fewest with which anything can be started."""
    split = split_by_place([(100 * i, 0, 100 * i + 50, 50) for i in range(3)], seed=0)

    assert sorted(split.parts) == ["held_out", "train", "validation"]


def test_a_verdict_is_made_possible_where_there_are_enough():
    """From a hundred labels on, thirty are held out: as many as a verdict needs."""
    assert targets(20) == (3, 3)
    assert targets(100) == (15, 30)
    assert targets(300) == (45, 45)


def test_one_place_is_cut():
    """A chain of neighbours is cut where it costs least, and what lies on the cut is left out."""
    windows = [(10 * i, 0, 10 * i + 15, 15) for i in range(60)]
    split = split_by_place(windows, seed=0)

    assert split.count("held_out") > 0
    assert split.count("validation") > 0
    assert 0 < split.parts.count(None) <= 15


def test_one_crowd_is_not_cut():
    """Where every window shows the same ground nothing can be held out, and nothing is left out."""
    rng = random.Random(1)  # noqa: S311 - a fixed crowd
    windows = [
        (x, y, x + 100, y + 100) for x, y in ((rng.random(), rng.random()) for _ in range(20))
    ]
    split = split_by_place(windows, seed=0)

    assert split.parts == ["train"] * 20
