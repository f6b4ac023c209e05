"""Two processes that train one run: real ones, started by torchrun, gloo on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.training.grpo import dice
from geo_r1_backend.training.installed import runner_of
from geo_r1_backend.training.together import Together
from tests.backend import shared_gradient
from tests.backend.training_run import completions, curve, events, make_run, run, state
from tests.pure.training_data import write_dataset

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
CLOSE = 1e-5


def python(*arguments: object) -> None:
    """A process of its own, to its good end."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'backend'}",
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gradient_of_two_processes_is_that_of_one(tmp_path):
    """Three groups shared by two processes give, summed, the gradient of all three in one (float32, 1e-5), for every loss."""
    dataset = write_dataset(tmp_path, {"train": 3})
    script = ROOT / "tests" / "backend" / "shared_gradient.py"
    shared_gradient.main(dataset, tmp_path / "one.safetensors")
    python(*TORCHRUN, script, dataset, tmp_path / "two.safetensors")

    one, two = (load_file(tmp_path / f"{name}.safetensors") for name in ("one", "two"))

    assert set(one) == set(two)
    for method in ("grpo", "dapo", "dr_grpo"):
        names = [name for name in one if name.startswith(f"{method}/")]
        largest = max(one[name].abs().max() for name in names)
        assert largest > 0
        for name in names:
            assert (one[name] - two[name]).abs().max() <= CLOSE * largest, name


def test_a_run_of_two_processes_is_one_run(tmp_path):
    """Two processes share the prompts of each step and the first one writes: the same prompts, rewards and loss as alone."""
    asked = {"steps": 2, "prompts_per_step": 2, "sft_batch": 2, "sft_steps": 1, "group_size": 2}
    asked |= {"adaptation": "lora", "max_new_tokens": 24}
    dataset = write_dataset(tmp_path, {"train": 2})
    alone, shared = (make_run(tmp_path, dataset=dataset, name=n, **asked) for n in ("a", "b"))
    run(alone)
    python(*runner_of(2)[1:], shared)

    assert state(shared) == "finished"
    ours, theirs = curve(alone), curve(shared)
    assert sorted(theirs) == [1, 2]
    assert theirs[1] == pytest.approx(ours[1], rel=1e-3)
    assert len(completions(shared)) == len(completions(alone))
    assert [e["number"] for e in events(shared)] == list(range(1, len(events(shared)) + 1))


def test_shares_put_together_are_the_whole_in_order():
    """Every item belongs to one process; alone, all of them do."""
    items = list("abcdefg")
    shares = [Together(rank, 3).mine(items) for rank in range(3)]

    assert sorted(pair for share in shares for pair in share) == list(enumerate(items))
    assert Together().mine(items) == list(enumerate(items))
    assert Together().gathered(items) == items
    assert Together().agreed("x") == "x"


def test_no_process_is_too_few():
    """A run needs a process; the refusal says the number."""
    with pytest.raises(ConfigError, match="0 processes"):
        runner_of(0)


def test_alone_no_gradient_is_touched():
    """A process without others keeps its gradients, also those that are not there."""
    learned, idle = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    learned.grad = torch.tensor([1.0, 2.0])
    Together().add_gradients([learned, idle])

    assert learned.grad.tolist() == [1.0, 2.0]
    assert idle.grad is None


def test_random_choices_depend_on_step_and_purpose_alone(tmp_path):
    """Whoever computes a step draws the same numbers for the same purpose, others for another."""

    class Seeded:
        seed = 3

    first = torch.rand(4, generator=dice(Seeded, 7, "answers 1"))
    assert torch.equal(first, torch.rand(4, generator=dice(Seeded, 7, "answers 1")))
    assert not torch.equal(first, torch.rand(4, generator=dice(Seeded, 7, "answers 2")))
    assert not torch.equal(first, torch.rand(4, generator=dice(Seeded, 8, "answers 1")))
