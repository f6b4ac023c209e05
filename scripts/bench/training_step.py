"""How long a step of fine-tuning takes with the embedded model on this processor: 2 prompts x 8 completions, rollout and update.

Whole steps of the real loop (GRPO, so that every group is learned from) about the picture of `geo-r1 doctor`, whose chain lists
five tanks: answers of some 80 tokens, as in use. The calmest step counts on a machine that others use as well; the processor's own
seconds stand beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch

from geo_r1_backend.models.registry import describe, embedded_folder
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.checkpoint import Checkpoints
from geo_r1_backend.training.config import changed, make_config
from geo_r1_backend.training.dataset import Dataset
from geo_r1_backend.training.grpo import Run, make_optimizer, train
from geo_r1_backend.training.journal import Journal
from geo_r1_backend.training.session import load_policy
from geo_r1_backend.training_wire import RunRequest


def write_dataset(root: Path, model_folder: Path) -> Path:
    """Two samples about the doctor's picture."""
    truth = json.loads((model_folder / "doctor.json").read_text(encoding="utf-8"))
    image = (model_folder / "doctor.png").read_bytes()
    sha256 = hashlib.sha256(image).hexdigest()
    sample = {
        "chip": sha256,
        "query": truth["query"],
        "task": "rec",
        "boxes_px": [truth["box_px"]],
        "label": "storage tank",
        "place": "a",
    }
    folder = root / "dataset"
    (folder / "chips").mkdir(parents=True)
    (folder / "chips" / sha256).write_bytes(image)
    manifest = {"name": "doctor", "samples": [sample, sample], "created": ""}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def measure(steps: int, threads: int, adaptation: str) -> dict[str, object]:
    """Seconds of each step but the first, which meets its pictures for the first time."""
    folder = embedded_folder()
    model = describe(folder) if folder else None
    if model is None:
        raise SystemExit("there is no embedded model here")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        config = make_config(
            RunRequest(
                dataset="dataset",
                method="grpo",
                adaptation=adaptation,  # type: ignore[arg-type]  # checked by argparse
                group_size=8,
                prompts_per_step=2,
                steps=steps + 1,
                learning_rate=1e-7,
            ),
            run_id="bench",
            model=model,
            dataset_folder=write_dataset(root, model.folder),
            created="",
        )
        config = changed(config, augment=False, threads=threads, evaluate_every=10_000)
        torch.set_num_threads(threads)
        policy = load_policy(config)
        with RunDatabase(root, create=True) as database:
            run = Run(
                config=config,
                policy=policy,
                dataset=Dataset(Path(config.dataset_folder), policy.profile, think=True),
                journal=Journal(database),
                checkpoints=Checkpoints(root),
                optimizer=make_optimizer(config, policy),
                look=lambda _: True,
            )
            began_s = time.process_time()
            train(run)
            spent_s = time.process_time() - began_s
            events = [one for one in database.events() if one["event"] == "step"]
    seconds = [one["seconds"] for one in events[1:]]
    return {
        "step_s_calmest": min(seconds),
        "step_s_median": round(statistics.median(seconds), 2),
        "processor_s_per_step": round(spent_s / len(events), 2),
        "tokens": statistics.fmean(one["completion_tokens"] for one in events),
        "adaptation": adaptation,
        "threads": threads,
        "torch": torch.__version__,
        "load": [round(value, 1) for value in os.getloadavg()],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--adaptation", choices=("full", "lora"), default="full")
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.steps, chosen.threads, chosen.adaptation)))
