"""The pretraining run: rows, losses, optimizer, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch extra is not installed")

from geo_r1_backend.models.nano import NanoConfig  # noqa: E402
from geo_r1_backend.pretraining import batches, objective  # noqa: E402
from geo_r1_backend.pretraining.checkpoints import load_file  # noqa: E402
from geo_r1_backend.pretraining.dice import Dice  # noqa: E402
from geo_r1_backend.pretraining.examiner import Examiner  # noqa: E402
from geo_r1_backend.pretraining.expressions import FAMILIES  # noqa: E402
from geo_r1_backend.pretraining.optimizer import Muon  # noqa: E402
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene  # noqa: E402
from geo_r1_backend.pretraining.settings import PretrainSettings  # noqa: E402
from geo_r1_backend.pretraining.train import pretrain  # noqa: E402
from geo_r1_backend.pretraining.vocabulary import build_tokenizer  # noqa: E402

SMALL = NanoConfig(
    hidden=96,
    layers=1,
    heads=3,
    kv_heads=1,
    mlp=96,
    mrope_section=(4, 6, 6),
    vision_hidden=64,
    vision_layers=2,
    vision_heads=2,
    vision_mlp=64,
    full_attention_layers=(1,),
)


@pytest.fixture(scope="module")
def tokenizer():
    """The tokenizer, built anew."""
    return build_tokenizer()


def test_the_shipped_tokenizer_is_the_built_one(tokenizer, project_folder):
    """The vocabulary in the model's folder is what the code builds: it never changes."""
    shipped = (project_folder / "resources/models/geo-r1-nano/tokenizer.json").read_text(
        encoding="utf-8"
    )

    assert tokenizer.to_str() == shipped


def test_every_number_is_one_token(tokenizer):
    """Coordinates 0 to 999 cost one token each."""
    for number in range(1000):
        assert len(tokenizer.encode(f" [{number},").ids) == 3


@pytest.mark.parametrize(
    "text", ["größer als 日本 1234", "a\tb\n", '{"bbox_2d": [1.5, 2]}', "<think>x</think>"]
)
def test_any_text_comes_back(tokenizer, text):
    """What no word of the vocabulary covers falls back to bytes."""
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_one_object_answers_are_short(tokenizer):
    """A one-object answer with its reasoning stays under 80 tokens in the median."""
    lengths = []
    for seed in range(120):
        examiner = Examiner(draw_scene(seed, SceneRecipe()), Dice(seed))
        found = [examiner.ask(family) for family in FAMILIES[:6]]
        lengths += [len(tokenizer.encode(e.completion).ids) for e in found if e]

    assert np.median(lengths) < 80


def test_a_row_teaches_each_completion_and_nothing_else(tokenizer):
    """The learned tokens of a packed row are the completions of its questions, end of turn included."""
    encoder = batches.Encoder(tokenizer)
    scene = draw_scene(3, SceneRecipe())
    row = batches.make_row(scene, Dice(3), encoder)

    assert row.asked >= 2
    for segment in range(1, row.asked + 1):
        learned = row.labels[(row.segments == segment) & (row.labels != batches.IGNORED)]
        text = tokenizer.decode(learned.tolist(), skip_special_tokens=False)
        assert text.endswith("</answer><|im_end|>")
        inside = np.flatnonzero((row.segments == segment) & (row.labels != batches.IGNORED))
        assert (row.labels[inside[:-1]] == row.ids[inside[1:]]).all()
        assert row.offsets[row.segments == segment].tolist() == list(
            range((row.segments == segment).sum())
        )


def test_questions_that_do_not_fit_are_counted(tokenizer):
    """An answer longer than the row is never dropped in silence: the row says how many were left out."""
    scene, encoder = draw_scene(3, SceneRecipe()), batches.Encoder(tokenizer)
    whole = batches.make_row(scene, Dice(3), encoder, 4000)
    tight = batches.make_row(scene, Dice(3), encoder, 20)

    assert whole.left_out == 0
    assert (tight.asked, tight.left_out) == (0, whole.asked)
    assert (tight.segments == -1).all()


def test_every_object_has_its_slot():
    """The auxiliary truth names every object's class at the patch of its centre, unless a smaller one lies there."""
    scene = draw_scene(11, SceneRecipe())
    kind, box, _, _ = batches._slots(scene)

    named = {tuple(map(int, b)) for b in box[kind > 0]}
    assert named <= {o.box_px for o in scene.objects}
    assert len(named) >= len(scene.objects) - 2


def test_an_unlabelled_car_is_not_taught_to_be_background():
    """Where cars may stand unlabelled, saying "car" at an empty slot costs nothing; elsewhere it costs."""
    car = batches.KIND_INDEX["car"]
    outputs = torch.zeros(1, 4, 4, objective.DenseHead.OUTPUTS)
    outputs[..., car] = 30.0
    empty = torch.zeros(1, 4, 4, dtype=torch.long)
    box, colour = torch.zeros(1, 4, 4, 4), torch.full((1, 4, 4), batches.IGNORED)
    colour[0, 0, 0] = 0
    photograph = torch.zeros(1, objective.KINDS, dtype=torch.bool)
    photograph[0, 0] = True
    generated = photograph.clone()
    photograph[0, car] = True

    harmless, _ = objective.dense_loss(outputs, empty, box, colour, photograph, 2)
    costly, _ = objective.dense_loss(outputs, empty, box, colour, generated, 2)

    assert costly - harmless > 50


def test_a_coordinate_beside_the_true_one_costs_less_than_one_far_away():
    """The soft target makes being one pixel off better than being fifty off."""
    number_of, token_of = torch.arange(1000), torch.arange(1000)

    def cost(predicted):
        logits = torch.zeros(1, 1000)
        logits[0, predicted] = 10
        return objective.token_loss(logits, torch.tensor([400]), number_of, token_of).item()

    assert cost(400) < cost(401) < cost(402) < cost(450)


def test_muon_takes_the_step_of_torch():
    """Batched over equal shapes, the update is that of torch's own Muon."""
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(24, 40)) for _ in range(3)]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    mine = Muon(ours, lr=0.02)
    reference = torch.optim.Muon(
        theirs, lr=0.02, momentum=0.95, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        mine.step()
        reference.step()

    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=2e-2)


def test_a_run_resumes_where_it_stopped(tmp_path, tokenizer):
    """Two steps, a stop and two more steps end where four steps end."""
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.to_str(), encoding="utf-8")

    def train(out: Path, steps: int) -> None:
        pretrain(
            PretrainSettings(
                seconds=1e6,
                out=out,
                tokenizer=path,
                batch=2,
                workers=0,
                compile=False,
                max_steps=steps,
                sizes=SMALL,
            )
        )

    train(tmp_path / "whole", 4)
    train(tmp_path / "halves", 2)
    train(tmp_path / "halves", 4)

    whole, halves = (
        load_file(tmp_path / name / "model.safetensors") for name in ("whole", "halves")
    )
    assert set(whole) == set(halves)
    for name, tensor in whole.items():
        torch.testing.assert_close(tensor.float(), halves[name].float(), atol=1e-3, rtol=1e-2)
