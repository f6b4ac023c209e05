"""`geo-r1 evaluate --suite real-rec | real-ovd`: ask the model about real photographs and print the figures."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from pathlib import Path

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation import scoring
from geo_r1_backend.evaluation.answering import answer_by_engine
from geo_r1_backend.evaluation.frozen import SAME_COORDINATES
from geo_r1_backend.evaluation.real.figures import ovd_figures, rec_figures
from geo_r1_backend.evaluation.real.suites import SEED, real_questions
from geo_r1_backend.evaluation.real.ways import read_ways
from geo_r1_backend.evaluation.report.content import Report, case_of_question
from geo_r1_backend.evaluation.report.page import write_report
from geo_r1_backend.evaluation.running import counted, facts, line, out, start_engine, write_json

SPLITS = ("test", "shots", "all")


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Ask, score, print; returns the exit code.

    Raises:
        ConfigError: if GEO_R1_DATA names no folder, or a file of the set is missing.
    """
    data = os.environ.get("GEO_R1_DATA", "")
    if not data:
        raise ConfigError(
            "GEO_R1_DATA is not set; the real suites need the photographs.",
            hint="Set it to the folder that holds nwpu-vhr10/, aerial-airport/ or kit-ais-cars/.",
        )
    split = arguments.split or SPLITS[0]
    if split not in SPLITS:
        raise ConfigError(
            f"--split {split}: the real suites have {', '.join(SPLITS)}.",
            hint="Choose one of them.",
        )
    ways = read_ways(arguments.windows, arguments.overlap_px)
    if len(ways) != 1:
        raise ConfigError(
            f"--windows {arguments.windows}: {arguments.suite} is asked in one way.",
            hint="Give one of auto, view, or a side in pixels, and run it once for each.",
        )
    asked = real_questions(arguments.suite, arguments.source, Path(data), split=split)
    asked = asked[:: arguments.every][: arguments.limit]
    engine = start_engine(arguments, folder)
    status = engine.status()
    began_s = time.monotonic()
    questions = [real.question for real in asked]
    said = answer_by_engine(
        engine, questions, think=not arguments.no_think, seed=arguments.seed, way=ways[0]
    )
    answers = list(counted(said, len(asked)))
    engine.close()
    rows = [(r.group, scoring.score(r.question, a)) for r, a in zip(asked, answers, strict=True)]
    figures = rec_figures(rows) if arguments.suite == "real-rec" else ovd_figures(rows)
    took_s = time.monotonic() - began_s
    places = len({group for group, _ in rows})
    about = {
        **facts(
            arguments,
            status,
            engine.profile.id,
            questions=len(rows),
            pictures=places,
            took_s=took_s,
        ),
        "looked at": ways[0].name,
        "source": f"{arguments.source}, split {split}, seed of the questions {SEED}",
        "coordinates": SAME_COORDINATES,
    }
    out(
        f"\n{folder.name}, {arguments.suite} on {arguments.source} ({split}, seed {SEED}), {len(rows)}"
        f" questions about {places} places, {about['engine'].split()[0]} ({arguments.arithmetic}), {took_s:.0f} s"
    )
    for figure in figures:
        out(line(figure, width=44))
    if arguments.out:
        document = {
            "suite": arguments.suite,
            "source": arguments.source,
            "split": split,
            "seed": SEED,
            "model": folder.name,
            "facts": about,
            "rows": [{"group": group, **asdict(row)} for group, row in rows],
        }
        write_json(arguments.out, document, figures)
    if arguments.report:
        cases = [
            case_of_question(r.question, a, r.group) for r, a in zip(asked, answers, strict=True)
        ]
        title = f"Real photographs ({arguments.source}): {engine.profile.title}"
        write_report(arguments.report, Report(title, about, figures, cases))
        out(f"report: {arguments.report}")
    return 0
