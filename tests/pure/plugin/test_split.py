"""Labels are divided by place, so that the judging never sees ground that was learned from."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_qgis.core.split import (
    MAX_LEFT_OUT,
    MIN_TRAIN_SHARE,
    split_by_place,
    split_windows,
    targets,
)

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


def several(windows, seed, most=4):
    """A label's windows: the first, and others beside it."""
    rng = random.Random(seed)  # noqa: S311 - the same each time
    found = []
    for x0, y0, x1, y1 in windows:
        some = [(x0, y0, x1, y1)]
        for _ in range(rng.randrange(most)):
            across, along = rng.uniform(-20, 20), rng.uniform(-20, 20)
            some.append((x0 + across, y0 + along, x1 + across, y1 + along))
        found.append(some)
    return found


@given(WINDOWS, st.integers(0, 5), st.sampled_from([None, 0.0, 0.3]))
@settings(max_examples=200, deadline=None)
def test_windows_of_two_parts_never_overlap(windows, seed, held_out):
    """What is learned from shows nothing of what is judged by, window by window; one window is judged, and only offered ones are taken."""
    offered = several(windows, seed)
    split, taken = split_windows(offered, seed=seed, held_out=held_out)
    shown = [
        (part, place, window)
        for part, place, some in zip(split.parts, split.places, taken, strict=True)
        for window in some
    ]

    for number, (part, place, window) in enumerate(shown):
        for other_part, other_place, other in shown[:number]:
            assert part == other_part or not overlap(window, other)
            assert part == other_part or place != other_place
    for part, some, mine in zip(split.parts, taken, offered, strict=True):
        assert set(some) <= set(mine)
        assert len(some) == 1 if part in ("validation", "held_out") else bool(some) == bool(part)
    assert split.count("train") >= min(MIN_TRAIN_SHARE, 1 - MAX_LEFT_OUT) * len(windows) - 2
    assert (split, taken) == split_windows(offered, seed=seed, held_out=held_out)


def test_a_village_is_divided():
    """Twenty roofs whose pictures hang together, as people label them: all parts are there, and at most six labels are lost."""
    rng = random.Random(3)  # noqa: S311 - a fixed village
    roofs = [(70 * column, 70 * row) for column in range(5) for row in range(4)]
    windows = []
    for x, y in roofs:
        some = [(x + rng.uniform(-60, 0), y + rng.uniform(-60, 0)) for _ in range(4)]
        windows.append([(left, bottom, left + 110, bottom + 110) for left, bottom in some])
    by_place = split_by_place([around for (around, *_) in windows], seed=0)
    split, _ = split_windows(windows, seed=0)

    assert by_place.count("held_out") == 0
    assert min(split.count("held_out"), split.count("validation")) >= 1
    assert split.parts.count(None) <= 6


def test_a_label_without_a_window_is_left_out():
    """A label that cannot be shown alone has no part; where nothing can be held out, no other is lost for it."""
    crowd = [[(0.0, 0.0, 10.0, 10.0)], [], [(1.0, 1.0, 11.0, 11.0)], [(2.0, 2.0, 12.0, 12.0)]]
    split, taken = split_windows(crowd, seed=0)

    assert split.parts == ["train", None, "train", "train"]
    assert [len(some) for some in taken] == [1, 0, 1, 1]
