"""What a run has learned is a model: listed with its scores, asked through the usual engines, deleted; real weights."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest

from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.prompts import prompt_for
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.models.learned import said
from geo_r1_backend.models.registry import find_models
from geo_r1_backend.models.weights import read_tensors, write_tensors
from geo_r1_backend.training_wire import Score, Verdict
from tests.backend.fake_runner import verdict
from tests.backend.tiny_model import picture, write_tiny_model
from tests.backend.training import events_of, make_dataset, start_run

RUN = "20261125-164512-3f2a"


def write_learned(folder, source, *, name="Tyres", merged=True, **more):
    """What a finished run leaves: the merged model, and what is known of it."""
    (folder / "adapter").mkdir(parents=True, exist_ok=True)
    if merged:
        shutil.copytree(source, folder / "model")
    about = {"run": folder.name, "name": name, "base": "tiny", "verdict": asdict(verdict()), **more}
    (folder / "adapter" / "adapter.json").write_text(json.dumps(about))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("base") / "tiny", max_positions=2048)


@pytest.fixture
def home(tmp_path, tiny, monkeypatch):
    """A data folder with the tiny model as the base of one run."""
    monkeypatch.setenv("GEO_R1_MODELS", str(tiny))
    write_learned(tmp_path / "data" / "runs" / RUN, tiny)
    return tmp_path / "data"


def test_learned_model_is_listed_with_its_scores(home):
    """A run's merged model has the run's id, its name, and what it brought in one sentence."""
    model = next(model for model in find_models(home) if model.run)

    assert (model.id, model.title, model.run, model.kind) == (f"run-{RUN}", "Tyres", RUN, "onnx")
    assert model.note == (
        "Fine-tuned from tiny: acc@0.5 20 % → 60 % (+40 %, +30 % to +50 %) on 40 held-out objects."
    )


@pytest.mark.parametrize(
    "about", [{}, {"verdict": 3}, {"verdict": {}}, {"score": "good"}, {"base": 7}]
)
def test_broken_scores_are_left_out(about):
    """Whatever stands in the file of scores, the model is listed."""
    assert said(about).startswith("Fine-tuned from ")


def test_unfinished_folders_are_no_models(home, tiny):
    """A model that is still being written (its manifest comes last) is not offered, nor a folder of another name."""
    (home / "runs" / RUN / "model" / "manifest.json").unlink()
    (home / "runs" / RUN / "adapter" / "adapter_model.safetensors").touch()  # not merged yet
    write_learned(home / "runs" / "my-run", tiny)

    assert [model.id for model in find_models(home) if model.run] == []


def test_learned_model_answers_and_is_deleted(start_service, home, tiny, monkeypatch):
    """It answers under its own id through the ONNX engine, is listed with its run, and is gone when it was deleted."""
    monkeypatch.setenv("GEO_R1_MODELS", str(tiny))  # after the fixture of the fixed model
    running = start_service(partial(load_engine, threads=1), model="tiny")
    dataset = make_dataset(running)["id"]
    run = start_run(running, "steps=1", dataset)["id"]
    events_of(running, run)
    write_learned(home / "runs" / run, tiny)
    name = f"run-{run}"

    before = {model["id"]: model for model in running.client.get("/v1/models").json()["models"]}
    answer = running.ask(running.put_chip(), model=name, max_new_tokens=8)
    health = running.client.get("/v1/health").json()
    deleted = running.client.delete(f"/v1/models/{name}")
    after = {model["id"] for model in running.client.get("/v1/models").json()["models"]}
    gone = running.ask_reply(running.put_chip(), model=name)

    assert before[name]["run"] == run
    assert "held-out objects" in before[name]["note"]
    assert answer[-1]["event"] == "result", answer[-1]
    assert (answer[-1]["model"], answer[-1]["engine"]) == (name, "onnx")
    assert health["model"] == "tiny"
    assert deleted.status_code == 200
    assert after == set(before) - {name}
    assert gone.json()["code"] == "model-unknown"
    assert running.client.get(f"/v1/runs/{run}").json()["adapter"] is None
    assert running.ask(running.put_chip(), max_new_tokens=8)[-1]["event"] == "result"


def test_other_models_are_kept(start_service):
    """A model that no run made is not deleted."""
    running = start_service()

    refused = running.client.delete("/v1/models/fixed")
    unknown = running.client.delete(f"/v1/models/run-{RUN}")

    assert (refused.status_code, refused.json()["code"]) == (409, "model-kept")
    assert unknown.json()["code"] == "model-unknown"


def test_settings_that_do_not_go_together_are_refused(start_service):
    """Settings that are each within their bounds and cannot work together are refused at once, and no run is left."""
    running = start_service()
    body = {"dataset": make_dataset(running)["id"], "group_size": 64, "prompts_per_step": 64}

    reply = running.client.post("/v1/runs", json=body)

    assert (reply.status_code, reply.json()["code"]) == (422, "config-invalid")
    assert running.client.get("/v1/runs").json() == {"runs": []}


def test_score_without_verdict():
    """A run that was stopped says how good its checkpoint was on the validation part."""
    score = Score("validation", "f1@0.5", 0.5, 0.4, 0.6, 12, 9, 0.4)

    assert said({"base": "geo-r1-nano", "score": asdict(score)}) == (
        "Fine-tuned from geo-r1-nano: f1@0.5 50 % on 12 validation objects."
    )
    assert replace(score, part="held_out").part == "held_out"
    assert isinstance(verdict(), Verdict)


def answer_of(engine, image):
    items = [EngineItem(image, prompt_for("rec", "the tank", think=True))]
    return "".join(
        piece.text for piece in engine.generate(items, GenerationOptions(40), lambda: False)
    )


def test_adapter_of_a_large_model_answers_as_its_merged_weights(tmp_path, tiny, monkeypatch):
    """A LoRA adapter over a folder of transformers answers word for word as a folder with the merged weights."""
    from geo_r1_backend.models.export import export_stock_folder

    base, merged = tmp_path / "bases" / "tiny-stock", tmp_path / "bases" / "merged"
    for folder in (base, merged):
        export_stock_folder(tiny, folder)
        (folder / "profile.json").write_text(
            json.dumps({**json.loads((folder / "profile.json").read_text()), "id": folder.name})
        )
    state = {
        name: np.array(array) for name, array in read_tensors(merged / "model.safetensors").items()
    }
    key = next(name for name in state if name.endswith("layers.0.mlp.down_proj.weight"))
    random = np.random.default_rng(3)
    down = random.normal(size=(2, state[key].shape[1])).astype(np.float32)
    up = random.normal(size=(state[key].shape[0], 2)).astype(np.float32)
    state[key] = state[key] + (4.0 / 2) * up @ down
    write_tensors(state, merged / "model.safetensors", {"format": "pt"})
    run = tmp_path / "data" / "runs" / RUN
    write_learned(run, tiny, merged=False, base="tiny-stock", rank=2, alpha=4.0)
    layer = (
        "model.language_model.layers.0.mlp.down_proj"  # as transformers calls it when it is loaded
    )
    tensors = {
        f"base_model.model.{layer}.lora_A.weight": down,
        f"base_model.model.{layer}.lora_B.weight": up,
    }
    write_tensors(tensors, run / "adapter" / "adapter_model.safetensors", {"format": "pt"})
    monkeypatch.setenv("GEO_R1_MODELS", f"{tmp_path / 'bases'}{os.pathsep}{tiny}")
    models = {model.id: model for model in find_models(tmp_path / "data")}
    image, said_by = picture(448, 448, 1), {}

    for name in ("tiny", "merged", f"run-{RUN}"):
        engine, _ = load_engine(models[name], threads=1)
        said_by[name] = answer_of(engine, image)
        assert engine.profile.id == name
        engine.close()

    # the ONNX engine says what the stock folder of the same weights says, see test_torch_engine.py
    assert said_by[f"run-{RUN}"] == said_by["merged"] != said_by["tiny"]
