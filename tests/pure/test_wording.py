"""Other people's words: varied in training, held out in evaluation."""

from __future__ import annotations

import pytest

from geo_r1_backend.evaluation.recipe import frozen_questions
from geo_r1_backend.evaluation.wordings import FORMS, in_other_words
from geo_r1_backend.pretraining import batches, wording
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
from geo_r1_backend.pretraining.training_examiner import TrainingExaminer


def test_evaluation_wordings_are_held_out():
    """No phrase that training puts around a question occurs in the held-out forms."""
    forms = " | ".join(FORMS).lower()

    for phrase in (*wording.OPENINGS, *wording.ENDINGS):
        if len(phrase.split()) > 1:
            assert phrase not in forms, phrase


def test_other_words_leave_scene_and_truth_alone():
    """Only the query differs."""
    questions = list(frozen_questions(None, 2))

    for before, after in zip(questions, in_other_words(questions), strict=True):
        assert after.expression.query != before.expression.query
        assert after.expression.answers == before.expression.answers
        assert after.scene is before.scene


def test_rewording_is_varied_and_never_empty():
    """Four hundred draws give over a hundred forms of one question, all of them with something in them."""
    forms = {wording.reworded(Dice(seed), "the largest storage tank") for seed in range(400)}

    assert len(forms) > 100
    assert all(form.strip() for form in forms)
    assert "the largest storage tank" in forms


@pytest.fixture(scope="module")
def asked():
    """(scene, question) of the two families that only training asks."""
    found = []
    for seed in range(120):
        scene = draw_scene(seed, SceneRecipe())
        examiner = TrainingExaminer(scene, Dice(seed))
        found += [(scene, e) for f in ("comparative", "ambiguous") if (e := examiner.ask(f))]
    return found


def test_what_several_fit_is_answered_with_all(asked):
    """An ambiguous question gets every object that fits it, and the chain counts them."""
    found = [(s, e) for s, e in asked if e.family == "ambiguous"]
    assert len(found) > 20
    for scene, question in found:
        colours = {o.colour for o in question.answers}
        same = [o for o in scene.of_kind(question.answers[0].kind) if o.colour in colours]
        assert len(question.answers) == len(same) >= 2
        assert f"{len(same)} match." in question.reasoning


def test_comparatives_have_one_answer(asked):
    """ "The left one" of two, "the largest" of more: one answer among the candidates."""
    found = [e for _, e in asked if e.family == "comparative"]
    assert len(found) > 20
    for question in found:
        assert len(question.answers) == 1 <= len(question.candidates) - 1


def test_every_family_of_training_can_be_asked():
    """Each weighted family exists: a misspelt one would silently never be taught."""
    scene = draw_scene(5, SceneRecipe())
    for family, weight in batches.FAMILY_WEIGHTS:
        assert weight > 0
        TrainingExaminer(scene, Dice(1)).ask(family)
