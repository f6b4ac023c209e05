"""`training/config.py` and `training/dataset.py`: a run is written down whole, and samples are shown as inference shows them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from tokenizers import Tokenizer

from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.errors import ConfigError, DatasetUnknown, NothingToLearn, TaskUnsupported
from geo_r1_backend.grounding.ground import GroundOptions
from geo_r1_backend.training.config import TrainingConfig, changed, make_config, read_config
from geo_r1_backend.training.dataset import Dataset, read_samples
from geo_r1_backend.training.targets import target_text
from geo_r1_backend.training.turning import TURNS, can_turn, turned_image, turned_sample
from geo_r1_backend.training_wire import Method, RunRequest, Sample
from tests.pure.training_data import chip_png, embedded, write_dataset


def config_of(tmp_path, **asked):
    """The configuration of a request about two samples."""
    folder = write_dataset(tmp_path, {"train": 2})
    return make_config(
        RunRequest(dataset=folder.name, **asked),
        run_id="a-run",
        model=embedded(),
        dataset_folder=folder,
        created="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize("method", get_args(Method))
def test_every_default_is_filled_in_and_read_back(tmp_path, method):
    """A run's file has a value for every field, for each method, and reads back as the same run."""
    config = config_of(tmp_path, method=method)
    config.write(tmp_path)

    assert read_config(tmp_path) == config
    assert all(getattr(config, field.name) is not None for field in fields(TrainingConfig))
    assert 0 <= config.sft_steps <= config.steps
    assert (config.sft_steps > 0) == method.startswith("sft")


@pytest.mark.parametrize("count", [1, 16, 60])
def test_the_longest_true_answer_has_room(tmp_path, count):
    """Answers may be as long as the fullest chip's truth, and a fifth more: else no completion about it could ever be right."""
    folder = write_dataset(tmp_path, {"train": 2}, task="ovd")
    manifest = json.loads((folder / "manifest.json").read_text())
    boxes = [
        [7.0 * (n % 40), 90.0 * (n // 40), 7.0 * (n % 40) + 6, 90.0 * (n // 40) + 80]
        for n in range(count)
    ]
    manifest["samples"][1]["boxes_px"] = boxes
    (folder / "manifest.json").write_text(json.dumps(manifest))
    config = make_config(
        RunRequest(dataset=folder.name),
        run_id="a-run",
        model=embedded(),
        dataset_folder=folder,
        created="",
    )

    profile = read_profile(embedded().folder)
    dataset = Dataset(folder, profile, think=True)
    full = dataset.part("train")[1]
    tokenizer = Tokenizer.from_file(str(embedded().folder / "tokenizer.json"))
    tokens = len(tokenizer.encode(target_text(full.sample, full.view)).ids)

    assert 1.2 * tokens <= config.max_new_tokens <= GroundOptions().max_new_tokens
    assert count > 1 or config.max_new_tokens == 256


def test_what_is_asked_for_stands_in_the_run(tmp_path):
    """What the request names is taken as it is."""
    asked = {
        "method": "grpo",
        "adaptation": "lora",
        "steps": 7,
        "learning_rate": 3e-6,
        "group_size": 4,
    }
    asked |= {"prompts_per_step": 3, "kl_weight": 0.04, "think": False, "seed": 11, "name": "boats"}
    config = config_of(tmp_path, **asked)

    assert {name: getattr(config, name) for name in asked} == asked


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"group_size": 1}, "2 or more"),  # nothing to compare
        ({"group_size": 64, "prompts_per_step": 64}, "lower prompts_per_step"),  # 4,096 answers
        ({"method": "sft_dapo", "steps": 1}, "at least 2 steps"),  # one for each half
        ({"model_kind": "transformers", "adaptation": "full", "kl_weight": 0.1}, "lora"),
        ({"model_kind": "transformers", "adaptation": "full_vision"}, "lora"),
        ({"method": "ppo"}, "dr_grpo"),  # names those that there are
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_with_the_way_out(tmp_path, values, word):
    """A setting that cannot work is refused before anything starts, and the sentence says what would."""
    with pytest.raises(ConfigError, match=word):
        changed(config_of(tmp_path), **values)


def test_a_task_that_the_model_was_not_made_for_is_refused(tmp_path):
    """Samples of all objects for a model of single ones are refused by name of the task."""
    folder = write_dataset(tmp_path, {"train": 1}, task="ovd")
    with pytest.raises(TaskUnsupported, match="ovd"):
        make_config(
            RunRequest(dataset=folder.name),
            run_id="a-run",
            model=replace(embedded(), tasks=("rec",)),
            dataset_folder=folder,
            created="",
        )


def test_masks_of_a_model_that_knows_boxes(tmp_path):
    """It is asked for boxes, as when it answers, begins with examples of them, and is judged by the masks that are cut out."""
    folder = write_dataset(tmp_path, {"train": 2}, task="gres")
    config = make_config(
        RunRequest(dataset=folder.name), run_id="a-run", model=embedded(), dataset_folder=folder, created=""
    )  # fmt: skip
    dataset = Dataset(folder, read_profile(embedded().folder), think=True)
    one = dataset.part("train")[0]
    boxes = Dataset(write_dataset(tmp_path / "b", {"train": 2}), read_profile(embedded().folder), think=True)  # fmt: skip

    assert (config.method, bool(config.segmenter_folder)) == ("sft_dapo", True)
    assert (one.sample.task, one.asked.task) == ("gres", "rec")
    assert one.prompt == boxes.part("train")[0].prompt
    assert target_text(one.asked, one.view).startswith("<think>")


@pytest.mark.parametrize("damage", ["{", '{"format": 99}', '{"format": 1}', None])
def test_a_damaged_run_file_is_refused(tmp_path, damage):
    """A file that is cut off, of another format, without its fields or absent is one clear error."""
    if damage is not None:
        (tmp_path / "config.json").write_text(damage)
    with pytest.raises(ConfigError):
        read_config(tmp_path)


def test_samples_are_shown_at_model_size_with_the_way_back(tmp_path):
    """A chip is shown at model size, the prompt is inference's, and the view leads back to the chip's own pixels."""
    folder = write_dataset(tmp_path, {"train": 2, "validation": 1})
    dataset = Dataset(folder, read_profile(embedded().folder), think=True)
    (first, second), (third,) = dataset.part("train"), dataset.part("validation")

    assert (first.index, second.index, third.index) == (0, 1, 2)
    assert first.image.shape == (448, 448, 3)
    assert first.image.dtype == np.uint8
    assert "the red court" in first.prompt
    assert "<think>" in first.prompt
    box = first.sample.boxes_px[0]
    assert first.view.box_to_chip(first.view.box_to_model(tuple(box))) == pytest.approx(box)
    x, y = int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2)
    assert first.image[y, x].tolist() == [200, 40, 40]


def test_a_deleted_data_set_is_said_so(tmp_path):
    """A data set that is deleted meanwhile is one clear error, at the next look and for a chip not yet seen."""
    folder = write_dataset(tmp_path, {"train": 2})
    dataset = Dataset(folder, read_profile(embedded().folder), think=True)
    dataset.check()
    shutil.rmtree(folder)

    for look in (dataset.check, lambda: dataset[1], lambda: read_samples(folder)):
        with pytest.raises(DatasetUnknown):
            look()


def test_nothing_to_learn_is_said_so(tmp_path):
    """A data set without training samples is refused."""
    folder = write_dataset(tmp_path, {"validation": 1})
    with pytest.raises(NothingToLearn):
        Dataset(folder, read_profile(embedded().folder), think=True)


def test_a_part_is_looked_at_in_some_samples_spread_over_all(tmp_path):
    """A limit takes samples from the whole part, not its beginning."""
    folder = write_dataset(tmp_path, {"train": 1, "validation": 6})
    dataset = Dataset(folder, read_profile(embedded().folder), think=True)

    assert [one.index for one in dataset.part("validation", limit=3)] == [1, 3, 5]


@pytest.mark.parametrize("turn", range(TURNS))
def test_boxes_turn_with_their_chip(tmp_path, turn):
    """From every side, the box still lies on the red rectangle, on chips that are not square too."""
    image = Image.open(io.BytesIO(chip_png([10, 20, 40, 60], seed=0, size=(160, 96))))
    box = [10.0, 20.0, 40.0, 60.0]
    sample = Sample(chip="0" * 64, query="x", task="rec", boxes_px=[box], label="x")
    ring = [[[[10.0, 20.0], [40.0, 20.0], [40.0, 60.0], [10.0, 20.0]]]]
    moved = turned_sample(replace(sample, polygons_px=ring), turn, 160, 96)
    pixels = np.asarray(turned_image(image, turn))

    rows, columns = np.nonzero((pixels == (200, 40, 40)).all(2))
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert moved.boxes_px == [found]
    xs, ys = zip(*moved.polygons_px[0][0], strict=True)
    assert [min(xs), min(ys), max(xs), max(ys)] == found


@pytest.mark.parametrize(
    ("query", "same"),
    [("storage tank", True), ("all boats", True), ("the leftmost boat", False), ("das linke Haus", False)],
)  # fmt: skip
def test_queries_that_speak_of_directions_are_not_turned(query, same):
    """What lies left is another object in a mirror."""
    assert can_turn(query) is same


def test_a_request_without_a_method_gets_the_one_that_won(tmp_path):
    """The embedded model begins with examples, unless there is one step only; what was asked for is never replaced."""
    assert config_of(tmp_path / "a").method == "sft_dapo"
    assert config_of(tmp_path / "b", steps=1).method == "dapo"
    assert config_of(tmp_path / "c", method="grpo").method == "grpo"


def test_the_settings_are_made_without_torch():
    """The service checks settings itself, and never imports torch for it."""
    code = "import sys, geo_r1_backend.training.config, json; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) is False
