"""What a comparison comes to: by definition on small scenes, and by laws on any."""

import itertools
import math
import random
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo_r1_qgis.core import plane
from geo_r1_qgis.core.comparison import RANKS, Comparison, Relation, read_comparison
from geo_r1_qgis.core.nearest import Outlines
from geo_r1_qgis.core.scene import SAME_OBJECT, Axes, SceneObject, evaluate


def box(name, x, y, width=10.0, height=10.0, **more):
    """An upright rectangle with its middle at (x, y)."""
    w, h = width / 2, height / 2
    return SceneObject(
        name, [(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)], **more
    )


def turned(item, degrees, by=(0.0, 0.0)):
    """The same object after a rotation about the origin and a shift."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    outline = [(c * x - s * y + by[0], s * x + c * y + by[1]) for x, y in item.outline]
    return SceneObject(item.id, outline, item.area, item.is_cut)


def asked(query, targets, anchors=(), **more):
    """Ids of the answer to a sentence."""
    found = evaluate(read_comparison(query).comparison, targets, anchors, **more)
    return [targets[i].id for i in found.winners]


TANKS = [
    box("small west", 0, 0, 8, 8),
    box("large middle", 100, 0, 30, 30),
    box("long east", 200, 5, 60, 4),
    box("medium north", 90, 150, 20, 20),
    box("medium south", 110, -140, 19, 19),
]
ROAD = [box("road", 140, 0, 12, 40)]
LAKE = [SceneObject("lake", [(60, -40), (160, -40), (160, 40), (60, 40)])]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("the largest tank", ["large middle"]),
        ("the smallest tank", ["small west"]),
        ("the second largest tank", ["medium north"]),
        ("the 2 largest tanks", ["large middle", "medium north"]),
        ("the longest tank", ["long east"]),
        ("the shortest tank", ["small west"]),
        ("the narrowest tank", ["long east"]),
        ("the leftmost tank", ["small west"]),
        ("the easternmost tank", ["long east"]),
        ("the topmost tank", ["medium north"]),
        ("the southernmost tank", ["medium south"]),
        ("the second tank from the right", ["medium south"]),
        ("the most central tank", ["large middle"]),
        (
            "the tank nearest to the road",
            ["large middle"],
        ),  # 19 m from outline to outline, not 40 from middle to middle
        ("the tank farthest from the road", ["small west"]),
        ("the second nearest tank to the road", ["long east"]),
        ("all tanks within 24 m of the road", ["large middle", "long east"]),
        (
            "all tanks left of the road",
            ["small west", "large middle", "medium north", "medium south"],
        ),
        ("the largest tank right of the road", ["long east"]),
        ("all tanks above the road", ["medium north"]),
        ("all tanks south of the road", ["medium south"]),
        ("all tanks inside the lake", ["large middle"]),
        ("all tanks outside the lake", ["small west", "long east", "medium north", "medium south"]),
        ("all tanks on the lake", ["large middle"]),
        ("the smallest tank above the road", ["medium north"]),
        ("the sixth largest tank", []),  # there are five
        ("all tanks", [tank.id for tank in TANKS]),
    ],
)
def test_definitions(query, answer):
    """Each relation and rank is what its definition says, on a scene where another reading would answer otherwise."""
    anchors = LAKE if "lake" in query else ROAD

    assert answer == asked(query, TANKS, anchors)


def test_a_side_is_judged_at_the_objects_own_level():
    """A slanting road has a left side all along it, though its box covers both sides."""
    road = [SceneObject("road", [(0, 0), (10, 0), (110, 100), (100, 100)])]
    tanks = [
        box("left", 20, 60, 8, 8),
        box("right", 80, 40, 8, 8),
        box("beyond its end", 50, 150, 8, 8),
    ]

    assert asked("all tanks left of the road", tanks, road) == ["left"]
    assert asked("all tanks right of the road", tanks, road) == ["right"]


def test_what_is_level_with_the_anchor_is_on_neither_side():
    """An object whose middle lies within the anchor's breadth is neither left nor right of it."""
    tanks = [box("level", 141, 100)]

    assert asked("all tanks left of the road", tanks, ROAD) == []
    assert asked("all tanks right of the road", tanks, ROAD) == []
    assert asked("all tanks above the road", tanks, ROAD) == ["level"]


def test_of_several_anchors_the_nearest_counts():
    """ "Left of a road" goes by the road that the object lies at, and it is said that there are several."""
    roads = [box("one", 0, 0, 4, 100), box("other", 100, 0, 4, 100)]
    tanks = [box("a", -10, 0, 4, 4), box("b", 10, 0, 4, 4), box("c", 90, 0, 4, 4)]
    found = evaluate(read_comparison("all tanks left of the road").comparison, tanks, roads)

    assert [tanks[i].id for i in found.winners] == ["a", "c"]
    assert ("several-anchors", (("count", 2),)) in [(n.code, n.parameters) for n in found.notes]


def test_no_object_is_its_own_anchor():
    """Where targets and anchors are of one kind, an object found twice is not compared with itself."""
    houses = [box("h1", 0, 0), box("h2", 30, 0), box("h3", 100, 0)]
    again = [box("again 1", 0.2, 0), box("again 2", 30, 0.1), box("again 3", 100, 0)]

    assert asked("the house farthest from the house", houses, again) == ["h3"]


def test_without_an_anchor_there_is_no_answer():
    """A missing anchor is said; only "outside" is then true of everything."""
    found = evaluate(read_comparison("the tank nearest to the road").comparison, TANKS)

    assert (found.outcome, [note.code for note in found.notes]) == ("none", ["no-anchor"])
    assert len(TANKS) == len(asked("all tanks outside the lake", TANKS))


def test_a_tie_is_said():
    """Two sizes that a pixel's breadth cannot tell apart are an ambiguous answer with both."""
    tanks = [box("a", 0, 0, 20, 20), box("b", 50, 0, 20, 20.4), box("c", 100, 0, 8, 8)]
    comparison = read_comparison("the largest tank").comparison
    sharp = evaluate(comparison, tanks)
    coarse = evaluate(comparison, tanks, precision_m=1.0)

    assert (list(sharp.winners), sharp.outcome) == ([1], "found")
    assert ({0, 1}, "ambiguous") == (set(coarse.winners), coarse.outcome)
    assert "tie" in [note.code for note in coarse.notes]


def test_one_was_wanted_and_several_fit():
    """ "The tank left of the road" over four of them is ambiguous, not the first of a list."""
    found = evaluate(read_comparison("the tank left of the road").comparison, TANKS, ROAD)

    assert (found.outcome, len(found.winners)) == ("ambiguous", 4)
    assert "several-fit" in [note.code for note in found.notes]


def test_objects_at_the_edge_may_be_larger():
    """A comparison of sizes says how many of its objects the edge of the area cuts."""
    tanks = [box("a", 0, 0, 20, 20), box("b", 50, 0, 8, 8, is_cut=True)]
    notes = evaluate(read_comparison("the largest tank").comparison, tanks).notes

    assert [(n.code, n.parameters) for n in notes] == [("cut", (("count", 1),))]
    assert not evaluate(read_comparison("the leftmost tank").comparison, tanks).notes


def test_the_ranking_carries_values_with_units():
    """Every object that fits has its value, best first."""
    found = evaluate(read_comparison("the 2 largest tanks").comparison, TANKS, ROAD)

    assert [each.value for each in found.ranking] == [900.0, 400.0, 361.0, 240.0, 64.0]
    assert {"m²"} == {each.unit for each in found.ranking}
    near = evaluate(read_comparison("the tank nearest to the road").comparison, TANKS, ROAD)
    assert (near.ranking[0].value, near.ranking[0].unit) == (19.0, "m")


def test_an_area_that_was_measured_is_taken():
    """A mask's own area goes before that of its outline: holes and pieces are in it."""
    tanks = [box("ring", 0, 0, 30, 30, area=100.0), box("full", 50, 0, 20, 20)]

    assert asked("the largest tank", tanks) == ["full"]


@pytest.mark.parametrize("degrees", [0, 30, 90, 211])
def test_left_follows_the_view_and_west_follows_the_map(degrees):
    """On a turned view left is the view's left; west stays west."""
    radians = math.radians(degrees)
    right = (math.cos(radians), math.sin(radians))
    axes = Axes(right=right, up=(-right[1], right[0]))
    tanks = [turned(each, degrees) for each in TANKS]

    assert asked("the leftmost tank", tanks, axes=axes) == ["small west"]
    assert asked(
        "the largest tank right of the road", tanks, [turned(ROAD[0], degrees)], axes=axes
    ) == ["long east"]
    assert asked("the westernmost tank", TANKS, axes=axes) == ["small west"]


@pytest.mark.parametrize("outline", [[], [(0, 0), (1, 1)], [(0, 0), (1, 0), (math.nan, 1)]])
def test_an_object_without_a_place_is_refused(outline):
    """Too few corners, or one that is no number, is an error that names the object."""
    with pytest.raises(ValueError, match="'tank 7'"):
        SceneObject("tank 7", outline)


# ---- laws --------------------------------------------------------------------------------------------------------------

NUMBER = st.integers(-400, 400).map(float)
SIDE = st.integers(2, 60).map(float)
OBJECTS = st.lists(
    st.tuples(NUMBER, NUMBER, SIDE, SIDE, st.integers(0, 89)), min_size=1, max_size=12
).map(
    lambda rows: [
        turned(box(f"o{i}", 0, 0, w, h), angle, (x, y))
        for i, (x, y, w, h, angle) in enumerate(rows)
    ]
)


ALL_RANKS = tuple(RANKS.values())


@st.composite
def questions(draw, ranks=ALL_RANKS):
    """Any comparison of tanks and roads."""
    rank = draw(st.none() | st.sampled_from(ranks))
    relation = draw(st.none() | st.sampled_from(Relation))
    needs = relation is not None or rank in (RANKS["nearest"], RANKS["farthest"])
    return Comparison(
        "tank",
        relation=relation,
        anchor="road" if needs else "",
        rank=rank,
        within_m=80.0 if relation is Relation.NEAR else None,
    )


@given(questions(), OBJECTS, OBJECTS, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_objects_does_not_matter(comparison, targets, anchors, chance):
    """Shuffled targets and anchors give the same answer, the same ranking and the same notes."""

    def answer(targets, anchors):
        found = evaluate(comparison, targets, anchors, middle=(0.0, 0.0))
        ranking = [(targets[each.index].id, each.value) for each in found.ranking]
        winners = [targets[i].id for i in found.winners]
        if comparison.rank is None:
            ranking, winners = sorted(ranking), sorted(winners)
        return winners, ranking, found.outcome, found.notes

    shuffled = [chance.sample(each, len(each)) for each in (targets, anchors)]

    assert answer(targets, anchors) == answer(*shuffled)


WITHOUT_SIDES = tuple(
    RANKS[name] for name in ("largest", "smallest", "longest", "narrowest", "nearest", "farthest")
)


def same_pairs(targets, anchors):
    """Places of the targets and anchors that count as one object."""
    boxes = [[plane.bounds_of(item.outline) for item in items] for items in (targets, anchors)]
    return [
        plane.overlap_share(one, other) >= SAME_OBJECT for one, other in itertools.product(*boxes)
    ]


@given(
    questions(WITHOUT_SIDES),
    OBJECTS,
    OBJECTS,
    st.integers(0, 359),
    st.tuples(st.sampled_from([0.0, 5e5, -3e6]), st.sampled_from([0.0, 5e6])),
)
@settings(max_examples=80, deadline=None)
def test_size_and_distance_do_not_know_where_they_are(comparison, targets, anchors, degrees, by):
    """Turned and moved far away, sizes and distances are the same to a micrometre, so the ranking is."""
    assume(comparison.relation in (None, Relation.NEAR))
    moved = [[turned(item, degrees, by) for item in items] for items in (targets, anchors)]
    # what is target and anchor at once is known by upright boxes, and those change as one turns
    assume(same_pairs(targets, anchors) == same_pairs(*moved))
    here = evaluate(comparison, targets, anchors, precision_m=1e-5)
    there = evaluate(comparison, *moved, precision_m=1e-5)

    near_limit = any(
        abs(plane.distance(t.outline, a.outline) - 80) < 1e-4 for t in targets for a in anchors
    )
    assume(comparison.relation is None or not near_limit)
    assert set(here.winners) == set(there.winners)
    for one, other in zip(
        sorted(here.ranking, key=lambda r: r.index),
        sorted(there.ranking, key=lambda r: r.index),
        strict=True,
    ):
        assert one.index == other.index
        assert one.value is None or one.value == pytest.approx(other.value, abs=1e-5, rel=1e-6)


@given(questions(), OBJECTS, OBJECTS)
@settings(max_examples=60, deadline=None)
def test_the_answer_is_the_head_of_the_ranking(comparison, targets, anchors):
    """Winners are among those that fit, lead the ranking where there is one, and no value is better than the first."""
    found = evaluate(comparison, targets, anchors)
    order = [each.index for each in found.ranking]

    assert list(found.winners) == order[: len(found.winners)]
    if comparison.rank is not None and order:
        values = [each.value for each in found.ranking]
        assert values == sorted(values, reverse=comparison.rank.descending)
    assert (found.outcome == "none") == (not found.winners)


@given(OBJECTS, OBJECTS)
@settings(max_examples=60, deadline=None)
def test_the_tree_finds_what_looking_at_all_finds(targets, anchors):
    """The nearest of a packed tree is the nearest of all, and the anchors around a point are those that hold it."""
    rings = [plane.ring_of(each.outline) for each in anchors]
    tree = Outlines(rings)
    for each in targets:
        ring = plane.ring_of(each.outline)
        number, away = tree.nearest(ring)
        everyone = [plane.distance(ring, other) for other in rings]
        assert away == min(everyone)
        assert number == everyone.index(away)
        point = plane.centroid(ring)
        assert sorted(tree.around(point)) == [
            i for i, other in enumerate(rings) if plane.contains(other, point)
        ]


def test_a_country_of_objects_is_compared_in_time():
    """Ten times as many targets and anchors take at most thirty times the time, not a hundred."""
    chance = random.Random(4)  # noqa: S311 - places

    def seconds(count):
        side = 60 * math.sqrt(count)
        targets = [
            box(f"t{i}", chance.uniform(0, side), chance.uniform(0, side)) for i in range(count)
        ]
        anchors = [
            box(f"a{i}", chance.uniform(0, side), chance.uniform(0, side), 200, 6)
            for i in range(count // 4)
        ]
        began = time.process_time()
        evaluate(read_comparison("the largest tank left of the road").comparison, targets, anchors)
        return time.process_time() - began

    few = min(seconds(500) for _ in range(3))

    assert seconds(5000) < 10 * 3 * max(few, 0.02)
