"""What all suites share when they run: the engine, where files may go, the facts beside every figure, and lines on the terminal."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from geo_r1_backend.engines.base import Engine, EngineStatus
from geo_r1_backend.errors import ConfigError, ModelFailed

if TYPE_CHECKING:
    from geo_r1_backend.evaluation.figure import Figure
    from geo_r1_backend.grounding.masks import FindSegmenter

T = TypeVar("T")
SEGMENTER_THREADS = 2


def start_engine(arguments: argparse.Namespace, folder: Path) -> Engine:
    """The engine of a model folder: ONNX graphs, or transformers with torch.

    Raises:
        ModelFailed: if the folder holds no model that can be run here.
    """
    from geo_r1_backend.engines.select import load_engine
    from geo_r1_backend.models.registry import describe

    model = describe(folder)
    if model is None:
        raise ModelFailed(model=folder.name, reason=f"there is no config.json in {folder}")
    engine, _ = load_engine(model, threads=arguments.threads, arithmetic=arguments.arithmetic)
    return engine


def start_segmenter(arguments: argparse.Namespace) -> FindSegmenter:
    """Gives the segmenter, started when the first mask is due: the folder of --segmenter, or the embedded one."""
    from geo_r1_backend.engines.segmenter import load_segmenter
    from geo_r1_backend.grounding.masks import no_segmenter
    from geo_r1_backend.models.registry import embedded_segmenter_folder

    folder = arguments.segmenter or embedded_segmenter_folder()
    if folder is None:
        return no_segmenter
    return cache(lambda: load_segmenter(folder, arguments.threads or SEGMENTER_THREADS))


def check_targets(arguments: argparse.Namespace) -> None:
    """Refuse what could not be written, before a model is asked for an hour.

    Raises:
        ConfigError: naming the folder that is not there.
    """
    for option, path in (("--out", arguments.out), ("--report", arguments.report)):
        if path is not None and not path.resolve().parent.is_dir():
            raise ConfigError(
                f"{option}: the folder {path.resolve().parent} does not exist.", hint="Make it."
            )
        if path is not None and path.is_dir():
            raise ConfigError(f"{option}: {path} is a folder.", hint="Name a file in it.")


def facts(
    arguments: argparse.Namespace,
    status: EngineStatus,
    model_id: str,
    *,
    questions: int,
    pictures: int,
    took_s: float,
) -> dict[str, str]:
    """What every result carries, in words; the status as it was while the engine ran."""
    precision = status.facts.get("precision", arguments.arithmetic)
    return {
        "suite": arguments.suite,
        "model": model_id,
        "engine": f"{status.name} on {status.device} ({precision})",
        "machine": platform.processor() or platform.machine(),
        "reasoning": "no think" if arguments.no_think else "think",
        "seed": str(arguments.seed),
        "questions": f"{questions} about {pictures} pictures",
        "intervals": "95 %, bootstrap over pictures",
        "time": f"{took_s:.0f} s, {took_s / max(1, questions):.2f} s a question",
    }


def counted(answers: Iterable[T], total: int) -> Iterator[T]:
    """The answers, counted on a terminal."""
    for done, answer in enumerate(answers, 1):
        if sys.stderr.isatty() and (done % 10 == 0 or done == total):
            sys.stderr.write(f"\r{done} of {total}")
        yield answer


def line(figure: Figure, other: Figure | None = None, width: int = 52) -> str:
    """One row of a table, with the same figure under another protocol beside it."""
    text = f"{figure.name:<{width}}{100 * figure.value:6.1f}  [{100 * figure.low:5.1f}, {100 * figure.high:5.1f}]"
    if other is not None:
        text += f"  {100 * other.value:6.1f}  [{100 * other.low:5.1f}, {100 * other.high:5.1f}]"
    return f"{text}  n={figure.count}"


def write_json(path: Path, document: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Facts, figures and rows for programs."""
    whole = {**document, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(whole, indent=1), encoding="utf-8")


def out(text: str) -> None:
    """A line for whoever started the command."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line beside the result."""
    sys.stderr.write(text + "\n")
