"""`make bench-fewshot`: few shots of real imagery, learned by rewards and by imitation, beside the untrained base.

    python scripts/bench/fewshot/run.py --out FOLDER [--stage first] [--shard 1/4] [--steps N] [--base NAME=MODEL_FOLDER ...]
    python scripts/bench/fewshot/run.py --out FOLDER --table

A cell is a run of the service's own routine in a process of its own; when it ends, its row is written to FOLDER/rows. Started again,
cells that have a row are left out and one that was cut off goes on. `--workers N` shares the cells out over N processes and the GPUs
there are, `--shard I/N` takes every N-th cell, so that several machines share a grid; rows from everywhere can be put together.
GEO_R1_DATA names the folder with nwpu-vhr10/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent.parent / "backend")]

from cells import Cell, grid  # noqa: E402
from data import VALIDATION_QUESTIONS, split_shots, test_questions, write_dataset  # noqa: E402
from pool import share_out  # noqa: E402
from table import read_rows, table  # noqa: E402

from geo_r1_backend.engines.answers import parse_answer  # noqa: E402
from geo_r1_backend.engines.prompts import prompt_for  # noqa: E402
from geo_r1_backend.evaluation.real.suites import RealQuestion, real_questions  # noqa: E402
from geo_r1_backend.geo.boxes import iou  # noqa: E402
from geo_r1_backend.models.registry import ModelFolder, describe, embedded_folder  # noqa: E402
from geo_r1_backend.storage.atomic import write_private_json  # noqa: E402
from geo_r1_backend.storage.datasets import DatasetStore  # noqa: E402
from geo_r1_backend.storage.run_database import RunDatabase  # noqa: E402
from geo_r1_backend.training.config import make_config  # noqa: E402
from geo_r1_backend.training_wire import RunRequest  # noqa: E402

AT_ONCE = {"cpu": 8, "cuda": 128}
"""Test questions in one batch."""
MAX_NEW_TOKENS = 400


def options() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--stage",
        default="first",
        help="first, tuning, tuned, longer, vision, shots, no-think, all; several with commas",
    )
    parser.add_argument("--shard", default="1/1", metavar="I/N")
    parser.add_argument("--only", default="", help="cells whose name contains this")
    parser.add_argument("--steps", type=int, help="optimizer steps (default: the routine's)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of the training")
    parser.add_argument(
        "--set", default="{}", metavar="JSON", help="further fields of the run's settings"
    )
    parser.add_argument(
        "--test-limit", type=int, help="first N test questions alone, to try it out"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that share the cells")
    parser.add_argument("--minutes", type=float, help="begin no cell after so many")
    parser.add_argument("--base", action="append", default=[], metavar="NAME=MODEL_FOLDER")
    parser.add_argument(
        "--table", action="store_true", help="print the tables of the rows there are"
    )
    return parser.parse_args()


def main() -> int:
    """Run the cells of this shard, or print the tables."""
    given = options()
    rows = given.out / "rows"
    if given.table:
        print(table(read_rows(rows)))
        return 0
    data = Path(os.environ.get("GEO_R1_DATA", ""))
    bases = {"shipped": embedded_folder(), **dict(_named(text) for text in given.base)}
    shard, shards = (int(part) for part in given.shard.split("/"))
    cells = [
        cell
        for stage in given.stage.split(",")
        for cell in grid(stage)
        if cell.base in bases and given.only in cell.name
    ][shard - 1 :: shards]
    left = [cell for cell in cells if not (rows / f"{cell.name}.json").exists()]
    shots = real_questions("real-rec", "nwpu", data, split="shots")
    test = test_questions(data)[: given.test_limit]
    until_s = time.monotonic() + given.minutes * 60 if given.minutes else None
    gpus = _gpus() if given.device == "cuda" else 0

    def look(asked: tuple[str, bool]) -> None:
        base, think = asked
        _base_hits(given.out, base, describe(bases[base]), think, test)

    def do(cell: Cell) -> None:
        _do(cell, describe(bases[cell.base]), shots, test, given)

    # the untrained bases first: every cell is held against one
    asked = sorted({(cell.base, cell.think) for cell in left})
    failed = share_out(asked, look, workers=min(given.workers, len(asked)), gpus=gpus)
    failed += share_out(left, do, workers=given.workers, gpus=gpus, until_s=until_s)
    return 1 if failed else 0


def _do(
    cell: Cell,
    model: ModelFolder,
    shots: list[RealQuestion],
    test: list[RealQuestion],
    given: argparse.Namespace,
) -> None:
    """Train, ask, write the row."""
    rows, began = given.out / "rows", time.monotonic()
    folder = given.out / "cells" / cell.name
    result = _train(cell, model, shots, folder, given)
    before = _base_hits(given.out, cell.base, model, cell.think, test)
    hits = answered(folder / "run" / "model", test, think=cell.think)
    row = {
        **cell.facts(),
        **result,
        "hits": hits,
        "base_hits": before,
        "groups": [one.group for one in test],
        "seconds": round(time.monotonic() - began, 1),
        "machine": platform.processor() or platform.machine(),
        "device": given.device,
    }
    rows.mkdir(parents=True, exist_ok=True)
    write_private_json(rows / f"{cell.name}.json", row)
    share = [100 * sum(one) / len(one) for one in (before, hits)]
    print(f"{cell.name}: {share[0]:.1f} -> {share[1]:.1f} in {row['seconds']} s", flush=True)


def _gpus() -> int:
    """How many GPUs there are, counted elsewhere: a process that has looked at them cannot fork."""
    code = "import torch; print(torch.cuda.device_count())"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    count = int(found.stdout)
    if not count:
        raise SystemExit("--device cuda: torch finds no CUDA device here")
    return count


def _named(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    return name, Path(folder)


def _train(
    cell: Cell,
    model: ModelFolder,
    shots: list[RealQuestion],
    folder: Path,
    given: argparse.Namespace,
) -> dict[str, Any]:
    """Run the routine to its end; what its database says of the validation part."""
    run = folder / "run"
    if not (run / "config.json").exists():
        train, validation = split_shots(shots, cell.shots, cell.seed)
        store = DatasetStore(folder / "datasets", limit=10, budget_bytes=2**30)
        dataset = write_dataset(
            store, folder / "chips", cell.name, {"train": train, "validation": validation}
        )
        request = RunRequest(
            dataset=dataset,
            method=cell.arm.method,
            adaptation=cell.arm.adaptation,
            learning_rate=cell.arm.learning_rate,
            steps=given.steps,
            think=cell.think,
            seed=cell.seed,
        )
        run.mkdir(parents=True, exist_ok=True)
        with RunDatabase(run, create=True):
            pass
        created = datetime.now(timezone.utc).isoformat(timespec="seconds")
        config = make_config(
            request,
            run_id=cell.name,
            model=model,
            dataset_folder=store.folder(dataset),
            created=created,
        )
        # every arm chooses by the same questions, all of them
        own = {"evaluation_samples": VALIDATION_QUESTIONS, "previews": 0, "device": given.device}
        replace(config, **{**own, **dict(cell.arm.settings), **json.loads(given.set)}).write(run)
    command = [sys.executable, "-m", "geo_r1_backend.training.runner", str(run), "--resume"]
    subprocess.run(command, check=True)
    with RunDatabase(run) as database:
        if database.values().get("state") != "finished":
            raise RuntimeError(f"{cell.name} did not finish; see {run}")
        scores = [event for event in database.events() if event["event"] == "evaluation"]
    trained = [one["score"]["value"] for one in scores if one["step"]]
    return {
        "validation": max(trained, default=0.0),
        "validation_curve": [(one["step"], one["score"]["value"]) for one in scores],
    }


def _base_hits(
    out: Path, base: str, model: ModelFolder, think: bool, test: list[RealQuestion]
) -> list[bool]:
    """Answers of the untrained base, asked once."""
    path = out / f"base.{base}.{'think' if think else 'no-think'}.{len(test)}.json"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_private_json(path, {"hits": answered(model.folder, test, think=think)})
    return list(json.loads(path.read_text(encoding="utf-8"))["hits"])


def answered(folder: Path, test: list[RealQuestion], *, think: bool) -> list[bool]:
    """Whether each test question is answered with a box of IoU 0.5 or more (float arithmetic on the stored weights)."""
    import torch
    from tokenizers import Tokenizer

    from geo_r1_backend.models.generate import answer_batch, load_float_model

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_float_model(folder).to(device)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    hits: list[bool] = []
    for at in range(0, len(test), AT_ONCE[device]):
        some = [one.question for one in test[at : at + AT_ONCE[device]]]
        texts = answer_batch(
            model,
            tokenizer,
            [one.scene.image for one in some],
            [prompt_for("rec", one.expression.query, think=think) for one in some],
            MAX_NEW_TOKENS,
        )
        for one, text in zip(some, texts, strict=True):
            boxes = [found.box_px for found in parse_answer(text).detections]
            truth = tuple(float(v) for v in one.expression.answers[0].box_px)
            hits.append(bool(boxes) and iou(boxes[0], truth) >= 0.5)
    return hits


if __name__ == "__main__":
    sys.exit(main())
