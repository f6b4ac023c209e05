"""After an answer its geometry is computed again over the candidates that the chain named."""

import random

import pytest

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
from geo_r1_qgis.core.answer_check import check_answer, check_words, named_in
from geo_r1_qgis.core.comparison import read_comparison

COMPARED = ("size", "extreme", "ordinal", "relation")
TANKS = "Find storage tanks: white [10,10,50,50], gray [100,10,120,30], white [200,10,230,40], gray [10,200,20,210]."


def north_up(x_px, y_px):
    """Half a metre a pixel."""
    return x_px / 2, -y_px / 2


def same(_context, text):
    """No translation."""
    return text


def checked(query, reasoning, *answers, to_metres=north_up, **more):
    """(word, words) of an answer."""
    check = check_answer(query, reasoning, answers, to_metres, **more)
    return check.word, check_words(check, same)


@pytest.fixture(scope="module")
def asked():
    """Questions that compare, of every family, with their true chain and answer."""
    questions = []
    for seed in range(150):
        examiner = Examiner(draw_scene(seed, SceneRecipe()), Dice(seed))
        questions += [q for family in COMPARED if (q := examiner.ask(family)) is not None]
    return questions


@pytest.mark.parametrize("family", COMPARED)
def test_true_answers_agree_and_others_do_not(asked, family):
    """Over drawn scenes, the true answer agrees with its chain and any other candidate disagrees: 99 of 100 at least.

    The rest are distances: the embedded model is taught those of centres, here those of outlines count.
    """
    chance = random.Random(2)  # noqa: S311 - which candidate
    agreed, disagreed, wrong, count = 0, 0, 0, 0
    for question in asked:
        if question.family != family or len(question.candidates) < 2:
            continue
        (answer,) = question.answers
        others = [o for o in question.candidates if o is not answer]
        count += 1
        agreed += checked(question.query, question.reasoning, answer.box_px)[0] == "agrees"
        wrong += 1
        disagreed += (
            checked(question.query, question.reasoning, chance.choice(others).box_px)[0]
            == "disagrees"
        )
    limit = 0.93 if family == "relation" else 0.99

    assert count > 20
    assert agreed >= limit * count, agreed / count
    assert disagreed >= limit * wrong, disagreed / wrong


@pytest.mark.parametrize(
    ("query", "answers", "word", "words"),
    [
        ("the largest storage tank", [(10, 10, 50, 50)], "agrees", "largest of 4: agrees"),
        (
            "the largest storage tank",
            [(11, 9, 51, 50)],
            "agrees",
            "largest of 4: agrees",
        ),  # a pixel beside
        (
            "the largest storage tank",
            [(200, 10, 230, 40)],
            "disagrees",
            "⚠ largest of 4: disagrees (number 2)",
        ),
        (
            "the smallest white tank",
            [(200, 10, 230, 40)],
            "agrees",
            "smallest of 2: agrees",
        ),  # of the white ones
        (
            "the second tank from the left",
            [(10, 200, 20, 210)],
            "disagrees",
            "⚠ leftmost (number 2) of 4: disagrees (number 1)",
        ),
        (
            "the second tank from the left",
            [(10, 10, 50, 50)],
            "agrees",
            "leftmost (number 2) of 4: agrees",
        ),
        (
            "the 2 largest tanks",
            [(10, 10, 50, 50), (200, 10, 230, 40)],
            "agrees",
            "largest (the first 2) of 4: agrees",
        ),
        (
            "the 2 largest tanks",
            [(10, 10, 50, 50)],
            "disagrees",
            "⚠ largest (the first 2) of 4: disagrees (number 1)",
        ),
        (
            "the largest storage tank",
            [(300, 300, 390, 390)],
            "agrees",
            "largest of 5: agrees",
        ),  # not named, and larger
        (
            "the largest storage tank",
            [(300, 300, 305, 305)],
            "disagrees",
            "⚠ largest of 5: disagrees (number 5)",
        ),
        ("the largest storage tank", [], "", ""),  # none was the answer
        ("the white storage tank", [(10, 10, 50, 50)], "", ""),  # nothing is compared
        ("all storage tanks", [(10, 10, 50, 50)], "", ""),
        (
            "the tank nearest to the road",
            [(10, 10, 50, 50)],
            "",
            "",
        ),  # the chain does not say where the road is
    ],
)
def test_what_is_said(query, answers, word, words):
    """A comparison over named candidates has a verdict in words; everything else has none."""
    assert (word, words) == checked(query, TANKS, *answers)


@pytest.mark.parametrize(
    "reasoning",
    [
        "",
        "Find storage tanks: none.",
        "I look at the picture.",
        "Find tanks: (30,30) white.",
        "[9,9,9,9] [1,2,3]",
    ],
)
def test_a_chain_without_candidates_has_no_verdict(reasoning):
    """Without thinking, or where a chain names no boxes, nothing is claimed."""
    assert checked("the largest storage tank", reasoning, (10, 10, 50, 50)) == ("", "")


def test_one_candidate_is_not_compared():
    """The largest of one says nothing."""
    assert checked("the largest tank", "Find tanks: white [10,10,50,50].", (10, 10, 50, 50)) == (
        "",
        "",
    )


@pytest.mark.parametrize(
    "chain",
    [
        "The running track is at [100,100,200,200]. Find cars: red [10,140,30,150], blue [300,140,320,150]. Left of it: [10,140,30,150].",
        "I see a track [100,100,200,200]. There are two cars, one at [10,140,30,150] and another car at [300,140,320,150].",
        "Cars: [10,140,30,150], [300,140,320,150]. The athletics track is at [100,100,200,200].",
    ],
)  # fmt: skip
def test_anchors_are_told_from_candidates(chain):
    """The other object is known by the words before its box, in the embedded model's form and in freer ones."""
    comparison = read_comparison("the car left of the athletics track").comparison
    named = named_in(chain, comparison)

    assert named.anchors == ((100, 100, 200, 200),)
    assert named.candidates == ((10, 140, 30, 150), (300, 140, 320, 150))
    assert checked("the car left of the athletics track", chain, (10, 140, 30, 150))[0] == "agrees"
    assert (
        checked("the car left of the athletics track", chain, (300, 140, 320, 150))[0]
        == "disagrees"
    )


def test_a_tie_agrees_with_either():
    """What the pixels cannot tell apart is not held against an answer."""
    chain = "Find tanks: [10,10,50,50], [100,10,141,50], [200,10,210,20]."

    assert checked("the largest tank", chain, (10, 10, 50, 50))[0] == "disagrees"
    assert checked("the largest tank", chain, (10, 10, 50, 50), precision_m=0.5)[0] == "agrees"


def test_metres_decide_not_pixels():
    """In a view whose pixels are wider than high, the wider box may be the smaller one on the ground."""
    chain = "Find halls: [0,0,40,10], [100,0,110,42]."

    assert checked("the longest hall", chain, (0, 0, 40, 10))[0] == "disagrees"
    assert (
        checked("the longest hall", chain, (0, 0, 40, 10), to_metres=lambda x, y: (2 * x, -y))[0]
        == "agrees"
    )


def test_a_chain_without_end_is_not_checked():
    """Thousands of boxes do not hold the window up."""
    chain = "Find cars: " + ", ".join(f"[{i},0,{i + 5},9]" for i in range(3000))

    assert checked("the largest car", chain, (0, 0, 5, 9)) == ("", "")
