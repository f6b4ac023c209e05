"""`training/targets.py`: the truth in the embedded model's own words, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_r1_backend.engines.answers import parse_answer
from geo_r1_backend.engines.resize import plan_view
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.package import PROFILE
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
from geo_r1_backend.training.rewards import reward
from geo_r1_backend.training.targets import model_boxes, plural_of, target_text
from geo_r1_backend.training_wire import Sample

SQUARE = plan_view(448, 448, PROFILE)


def sample_of(boxes, task="rec", label="storage tank", query="the storage tank"):
    """A sample on a chip of its own."""
    return Sample(chip="0" * 64, query=query, task=task, boxes_px=boxes, label=label)


def test_one_object_reads_like_pretraining():
    """One object: the chain names it with its box and says that it is the only one."""
    assert target_text(sample_of([[10.2, 20, 110.4, 140]]), SQUARE) == (
        "<think>Find storage tanks: [10,20,110,140]. Only one.</think>"
        '<answer>{"bbox_2d":[10,20,110,140],"label":"storage tank"}</answer>'
    )


def test_all_objects_read_like_pretraining():
    """All objects: the chain lists their centres from left to right, the answer is a list even of one."""
    boxes = [[200, 20, 210, 40], [10, 20, 30, 40]]
    assert target_text(sample_of(boxes, "ovd"), SQUARE) == (
        "<think>Find storage tanks: (20,30), (205,30).</think>"
        '<answer>[{"bbox_2d":[10,20,30,40],"label":"storage tank"},'
        '{"bbox_2d":[200,20,210,40],"label":"storage tank"}]</answer>'
    )
    assert target_text(sample_of(boxes[1:], "ovd"), SQUARE, think=False) == (
        '<answer>[{"bbox_2d":[10,20,30,40],"label":"storage tank"}]</answer>'
    )


@pytest.mark.parametrize("task", ["rec", "ovd"])
def test_nothing_there_is_none(task):
    """An empty truth is answered by None, with the chain of pretraining."""
    assert target_text(sample_of([], task, "orchard"), SQUARE) == (
        "<think>Find orchards: none.</think><answer>None</answer>"
    )
    assert target_text(sample_of([], task), SQUARE, think=False) == "<answer>None</answer>"


def test_masks_have_no_target():
    """Masks are refused: nobody labelled the points that their answers need."""
    with pytest.raises(ValueError, match="learned by reward alone"):
        target_text(sample_of([], "gres"), SQUARE)


@pytest.mark.parametrize(("family", "task"), [("plain", "rec"), ("all", "ovd")])
def test_pretraining_would_have_said_the_same(family, task):
    """For a generated scene the target is the very text that pretraining taught, colours aside."""
    compared = 0
    for seed in range(40):
        scene = draw_scene(seed, SceneRecipe(), None, (448, 448))
        asked = Examiner(scene, Dice(seed)).ask(family)
        if asked is None or any(o.colour for o in asked.candidates):
            continue
        boxes = [list(map(float, o.box_px)) for o in asked.answers]
        sample = sample_of(boxes, task, asked.answers[0].kind, asked.query)
        assert target_text(sample, SQUARE) == asked.completion
        compared += 1
    assert compared >= 3


boxes_of = st.lists(
    st.tuples(st.floats(0, 600), st.floats(0, 300), st.floats(0.01, 400), st.floats(0.01, 300)).map(
        lambda v: [v[0], v[1], min(v[0] + v[2], 700.0), min(v[1] + v[3], 400.0)]
    ),
    max_size=30,
)
profiles = st.sampled_from(
    [
        PROFILE,
        *(
            type(PROFILE)(
                id="q",
                title="q",
                tasks=("rec",),
                convention=c,
                grid_px=28,
                min_pixels=3136,
                max_pixels=1 << 20,
            )
            for c in ("absolute", "per_mille")
        ),
    ]
)


@given(boxes_of, profiles, st.booleans(), st.text(min_size=1, max_size=40))
def test_a_target_gives_back_its_boxes(boxes, profile, think, label):
    """Whatever the label and the model's size: inference reads from a target the true boxes to a rounding, and nothing else."""
    view = plan_view(700, 400, profile)
    parsed = parse_answer(target_text(sample_of(boxes, "ovd", label), view, think=think))
    written = model_boxes(boxes, view)
    assert [tuple(map(int, d.box_px)) for d in parsed.detections] == written
    assert parsed.dropped == []
    assert parsed.says_none == (not boxes)
    for box in boxes:
        in_model = view.box_to_model(tuple(box))
        off = [max(abs(a - b) for a, b in zip(in_model, found, strict=True)) for found in written]
        assert min(off) <= 1.5
    assert bool(parsed.reasoning) == think


@given(st.integers(0, 300), st.integers(0, 300), st.integers(8, 140), st.integers(8, 140))
def test_the_target_is_worth_the_full_reward(x, y, width, height):
    """The reward of a target is the greatest possible: format, and an IoU of 1 where the chip has the model's size."""
    sample = sample_of([[x, y, x + width, y + height]])
    for think in (True, False):
        worth = reward(sample, target_text(sample, SQUARE, think=think), SQUARE, think=think)
        assert worth.metric == pytest.approx(1)
        assert worth.total == pytest.approx(2)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("airplane", "airplanes"), ("aircraft", "airplanes"), ("jetty", "jetties"), ("quay", "quays"), ("bus", "buses"),
        ("greenhouse", "greenhouses"), ("courts", "courts"), ("box", "boxes"), ("beach", "beaches"), ("建物", "建物"),
    ],
)  # fmt: skip
def test_plurals(one, many):
    """The kind's first name in the plural where the catalogue knows it, else the usual rules."""
    assert plural_of(one) == many
