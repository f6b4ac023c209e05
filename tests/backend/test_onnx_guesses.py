"""Guessing ahead changes how many steps an answer takes, and nothing else; int8 arithmetic is a choice."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.onnx_model import OnnxModel
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models.manifest import write_manifest
from geo_r1_backend.models.registry import describe, embedded_folder
from tests.backend.tiny_model import picture, tiny_folder

NEVER = bool  # bool() is False


def pieces(engine, prompt="Find ships.", image=None, **options):
    """What an engine says about one image, and its steps through the language model."""
    steps = []
    real = engine._model.with_guesses
    engine._model.with_guesses = lambda cache, ids: steps.append(len(ids)) or real(cache, ids)
    item = EngineItem(image or picture(224, 112), prompt)
    said = list(
        engine.generate([item], GenerationOptions(**{"max_new_tokens": 64, **options}), NEVER)
    )
    engine._model.with_guesses = real
    return said, steps


@pytest.fixture(scope="module")
def scenes():
    """A few questions of the frozen recipe."""
    pytest.importorskip("cv2", reason="scenes are drawn with opencv")
    from geo_r1_backend.evaluation.recipe import frozen_questions

    return list(frozen_questions(None, 1))


@pytest.mark.parametrize("guesses", [1, 3, 6])
def test_guessing_gives_the_same_pieces(guesses):
    """Whatever is guessed, the answer of a random model comes in the very pieces of one token after another."""
    plain, steps = pieces(OnnxEngine(tiny_folder(), threads=1, guesses=0))
    guessed, guessed_steps = pieces(OnnxEngine(tiny_folder(), threads=1, guesses=guesses))

    assert guessed == plain
    assert set(steps) == {1}
    assert max(guessed_steps) > 1, "nothing was guessed, so nothing was tested"
    assert len(guessed_steps) <= len(steps)


def test_a_limit_is_kept_while_guessing():
    """An answer of at most so many tokens has so many, guessed or not."""
    engine = OnnxEngine(tiny_folder(), threads=1, guesses=6)
    for limit in range(1, 12):
        said, _ = pieces(engine, max_new_tokens=limit)

        assert sum(piece.tokens for piece in said) == limit
        assert said[-1].finish == "length"


def test_sampled_answers_are_not_guessed():
    """With a temperature every token is drawn by itself, so a seed gives what it gave before."""
    _, steps = pieces(OnnxEngine(tiny_folder(), threads=1, guesses=6), temperature=1.0, seed=3)

    assert set(steps) == {1}


def assert_nearly_equal(said, expected):
    """The same words, and numbers that differ by one at most."""
    numbers = re.compile(r"\d+")
    assert numbers.sub("0", said) == numbers.sub("0", expected)
    for one, other in zip(numbers.findall(said), numbers.findall(expected), strict=True):
        assert abs(int(one) - int(other)) <= 1


@pytest.mark.skipif(embedded_folder() is None, reason="the embedded model is not in this clone")
@pytest.mark.parametrize("arithmetic", ["float32", "int8"])
def test_the_shipped_model_answers_the_same_in_far_fewer_steps(scenes, arithmetic):
    """On scenes of the recipe guessing leaves every token as it is and saves two steps in five.

    In int8 a row is multiplied in another order when it comes with others, so that of two equally likely numbers the next
    one may be said: a coordinate may be off by one there.
    """
    from PIL import Image

    engines = [OnnxEngine(embedded_folder(), 1, arithmetic, guesses) for guesses in (0, None)]
    one_by_one = together = 0
    for scene in scenes:
        prompt = prompt_for(scene.expression.task, scene.expression.query)
        image = Image.fromarray(scene.scene.image)
        plain, steps = pieces(engines[0], prompt, image, max_new_tokens=200)
        guessed, guessed_steps = pieces(engines[1], prompt, image, max_new_tokens=200)
        one_by_one, together = one_by_one + len(steps), together + len(guessed_steps)

        if arithmetic == "float32":
            assert guessed == plain
        else:
            assert_nearly_equal("".join(p.text for p in guessed), "".join(p.text for p in plain))

    assert together < 0.6 * one_by_one


def test_wrong_guesses_leave_no_trace():
    """After tokens are taken back, what follows has the logits of a sequence that never had them."""
    model = OnnxModel(tiny_folder(), threads=1)
    _, cache = model.with_tokens(model.empty_cache(), [1, 2, 3])
    straight, _ = model.with_tokens(cache, [4, 5])

    many, wrong = model.with_guesses(cache, [4, 9, 9, 9])
    after, cache = model.with_tokens(wrong.without_last(3), [5])

    np.testing.assert_allclose(after, straight, atol=1e-5)
    assert many.shape == (4, model.config.text.vocab_size)
    assert cache.next_position == 5


def test_int8_is_near_float32():
    """The int8 graphs compute what the float32 graphs compute, to four parts in a hundred of random weights."""
    exact, rounded = (OnnxModel(tiny_folder(), 1, name) for name in ("float32", "int8"))
    image = picture(560, 336)
    for ours, theirs in (
        (rounded.visual_tokens(image), exact.visual_tokens(image)),
        (*(m.with_tokens(m.empty_cache(), range(40))[0] for m in (rounded, exact)),),
    ):
        difference = np.abs(ours - theirs).max() / np.abs(theirs).max()

        assert 0 < difference < 0.04


def test_int8_is_said_in_the_status():
    """Whoever looks at the engine sees which arithmetic it uses."""
    engine, _ = load_engine(describe(tiny_folder()), threads=1, arithmetic="int8")

    assert engine.status().facts["precision"] == "int8 weights, int8 arithmetic"


def test_a_folder_without_int8_graphs_says_so(tmp_path):
    """A model of an earlier version runs in float32; asked for int8 it names the missing file."""
    folder = shutil.copytree(tiny_folder(), tmp_path / "tiny")
    for name in ("vision-int8.onnx", "decoder-int8.onnx"):
        (folder / name).unlink()
    write_manifest(folder)

    assert OnnxEngine(folder, threads=1).status().name == "onnx"
    with pytest.raises(ModelFailed, match=r"vision-int8\.onnx is missing"):
        OnnxEngine(folder, threads=1, arithmetic="int8")
