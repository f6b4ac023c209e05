"""`geo-r1 evaluate`: the model on the frozen recipe, with baselines and agreement of the engines."""

from __future__ import annotations

import argparse
import os
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path

from geo_r1_backend.evaluation import answering, scoring
from geo_r1_backend.evaluation.answering import Answer
from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.evaluation.metrics import mean
from geo_r1_backend.evaluation.recipe import RECIPE_NAME, Question, frozen_questions
from geo_r1_backend.evaluation.report.content import Report, case_of_question
from geo_r1_backend.evaluation.report.page import write_report
from geo_r1_backend.evaluation.running import (
    counted,
    facts,
    line,
    out,
    say,
    start_engine,
    write_json,
)
from geo_r1_backend.evaluation.wordings import in_other_words

REPEATED = ("Acc@0.5, one object", "F1@0.5, all", "none recognised")
"""Figures of the questions that are asked again."""
SAME_COORDINATES = "views have the size that the model sees: rescaled and paper-style are the same"


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Ask, score, print; returns the exit code."""
    questions = _questions(arguments.per_family)[:: arguments.every][: arguments.limit]
    engine = start_engine(arguments, folder)
    status = engine.status()
    think = not arguments.no_think
    started = time.monotonic()
    answers = list(
        counted(
            answering.answer_by_engine(engine, questions, think=think, seed=arguments.seed),
            len(questions),
        )
    )
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
            for q, a in zip(
                changed,
                answering.answer_by_engine(engine, changed, think=think, seed=arguments.seed),
                strict=True,
            )
        ]
        again += [
            replace(f, name=f"{name}: {f.name}")
            for f in scoring.summarise(seen)
            if f.name in REPEATED
        ]
    engine.close()
    about = {
        **facts(
            arguments,
            status,
            engine.profile.id,
            questions=len(rows),
            pictures=len(rows),
            took_s=took_s,
        ),
        "recipe": RECIPE_NAME,
        "coordinates": SAME_COORDINATES,
    }
    out(
        f"\n{folder.name}, recipe {RECIPE_NAME}, {len(rows)} questions, {about['engine'].split()[0]} ({arguments.arithmetic}) on {platform.processor() or platform.machine()},"
        f" {took_s / max(1, len(rows)):.2f} s per question (median {_median([a.total_ms for a in answers]):.0f} ms)"
    )
    for figure in figures:
        out(line(figure))
    for figure in again:
        out(line(figure))
    name, value = scoring.worst_family(rows)
    out(f"worst one-object family: {name}, {100 * value:.1f} %")
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
            out(
                f"int8 - float: {ours.name:<44}{100 * (ours.value - theirs.value):+.1f} points (float {100 * theirs.value:.1f})"
            )
    if arguments.out:
        document = {
            "recipe": RECIPE_NAME,
            "model": folder.name,
            "arithmetic": arguments.arithmetic,
            "seconds": took_s,
            "facts": about,
            **shared,
            "again": [asdict(f) for f in again],
            "rows": [asdict(r) for r in rows],
        }
        write_json(arguments.out, document, figures)
    if arguments.report:
        cases = [
            case_of_question(q, a, str(q.seed)) for q, a in zip(questions, answers, strict=True)
        ]
        report = Report(f"Frozen recipe: {engine.profile.title}", about, [*figures, *again], cases)
        write_report(arguments.report, report)
        out(f"report: {arguments.report}")
    return 0


def _questions(per_family: int) -> list[Question]:
    from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

    data = os.environ.get("GEO_R1_DATA")
    tiles = Path(data, "naip-backgrounds") if data else None
    if tiles is None or not tiles.is_dir():
        say(
            "GEO_R1_DATA does not name a folder with naip-backgrounds/: only the half on generated ground is asked."
        )
        return list(frozen_questions(None, per_family))
    return list(frozen_questions(RealBackgrounds(tiles, evaluation=True), per_family))


def _agreement(folder: Path, questions: list[Question], answers: list[Answer], count: int) -> float:
    share = scoring.agreement(
        answers[:count], answering.answer_by_reference(folder, questions[:count])
    )
    out(
        f"torch and onnx agree within 1 px on {100 * share:.1f} % of {len(questions[:count])} questions"
    )
    return share


def _median(values: list[float]) -> float:
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else mean(values)
