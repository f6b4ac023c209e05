"""`make bench-cpu`: how fast the embedded model answers on this CPU, beside its peers, in one run.

    .venv/bin/python scripts/bench/cpu.py [--one N] [--all N] [--starts N] [--dock N] [--threads N] [--out FILE]

Every question goes to all columns in turn before the next one is asked, so that whatever else the machine does hits all
alike. Prints a table in Markdown; every single time is in the JSON file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(Path(__file__).resolve().parent))

from columns import COLUMNS, GENERATE, OWN_LOOP, load_columns  # noqa: E402
from PIL import Image  # noqa: E402
from service import measure_service  # noqa: E402
from table import table  # noqa: E402

from geo_r1_backend.engines.onnx_model import usable_cores  # noqa: E402
from geo_r1_backend.evaluation.answering import Answer  # noqa: E402
from geo_r1_backend.evaluation.recipe import ONE_OBJECT, RECIPE_NAME, Question, frozen_questions  # noqa: E402
from geo_r1_backend.evaluation.scoring import agreement, score  # noqa: E402
from geo_r1_backend.grounding.ground import GroundOptions, ground  # noqa: E402
from geo_r1_backend.grounding.ground import Question as Asked  # noqa: E402
from geo_r1_backend.models.registry import embedded_folder  # noqa: E402
from geo_r1_backend.wire import ResultEvent  # noqa: E402

QGIS_PYTHON = ROOT / ".venv-qgis" / "bin" / "python"
COMMAND = ROOT / ".venv" / "bin" / "geo-r1"
PICTURE = ROOT / "resources" / "demo" / "tank-farm.png"
QUERY = "the largest storage tank"
DOCK_LIMIT_S = 300


def main() -> None:
    """Measure everything, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, default=30, help="one-object questions")
    parser.add_argument("--all", type=int, default=20, help="questions for all objects of a kind")
    parser.add_argument("--starts", type=int, default=5, help="starts of the service")
    parser.add_argument("--views", type=int, default=20, help="views asked about over HTTP")
    parser.add_argument("--dock", type=int, default=10, help="views asked about in QGIS; 0 = none")
    parser.add_argument("--threads", type=int, default=min(usable_cores(), 4))
    parser.add_argument("--seed", type=int, default=0, help="order of the questions")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "cpu.json")
    given = parser.parse_args()
    folder = embedded_folder()
    if folder is None:
        sys.exit("The embedded model is not in this clone.")
    found: dict[str, Any] = {"machine": machine(given.threads, given.seed)}
    picture = Image.open(PICTURE).convert("RGB")
    found["service"] = {
        name: measure_service(name, given.threads, given.starts, picture, QUERY, given.views)
        for name in ("float32", "int8")
    }
    if given.dock:
        found["dock"] = measure_dock(given.dock)
    found["questions"] = ask_all(folder, given)
    found["machine"]["load_after"] = list(os.getloadavg())
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(table(found))
    print(f"\nEvery single time: {given.out}")


def machine(threads: int, seed: int) -> dict[str, Any]:
    """What the figures were measured on."""
    names = ("onnxruntime", "torch", "transformers", "numpy", "tokenizers")
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        cpu = next(lines, f": {cpu}").split(":", 1)[1].strip()
    return {
        "cpu": cpu,
        "cores": usable_cores(),
        "threads": threads,
        "seed": seed,
        "recipe": RECIPE_NAME,
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in names},
        "load_before": list(os.getloadavg()),
    }


def ask_all(folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Every question to every column, A B C D E, A B C D E, …."""
    engines = load_columns(folder, given.threads)
    first, *questions = chosen_questions(given.one + 1, given.all, given.seed)
    for engine in engines.values():  # the first question of an engine makes its buffers
        ask(engine, first, GroundOptions())
    rows = []
    for question in questions:
        row: dict[str, Any] = {"family": question.family, "seed": question.seed, "columns": {}}
        answers: dict[str, Answer] = {}
        for name in COLUMNS:
            engine = engines[name]
            seconds, answer, result = ask(engine, question, GroundOptions())
            answers[name] = answer
            row["columns"][name] = {
                "seconds": seconds,
                "first_token_s": first_token(engine, name, question, result),
                "tokens": answer.tokens,
                "objects": len(answer.boxes_px),
                "right": score(question, answer).right,
            }
            if name not in (OWN_LOOP, GENERATE):  # these keep nothing of a picture
                row["columns"][name]["again_seconds"] = ask(engine, question, GroundOptions())[0]
        for name in COLUMNS:
            same = agreement([answers[OWN_LOOP]], [answers[name]]) == 1.0
            row["columns"][name]["same_boxes"] = same
        rows.append(row)
    for engine in engines.values():
        engine.close()
    return rows


def chosen_questions(one: int, every: int, seed: int) -> list[Question]:
    """Questions of the frozen recipe on generated ground (they need no data beside the clone), one of one object first."""
    per_family = max(one, every) * 2  # the other half of the recipe lies on photographs
    kinds = {"one": one, "all": every}
    found: list[Question] = []
    for question in frozen_questions(None, per_family):
        kind = "one" if question.family in ONE_OBJECT else question.family
        if kinds.get(kind, 0) > 0:
            kinds[kind] -= 1
            found.append(question)
        if not any(kinds.values()):
            break
    first = next(question for question in found if question.family in ONE_OBJECT)
    found.remove(first)
    random.Random(seed).shuffle(found)  # noqa: S311 - an order
    return [first, *found]


def ask(
    engine: Any, question: Question, options: GroundOptions
) -> tuple[float, Answer, ResultEvent]:
    """Seconds from the question to its result, and both forms of the answer."""
    image = Image.fromarray(question.scene.image)
    expression = question.expression
    asked = Asked("a", expression.task, expression.query, lambda: image)
    began_s = time.perf_counter()
    last = list(ground([asked], engine, options, lambda: False))[-1]
    seconds = time.perf_counter() - began_s
    if not isinstance(last, ResultEvent):
        raise TypeError(f"no answer: {last}")
    boxes = tuple((d.box_px[0], d.box_px[1], d.box_px[2], d.box_px[3]) for d in last.detections)
    answer = Answer(boxes, last.outcome == "none", last.outcome, last.timings.tokens)
    return seconds, answer, last


def first_token(engine: Any, name: str, question: Question, result: ResultEvent) -> float:
    """Seconds to the first token; the own loop says nothing before its end, so it is asked for one token."""
    if name == OWN_LOOP:
        return ask(engine, question, replace(GroundOptions(), max_new_tokens=1))[0]
    if name == GENERATE:
        return engine.first_token_s + result.timings.preprocess_ms / 1000
    return result.timings.first_token_ms / 1000


def measure_dock(questions: int) -> dict[str, Any]:
    """`dock.py` in QGIS's Python, with a home and a service of its own."""
    if not QGIS_PYTHON.exists() or not COMMAND.exists():
        sys.exit(f"{QGIS_PYTHON} or {COMMAND} is missing: run “make setup”, or use --dock 0.")
    with tempfile.TemporaryDirectory(prefix="geo-r1-bench-") as home:
        out = Path(home) / "dock.json"
        environment = {
            **os.environ,
            "HOME": home,
            "XDG_RUNTIME_DIR": home,
            "GEO_R1_HOME": f"{home}/geo-r1",
            "GEO_R1_COMMAND": str(COMMAND),
            "QT_QPA_PLATFORM": "offscreen",
        }
        try:
            subprocess.run(
                [QGIS_PYTHON, Path(__file__).with_name("dock.py"), out, str(questions)],
                env=environment,
                check=True,
                timeout=DOCK_LIMIT_S,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return dict(json.loads(out.read_text()))
        finally:
            server = Path(home) / "geo-r1" / "server.json"
            if server.exists():
                os.kill(json.loads(server.read_text())["pid"], 15)
                until_s = time.monotonic() + 10
                while server.exists() and time.monotonic() < until_s:
                    time.sleep(0.05)


if __name__ == "__main__":
    main()
