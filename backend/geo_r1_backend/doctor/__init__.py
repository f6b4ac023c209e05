"""`geo-r1 doctor`: an image with a known answer through every step, on this machine; says which step is broken.

Each step needs the ones before it, so the first failure is the cause; what follows is not tried.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from geo_r1_backend.doctor.steps import Examination, StepFailed, steps_for
from geo_r1_backend.errors import GeoR1Error

Say = Callable[[str], None]


@dataclass(frozen=True)
class StepReport:
    """One line of `geo-r1 doctor --json`; programs ignore fields that they do not know."""

    event: Literal["plan", "begin", "ok", "broken", "end"]
    step: str = ""
    found: str = ""
    """What the step saw, or what is wrong with it."""
    hint: str = ""
    took_ms: float = 0.0
    steps: list[str] = field(default_factory=list)
    """`plan`: all steps in order; `end`: those that were not tried."""
    well: bool = True
    """`end`: whether nothing is broken."""


def examine(
    say: Say,
    *,
    data_folder: Path,
    model: str | None = None,
    threads: int | None = None,
    as_json: bool = False,
) -> int:
    """Go through all steps and say each as it happens; 0 = all is well, 1 = one is broken.

    Args:
        say: takes lines, of text or (`as_json`) of JSON, one `StepReport` each.
        data_folder: of the service, for its models.
        model: id of the model to try; None = the default one.
        threads: of the engine.
        as_json: for programs.
    """
    tell = _as_json(say) if as_json else _as_text(say)
    state = Examination(data_folder, model, threads)
    steps = steps_for(state)
    names = [name for name, _ in steps]
    tell(StepReport("plan", steps=names))
    try:
        for index, (name, step) in enumerate(steps):
            tell(StepReport("begin", name))
            began_s = time.perf_counter()
            found, hint = "", ""
            try:
                found = step(state)
            except GeoR1Error as error:
                failure, hint = error.message, error.hint
            except StepFailed as error:
                failure = str(error)
            except Exception as error:  # border: whatever it is, the step is known
                failure = f"{type(error).__name__}: {error}"
            else:
                failure = ""
            took_ms = (time.perf_counter() - began_s) * 1000.0
            if failure:
                tell(StepReport("broken", name, failure, hint, took_ms, well=False))
                tell(StepReport("end", steps=names[index + 1 :], well=False))
                return 1
            tell(StepReport("ok", name, found, took_ms=took_ms))
    finally:
        if state.engine is not None:
            state.engine.close()
    tell(StepReport("end"))
    return 0


def _as_json(say: Say) -> Callable[[StepReport], None]:
    def tell(report: StepReport) -> None:
        line = asdict(report)
        line["took_ms"] = round(report.took_ms, 1)
        say(json.dumps(line, ensure_ascii=False))

    return tell


def _as_text(say: Say) -> Callable[[StepReport], None]:
    def tell(report: StepReport) -> None:
        if report.event == "ok":
            say(f"ok      {report.step:<10} {report.found} ({report.took_ms:.0f} ms)")
        elif report.event == "broken":
            say(f"BROKEN  {report.step:<10} {report.found}")
            if report.hint:
                say(f"        {'':<10} {report.hint}")
        elif report.event == "end" and report.steps:
            say(f"        not tried: {', '.join(report.steps)}")
        elif report.event == "end" and report.well:
            say("All is well.")

    return tell
