"""A comparison is global: scenes whose answer no single tile gives are answered by tiles, seams and geometry together."""

import math
import random
from dataclasses import dataclass, field

import pytest

from geo_r1_qgis.core.comparison import anchor_query, read_comparison, say, target_query
from geo_r1_qgis.core.scene import SceneObject, evaluate
from geo_r1_qgis.core.seams import Found, merge
from geo_r1_qgis.core.tiling import TilePlan

WIDTH, HEIGHT, TILE_PX = 1700, 1300, 448
SCENES = 120
QUESTIONS = (
    "the second largest tank", "the third largest tank", "the second smallest white tank", "the third tank from the left",
    "the second tank from the top", "the tank nearest to the road", "the white tank farthest from the road",
    "the largest tank left of the road", "the smallest tank right of the road", "the largest tank above the road",
    "the second nearest tank to the road", "the longest white tank below the road", "the largest tank",
)  # fmt: skip


@dataclass
class Made:
    """A scene of known boxes: (kind, colour, box)."""

    tanks: list = field(default_factory=list)
    roads: list = field(default_factory=list)


def made(seed):
    """Some 14 tanks of two colours, a road that a tile may hold, sizes that are clearly apart; nothing touches."""
    chance = random.Random(seed)  # noqa: S311 - reproducibility
    scene, boxes = Made(), []

    def place(width, height):
        for _ in range(200):
            x, y = chance.randint(0, WIDTH - width), chance.randint(0, HEIGHT - height)
            box = (float(x), float(y), float(x + width), float(y + height))
            if all(gap(box, other) > 12 for other in boxes):
                boxes.append(box)
                return box
        raise AssertionError("no room")

    scene.roads.append(place(chance.randint(30, 60), chance.randint(60, 85)))
    sides = [round(22 * 1.11**step) for step in range(chance.randint(10, 15))]
    for side in chance.sample(sides, len(sides)):
        scene.tanks.append((chance.choice(("white", "gray")), place(side, round(side * 0.8))))
    return scene


def gap(one, other):
    """Way between two upright boxes."""
    across = max(other[0] - one[2], one[0] - other[2], 0.0)
    return math.hypot(across, max(other[1] - one[3], one[1] - other[3], 0.0))


def truth(query, scene):
    """The answer by plain arithmetic on boxes: none of the code that is tested."""
    road = scene.roads[0]
    boxes = [box for colour, box in scene.tanks if "white" not in query or colour == "white"]

    def middle(box):
        return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2

    sides = {
        "left of the road": lambda b: middle(b)[0] < road[0],
        "right of the road": lambda b: middle(b)[0] > road[2],
        "above the road": lambda b: middle(b)[1] < road[1],
        "below the road": lambda b: middle(b)[1] > road[3],
    }
    for words, fits in sides.items():
        boxes = [box for box in boxes if fits(box)] if words in query else boxes
    keys = {
        "largest": lambda b: -(b[2] - b[0]) * (b[3] - b[1]),
        "smallest": lambda b: (b[2] - b[0]) * (b[3] - b[1]),
        "longest": lambda b: -max(b[2] - b[0], b[3] - b[1]),
        "from the left": lambda b: middle(b)[0],
        "from the top": lambda b: middle(b)[1],
        "nearest": lambda b: gap(b, road),
        "farthest": lambda b: -gap(b, road),
    }
    key = next(keys[words] for words in keys if words in query)
    place = 2 if "second" in query else 3 if "third" in query else 1
    ranked = sorted(boxes, key=key)
    if len(ranked) < place:
        return None
    clear = all(
        abs(key(ranked[place - 1]) - key(other)) > 2
        for other in ranked
        if other is not ranked[place - 1]
    )
    return ranked[place - 1] if clear else None


def seen(boxes, window):
    """What a faultless detector says of one tile: each object as far as it shows."""
    cut = [
        (max(b[0], window[0]), max(b[1], window[1]), min(b[2], window[2]), min(b[3], window[3]))
        for b in boxes
    ]
    return [box for box in cut if box[2] - box[0] > 3 and box[3] - box[1] > 3]


def objects(boxes):
    """In a plane with y upwards; a pixel is half a metre."""
    return [
        SceneObject(
            str(box),
            [
                (x / 2, -y / 2)
                for x, y in ((box[0], box[1]), (box[0], box[3]), (box[2], box[3]), (box[2], box[1]))
            ],
        )
        for box in boxes
    ]


def answered(query, tanks, roads):
    """The box that a comparison chooses, or none."""
    found = evaluate(read_comparison(query).comparison, objects(tanks), objects(roads))
    return tanks[found.winners[0]] if found.outcome == "found" else None


def asked_for(query, scene):
    """(boxes of targets, boxes of anchors) as a tile is asked for them: by kind and colour, without rank and relation."""
    comparison = read_comparison(query).comparison
    white = "white" in target_query(comparison)
    tanks = [box for colour, box in scene.tanks if not white or colour == "white"]
    return tanks, scene.roads if anchor_query(comparison) else []


@pytest.fixture(scope="module")
def cases():
    """(query, scene, true box) of scenes whose answer is that of no single tile, and how many were looked through."""
    plan = TilePlan(WIDTH, HEIGHT, TILE_PX, 90, levels=1)
    found, looked = [], 0
    for seed in range(2000):
        scene = made(seed)
        query = QUESTIONS[seed % len(QUESTIONS)]
        right = truth(query, scene)
        if right is None:
            continue
        looked += 1
        tanks, roads = asked_for(query, scene)
        alone = [
            answered(query, seen(tanks, t.window), seen(roads, t.window)) for t in plan.tiles()
        ]
        if right not in alone:
            found.append((query, scene, right))
        if len(found) == SCENES:
            return found, looked
    raise AssertionError(f"only {len(found)} scenes")


def test_no_tile_has_the_answer_and_all_together_have_it(cases):
    """Of 120 scenes whose answer no tile gives when it is judged alone, every one is answered right over the whole."""
    found, _looked = cases
    plan = TilePlan(WIDTH, HEIGHT, TILE_PX, 90, levels=1)
    whole = (0.0, 0.0, float(WIDTH), float(HEIGHT))
    for query, scene, right in found:
        tanks, roads = asked_for(query, scene)
        windows = [tuple(map(float, tile.window)) for tile in plan.tiles()]
        merged = [
            [
                one.box
                for one in merge(
                    [Found(box, kind, w) for w in windows for box in seen(boxes, w)], whole
                )
            ]
            for kind, boxes in (("tank", tanks), ("road", roads))
        ]
        assert right == answered(query, *merged), (query, say(read_comparison(query).comparison))

    assert len(found) >= 100


def test_such_scenes_are_common(cases):
    """They are no curiosity: of the questions with a place or an anchor, every third scene at least is one."""
    found, looked = cases

    assert len(found) >= looked / 3, (len(found), looked)
    assert len({query for query, *_ in found}) >= 8
