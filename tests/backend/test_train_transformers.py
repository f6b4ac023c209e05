"""A real run over a folder of transformers, the paper's route at the smallest size: the same loop, runner and files as the embedded model."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing

import pytest
import torch
from safetensors.torch import load_file

from geo_r1_backend.config import clone_folder
from geo_r1_backend.errors import ConfigError, SegmenterMissing
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.models.registry import describe, embedded_segmenter_folder
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.config import changed, make_config, read_config
from geo_r1_backend.training_wire import RunRequest
from tests.backend.tiny_model import picture, write_tiny_model


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A random model as transformers writes it."""
    folder = tmp_path_factory.mktemp("run-qwen")
    export_stock_folder(
        write_tiny_model(folder / "tiny", max_positions=2048), folder / "tiny-stock"
    )
    path = folder / "tiny-stock" / "profile.json"
    profile = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**profile, "tasks": ["rec", "ovd", "gres"]}), "utf-8")
    return folder / "tiny-stock"


def write_dataset(folder, task="rec"):
    """Six chips with one object each, two of them per part."""
    (folder / "chips").mkdir(parents=True)
    samples = []
    for number in range(6):
        path = folder / "chips" / "part.png"
        picture(224, 224, number).save(path)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(folder / "chips" / sha)
        part = ("train", "validation", "held_out")[number // 2]
        samples.append(
            {
                "chip": sha,
                "query": "the red box",
                "task": task,
                "boxes_px": [[74, 56, 112, 112]],
                "label": "box",
                "part": part,
                "place": str(number),
                "polygons_px": [[[[74, 56], [112, 56], [112, 112], [74, 112], [74, 56]]]]
                if task == "gres"
                else None,
            }
        )
    manifest = {"name": "boxes", "samples": samples, "created": "2026-11-25T12:00:00Z"}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def prepared(stock, folder, task, method, **wanted):
    """The folder of a run over a fresh data set, as the service leaves it to the runner."""
    dataset = write_dataset(folder / "datasets" / "abc", task)
    config = make_config(
        RunRequest("abc", model="tiny", method=method, steps=2, group_size=3, **wanted),
        run_id="r1",
        model=describe(stock),
        dataset_folder=dataset,
        created="2026-11-25T12:00:00Z",
    )
    run_folder = folder / "runs" / "r1"
    run_folder.mkdir(parents=True)
    changed(config, device="cpu", max_new_tokens=12, threads=1, prompts_per_step=2).write(
        run_folder
    )
    RunDatabase(run_folder, create=True).close()
    return run_folder


NOT_NEEDED = """
import importlib.machinery
import sys

NAMES = {"onnx", "peft", "trl", "datasets", "cv2", "rasterio", "shapely", "pyogrio", "pyproj"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in NAMES:  # others may look whether it is there; whoever loads it fails
            return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        raise ModuleNotFoundError(spec.name, name=spec.name)

    def exec_module(self, module):
        raise AssertionError(module)

sys.meta_path.insert(0, Absent())
"""


def run(folder):
    """The real runner, to its end, with what the extra `train` installs and nothing else of ours; its events."""
    (folder / "sitecustomize.py").write_text(NOT_NEEDED, "utf-8")
    path = os.pathsep.join([str(folder), str(clone_folder() / "backend")])
    environment = dict(os.environ, PYTHONPATH=path, OMP_NUM_THREADS="1")
    command = [sys.executable, "-m", "geo_r1_backend.training.runner", str(folder)]
    finished = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    with RunDatabase(folder) as database:
        assert database.values()["state"] == "finished", finished.stderr[-2000:]
        return database.events()


@pytest.mark.slow
def test_a_run_over_a_folder_of_transformers(stock, tmp_path):
    """Two steps of GRPO with KL to the base: curves, every completion, a verdict, and an adapter under peft's names."""
    folder = prepared(stock, tmp_path, "rec", "grpo", kl_weight=0.1)

    events = run(folder)

    steps = [event for event in events if event["event"] == "step"]
    assert [one["step"] for one in steps] == [1, 2]
    assert all(one["completion_tokens"] > 0 for one in steps)
    (verdict,) = [event for event in events if event["event"] == "verdict"]
    assert verdict["verdict"]["before"]["metric"] == "acc@0.5"
    with closing(sqlite3.connect(folder / "run.sqlite")) as database:
        query = "SELECT count(*), count(DISTINCT sample) FROM completions"
        count, samples = database.execute(query).fetchone()
    assert (count, samples) == (12, 2)
    tensors = load_file(folder / "adapter" / "adapter_model.safetensors")
    assert all(name.startswith("base_model.model.") for name in tensors)
    assert any(name.endswith("lora_B.weight") for name in tensors)
    assert all(torch.isfinite(one).all() for one in tensors.values())
    served = as_peft_serves_it(stock, folder / "adapter")
    assert served == {name.replace(".weight", ".default.weight") for name in tensors}


def as_peft_serves_it(stock, adapter):
    """Names of the parameters that peft adds when it loads the folder as other servers do."""
    from peft import PeftModel
    from transformers import Qwen2_5_VLForConditionalGeneration

    plain = Qwen2_5_VLForConditionalGeneration.from_pretrained(stock, dtype=torch.float32)
    with warnings.catch_warnings():
        # peft 0.21 and transformers 5 (2026-11); a missing or an unexpected key is a UserWarning, and an error
        warnings.simplefilter("ignore", FutureWarning)
        loaded = PeftModel.from_pretrained(plain, adapter)
    return {name for name, _ in loaded.named_parameters() if "lora_" in name}


@pytest.mark.slow
@pytest.mark.skipif(embedded_segmenter_folder() is None, reason="no segmenter in this clone")
def test_masks_are_trained_with_the_frozen_segmenter(stock, tmp_path):
    """A run over samples of masks is judged by gIoU, before, during and after; the segmenter stands in its settings."""
    folder = prepared(stock, tmp_path, "gres", "dr_grpo")

    events = run(folder)

    assert read_config(folder).segmenter_folder
    scores = [event["score"] for event in events if event["event"] == "evaluation"]
    assert {one["metric"] for one in scores} == {"giou"}
    assert all("giou" in event["reward_parts"] for event in events if event["event"] == "step")
    (verdict,) = [event for event in events if event["event"] == "verdict"]
    assert verdict["verdict"]["after"]["metric"] == "giou"


def test_masks_are_not_taught_by_example(stock, tmp_path):
    """A supervised run over masks is refused with the methods that can do it."""
    with pytest.raises(ConfigError, match="grpo, dapo or dr_grpo"):
        prepared(stock, tmp_path, "gres", "sft")


def test_masks_need_a_segmenter_to_be_trained(stock, tmp_path, monkeypatch):
    """Without a segmenter a run over masks is refused before it begins."""
    monkeypatch.setattr("geo_r1_backend.training.config.find_segmenter", lambda folder: None)

    with pytest.raises(SegmenterMissing):
        prepared(stock, tmp_path, "gres", "grpo")
