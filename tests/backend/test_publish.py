"""`training/publish.py`, `agreement.py`: what was trained answers in the shipped format, through the ONNX engine."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.errors import ModelFailed
from geo_r1_backend.models.learned import find_learned
from geo_r1_backend.models.manifest import check_manifest
from geo_r1_backend.models.registry import describe
from geo_r1_backend.models.weights import read_tensors
from geo_r1_backend.training.agreement import Agreement, agreement_of, alike
from geo_r1_backend.training.config import make_config
from geo_r1_backend.training.dataset import Dataset
from geo_r1_backend.training.policies.nano import NanoPolicy
from geo_r1_backend.training.publish import finish_card, write_adapter, write_model
from geo_r1_backend.training.scores import Row, score_of, verdict_of
from geo_r1_backend.training_wire import RunRequest
from tests.pure.training_data import embedded, write_dataset

RUN_ID = "20261125-164512-3f2a"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two processes with two threads each would wait for one another on a small machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The embedded model with a small random LoRA, published; its questions are ones that the base answers."""
    return publish(tmp_path_factory.mktemp("published"), "lora", "lora_B.weight", 3e-3)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    """The same of a model whose vision tower has moved by about one step of its int8 grid in many places."""
    return publish(tmp_path_factory.mktemp("seeing"), "full_vision", "mlp.up_proj.weight", 1e-3)


def publish(root, adaptation, moved, by):
    """Parameters of that name moved at random, then written as a run does at its end."""
    dataset = write_dataset(root, {"train": 3}, query="the swimming pool", label="swimming pool")
    request = RunRequest(dataset=dataset.name, name="Courts of the harbour", adaptation=adaptation)
    config = make_config(
        request, run_id=RUN_ID, model=embedded(), dataset_folder=dataset, created="2026-01-01"
    )
    policy = NanoPolicy.load(embedded().folder, adaptation=adaptation, rank=config.rank)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in policy.trainable().items():
            if name.endswith(moved):
                parameter.add_(torch.randn(parameter.shape, generator=generator) * by)
    folder = root / "runs" / RUN_ID
    folder.mkdir(parents=True)
    model = write_model(config, policy.merged_state(), policy.config, folder)
    samples = Dataset(dataset, read_profile(embedded().folder), think=True).part("train")
    return SimpleNamespace(
        config=config, policy=policy, folder=folder, model=model, samples=samples
    )


def test_the_folder_is_a_model_as_any_other(published):
    """The folder is whole, has its own id and title, the base's views, graphs and tokenizer, and is listed as the run's model."""
    check_manifest(published.model)
    base = embedded().folder
    profile, of_base = (
        json.loads((f / "profile.json").read_text()) for f in (published.model, base)
    )
    assert (profile["id"], profile["title"]) == (f"run-{RUN_ID}", "Courts of the harbour")
    assert {k: v for k, v in profile.items() if k not in ("id", "title")} == {
        k: v for k, v in of_base.items() if k not in ("id", "title")
    }
    for name in (
        "decoder.onnx",
        "vision.onnx",
        "decoder-int8.onnx",
        "tokenizer.json",
        "config.json",
    ):
        assert (published.model / name).read_bytes() == (base / name).read_bytes()
    write_adapter(published.config, published.policy, published.folder, verdict=None, score=None)
    [model] = find_learned(published.folder.parent, [embedded()], describe)
    assert (model.id, model.title, model.kind) == (f"run-{RUN_ID}", "Courts of the harbour", "onnx")


def test_only_what_was_trained_has_changed(published):
    """The frozen vision tower keeps its bytes; most trained matrices differ from the base's, by small amounts."""
    before = read_tensors(embedded().folder / "weights.safetensors")
    after = read_tensors(published.model / "weights.safetensors")
    assert list(before) == list(after)
    for name in before:
        if name.startswith("visual."):
            np.testing.assert_array_equal(before[name], after[name])
    changed = [n for n in before if before[n].dtype == np.int8 and (before[n] != after[n]).any()]
    assert len(changed) >= 7 * published.policy.config.text.layers
    float_state = published.policy.merged_state()
    name = "model.language_model.layers.3.mlp.up_proj.weight"
    stored = "model.layers.3.mlp.up_proj.weight"
    scale = after[stored + "_scale"]
    off = np.abs(after[stored] * scale[:, None] - float_state[name]) / scale[:, None]
    assert np.quantile(off, 0.99) <= 1.01


def test_what_the_tower_has_learned_is_in_the_file(seeing):
    """Of a tower that learned, the stored weights are the trained ones rounded: other than the base's, and the graph sees with them."""
    before = read_tensors(embedded().folder / "weights.safetensors")
    after = read_tensors(seeing.model / "weights.safetensors")
    moved = [n for n in before if n.startswith("visual.") and n.endswith("mlp.up_proj.weight")]
    assert len(moved) == seeing.policy.config.vision.depth
    assert all((before[name] != after[name]).any() for name in moved)
    kept = [n for n in before if n.startswith("visual.") and "up_proj" not in n]
    assert all(np.array_equal(before[name], after[name]) for name in kept)


@pytest.mark.parametrize("which", ["published", "seeing"])
def test_the_engine_says_what_was_trained(which, request):
    """The ONNX engine's int8 answers agree with the float policy's within the stated tolerance, and are real answers."""
    published = request.getfixturevalue(which)
    found = agreement_of(
        published.model,
        published.policy,
        published.samples,
        lambda one: published.policy.encode(one.image),
        think=True,
        max_new_tokens=160,
        threads=1,
    )
    assert found.samples == 3
    assert found.is_enough, found.sentence


def test_a_model_that_was_not_published_disagrees(published):
    """The check can fail: adapters that ruin the answers in float are not in a folder that was written before."""
    broken = NanoPolicy.load(embedded().folder, adaptation="lora")
    with torch.no_grad():
        for name, parameter in broken.trainable().items():
            if name.endswith("lora_B.weight"):
                parameter.fill_(0.2)
    found = agreement_of(
        published.model,
        broken,
        published.samples,
        lambda one: broken.encode(one.image),
        think=True,
        max_new_tokens=40,
        threads=1,
    )
    assert found.same == 0


def test_stop_is_heard(published):
    """Somebody who asks to stop is heard before the next sample."""
    assert (
        agreement_of(
            published.model,
            published.policy,
            published.samples,
            published.policy.encode,
            think=True,
            max_new_tokens=8,
            threads=1,
            should_stop=lambda: True,
        )
        is None
    )


def test_the_card_says_where_it_comes_from(published):
    """The card names base, data set, method, steps, seed and scores, and keeps the base's licence and its whole own card."""
    rows = [[Row(i, str(i), "rec", i % 3 < n, 0, 1, 1, 0.0) for i in range(40)] for n in (1, 2)]
    finish_card(
        published.config,
        published.folder,
        score=score_of(rows[1], "validation"),
        verdict=verdict_of(*rows),
        agreement=Agreement(3, 2, 0.9),
    )
    check_manifest(published.model)
    card = (published.model / "README.md").read_text()
    config = published.config
    for piece in (
        "# Courts of the harbour", "geo-r1-nano", config.dataset, f"{config.method}, lora (rank 16", f"{config.steps} steps",
        f"| seed | {config.seed} |", "gain +32.5", ": better", "GPL-2.0-or-later, as the base", "2 of 3 answers",
    ):  # fmt: skip
        assert piece in card
    of_base = (embedded().folder / "README.md").read_text().splitlines()
    assert "#" + of_base[0] in card
    assert of_base[-1] in card
    assert card.count("\n# ") == 0


def test_a_damaged_model_is_refused(published, tmp_path):
    """A folder whose weights are not those of its manifest does not load."""
    for path in published.model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "weights.safetensors").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\xff")
    with pytest.raises(ModelFailed, match=r"weights\.safetensors"):
        agreement_of(
            tmp_path, published.policy, published.samples, published.policy.encode,
            think=True, max_new_tokens=8, threads=1,
        )  # fmt: skip


def test_likeness_is_symmetric(published):
    """Likeness of two answers: 1 for the same, 0 where only one has boxes, the same whichever comes first."""
    said = [
        SimpleNamespace(boxes_px=tuple(boxes))
        for boxes in ([], [(0, 0, 10, 10)], [(0, 0, 10, 5), (20, 20, 30, 30)])
    ]
    assert alike(said[0], said[0]) == alike(said[2], said[2]) == 1
    assert alike(said[0], said[1]) == 0
    assert alike(said[1], said[2]) == alike(said[2], said[1]) == pytest.approx(2 * 0.5 / 3)
