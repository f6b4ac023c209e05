"""The bench of `make bench-grpo` at the smallest size, on the CPU: both sides run, and the figures are whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from geo_r1_backend.config import clone_folder

pytest.importorskip("trl", reason="the extra “test” is not installed whole")
SMALL = (
    "--geometry tiny --device cpu --completions 2 --tokens 6 --side-px 112 --steps 2 --warm-up 1"
)
BENCH = "scripts/bench/gpu_grpo.py"


def run(*command):
    one = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
    finished = subprocess.run(
        [*command, *SMALL.split()],
        cwd=clone_folder(),
        env=one,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return json.loads(finished.stdout)


@pytest.mark.slow
def test_both_sides_are_measured(tmp_path):
    """Ours and TRL's seconds a step, their ratio, where ours went, and that ours agrees with transformers' forward."""
    found = run(sys.executable, BENCH, "--out", str(tmp_path / "deep" / "grpo.json"))

    assert json.loads((tmp_path / "deep" / "grpo.json").read_text()) == found
    for side in ("ours", "trl"):
        assert found[side]["s_per_step"] > 0
        assert len(found[side]["steps_s"]) == 2
    assert found["times_faster"] == pytest.approx(
        found["trl"]["s_per_step"] / found["ours"]["s_per_step"], rel=0.35, abs=0.02
    )
    assert set(found["ours"]["parts_s"]) == {
        "encode",
        "prefix",
        "sample",
        "reference",
        "update",
        "optimizer",
    }
    assert found["ours"]["checks"]["log_prob_apart_max"] < 1e-4
    assert found["ours"]["checks"]["greedy_agrees"] == 1
    assert found["ours"]["plan"]["checkpointed"] is True


@pytest.mark.slow
def test_weak_scaling_runs_under_torchrun():
    """Two processes on the CPU: completions per second of one alone and of both, summed gradients and all."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]

    found = run(*torchrun, BENCH, "--weak", "--plan", "lean")["weak"]

    assert (found["gpus"], found["groups_per_gpu"]) == (2, 2)
    assert found["completions_per_s_alone"] > 0
    assert (
        found["times"] > 0.2
    )  # two cores shared with whatever else runs; a GPU's figure is the bench's own
