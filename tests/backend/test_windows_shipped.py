"""The shipped model through windows: what is too small in the whole view is found, and a view is looked at once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="scenes are drawn with opencv")

from geo_r1_backend.engines.onnx import OnnxEngine
from geo_r1_backend.evaluation.metrics import f1, matched
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.models.registry import embedded_folder
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene

SCENE_PX = 448


@pytest.fixture(scope="module")
def engine():
    """The shipped files."""
    made = OnnxEngine(embedded_folder())
    yield made
    made.close()


@pytest.fixture(scope="module")
def sheets():
    """Strips of five generated scenes of small things, with a question about a kind that stands in the first of them alone."""
    scenes = [
        draw_scene(9_000 + seed, SceneRecipe(small_share=1.0), None, (SCENE_PX, SCENE_PX))
        for seed in range(40)
    ]
    found = []
    for seed, scene in enumerate(scenes):
        asked = (
            Examiner(scene, Dice(seed)).ask("all", scene.objects[0].kind) if scene.objects else None
        )
        if asked is None or len(asked.answers) < 4 or len(asked.answers) != len(asked.candidates):
            continue
        kind = asked.answers[0].kind
        others = [s for s in scenes if not s.of_kind(kind) and kind not in s.unlabelled][:4]
        sheet = np.zeros((SCENE_PX, 5 * SCENE_PX, 3), np.uint8)
        for index, one in enumerate([scene, *others]):
            sheet[:, index * SCENE_PX :][:, :SCENE_PX] = one.image
        truth = [item.box_px for item in asked.answers]
        found.append((Image.fromarray(sheet), asked.query, truth))
        if len(found) == 2:
            return found
    raise AssertionError("the generator draws no crowded scenes")


def ask(engine, sheet, query, detail):
    question = Question("a", "ovd", query, lambda: sheet, detail=detail)
    return list(ground([question], engine, GroundOptions(), lambda: False))[-1]


def counts(result, truth):
    said = [tuple(d.box_px) for d in result.detections]
    return matched(said, truth), len(said), len(truth)


def test_windows_find_what_the_whole_view_is_too_coarse_for(engine, sheets):
    """On strips of 2240 x 448 px, shown at less than a third, windows find more of what is asked for than one look."""
    once, closely = [], []
    for sheet, query, truth in sheets:
        once.append(counts(ask(engine, sheet, query, "view"), truth))
        closely.append(counts(ask(engine, sheet, query, "auto"), truth))

    recall = [sum(c[0] for c in some) / sum(c[2] for c in some) for some in (once, closely)]
    assert recall[1] >= max(0.5, recall[0] + 0.2)
    assert f1(closely) > f1(once)


def test_a_second_question_about_the_same_view_looks_at_nothing_again(engine, sheets, monkeypatch):
    """The whole view and all its windows are encoded once, whatever is asked next."""
    looked = []
    model = engine._model
    encode = model.visual_tokens
    monkeypatch.setattr(
        model, "visual_tokens", lambda image: looked.append(image.size) or encode(image)
    )
    engine._kept.clear()
    sheet, query = sheets[0][0].crop((0, 0, 1120, 448)), sheets[0][1]
    first = ask(engine, sheet, query, "auto")
    after_first = len(looked)
    ask(engine, sheet, "all swimming pools", "auto")

    assert after_first == first.windows + 1
    assert len(looked) == after_first
