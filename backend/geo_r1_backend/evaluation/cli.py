"""``geo-r1 evaluate``: the shipped model on the frozen recipe, with baselines and agreement of the engines."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from geo_r1_backend.evaluation.metrics import mean
from geo_r1_backend.evaluation.recipe import PER_FAMILY, RECIPE_NAME, Question, frozen_questions
from geo_r1_backend.models.arithmetic import WAYS

if TYPE_CHECKING:
    from geo_r1_backend.evaluation.answering import Answer
    from geo_r1_backend.evaluation.scoring import Figure

FULL_AGREEMENT = 500
REPEATED = ("Acc@0.5, one object", "F1@0.5, all", "none recognised")
"""Figures of the questions that are asked again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--suite",
        choices=("generated", "real-rec", "real-ovd", "airports", "streets", "masks"),
        default="generated",
        help="the frozen recipe of generated scenes (default), questions about real photographs, or the segmenter's masks",
    )
    real = parser.add_argument_group("real suites (photographs in GEO_R1_DATA)")
    real.add_argument("--source", choices=("nwpu", "airports", "streets"), default="nwpu")
    real.add_argument("--split", choices=("test", "shots", "all"), default="test")
    real.add_argument("--every", type=int, default=1, metavar="N", help="ask each N-th question")
    whole = parser.add_argument_group("airports, streets (held-out photographs, all objects)")
    whole.add_argument(
        "--windows",
        default="auto",
        metavar="LIST",
        help="ways to look, with commas: auto (default, as the service does), view, or sides of windows in pixels",
    )
    whole.add_argument("--overlap-px", type=int, metavar="N", help="of windows (default: a fifth)")
    whole.add_argument("--fold", type=int, choices=(0, 1, 2), help="streets: one scene alone")
    parser.add_argument(
        "--per-family",
        type=int,
        default=PER_FAMILY,
        help=f"questions per family (default {PER_FAMILY})",
    )
    parser.add_argument("--model", type=Path, help="model folder (default: the embedded model)")
    parser.add_argument("--threads", type=int, help="threads of the engine")
    parser.add_argument(
        "--arithmetic", choices=WAYS, default="float32", help="how matrices are multiplied"
    )
    parser.add_argument(
        "--blind",
        type=int,
        default=140,
        help="questions asked again about a grey picture; 0 = none",
    )
    parser.add_argument(
        "--other-words",
        type=int,
        default=140,
        help="questions asked again in words that training never used; 0 = none",
    )
    parser.add_argument(
        "--agree",
        type=int,
        default=0,
        help=f"compare with torch on so many questions (needs the torch extra; {FULL_AGREEMENT} for the card)",
    )
    parser.add_argument(
        "--float-weights", type=Path, help="model.safetensors of a training run: what int8 loses"
    )
    parser.add_argument("--out", type=Path, help="write every row and figure as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Ask, score, print; returns the exit code."""
    from geo_r1_backend.engines.onnx import OnnxEngine
    from geo_r1_backend.evaluation import answering, scoring
    from geo_r1_backend.evaluation.wordings import in_other_words
    from geo_r1_backend.models.registry import embedded_folder

    if arguments.suite == "masks":
        from geo_r1_backend.evaluation.segmenting.command import run as run_masks

        return run_masks(arguments)
    folder = arguments.model or embedded_folder()
    if folder is None:
        _say("No embedded model found; name a model folder with --model.")
        return 2
    if arguments.suite in ("airports", "streets"):
        from geo_r1_backend.evaluation.real import whole_pictures

        return whole_pictures.run(arguments, folder)
    if arguments.suite != "generated":
        from geo_r1_backend.evaluation.real.command import run_real

        return run_real(arguments, folder)
    questions = _questions(arguments.per_family)
    engine = OnnxEngine(folder, arguments.threads, arguments.arithmetic)
    started = time.monotonic()
    answers = list(_counted(answering.answer_by_engine(engine, questions), len(questions)))
    took_s = time.monotonic() - started
    rows = [scoring.score(q, a) for q, a in zip(questions, answers, strict=True)]
    figures = scoring.summarise(rows)
    again: list[Figure] = []
    for name, changed in (
        ("grey picture", answering.blinded(questions[: arguments.blind])),
        ("other people's words", in_other_words(questions[: arguments.other_words])),
    ):
        seen = [
            scoring.score(q, a)
            for q, a in zip(changed, answering.answer_by_engine(engine, changed), strict=True)
        ]
        again += [
            replace(f, name=f"{name}: {f.name}")
            for f in scoring.summarise(seen)
            if f.name in REPEATED
        ]
    engine.close()
    _out(
        f"\n{folder.name}, recipe {RECIPE_NAME}, {len(rows)} questions, onnx ({arguments.arithmetic}) on {platform.processor() or platform.machine()},"
        f" {took_s / max(1, len(rows)):.2f} s per question (median {_median([a.total_ms for a in answers]):.0f} ms)"
    )
    _out(_table(figures))
    for figure in again:
        _out(_line(figure, figure.name))
    name, value = scoring.worst_family(rows)
    _out(f"worst one-object family: {name}, {100 * value:.1f} %")
    shared = (
        {"agreement": _agreement(folder, questions, answers, arguments.agree)}
        if arguments.agree
        else {}
    )
    if arguments.float_weights:
        loose = answering.answer_by_reference(
            folder, questions, float_weights=arguments.float_weights
        )
        float_rows = [scoring.score(q, a) for q, a in zip(questions, loose, strict=True)]
        for ours, theirs in zip(figures[:5], scoring.summarise(float_rows)[:5], strict=True):
            _out(
                f"int8 - float: {ours.name:<44}{100 * (ours.value - theirs.value):+.1f} points (float {100 * theirs.value:.1f})"
            )
    if arguments.out:
        document = {
            "recipe": RECIPE_NAME,
            "model": folder.name,
            "arithmetic": arguments.arithmetic,
            "seconds": took_s,
            **shared,
            "figures": [asdict(f) for f in figures],
            "again": [asdict(f) for f in again],
            "rows": [asdict(r) for r in rows],
        }
        arguments.out.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def _questions(per_family: int) -> list[Question]:
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    data = os.environ.get("GEO_R1_DATA")
    tiles = Path(data, "naip-backgrounds") if data else None
    if tiles is None or not tiles.is_dir():
        _say(
            "GEO_R1_DATA does not name a folder with naip-backgrounds/: only the half on generated ground is asked."
        )
        return list(frozen_questions(None, per_family))
    return list(frozen_questions(RealBackgrounds(tiles, evaluation=True), per_family))


def _agreement(folder: Path, questions: list[Question], answers: list[Answer], count: int) -> float:
    from geo_r1_backend.evaluation import answering, scoring

    share = scoring.agreement(
        answers[:count], answering.answer_by_reference(folder, questions[:count])
    )
    _out(
        f"torch and onnx agree within 1 px on {100 * share:.1f} % of {len(questions[:count])} questions"
    )
    return share


def _counted(answers: Iterable[Answer], total: int) -> Iterator[Answer]:
    """The answers, counted on a terminal."""
    for done, answer in enumerate(answers, 1):
        if sys.stderr.isatty() and (done % 10 == 0 or done == total):
            sys.stderr.write(f"\r{done} of {total}")
        yield answer


def _table(figures: list[Figure]) -> str:
    return "\n".join(_line(figure, figure.name) for figure in figures)


def _line(figure: Figure, name: str) -> str:
    return f"{name:<52}{100 * figure.value:6.1f}  [{100 * figure.low:5.1f}, {100 * figure.high:5.1f}]  n={figure.count}"


def _median(values: list[float]) -> float:
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else mean(values)


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
