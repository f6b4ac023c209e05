"""`geo-r1 train`, `geo-r1 runs` and `geo-r1 datasets`: fine-tuning without QGIS and without a service."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from geo_r1_backend.config import ServerConfig, data_folder
from geo_r1_backend.errors import ConfigError, DatasetInUse, NothingToLearn, RunActive, RunComplete
from geo_r1_backend.label_check import Weight
from geo_r1_backend.models.learned import model_id_of
from geo_r1_backend.models.registry import choose_model
from geo_r1_backend.storage.atomic import make_private_folder
from geo_r1_backend.storage.datasets import DatasetStore
from geo_r1_backend.storage.processes import is_alive
from geo_r1_backend.storage.run_database import FINAL_STATES
from geo_r1_backend.storage.run_info import run_info
from geo_r1_backend.storage.runs import MODEL_FOLDER, RunStore
from geo_r1_backend.training.begin import create_run
from geo_r1_backend.training.from_raster import Built, Source, build, read_labels
from geo_r1_backend.training.in_terminal import check_nobody_trains, train_here
from geo_r1_backend.training.installed import check_can_train, runner_of
from geo_r1_backend.training.sample_checks import check_samples
from geo_r1_backend.training.words import (
    built_lines,
    event_line,
    problem_line,
    run_row,
    table,
    verdict_lines,
)
from geo_r1_backend.training_wire import DatasetInfo, DatasetRequest, RunRequest

MAX_HELD_OUT = 0.35
"""Validation has 0.15, and half of the labels are to be learned from."""


def add_train(parser: argparse.ArgumentParser) -> None:
    """Options of `geo-r1 train`."""
    parser.add_argument("--raster", type=Path, required=True, metavar="FILE", help="the image")
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="FILE", help="GeoPackage with polygons"
    )
    parser.add_argument("--layer", metavar="NAME", help="of the GeoPackage, where it has several")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--expression-field", metavar="F", help="field with what each polygon answers"
    )
    what.add_argument("--expression", metavar="TEXT", help="one question for all polygons")
    parser.add_argument(
        "--task",
        choices=("rec", "ovd", "gres"),
        default="rec",
        help="one object, all of a kind, or their masks",
    )
    parser.add_argument(
        "--method",
        choices=("sft_dapo", "dapo", "grpo", "dr_grpo", "sft"),
        help="default: by model and task",
    )
    parser.add_argument(
        "--adaptation",
        choices=("lora", "full", "full_vision"),
        help="what learns; full_vision: how it sees as well, for pictures that look unlike any it knows",
    )
    parser.add_argument("--steps", type=int, metavar="N")
    parser.add_argument("--learning-rate", type=float, metavar="X")
    parser.add_argument(
        "--group-size", type=int, metavar="N", help="answers per question that are compared"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-think", action="store_true", help="answer without reasoning")
    parser.add_argument("--model", metavar="ID", help="the base (default: the embedded one)")
    parser.add_argument(
        "--held-out", type=float, metavar="SHARE", help="of the polygons, for the verdict"
    )
    parser.add_argument("--name", default="", help="of the model that comes out")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="copy the finished model there")
    parser.add_argument("--check", action="store_true", help="check the samples and stop")
    _add_processes(parser)
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER")
    parser.set_defaults(run=train)  # fmt: skip


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Actions of `geo-r1 runs`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, action, text in (
        ("list", list_runs, "all runs, newest first"),
        ("show", show_run, "one run with its events"),
        ("stop", stop_run, "save and end within a step"),
        ("resume", resume_run, "go on from the last checkpoint, in this terminal"),
        ("delete", delete_run, "forget a run with its model"),
    ):
        one = actions.add_parser(name, help=text)
        if name != "list":
            one.add_argument("id", help="see “geo-r1 runs list”")
        if name == "resume":
            _add_processes(one)
        one.add_argument("--data-dir", type=Path, metavar="FOLDER")
        one.set_defaults(run=action)


def add_datasets(parser: argparse.ArgumentParser) -> None:
    """Actions of `geo-r1 datasets`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all data sets, newest first")
    listing.set_defaults(run=list_datasets)
    deleting = actions.add_parser("delete", help="forget a data set with its chips")
    deleting.add_argument("id", help="see “geo-r1 datasets list”")
    deleting.set_defaults(run=delete_dataset)
    for one in (listing, deleting):
        one.add_argument("--data-dir", type=Path, metavar="FOLDER")


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="that share the run: one for each GPU"
    )


def say(line: str) -> None:
    """A line for whoever started the command."""
    print(line, flush=True)


def train(options: argparse.Namespace, command: Sequence[str] | None = None) -> int:
    """Samples, data set, run, verdict."""
    command = command or runner_of(options.processes)
    home = _home(options)
    _check(options)
    source = Source(
        raster=options.raster,
        labels=options.labels,
        layer=options.layer,
        field=options.expression_field,
        expression=options.expression,
        task=options.task,
        held_out=options.held_out,
        seed=options.seed,
    )
    check, whole = read_labels(source)
    for problem in check.problems:
        say(problem_line(problem))
    if check.blocks:
        first = next(p for p in check.problems if p.weight is Weight.BLOCKS)
        raise ConfigError("Nothing was started.", hint=problem_line(first) if options.check else "")
    built = build(source, check, whole)
    for line in built_lines(built):
        say(line)
    if options.check:
        return 0
    check_can_train(command)
    runs, datasets = _stores(home)
    check_nobody_trains(runs)
    info = _keep(datasets, built, options.name or options.labels.stem)
    request = RunRequest(
        dataset=info.id,
        name=options.name,
        model=options.model,
        method=options.method,
        adaptation=options.adaptation,
        steps=options.steps,
        learning_rate=options.learning_rate,
        group_size=options.group_size,
        think=not options.no_think,
        seed=options.seed,
    )
    model = choose_model(home, options.model)
    run_id = create_run(runs, request, model=model, dataset_folder=datasets.folder(info.id))
    say(f"Data set {info.id}, run {run_id}, from {model.title}.")
    code = train_here(runs, run_id, say, command=command)
    return _hand_over(runs, run_id, options.out, code)


def list_runs(options: argparse.Namespace) -> int:
    """All runs."""
    runs, _ = _stores(_home(options))
    rows = [run_row(run_info(runs, one)) for one in runs.ids()]
    if not rows:
        say("No runs. “geo-r1 train” begins one.")
        return 0
    for line in table(
        [["run", "name", "state", "step", "method", "base", "before → after"], *rows]
    ):
        say(line)
    return 0


def show_run(options: argparse.Namespace) -> int:
    """One run with everything that was said of it."""
    runs, _ = _stores(_home(options))
    info = run_info(runs, options.id)
    for line in table([run_row(info)]):
        say(line)
    with closing(runs.open(options.id)) as database:
        for event in database.events(limit=1_000_000):
            line_of = event_line(event)
            if line_of is not None:
                say(line_of)
        verdict = database.last_of("verdict")
    for line in verdict_lines(verdict["verdict"] if verdict else None):
        say(line)
    if info.adapter:
        say(f"It answers as --model {info.adapter}.")
    return 0


def stop_run(options: argparse.Namespace) -> int:
    """Ask a run to save and end, whoever started it."""
    runs, _ = _stores(_home(options))
    with closing(runs.open(options.id)) as database:
        values = database.values()
        if not is_alive(int(values.get("pid", 0)), values.get("started", "")):
            changed = database.change_state("stopped", only_from=("queued",))
            say("It had not begun; it will not." if changed else f"It is {values.get('state')}.")
            return 0
        database.set(stop=1)
        database.change_state("stopping", only_from=("queued", "running"))
    say("It saves and ends within a step.")
    return 0


def resume_run(options: argparse.Namespace, command: Sequence[str] | None = None) -> int:
    """Go on from the last checkpoint, here."""
    command = command or runner_of(options.processes)
    runs, datasets = _stores(_home(options))
    datasets.folder(str(runs.read(options.id)["request"]["dataset"]))
    check_can_train(command)
    check_nobody_trains(runs)
    with closing(runs.open(options.id)) as database:
        changed = database.change_state(
            "queued",
            only_from=(
                "stopped",
                "failed",
                "running",
                "stopping",
            ),  # nobody trains, so it was cut off
            stop=None,
            pid=None,
            started=None,
        )
        step = int(database.values().get("step", 0))
    if not changed:
        raise RunComplete(run=options.id, steps=step)
    return train_here(runs, options.id, say, resume=True, command=command)


def delete_run(options: argparse.Namespace) -> int:
    """Forget a run that is over."""
    runs, _ = _stores(_home(options))
    with closing(runs.open(options.id)) as database:
        values = database.values()
    alive = is_alive(int(values.get("pid", 0)), values.get("started", ""))
    if alive or values.get("state") not in FINAL_STATES:
        raise RunActive(run=options.id, state=values.get("state", "running"))
    runs.delete(options.id)
    say(f"{options.id} is gone.")
    return 0


def list_datasets(options: argparse.Namespace) -> int:
    """All data sets."""
    _, datasets = _stores(_home(options))
    infos = datasets.list()
    for info in infos:
        parts = ", ".join(
            f"{count} {part.replace('_', '-')}" for part, count in info.samples.items()
        )
        say(f"{info.id}\t{info.name}\t{parts}\t{info.chips} chips\t{info.size_bytes / 1e6:.1f} MB")
    if not infos:
        say("No data sets. “geo-r1 train” makes one.")
    return 0


def delete_dataset(options: argparse.Namespace) -> int:
    """Forget a data set that no unfinished run needs."""
    runs, datasets = _stores(_home(options))
    datasets.folder(options.id)
    for run_id in runs.ids():
        info = run_info(runs, run_id)
        if info.dataset == options.id and info.state not in FINAL_STATES:
            raise DatasetInUse(dataset=options.id, run=run_id)
    datasets.delete(options.id)
    say(f"{options.id} is gone.")
    return 0


def _keep(datasets: DatasetStore, built: Built, name: str) -> DatasetInfo:
    if not built.samples:
        raise NothingToLearn(samples=0)
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for sha256, content in built.chips.items():
            paths[sha256] = Path(folder) / sha256
            paths[sha256].write_bytes(content)
            sizes[sha256] = built.sizes_px[sha256]
        check_samples(built.samples, sizes)
        return datasets.create(DatasetRequest(name=name[:200], samples=built.samples), paths)


def _hand_over(runs: RunStore, run_id: str, out: Path | None, code: int) -> int:
    if code != 0:
        return code
    say(f"Ask it: geo-r1 ask IMAGE QUESTION --model {model_id_of(run_id)}")
    made = runs.folder(run_id) / MODEL_FOLDER
    if out is not None and made.is_dir():
        shutil.copytree(made, out)
        say(f"A copy of the model is in {out}.")
    return 0


def _check(options: argparse.Namespace) -> None:
    for path in (options.raster, options.labels):
        if not path.is_file():
            raise ConfigError(f"There is no file {path}.", hint="Check the name.")
    if options.out is not None and options.out.exists():
        raise ConfigError(f"{options.out} is there already.", hint="Choose another name for --out.")
    if options.held_out is not None and not 0 <= options.held_out <= MAX_HELD_OUT:
        raise ConfigError(
            f"--held-out is {options.held_out:g}; it must lie between 0 and {MAX_HELD_OUT:g}.",
            hint="0.3 holds out three of ten polygons.",
        )


def _home(options: argparse.Namespace) -> Path:
    folder: Path = (options.data_dir or data_folder()).expanduser().resolve()
    return make_private_folder(folder)


def _stores(home: Path) -> tuple[RunStore, DatasetStore]:
    limits = ServerConfig(data_folder=home)
    return (
        RunStore(home / "runs", limit=limits.max_runs),
        DatasetStore(
            home / "datasets", limit=limits.max_datasets, budget_bytes=limits.dataset_budget_bytes
        ),
    )
