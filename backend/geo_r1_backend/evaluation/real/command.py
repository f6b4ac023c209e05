"""`geo-r1 evaluate --suite real-rec | real-ovd`: ask the model about real photographs and print the figures."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation import scoring
from geo_r1_backend.evaluation.answering import answer_by_engine
from geo_r1_backend.evaluation.real.figures import ovd_figures, rec_figures
from geo_r1_backend.evaluation.real.suites import SEED, real_questions


def run_real(arguments: argparse.Namespace, folder: Path) -> int:
    """Ask, score, print; returns the exit code.

    Raises:
        ConfigError: if GEO_R1_DATA names no folder, or a file of the set is missing.
    """
    from geo_r1_backend.engines.onnx import OnnxEngine

    data = os.environ.get("GEO_R1_DATA", "")
    if not data:
        raise ConfigError(
            "GEO_R1_DATA is not set; the real suites need the photographs.",
            hint="Set it to the folder that holds nwpu-vhr10/, aerial-airport/ or kit-ais-cars/.",
        )
    asked = real_questions(arguments.suite, arguments.source, Path(data), split=arguments.split)
    asked = asked[:: arguments.every]
    engine = OnnxEngine(folder, arguments.threads, arguments.arithmetic)
    began_s = time.monotonic()
    rows = []
    questions = [real.question for real in asked]
    for real, answer in zip(asked, answer_by_engine(engine, questions), strict=True):
        rows.append((real.group, scoring.score(real.question, answer)))
        if sys.stderr.isatty() and len(rows) % 10 == 0:
            sys.stderr.write(f"\r{len(rows)} of {len(asked)}")
    engine.close()
    figures = rec_figures(rows) if arguments.suite == "real-rec" else ovd_figures(rows)
    took_s = time.monotonic() - began_s
    _out(
        f"\n{folder.name}, {arguments.suite} on {arguments.source} ({arguments.split}, seed {SEED}), {len(rows)}"
        f" questions about {len({group for group, _ in rows})} places, onnx ({arguments.arithmetic}), {took_s:.0f} s"
    )
    for figure in figures:
        _out(
            f"{figure.name:<44}{100 * figure.value:6.1f}  [{100 * figure.low:5.1f}, {100 * figure.high:5.1f}]  n={figure.count}"
        )
    if arguments.out:
        document = {
            "suite": arguments.suite,
            "source": arguments.source,
            "split": arguments.split,
            "seed": SEED,
            "model": folder.name,
            "figures": [asdict(figure) for figure in figures],
            "rows": [{"group": group, **asdict(row)} for group, row in rows],
        }
        arguments.out.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
