"""Rewards obey laws, and the known ways of cheating never pay."""

from __future__ import annotations

import contextlib
import io
import json
import random
import time
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo_r1_backend.engines.resize import View
from geo_r1_backend.evaluation.masks import box_mask
from geo_r1_backend.geo.boxes import iou
from geo_r1_backend.training.rewards import RewardSettings, reward, true_mask
from geo_r1_backend.training.rewards.near import near_reward, nearness
from geo_r1_backend.training.rewards.ovd import THRESHOLDS
from geo_r1_backend.training.rewards.pairing import best_pairs, most_hits
from geo_r1_backend.training.rewards.said import read
from geo_r1_backend.training_wire import Sample

VIEW = View(448, 448, 448, 448, 448, 448)
AP = RewardSettings(ovd="ap")

corner = st.integers(0, 380)
side = st.integers(8, 60)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
boxes = st.lists(box, min_size=1, max_size=6, unique=True)
task = st.sampled_from(["rec", "ovd", "gres"])
settings = st.sampled_from([RewardSettings(), AP])


def sample(task, truth):
    rings = [[[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] for x0, y0, x1, y1 in truth]
    return Sample(
        chip="0" * 64,
        query="ships",
        task=task,
        boxes_px=[list(b) for b in truth],
        label="ship",
        polygons_px=rings if task == "gres" else None,
    )


def completion(said, one=False):
    items = [{"bbox_2d": list(b), "label": "ship"} for b in said]
    answer = json.dumps(items[0] if one else items) if said else "None"
    return f"<think>I look.</think><answer>{answer}</answer>"


def fill(prompts):
    """A segmenter that fills its boxes."""
    return [box_mask([p.box_px], 448, 448) for p in prompts]


def judged(task, truth, text, settings=None, **more):
    segment = fill if task == "gres" else None
    return reward(sample(task, truth), text, VIEW, settings=settings, segment=segment, **more)


def said_reward(task, truth, said, settings=None):
    return judged(task, truth, completion(said, one=task == "rec" and len(said) == 1), settings)


def is_apart(said):
    """Whether no two boxes are the same object said twice, as inference sees it."""
    return all(iou(a, b) < 0.85 for i, a in enumerate(said) for b in said[:i])


@given(task, boxes, st.lists(box, max_size=8), settings)
def test_every_figure_lies_in_its_range(task, truth, said, settings):
    """Metric and metric part lie in [0, 1], the tail below its weight, and the total is the sum of the parts."""
    found = said_reward(task, truth, said, settings)

    *_, (name, worth) = [p for p in found.parts.items() if p[0] not in ("format", "near")]
    assert name in ("iou", "f1", "ap", "giou")
    assert -1e-9 <= worth <= 1 + 1e-9
    assert -1e-9 <= found.metric <= 1 + 1e-9
    assert 0 <= found.parts["near"] <= settings.near_weight + 1e-9
    assert found.parts["format"] in (0.0, 1.0)
    assert found.total == pytest.approx(sum(found.parts.values()))


@given(task, boxes, st.lists(box, max_size=8), settings, st.randoms(use_true_random=False))
def test_order_of_boxes_is_irrelevant(task, truth, said, settings, source):
    """The same boxes in another order are worth the same, and so is the same truth."""
    assume(is_apart(said))
    shuffled, true_shuffled = list(said), list(truth)
    source.shuffle(shuffled)
    source.shuffle(true_shuffled)

    found = said_reward(task, truth, said, settings)
    again = said_reward(task, true_shuffled, shuffled, settings)

    assert again.total == pytest.approx(found.total)
    assert again.metric == pytest.approx(found.metric)


@given(task, boxes, settings)
def test_the_truth_is_worth_most(task, truth, settings):
    """The true answer has metric 1, full form and no tail; nothing is worth more."""
    assume(is_apart(truth))
    truth = truth[:1] if task == "rec" else truth

    found = said_reward(task, truth, truth, settings)

    assert found.metric == pytest.approx(1)
    assert found.total == pytest.approx(2)
    assert found.parts["near"] == 0


@given(task, box, st.floats(0, 1), st.floats(0, 1), settings)
def test_a_better_box_is_never_worth_less(task, true, first, second, settings):
    """Along a shift towards the true box IoU grows, and with it metric and total, the tail included."""
    start = (true[0] + 70, true[1] + 50, true[2] + 70, true[3] + 50)
    assume(start[2] <= 448 and start[3] <= 448)

    def at(share):
        return [round(s + share * (t - s)) for s, t in zip(start, true, strict=True)]

    worse, better = sorted((at(first), at(second)), key=lambda b: iou(b, true))
    assume(iou(worse, true) < iou(better, true))

    low = said_reward(task, [true], [worse], settings)
    high = said_reward(task, [true], [better], settings)

    assert high.metric >= low.metric
    assert high.total >= low.total - 1e-9


@given(boxes, st.data(), st.sampled_from([RewardSettings(near_weight=0), AP]))
def test_set_rewards_are_monotone_in_each_box(truth, data, settings):
    """In an answer of several boxes, putting one of them exactly on the object it is paired with never costs anything."""
    said = data.draw(st.lists(box, min_size=1, max_size=6))
    assume(is_apart(said))
    overlap = np.asarray([[iou(s, t) for t in truth] for s in said])
    row, column = best_pairs(overlap)[0]
    moved = [truth[column] if i == row else b for i, b in enumerate(said)]
    assume(is_apart(moved))

    before, after = (said_reward("ovd", truth, s, settings) for s in (said, moved))

    assert after.parts[settings.ovd] >= before.parts[settings.ovd] - 1e-9
    assert after.metric >= before.metric - 1e-9


@given(task, boxes, box, settings)
def test_a_wrong_box_more_never_pays(task, truth, wrong, settings):
    """The true answer and one box on nothing are worth less than the true answer."""
    truth = truth[:1] if task == "rec" else truth
    assume(is_apart(truth))
    assume(all(iou(wrong, t) == 0 for t in truth))

    honest = said_reward(task, truth, truth, settings)
    padded = said_reward(task, truth, [*truth, wrong], settings)

    assert padded.total < honest.total
    assert padded.metric < honest.metric


@given(task, box, st.integers(2, 14), settings)
def test_strewing_boxes_never_pays(task, true, per_side, settings):
    """A grid of boxes over the whole chip is worth less than one honest near miss."""
    step = 448 / per_side
    grid = [
        [round(x * step), round(y * step), round((x + 1) * step), round((y + 1) * step)]
        for x in range(per_side)
        for y in range(per_side)
    ]
    width, height = true[2] - true[0], true[3] - true[1]
    miss = [
        true[0] + width // 4,
        true[1] + height // 4,
        true[2] + width // 4,
        true[3] + height // 4,
    ]
    assume(sum(iou(cell, true) > 0.3 for cell in grid) == 0)

    strewn = said_reward(task, [true], grid, settings)
    honest = said_reward(task, [true], [miss], settings)

    assert strewn.total < honest.total
    assert strewn.total <= 1 + 0.25


@given(task, box, settings)
def test_a_giant_box_never_pays(task, true, settings):
    """A box over the whole chip gets little more than the form of an answer, less than a miss by half of the object."""
    width = true[2] - true[0]
    miss = [true[0] + width // 2, true[1], true[2] + width // 2, true[3]]

    giant = said_reward(task, [true], [(0, 0, 448, 448)], settings)

    assert giant.total <= 1.05
    assert giant.total < said_reward(task, [true], [miss], settings).total


@given(task, box, settings)
def test_saying_the_same_object_again_never_pays(task, true, settings):
    """One box said five times, pixel for pixel or a pixel beside, is worth less than said once."""
    beside = [true[0] + 1, true[1], true[2] + 1, true[3]]
    once = said_reward(task, [true], [true], settings)

    for more in ([true] * 5, [true, beside]):
        assert said_reward(task, [true], more, settings).total < once.total


@pytest.mark.parametrize("kind", ["rec", "ovd", "gres"])
@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        "<think></think><answer></answer>",  # tags alone
        "<think>x</think><answer></answer>",  # reasoning alone
        "<think>x</think><answer>[]</answer>",  # an empty list says that there is nothing
        "<think>x</think><answer>None</answer>",  # so does None
        "<answer>None</answer>" * 5,
    ],
)
def test_empty_answers_never_pay_where_something_is(kind, text):
    """An answer without a box gets at most its form; a box that hits is worth more, and so is one that only comes near."""
    true = (100, 100, 140, 130)

    found = judged(kind, [true], text)

    assert found.metric == 0
    assert found.total <= 1
    assert found.total < said_reward(kind, [true], [(150, 100, 190, 130)]).total


@pytest.mark.parametrize(
    "text",
    [
        "<think>a</think><answer>{hit}</answer><answer>{hit}</answer>",  # the answer twice
        "<answer>{miss}</answer><think>a</think><answer>{hit}</answer>",  # first try, second try
        "<think>a</think><answer>{miss}</answer><answer>{hit}</answer>",
        "<think>a</think><answer>{hit}</answer><answer>",
        "<think>a<think>b</think></think><answer>{hit}</answer>",
        "<think>a</think><answer>{hit}</answer> and more words",
        "Sure! <think>a</think><answer>{hit}</answer>",
        "<think></think><answer>{hit}</answer>",  # no reasoning where it was asked for
        "<answer>{hit}</answer>",
        "<answer>{hit}</answer><think>a</think>",
        "<think>a</think>{hit}",
    ],
)
def test_many_tags_never_pay(text):
    """Each tag once, in order, nothing around them: everything else loses the form, and gains nothing."""
    true = (100, 100, 140, 130)
    hit, miss = '{"bbox_2d":[100,100,140,130]}', '{"bbox_2d":[300,300,340,330]}'

    found = judged("rec", [true], text.format(hit=hit, miss=miss))

    assert found.parts["format"] == 0
    assert found.total < said_reward("rec", [true], [true]).total


@pytest.mark.parametrize("kind", ["rec", "ovd", "gres"])
def test_nothing_is_there(kind):
    """Empty truth: "None" is right, boxes are wrong, and silence or an answer that cannot be read is no "None"."""
    assert judged(kind, [], "<think>a</think><answer>None</answer>").total == 2
    assert judged(kind, [], "<think>a</think><answer>None</answer>").metric == 1
    assert said_reward(kind, [], [(10, 10, 40, 40)]).metric == 0
    assert said_reward(kind, [], [(10, 10, 40, 40)]).total == 1
    assert judged(kind, [], "").total == 0
    assert judged(kind, [], '<think>a</think><answer>{"bbox_2d":[1,2').total == 0


@pytest.mark.parametrize(
    ("kind", "text", "formed"),
    [
        ("ovd", '<answer>[{"bbox_2d":[1,2,30,40]}]</answer>', 1),
        (
            "ovd",
            '```json\n[{"bbox_2d":[1,2,30,40]}]\n```',
            1,
        ),  # the paper's prompt asks for no tags
        ("ovd", "None", 1),
        ("rec", '{"bbox_2d":[1,2,30,40]}', 0),  # the prompt for REC does ask for them
        ("rec", '<answer>{"bbox_2d":[1,2,30,40]}</answer>', 1),
        (
            "rec",
            '<think>a</think><answer>{"bbox_2d":[1,2,30,40]}</answer>',
            0,
        ),  # not asked to think
    ],
)
def test_form_without_reasoning(kind, text, formed):
    """Without reasoning the form is what those prompts ask for."""
    assert judged(kind, [(1, 2, 30, 40)], text, think=False).parts["format"] == formed


@pytest.mark.parametrize(
    ("answer", "formed"),
    [
        ('{"bbox_2d":[100,100,140,130]}', 1),
        ('[{"bbox_2d":[100,100,140,130]},{"bbox_2d":[10,10,40,30]}]', 0),  # REC asks for one
        ('{"bbox_2d":[100,100,100,130]}', 0),  # no area
        ('{"bbox_2d":[900,900,950,930]}', 0),  # outside of the chip
        ('{"bbox_2d":[100,100,140]}', 0),
        ("I cannot say.", 0),
    ],
)
def test_form_needs_a_usable_answer(answer, formed):
    """Tags around something that is no answer have no worth."""
    text = f"<think>a</think><answer>{answer}</answer>"
    assert judged("rec", [(100, 100, 140, 130)], text).parts["format"] == formed


def test_boxes_are_judged_in_chip_pixels():
    """The model answers in its own pixels; a perfect answer on a 512 px chip seen at 504 px is worth 1."""
    view = View(512, 512, 504, 504, 504, 504)
    true = (64.0, 64.0, 128.0, 192.0)
    text = completion([[63, 63, 126, 189]], one=True)

    assert reward(sample("rec", [true]), text, view).metric == pytest.approx(1)


def test_the_papers_ovd_reward():
    """min(1, sqrt(N_gt / N)) · AP by hand: one of two objects found exactly, one box too many of three."""
    truth = [(0, 0, 40, 40), (100, 100, 140, 140)]
    assert said_reward("ovd", truth, [], AP).parts["ap"] == 0
    one = said_reward("ovd", truth, truth[:1], AP).parts["ap"]
    three = said_reward("ovd", truth, [*truth, (300, 300, 330, 330)], AP).parts["ap"]

    assert one == pytest.approx(51 / 101)  # precision 1 up to recall 0.5: 51 of COCO's 101 recalls
    assert three == pytest.approx((2 / 3) ** 0.5 * 2 / 3)


@given(boxes, st.lists(box, min_size=1, max_size=1))
def test_ap_is_that_of_coco_for_one_box(truth, said):
    """With a single box there is no order to disagree about: AP equals pycocotools'."""
    pytest.importorskip("pycocotools")
    from geo_r1_backend.evaluation.coco import ALL_ALIKE, Detected, judge, summed

    with contextlib.redirect_stdout(io.StringIO()):  # it prints every step
        coco = summed(judge([Detected("a", "ship", said, truth)], ALL_ALIKE))[0]

    assert said_reward("ovd", truth, said, AP).parts["ap"] == pytest.approx(coco, abs=1e-9)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1 << 30))
def test_best_pairs_are_the_best(rows, columns, seed):
    """The pairing has the greatest sum of all; checked against every permutation."""
    worth = np.random.default_rng(seed).integers(0, 5, (rows, columns)) / 4.0

    pairs = best_pairs(worth)

    small, large = sorted((rows, columns))
    table = worth if rows <= columns else worth.T
    best = max(
        sum(table[i, order[i]] for i in range(small)) for order in permutations(range(large), small)
    )
    assert len(pairs) == small
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == small
    assert sum(worth[pair] for pair in pairs) == pytest.approx(best)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 1 << 30))
def test_most_hits_are_the_most(rows, columns, seed):
    """As many pairs fit as the best pairing of ones and zeros has."""
    fits = np.random.default_rng(seed).random((rows, columns)) < 0.4

    assert most_hits(fits) == round(sum(fits[p] for p in best_pairs(fits.astype(float))))


@given(box, box)
def test_nearness_falls_with_distance(true, other):
    """1 for the box itself, less for any other, and always above 0."""
    assert nearness(true, true, 448) == 1
    assert 0 < nearness(other, true, 448) <= 1
    if other != true:
        assert nearness(other, true, 448) < 1


@pytest.mark.parametrize("said", [1, 2, 5])
def test_guessing_divides_the_tail(said):
    """Of N guesses that are equally near one object the tail is 2 n / (N (N + 1)): more guesses, less tail."""
    true, guess = (200, 200, 230, 230), (260, 200, 290, 230)
    near = nearness(guess, true, 448)

    found = near_reward([guess] * said, [true], said=said, chip_longer_px=448)

    assert found == pytest.approx(near * 2 / (said * (said + 1)))


def test_near_misses_are_told_apart_by_the_tail_alone():
    """Of two misses the nearer one has the greater total and the same metric, so no group is chosen because of it."""
    true = (200, 200, 230, 230)
    near, far = (
        said_reward("rec", [true], [b]) for b in ((240, 200, 270, 230), (400, 400, 430, 430))
    )

    assert near.metric == far.metric == 0
    assert near.total > far.total
    assert (
        said_reward("rec", [true], [(240, 200, 270, 230)], RewardSettings(near_weight=0)).total == 1
    )


def test_masks_are_trimmed_to_their_boxes():
    """A segmenter that marks the whole chip gains nothing outside of the box, and points reach it."""
    true = (100, 100, 140, 130)
    seen = []

    def everything(prompts):
        seen.extend(prompts)
        return [np.ones((448, 448), bool) for _ in prompts]

    text = (
        '<think>a</think><answer>[{"bbox_2d":[100,100,140,130],"keypoint1":[110,110],'
        '"keypoint2":[120,120]}]</answer>'
    )
    found = reward(sample("gres", [true]), text, VIEW, segment=everything)

    assert found.metric == 1
    assert seen[0].points_px == ((110, 110), (120, 120))


def test_a_kept_true_mask_is_used():
    """A mask that the caller kept for the group is not drawn again: it may be any, polygons or not."""
    mask = box_mask([(100, 100, 140, 130)], 448, 448)
    bare = Sample("0" * 64, "ships", "gres", [[100, 100, 140, 130]], "ship")
    text = completion([(100, 100, 140, 130)])

    assert reward(bare, text, VIEW, segment=fill, mask=mask).metric == 1
    assert reward(bare, text, VIEW, segment=fill).metric == 0
    assert np.array_equal(true_mask(sample("gres", [(100, 100, 140, 130)]), 448, 448), mask)


def test_masks_need_a_segmenter():
    """Without a segmenter the mistake is named at once, not scored as 0."""
    with pytest.raises(ValueError, match="segmenter"):
        reward(sample("gres", [(1, 2, 30, 40)]), "", VIEW)


@given(st.text(max_size=300), task, boxes)
def test_any_text_is_judged(text, task, truth):
    """Whatever a model writes has a worth: never an exception, never a number that is none."""
    found = judged(task, truth, text)

    assert np.isfinite([found.total, found.metric, *found.parts.values()]).all()


def test_spam_is_judged_in_time():
    """Four hundred boxes (4,096 tokens) on a chip with 60 objects take less than half a second at the calmest of five."""
    source = random.Random(1)  # noqa: S311 - reproducibility

    def some(count):
        corners = [(source.randrange(400), source.randrange(400)) for _ in range(count)]
        return [(x, y, x + 20, y + 20) for x, y in corners]

    truth, text = some(60), completion(some(400))
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        judged("ovd", truth, text)
        taken.append(time.perf_counter() - began)

    assert min(taken) < 0.5


def test_the_embedded_models_own_answers_are_well_formed():
    """Every chain and answer that the examiner teaches the embedded model has full form and metric 1."""
    from geo_r1_backend.pretraining.dice import Dice
    from geo_r1_backend.pretraining.examiner import Examiner
    from geo_r1_backend.pretraining.expressions import FAMILIES
    from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene

    judged_families = set()
    for seed in range(12):
        scene = draw_scene(seed, SceneRecipe(), None, (448, 448))
        for family in FAMILIES:
            asked = Examiner(scene, Dice(seed)).ask(family)
            if asked is None:
                continue
            truth = [one.box_px for one in asked.answers]
            view = View(
                scene.width_px,
                scene.height_px,
                scene.width_px,
                scene.height_px,
                scene.width_px,
                scene.height_px,
            )
            found = reward(sample(asked.task, truth), asked.completion, view)
            assert found.metric == pytest.approx(1), asked
            assert found.parts["format"] == 1, asked
            judged_families.add(family)
    assert len(judged_families) >= 6


def test_thresholds_are_cocos():
    """AP is averaged over ten thresholds from 0.50 to 0.95."""
    assert len(THRESHOLDS) == 10
    assert list(THRESHOLDS) == pytest.approx(list(np.arange(0.5, 0.96, 0.05)))


def test_cut_off_texts_are_read_as_far_as_they_go():
    """A completion that ran out of tokens keeps its whole boxes, loses its form, and its last piece counts as wrong."""
    text = '<think>a</think><answer>[{"bbox_2d":[1,2,30,40]},{"bbox_2d":[50,60'
    said = read(text, VIEW, "ovd")

    assert said.boxes_px == ((1, 2, 30, 40),)
    assert (said.wasted, said.said, said.well_formed) == (1, 2, False)
