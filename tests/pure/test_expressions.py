"""Questions follow from the truth of their scene, unambiguously, in words that people use."""

from __future__ import annotations

import json
import re

import pytest

from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.expressions import FAMILIES
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene


@pytest.fixture(scope="module")
def asked():
    """(scene, question) pairs of every family."""
    pairs = []
    for seed in range(150):
        scene = draw_scene(seed, SceneRecipe())
        examiner = Examiner(scene, Dice(seed))
        pairs += [(scene, e) for family in FAMILIES if (e := examiner.ask(family)) is not None]
    return pairs


def of_family(asked, family):
    """Questions of one family; there must be some."""
    found = [(s, e) for s, e in asked if e.family == family]
    assert len(found) > 15
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_asked_and_parses(asked, family):
    """The product's own parser reads the boxes of every completion back as they are."""
    for _, question in of_family(asked, family):
        parsed = parse_answer(question.completion)
        assert [tuple(map(int, d.box_px)) for d in parsed.detections] == [
            o.box_px for o in question.answers
        ]
        assert parsed.says_none == (family == "none")
        assert not parsed.dropped


def test_one_object_has_one_answer(asked):
    """A referring expression has exactly one answer, which is among its candidates."""
    for _, question in asked:
        if question.task == "rec" and question.family != "none":
            (answer,) = question.answers
            assert any(answer is c for c in question.candidates)


def test_largest_is_largest_by_a_margin(asked):
    """The largest of a list is larger than the rest of it in area and in box."""
    found = [e for _, e in of_family(asked, "size") if "Largest:" in e.reasoning]
    assert found
    for question in found:
        (answer,) = question.answers
        rest = [c for c in question.candidates if c is not answer]
        assert all(answer.area_px >= 1.15 * c.area_px for c in rest)


def test_leftmost_is_leftmost(asked):
    """Nothing of the kind lies left of the leftmost."""
    found = [e for _, e in of_family(asked, "extreme") if "Leftmost:" in e.reasoning]
    assert found
    for question in found:
        assert question.answers[0].centre_px[0] == min(c.centre_px[0] for c in question.candidates)


def test_ordinals_count_from_the_side_they_name(asked):
    """The second from the left has exactly one candidate left of it."""
    found = [e for _, e in of_family(asked, "ordinal") if "Second from the left:" in e.reasoning]
    assert found
    for question in found:
        x = question.answers[0].centre_px[0]
        assert sum(c.centre_px[0] < x for c in question.candidates) == 1


def test_nearest_is_nearest_to_the_named_anchor(asked):
    """The distance to the anchor whose box the chain names is the smallest of all candidates."""
    found = [e for _, e in of_family(asked, "relation") if " Nearest to it: " in e.reasoning]
    assert found
    for question in found:
        x0, y0, x1, y1 = map(
            int, re.search(r"is at \[(\d+),(\d+),(\d+),(\d+)\]", question.reasoning).groups()
        )
        ax, ay = (x0 + x1) / 2, (y0 + y1) / 2

        def distance(item, ax=ax, ay=ay):
            return (item.centre_px[0] - ax) ** 2 + (item.centre_px[1] - ay) ** 2

        assert distance(question.answers[0]) == min(map(distance, question.candidates))


def test_all_names_every_one(asked):
    """Without a colour, the answer to "all" is every object of the kind."""
    for scene, question in of_family(asked, "all"):
        colours = {o.colour for o in question.answers}
        drawn = scene.of_kind(question.answers[0].kind)
        wanted = (
            [o for o in drawn if o.colour in colours]
            if len(question.answers) < len(drawn)
            else drawn
        )
        assert {id(o) for o in question.answers} == {id(o) for o in wanted}


def test_none_is_true(asked):
    """Nothing that "none" denies is in the scene."""
    for scene, question in of_family(asked, "none"):
        if not question.candidates:
            kind = re.match(r"Find (.+?)(:| from| by)", question.reasoning)[1]
            assert all(o.kind != kind.rstrip("s") and o.kind + "s" != kind for o in scene.objects)
        else:
            colour = re.search(r"No (\w+) one", question.reasoning)[1]
            assert all(c.colour != colour for c in question.candidates)


def test_unlabelled_kinds_are_never_asked_for(geo_r1_data):
    """On a photograph no question, candidate or anchor is of a kind that stands there unlabelled."""
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    real = RealBackgrounds(geo_r1_data / "naip-backgrounds", evaluation=True)
    for seed in range(60):
        scene = draw_scene(seed, SceneRecipe(real_share=1.0), real)
        for family in FAMILIES:
            question = Examiner(scene, Dice(seed)).ask(family)
            if question is not None:
                assert all(
                    o.kind not in scene.unlabelled for o in question.candidates + question.answers
                )
                named = re.findall(
                    r"(?:Find|The) ([a-z ]+?)(?: is at|:| from| by)", question.reasoning
                )
                assert all(
                    n not in scene.unlabelled and n.rstrip("s") not in scene.unlabelled
                    for n in named
                )


def test_the_same_question_is_worded_in_many_ways():
    """Fifty askings of one scene give at least twenty wordings of "all", with synonyms among them."""
    scene = next(
        s for seed in range(99) if (s := draw_scene(seed, SceneRecipe())).of_kind("airplane")
    )
    wordings = {Examiner(scene, Dice(seed)).ask("all", "airplane").query for seed in range(80)}

    assert len(wordings) >= 20
    assert any("jet" in w for w in wordings)
    assert any("aircraft" in w for w in wordings)


def test_answers_are_json(asked):
    """The answer of a found object is the paper's JSON."""
    for _, question in asked:
        if question.answers:
            value = json.loads(question.answer)
            assert set(value if isinstance(value, dict) else value[0]) == {"bbox_2d", "label"}
