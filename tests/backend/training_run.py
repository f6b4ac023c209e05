"""Runs for tests: a folder as the service makes it, the real runner in a process of its own, and what it wrote."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import torch

from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.config import changed, make_config
from geo_r1_backend.training.runner import main
from geo_r1_backend.training_wire import RunRequest
from tests.pure.training_data import embedded, write_dataset

QUICK = {
    "evaluate_every": 2,
    "evaluation_samples": 2,
    "previews": 1,
    "max_new_tokens": 48,
    "sft_batch": 2,
    "threads": 1,
}
"""Settings of a run that takes seconds."""
CURVE = ("step", "reward", "metric", "loss", "completion_tokens", "informative", "gradient_norm", "learning_rate")  # fmt: skip
"""What is the same in a run that was resumed; times are not."""


def make_run(root: Path, *, dataset: Path | None = None, name: str = "a-run", **asked) -> Path:
    """``root/runs/NAME`` queued; fields of the configuration that no request has may be among ``asked``."""
    dataset = dataset or write_dataset(root, {"train": 2, "validation": 1, "held_out": 2})
    wire = {key: asked.pop(key) for key in list(asked) if key in RunRequest.__dataclass_fields__}
    wire = {"method": "sft_dapo", "steps": 4, "group_size": 4, "prompts_per_step": 1, **wire}
    folder = root / "runs" / name
    folder.mkdir(parents=True)
    config = make_config(
        RunRequest(dataset=dataset.name, **wire),
        run_id=name,
        model=embedded(),
        dataset_folder=dataset,
        created="2026-01-01T00:00:00+00:00",
    )
    changed(config, **{**QUICK, **asked}).write(folder)
    with RunDatabase(folder, create=True) as database:
        database.change_state("queued")
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The real runner; it inherits no proxy of the tests."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "backend"), "OMP_WAIT_POLICY": "passive"}
    return subprocess.Popen(
        [sys.executable, "-m", "geo_r1_backend.training.runner", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def run(folder: Path, *arguments: str) -> None:
    """The real runner to its end, in this process: torch is imported once for all runs of a test file."""
    threads = torch.get_num_threads()
    try:
        assert main([str(folder), *arguments]) == 0
    finally:
        torch.set_num_threads(threads)


def events(folder: Path, kind: str = "") -> list[dict]:
    """Events that the run wrote."""
    with closing(RunDatabase(folder)) as database:
        found = database.events(0, 10_000)
    return [one for one in found if not kind or one["event"] == kind]


def state(folder: Path) -> str:
    """The run's state."""
    with closing(RunDatabase(folder)) as database:
        return database.values()["state"]


def curve(folder: Path) -> dict[int, tuple]:
    """Points of the curves by step; the last one where a step was done twice."""
    return {one["step"]: tuple(one[key] for key in CURVE) for one in events(folder, "step")}


def completions(folder: Path) -> list[tuple]:
    """All rows, in order."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection:
        return connection.execute("SELECT * FROM completions ORDER BY step, row, sample").fetchall()
