"""`gpu_engine.py --only handover`: the embedded model's service engine from its start on, a question every 0.3 s: who answers when, and how long it takes.

Twice over one folder of figures: as on a machine that has never measured, and as at every later start.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from engine_embedded import ASKED, NANO, drawn

from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.engines.embedded import start_embedded
from geo_r1_backend.engines.quickest import short_question
from geo_r1_backend.models.registry import ModelFolder, describe

LONGEST_S = 120.0
EVERY_S = 0.3
AFTER = 10
MANY = 64


def handover_rows() -> dict[str, Any]:
    """Rows of a first and a second start."""
    model = describe(NANO)
    if model is None:
        raise FileNotFoundError(NANO)
    with tempfile.TemporaryDirectory() as place:
        return {name: _one_start(model, Path(place)) for name in ("first_start", "second_start")}


def _one_start(model: ModelFolder, kept: Path) -> dict[str, Any]:
    began = time.perf_counter()
    engine, _ = start_embedded(model, threads=None, arithmetic="float32", device="auto", kept=kept)
    start_s = time.perf_counter() - began
    try:
        asked = _asked(engine, began)
        later = [row for row in asked if row[1] != asked[0][1]]
        found = {
            "start_s": round(start_s, 2),
            "first_answer_s": round(asked[0][0] + asked[0][2], 2),
            "first": _summary([row for row in asked if row[1] == asked[0][1]]),
            "then": _summary(later) if later else "the first goes on",
            "chosen": engine.status().facts.get("chosen", ""),
            "tiles_per_s": [round(MANY / _batch(engine, 1000 * n), 1) for n in (1, 2)],
        }
        began = time.perf_counter()
    finally:
        engine.close()
    found["close_s"] = round(time.perf_counter() - began, 2)
    print(found, flush=True)
    return found


def _asked(engine: Engine, began: float) -> list[tuple[float, str, float]]:
    """When it was asked, who answered, and seconds; until another one has answered a few times or none will."""
    ask, rows, changed = short_question(NANO), list[tuple[float, str, float]](), 0
    while time.perf_counter() - began < LONGEST_S and changed < AFTER:
        status, at_s = engine.status(), time.perf_counter() - began
        rows.append((at_s, f"{status.name} on {status.device}", ask(engine)))
        changed += rows[-1][1] != rows[0][1]
        if "soon" not in status.facts and not changed:
            break
        time.sleep(EVERY_S)
    return rows


def _summary(rows: list[tuple[float, str, float]]) -> dict[str, Any]:
    times = [1e3 * seconds for _, _, seconds in rows]
    return {
        "way": rows[0][1],
        "from_s": round(rows[0][0], 1),
        "questions": len(rows),
        "median_ms": round(statistics.median(times), 1),
        "longest_ms": round(max(times), 1),
    }


def _batch(engine: Engine, start: int) -> float:
    """Seconds of 64 tiles at once."""
    items = [EngineItem(drawn(start + n), ASKED[n % len(ASKED)]) for n in range(MANY)]
    began = time.perf_counter()
    for _ in engine.generate(items, GenerationOptions(max_new_tokens=160), lambda: False):
        pass
    return time.perf_counter() - began
