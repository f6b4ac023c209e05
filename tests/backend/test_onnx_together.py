"""Several answers side by side in the default engine: the same words as alone, in far fewer steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.engines.onnx_together import Together
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.errors import EngineFailed
from geo_r1_backend.models.registry import embedded_folder
from tests.backend.tiny_model import picture, tiny_folder

NEVER = bool  # bool() is False


@pytest.fixture(scope="module")
def engine():
    """A random model."""
    return OnnxEngine(tiny_folder(), threads=1)


def questions(count):
    """Of different lengths, about different images, one of another size."""
    sizes = [(224, 112) if number != 2 else (112, 224) for number in range(count)]
    return [
        EngineItem(picture(*size, seed=number), "Find " + "white " * number + "ships.")
        for number, size in enumerate(sizes)
    ]


def told(engine, items, **options):
    """Pieces of each item, in order."""
    found = [[] for _ in items]
    given = GenerationOptions(**{"max_new_tokens": 40, **options})
    for piece in engine.generate(items, given, NEVER):
        found[piece.index].append((piece.text, piece.tokens, piece.finish))
    return found


def steps_of(monkeypatch, engine):
    """Rows of each run of the language model that follow."""
    rows, real = [], engine._model.run_decoder
    monkeypatch.setattr(
        engine._model,
        "run_decoder",
        lambda past, embeddings, *rest, **more: (
            rows.append(len(embeddings)) or real(past, embeddings, *rest, **more)
        ),
    )
    return rows


@pytest.mark.parametrize("count", [2, 4, 7])
def test_together_as_alone(engine, count):
    """Whoever stands beside, however many wait: each item of a random model has the very pieces that it has alone."""
    items = questions(count)

    together = told(engine, items)

    assert together == [told(engine, [item])[0] for item in items]
    assert all(pieces[-1][2] for pieces in together)


def test_logits_side_by_side_are_those_of_one(engine):
    """Keys of others are not looked at: logits differ by rounding alone, also after guesses were taken back and others left."""
    model, dice = engine._model, np.random.default_rng(5)
    sizes = {7: 9, 8: 14, 9: 4}
    texts = {name: [int(i) for i in dice.integers(5, 60, size)] for name, size in sizes.items()}
    alone = {name: model.with_tokens(model.empty_cache(), ids)[1] for name, ids in texts.items()}
    together = Together(model)
    together.join(7, alone[7])
    together.join(8, alone[8])
    together.step({7: [3, 4], 8: [5, 6, 7]})
    together.without_last(8, 2)
    together.leave(7)
    together.join(9, alone[9])

    side_by_side = together.step({8: [11, 12], 9: [13]})

    _, eight = model.with_guesses(alone[8], [5])
    expected = {8: model.with_guesses(eight, [11, 12])[0], 9: model.with_guesses(alone[9], [13])[0]}
    for name, logits in expected.items():
        np.testing.assert_allclose(side_by_side[name], logits, rtol=1e-4, atol=1e-4)


def test_no_more_than_the_best_stand_side_by_side(engine, monkeypatch):
    """A place is free as soon as an answer ends, so that nine answers take hardly more steps than their tokens need."""
    rows = steps_of(monkeypatch, engine)

    told(engine, questions(9), max_new_tokens=6)

    most = engine.best_batch * (1 + engine._guesses)
    steps = [row for row in rows if row <= most]
    assert engine.best_batch == 4
    assert any(row > 1 + engine._guesses for row in steps), "nothing stood side by side"
    assert len(steps) <= 9 + 9 * 5 / 2


def test_a_prompt_that_is_too_long_is_refused_before_anything_is_said(engine):
    """The batch fails as a whole and without a word, so that the others can be asked alone."""
    items = [*questions(2), EngineItem(picture(224, 112), "tank " * 5000)]
    said = []

    with pytest.raises(EngineFailed, match="positions"):
        said.extend(engine.generate(items, GenerationOptions(), NEVER))

    assert said == []


@pytest.mark.parametrize("asked_before_stop", [0, 1, 6, 20])
def test_stop_ends_all_of_them(engine, asked_before_stop):
    """When it should stop, no piece follows, wherever the items are."""
    asked = 0

    def should_stop():
        nonlocal asked
        asked += 1
        return asked > asked_before_stop

    pieces = list(engine.generate(questions(5), GenerationOptions(), should_stop))

    assert len(pieces) <= asked_before_stop
    assert asked == asked_before_stop + 1


def test_another_question_passes_wherever_it_may(engine):
    """The engine nests: an answer from within should_stop, in a prefill or between tokens, disturbs neither."""
    items = questions(3)
    undisturbed = told(engine, items)
    found, extra, asked = [[] for _ in items], [], 0

    def should_stop():
        nonlocal asked
        asked += 1
        if asked in (2, 3, 4, 5, 40):
            extra.append(told(engine, [items[1]], max_new_tokens=9))
        return False

    fresh = [replace(item, image=item.image.rotate(180)) for item in items]
    expected = told(engine, fresh)
    engine._kept.clear()
    for piece in engine.generate(fresh, GenerationOptions(max_new_tokens=40), should_stop):
        found[piece.index].append((piece.text, piece.tokens, piece.finish))

    assert engine.nests
    assert found == expected != undisturbed
    assert len(extra) == 5
    assert all(answer == extra[0] for answer in extra)


def test_the_shipped_model_answers_the_same_side_by_side(monkeypatch):
    """In float32 the embedded model says the same words about tiles side by side, in far fewer steps."""
    pytest.importorskip("cv2", reason="scenes are drawn with opencv")
    from geo_r1_backend.evaluation.recipe import frozen_questions

    engine = OnnxEngine(embedded_folder())
    tiles = [q for q in frozen_questions(None, 1) if q.family in ("all", "none", "size", "extreme")]
    items = [
        EngineItem(Image.fromarray(q.scene.image), prompt_for("ovd", q.expression.query))
        for q in tiles
    ]
    rows = steps_of(monkeypatch, engine)
    alone = [told(engine, [item], max_new_tokens=200)[0] for item in items]
    steps_alone = len(rows)
    rows.clear()
    together = told(engine, items, max_new_tokens=200)

    assert together == alone
    assert len(rows) < 0.6 * steps_alone
