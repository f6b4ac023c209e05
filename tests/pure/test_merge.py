"""Tile + merge = whole: scenes of known objects, cut by windows, come back as they were."""

from __future__ import annotations

import random

import pytest

from geo_r1_backend.evaluation.metrics import f1, matched
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.grounding.merge import Found, GrowingMerge, Merged, merge
from geo_r1_backend.grounding.windows import plan_windows

SCENES = 400
WHOLE = (0.0, 0.0, 900.0, 700.0)
WINDOW, OVERLAP = 300, 60


def dice_of(seed):
    """Chance that comes again."""
    return random.Random(seed)  # noqa: S311 - reproducibility, not secrecy


def windows_of(whole=WHOLE, window=WINDOW, overlap=OVERLAP):
    """Outlines of the windows over a whole."""
    found = plan_windows(int(whole[2]), int(whole[3]), window_px=window, overlap_px=overlap)
    return [one.box_px for one in found]


def cut(truth, window):
    """What a perfect detector says of one window: every object that shows, as far as it shows."""
    seen = []
    for label, (x0, y0, x1, y1) in truth:
        box = (max(x0, window[0]), max(y0, window[1]), min(x1, window[2]), min(y1, window[3]))
        if box[0] < box[2] and box[1] < box[3]:
            seen.append((label, box))
    return seen


def looked_at(truth, windows):
    """All that is said through all windows."""
    return [Found(box, label, window) for window in windows for label, box in cut(truth, window)]


def scattered(dice, largest):
    """Up to 40 objects anywhere. Outlines of small ones may overlap, as those of slanting ones do, of large ones hardly."""
    truth = []
    for _ in range(dice.randrange(1, 40)):
        w, h = dice.uniform(4, largest), dice.uniform(4, largest)
        x, y = dice.uniform(0, WHOLE[2] - w), dice.uniform(0, WHOLE[3] - h)
        box = (x, y, x + w, y + h)
        limit = 0.4 if max(w, h) <= OVERLAP else 0.05
        if all(iou(box, other) < limit for _, other in truth):
            truth.append((dice.choice(("car", "bus")), box))
    return truth


def rows(dice, largest):
    """Rows of touching objects of one size, as cars, boats and containers stand."""
    w, h = dice.uniform(6, largest), dice.uniform(6, largest)
    x0, y0 = dice.uniform(0, 200), dice.uniform(0, 200)
    lanes = [y0 + h * (row + row // 2) for row in range(dice.randrange(1, 7))]  # pairs that touch
    return [
        ("car", (x0 + w * column, y, x0 + w * (column + 1), y + h))
        for y in lanes
        for column in range(dice.randrange(2, 40))
        if x0 + w * (column + 1) <= WHOLE[2] and y + h <= WHOLE[3]
    ]


def as_set(objects, digits=6):
    """Labels and boxes without their order."""
    return sorted((o.label, *(round(v, digits) for v in o.box)) for o in objects)


def as_truth(truth):
    return as_set([Merged(box, label, ()) for label, box in truth])


@pytest.mark.parametrize("scene", [scattered, rows])
@pytest.mark.parametrize("largest", [OVERLAP, 200, 650])
def test_tiles_and_merge_equal_the_whole(scene, largest):
    """Objects smaller than the overlap, larger than it, and larger than a window, alone or touching: all come back exactly."""
    for seed in range(SCENES):
        truth = scene(dice_of(seed), largest)
        merged = merge(looked_at(truth, windows_of()), WHOLE)
        assert as_set(merged) == as_truth(truth), f"seed {seed}"


@pytest.mark.parametrize("overlap", [1, 20, 150, 200])
def test_any_overlap_gives_the_whole(overlap):
    """From a line of one pixel to two thirds of the window."""
    windows = windows_of(overlap=overlap)
    for seed in range(40):
        truth = scattered(dice_of(seed), 250)
        assert as_set(merge(looked_at(truth, windows), WHOLE)) == as_truth(truth), f"seed {seed}"


def test_a_coarse_look_beside_the_windows_changes_nothing():
    """The whole view is one more window, and the finer ones have the last word on where a box ends."""
    for seed in range(80):
        truth = scattered(dice_of(seed), 400)
        windows = windows_of()
        coarse = [
            Found(tuple(4.0 * round(v / 4) for v in box), label, WHOLE)
            for label, box in truth
            if min(box[2] - box[0], box[3] - box[1]) > 30
        ]
        merged = merge([*coarse, *looked_at(truth, windows)], WHOLE)
        assert as_set(merged) == as_truth(truth), f"seed {seed}"


def noisy(dice, found, share_lost=0.15, shift=2.0):
    """The same with a detector that misses some, and is off by a little in all."""
    moved = []
    for one in found:
        if dice.random() < share_lost:
            continue
        box = [v + dice.uniform(-shift, shift) for v in one.box]
        box = [
            min(max(v, one.window[side % 2]), one.window[side % 2 + 2])
            for side, v in enumerate(box)
        ]
        if box[0] < box[2] and box[1] < box[3]:
            moved.append(Found(tuple(box), one.label, one.window))
    return moved


@pytest.mark.parametrize("scene", [scattered, rows])
def test_order_does_not_matter(scene):
    """Windows and boxes in any order give the same list, in the same order."""
    for seed in range(60):
        dice = dice_of(seed)
        found = noisy(dice, looked_at(scene(dice, 150), windows_of()))
        first = [(o.label, o.box) for o in merge(found, WHOLE)]
        dice.shuffle(found)
        assert [(o.label, o.box) for o in merge(found, WHOLE)] == first, f"seed {seed}"


@pytest.mark.parametrize("scene", [scattered, rows])
def test_merging_twice_is_merging_once(scene):
    """A merged list, taken as what one look at the whole gave, stays as it is."""
    for seed in range(60):
        dice = dice_of(seed)
        once = merge(noisy(dice, looked_at(scene(dice, 150), windows_of()), shift=6.0), WHOLE)
        twice = merge([Found(o.box, o.label, WHOLE) for o in once], WHOLE)
        assert as_set(twice) == as_set(once), f"seed {seed}"


@pytest.mark.parametrize("scene", [scattered, rows])
def test_growing_says_the_same_as_merging_at_the_end(scene):
    """Objects that are said early are never taken back or moved, and in the end all have been said."""
    for seed in range(60):
        dice = dice_of(seed)
        windows = windows_of()
        found = noisy(dice, looked_at(scene(dice, 200), windows))
        growing = GrowingMerge(WHOLE, windows)
        said = []
        for window in windows:
            said += growing.add(window, [(f.label, f.box) for f in found if f.window == window])
        assert as_set(said) == as_set(merge(found, WHOLE)), f"seed {seed}"


def test_what_lies_in_one_window_alone_is_said_at_once():
    """An object in the middle of the first window waits for no other; one at its border does."""
    windows = windows_of()
    growing = GrowingMerge(WHOLE, windows)
    middle, border = (100.0, 100.0, 130.0, 130.0), (270.0, 100.0, 299.0, 130.0)
    first = growing.add(windows[0], [("car", middle), ("car", border)])
    second = growing.add(windows[1], [("car", border)])

    assert [o.box for o in first] == [middle]
    assert [o.box for o in second] == [border]


def test_a_window_that_was_not_announced_is_refused():
    """Finality rests on knowing what is still to come."""
    growing = GrowingMerge(WHOLE, windows_of())
    with pytest.raises(ValueError, match="not in list"):
        growing.add((0.0, 0.0, 5.0, 5.0), [])


def test_rows_stay_rows_with_a_detector_that_misses_and_trembles():
    """Touching objects are never taken for one: 1 in 7 is missed in each window and all sides are 2 px off, yet boxes stay apart."""
    hits = said = true = 0
    for seed in range(60):
        dice = dice_of(seed)
        truth = rows(dice, 40)
        if not truth or min(b[2] - b[0] for _, b in truth) < 14 or min(b[3] - b[1] for _, b in truth) < 14:  # fmt: skip
            continue
        merged = merge(noisy(dice, looked_at(truth, windows_of())), WHOLE)
        largest = max((b[2] - b[0]) * (b[3] - b[1]) for _, b in truth)
        for one in merged:
            area = (one.box[2] - one.box[0]) * (one.box[3] - one.box[1])
            assert area < 1.7 * largest, f"seed {seed}: two were taken for one"
        hits += sum(max(iou(box, one.box) for one in merged) >= 0.5 for _, box in truth)
        said, true = said + len(merged), true + len(truth)
    assert true > 500
    assert 2 * hits / (said + true) > 0.93


def trembling(dice, truth, window):
    """One look of a detector that misses 1 in 10, is off by a tenth of an object's size, and often misses what is cut."""
    seen = []
    for label, box in truth:
        for _, piece in cut([(label, box)], window):
            share = _area(piece) / _area(box)
            if dice.random() > (0.9 if share > 0.9 else 0.6 if share > 0.3 else 0.15):
                continue
            step = 0.1 * max(box[2] - box[0], box[3] - box[1])
            drawn = [v + dice.gauss(0.0, step) for v in piece]
            drawn = [min(max(v, window[i % 2]), window[i % 2 + 2]) for i, v in enumerate(drawn)]
            if drawn[0] < drawn[2] and drawn[1] < drawn[3]:
                seen.append(Found(tuple(drawn), label, window))
    return seen


def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def test_windows_of_a_trembling_detector_are_better_than_one_look_of_it():
    """What windows find more than one look is not lost again by boxes that are said twice: F1 rises, and 97 of 100 boxes are right."""
    once, merged = [], []
    for seed in range(80):
        dice = dice_of(seed)
        truth = [("car", (x, y, x + s, y + s)) for _, (x, y, _, _) in scattered(dice, 50) for s in [dice.uniform(12, 40)]]  # fmt: skip
        boxes = [box for _, box in truth]
        for counts, found in (
            (once, trembling(dice, truth, WHOLE)),
            (merged, merge([f for w in windows_of() for f in trembling(dice, truth, w)], WHOLE)),
        ):
            said = [one.box for one in found]
            counts.append((matched(said, boxes), len(said), len(boxes)))

    assert f1(merged) > f1(once) + 0.01
    assert sum(c[0] for c in merged) / sum(c[1] for c in merged) > 0.975


def test_labels_are_kept_apart():
    """A car on a ship is no ship, and two names for one box are two answers."""
    one, other = (10.0, 10.0, 50.0, 50.0), (310.0, 10.0, 350.0, 50.0)
    left, right = (0.0, 0.0, 400.0, 400.0), (300.0, 0.0, 700.0, 400.0)
    found = [Found(one, "ship", left), Found(one, "car", left), Found(other, "ship", left), Found(other, "car", right)]  # fmt: skip
    assert as_set(merge(found, WHOLE)) == as_set(
        [
            Merged(one, "ship", ()),
            Merged(one, "car", ()),
            Merged(other, "ship", ()),
            Merged(other, "car", ()),
        ]
    )


LEFT, RIGHT = (0.0, 0.0, 300.0, 300.0), (240.0, 0.0, 540.0, 300.0)


@pytest.mark.parametrize(
    ("found", "boxes"),
    [
        # the neighbour has the whole one: the piece gives way
        ([(LEFT, (280, 100, 300, 140)), (RIGHT, (280, 100, 320, 140))], [(280, 100, 320, 140)]),
        # a sliver that the detector drew badly gives way as well
        ([(LEFT, (295, 110, 300, 145)), (RIGHT, (296, 100, 330, 140))], [(296, 100, 330, 140)]),
        # two halves of something larger than the overlap are one
        ([(LEFT, (200, 100, 300, 140)), (RIGHT, (240, 100, 350, 140))], [(200, 100, 350, 140)]),
        # two halves that do not agree where both look are two
        ([(LEFT, (200, 100, 300, 140)), (RIGHT, (240, 150, 350, 190))], [(200, 100, 300, 140), (240, 150, 350, 190)]),
        # a piece whose neighbour saw nothing is better than nothing
        ([(LEFT, (280, 100, 300, 140))], [(280, 100, 300, 140)]),
        # the same object twice, from both windows and twice from one
        ([(LEFT, (250, 10, 290, 50)), (RIGHT, (251, 11, 291, 50)), (RIGHT, (250, 10, 291, 52))], [(250, 10, 290.5, 51)]),
        # a wing that another window took for a plane
        ([(LEFT, (250, 100, 270, 112)), (RIGHT, (246, 80, 290, 130))], [(246, 80, 290, 130)]),
    ],
)  # fmt: skip
def test_what_becomes_of_two_boxes(found, boxes):
    """Pieces give way, halves are joined, doubles vanish; whatever does not agree stays."""
    given = [Found(tuple(map(float, box)), "car", window) for window, box in found]
    assert [o.box for o in merge(given, (0.0, 0.0, 540.0, 300.0))] == [
        pytest.approx(box) for box in boxes
    ]


def test_the_frame_may_be_anything():
    """Map units far from zero and below it, y upwards or downwards: only differences count."""
    for seed in range(20):
        dice = dice_of(seed)
        truth = scattered(dice, 150)
        found = looked_at(truth, windows_of())
        moved = [Found(_shifted(f.box), f.label, _shifted(f.window)) for f in found]
        merged = merge(moved, _shifted(WHOLE))
        expected = as_set([Merged(_shifted(box), label, ()) for label, box in truth], digits=2)
        assert as_set(merged, digits=2) == expected


def _shifted(box, by=(-412_345.0, 5_123_456.0), scale=0.5):
    return tuple(v * scale + by[side % 2] for side, v in enumerate(box))


def test_a_raster_full_of_objects_is_merged_in_seconds():
    """Forty thousand boxes take time in proportion to their number, not to its square."""
    import time

    whole = (0.0, 0.0, 6000.0, 6000.0)
    truth = [
        ("car", (x * 40.0, y * 40.0, x * 40.0 + 30, y * 40.0 + 30))
        for x in range(150)
        for y in range(150)
    ]
    windows = windows_of(whole)
    found = [f for window in windows for f in _cut_fast(truth, window)]
    began = time.perf_counter()
    merged = merge(found, whole)
    assert len(merged) == len(truth)
    assert time.perf_counter() - began < 20
    assert len(found) > 30_000


def _cut_fast(truth, window):
    x0, y0 = int(window[0] // 40), int(window[1] // 40)
    near = [truth[x * 150 + y] for x in range(x0, min(150, x0 + 9)) for y in range(y0, min(150, y0 + 9))]  # fmt: skip
    return [Found(box, label, window) for label, box in cut(near, window)]


def test_nothing_found_is_nothing():
    """No box in, none out."""
    assert merge([], WHOLE) == []
