"""The runner as a real process with the embedded model: it trains, stops, is killed, goes on, and says how it ended."""

from __future__ import annotations

import json
import random
import resource
import signal
import time

import numpy as np
import pytest

from geo_r1_backend.models.manifest import check_manifest
from geo_r1_backend.models.weights import WEIGHTS_FILE, read_tensors
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.config import read_config
from geo_r1_backend.training.runner import CLAIMED_BY_ANOTHER
from tests.backend.training_run import (
    completions,
    curve,
    events,
    make_run,
    run,
    start,
    state,
)
from tests.pure.training_data import embedded, write_dataset

STEPS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing happened to: supervised steps, then DAPO with replay."""
    folder = make_run(tmp_path_factory.mktemp("whole"), steps=STEPS)
    run(folder)
    return folder


def wait_for_step(folder, step, child):
    """Until the run has done so many steps."""
    until = time.monotonic() + 90
    while time.monotonic() < until and child.poll() is None:
        if any(one["step"] >= step for one in events(folder, "step")):
            return
        time.sleep(0.01)
    raise AssertionError(f"step {step} was not reached")


def test_a_run_goes_from_queued_to_a_verdict(whole):
    """A run leaves curves, previews, every completion with its reward, a verdict, an adapter and a model that is whole."""
    config = read_config(whole)
    found = curve(whole)
    rows = completions(whole)

    assert state(whole) == "finished"
    assert sorted(found) == list(range(1, STEPS + 1))
    assert [e["step"] for e in events(whole, "evaluation")] == [0, 2, 4]
    assert len(events(whole, "evaluation")[0]["previews"]) == 1
    assert {row[0] for row in rows} == set(range(config.sft_steps + 1, STEPS + 1))
    for step in {row[0] for row in rows}:
        of_step = [row for row in rows if row[0] == step]
        assert len(of_step) % config.group_size == 0
        for row in of_step:
            assert row[6] == pytest.approx(sum(json.loads(row[7]).values()))
    (verdict,) = events(whole, "verdict")
    assert verdict["verdict"]["outcome"] == "too_few"
    assert verdict["adapter"] == f"run-{config.run_id}"
    check_manifest(whole / "model")
    card = json.loads((whole / "adapter" / "adapter.json").read_text())
    assert card["verdict"] == verdict["verdict"]
    assert [e["number"] for e in events(whole)] == list(range(1, len(events(whole)) + 1))


def test_a_run_that_is_stopped_and_then_killed_goes_on_bit_for_bit(whole, tmp_path):
    """Asked to stop, a run saves and leaves within a step; resumed, and killed with -9 at a random moment, it ends as the run that nothing happened to."""
    # the same data set and settings under the same name, so that every random choice is the same
    dataset = whole.parents[1] / "datasets" / read_config(whole).dataset
    folder = make_run(tmp_path, dataset=dataset, steps=STEPS)
    with start(folder) as child:
        wait_for_step(folder, 1, child)
        with RunDatabase(folder) as database:
            database.set(stop=1)
            at = max(one["step"] for one in events(folder, "step"))
        child.wait(timeout=60)
    stopped_at = max(one["step"] for one in events(folder, "step"))
    assert state(folder) == "stopped"
    assert stopped_at <= at + 1
    with RunDatabase(folder) as database:
        database.set(stop=None)

    dice = random.Random(time.time_ns())  # noqa: S311
    with start(folder, "--resume") as child:
        wait_for_step(folder, dice.randint(min(stopped_at + 1, STEPS - 1), STEPS - 1), child)
        time.sleep(dice.random())  # in the middle of a step, of a checkpoint, of an evaluation
        child.send_signal(signal.SIGKILL)
    assert state(folder) == "running"
    run(folder, "--resume")

    assert state(folder) == "finished"
    assert curve(folder) == curve(whole)
    assert completions(folder) == completions(whole)
    assert events(folder, "verdict")[0]["verdict"] == events(whole, "verdict")[0]["verdict"]
    assert [e["number"] for e in events(folder)] == list(range(1, len(events(folder)) + 1))
    steps = [one["step"] for one in events(folder, "step")]
    assert steps[:stopped_at] == list(range(1, stopped_at + 1))
    assert all(step > stopped_at for step in steps[stopped_at:])  # none of before the stop twice


def test_a_run_whose_tower_learns_ends_with_a_model_that_sees_otherwise(tmp_path):
    """With the adaptation full_vision the vision tower moves, and the published model is whole and has the new one."""
    folder = make_run(tmp_path, adaptation="full_vision", steps=2)
    run(folder)

    assert state(folder) == "finished"
    assert sorted(curve(folder)) == [1, 2]
    assert events(folder, "verdict")[0]["verdict"]["before"]["samples"] == 2
    check_manifest(folder / "model")
    before = read_tensors(embedded().folder / WEIGHTS_FILE)
    after = read_tensors(folder / "model" / WEIGHTS_FILE)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any(name.startswith("visual.") for name in moved)
    assert any(name.startswith("model.") for name in moved)


def small_run(root, **asked):
    """A run whose steps take half a second: one sample, adapters, a checkpoint after each step."""
    dataset = write_dataset(root, {"train": 2})
    settings = {"steps": 40, "method": "sft", "adaptation": "lora", "sft_batch": 1}
    return make_run(root, dataset=dataset, evaluate_every=1, **{**settings, **asked}), dataset


def assert_checkpoints_are_whole(folder):
    """What was saved before is there, and nothing half written."""
    kept = list((folder / "checkpoints").iterdir())
    assert kept
    for one in kept:
        assert {file.name for file in one.iterdir()} == {
            "trained.safetensors",
            "optimizer.safetensors",
            "state.json",
        }


def failure(folder):
    """The error with which the run ended, the last thing that it said."""
    assert state(folder) == "failed"
    last = events(folder)[-1]
    assert (last["event"], last["state"]) == ("state", "failed")
    assert last["error"]["hint"]
    return last["error"]


def test_a_data_set_that_is_deleted_meanwhile_ends_the_run_clearly(tmp_path):
    """The run fails with code and way out, checkpoints stay, and it goes on once the data is there again."""
    folder, dataset = small_run(tmp_path, steps=4)
    away = tmp_path / "away"
    with start(folder) as child:
        wait_for_step(folder, 1, child)
        dataset.rename(away)
        child.wait(timeout=60)
    error = failure(folder)
    assert error["code"] == "dataset-unknown"
    assert_checkpoints_are_whole(folder)

    away.rename(dataset)
    run(folder, "--resume")

    assert state(folder) == "finished"
    assert sorted(curve(folder)) == [1, 2, 3, 4]


def test_a_full_disk_ends_the_run_clearly(tmp_path):
    """A checkpoint that does not fit ends the run with the reason; the one before stays whole, no half one is left."""
    folder, _ = small_run(tmp_path)
    with start(folder) as child:
        wait_for_step(folder, 2, child)  # so the checkpoint of step 1 is there
        # files may not grow over 1 MB any more: what a disk without room does, at a moment of our choice
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        child.wait(timeout=60)

    error = failure(folder)
    assert error["code"] == "storage-failed"
    assert_checkpoints_are_whole(folder)


def test_no_memory_ends_the_run_clearly(tmp_path):
    """A step that needs more memory than there is ends the run with code and way out; checkpoints stay."""
    # the supervised steps fit; answers of four thousand million tokens do not
    folder, _ = small_run(
        tmp_path, method="sft_dapo", steps=3, sft_steps=2, max_new_tokens=4_000_000_000
    )
    run(folder)

    assert failure(folder)["code"] == "run-out-of-memory"
    assert sorted(curve(folder)) == [1, 2]
    assert_checkpoints_are_whole(folder)


def test_one_process_trains_a_run(tmp_path):
    """A second runner of the same run leaves at once and changes nothing."""
    folder, _ = small_run(tmp_path, steps=2)
    with start(folder) as child:
        wait_for_step(folder, 1, child)
        with start(folder) as second:
            second.communicate(timeout=60)
        child.wait(timeout=60)

    assert second.returncode == CLAIMED_BY_ANOTHER
    assert state(folder) == "finished"
    assert [one["step"] for one in events(folder, "step")] == [1, 2]
