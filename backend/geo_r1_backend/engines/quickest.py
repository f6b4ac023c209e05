"""Which way of running the embedded model answers soonest here: onnxruntime on the processor, onnxruntime on a GPU, torch on the same GPU.

Where there is no GPU nothing is tried and nothing costs time. Where there is one, onnxruntime's ways are asked a few short questions when
the model is first loaded (three seconds). Torch takes long to start: it is started, and measured where nothing is known of it, in the background
(`handover.py`). What was measured is kept, so the next start knows the quickest.
"""

from __future__ import annotations

import logging
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from geo_r1_backend.engines.base import Engine
from geo_r1_backend.engines.ways import ON_CPU, Measured, Way

log = logging.getLogger(__name__)

BUDGET_S = 2.0
"""For questions of all ways that are measured while the model is loaded; the one that is under way is finished."""
QUESTIONS = 3
TOKENS = 32


class Chosen(Engine, Protocol):
    """An engine that can say beside which others it was chosen."""

    chosen: str


class Check(Protocol):
    """Whether a way's answers are right: `same_boxes.SameBoxes`."""

    def remember(self, engine: Engine) -> None:
        """Take the processor's answers."""

    def fault(self, engine: Engine) -> str:
        """Why an engine's are not right; empty = they are."""


class NotRightError(RuntimeError):
    """A way answers something else than the processor."""


Start = Callable[[Way], Chosen]
Ask = Callable[[Engine], float]


def quickest(
    ways: Sequence[Way],
    measured: Measured,
    start: Start,
    ask: Ask,
    *,
    check: Check | None = None,
    later: Sequence[Way] = (),
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Chosen, Way]:
    """The engine that should answer now, running.

    Args:
        ways: the first is the one that always works.
        measured: what is known; what is found out is added and kept.
        start: starts an engine.
        ask: seconds of one short question about a new picture.
        check: of the answers; a way whose answers are not right has failed, however quick it is.
        later: of the ways, those that take too long to start: `start_later` is for them.
        clock: seconds.

    Raises:
        GeoR1Error: of the first way, if none starts.
    """
    running: dict[Way, Chosen] = {}
    unknown = [way for way in ways if way.engine == "onnx" and not measured.knows(way)]
    if len(ways) > 1 and unknown:
        until = clock() + BUDGET_S
        for way in (one for one in ways if one.engine == "onnx"):
            _try(way, measured, running, start, ask, lambda: clock() < until, check)
        measured.write()
    chosen: tuple[Chosen, Way] | None = None
    for way in measured.best([way for way in ways if way not in later]):
        try:
            chosen = (running.pop(way) if way in running else start(way)), way
            break
        except Exception as error:  # border: other people's code on a driver
            if way == ways[0]:
                raise
            measured.seconds.pop(way.name, None)
            measured.failed[way.name] = _reason(error)
            measured.write()
    for engine in running.values():
        engine.close()
    if chosen is None:
        raise RuntimeError("the first way is always among the best")
    return chosen


def _try(
    way: Way,
    measured: Measured,
    running: dict[Way, Chosen],
    start: Start,
    ask: Ask,
    go_on: Callable[[], bool],
    check: Check | None,
) -> None:
    """Start a way, see whether it is right and time it; why it failed is noted."""
    with _noted(way, measured, running):
        engine = running[way] = start(way)
        ask(engine)  # plans and kernels are made
        times: list[float] = []
        while len(times) < QUESTIONS and (go_on() or not times):
            times.append(ask(engine))
        if check is not None and way == ON_CPU:
            check.remember(engine)
        elif check is not None and (why := check.fault(engine)):
            raise NotRightError(why)
        measured.seconds[way.name] = statistics.median(times)
        measured.failed.pop(way.name, None)


@contextmanager
def _noted(way: Way, measured: Measured, running: dict[Way, Chosen]) -> Iterator[None]:
    """Why a way fails is noted, and what of it runs is closed."""
    try:
        yield
    except Exception as error:  # border: other people's code on a driver
        measured.failed[way.name] = _reason(error)
        measured.seconds.pop(way.name, None)
        gone = running.pop(way, None)
        if gone is not None:
            gone.close()


def start_later(
    way: Way,
    ways: Sequence[Way],
    measured: Measured,
    start: Start,
    ask: Ask,
    should_stop: Callable[[], bool],
    *,
    check: Check | None = None,
) -> Chosen | None:
    """A way that takes long to start, running, while another one answers; None if it is not the one to take.

    Args:
        way: the one; where it is not known yet it is measured, and what is found out is kept.
        ways: all of them, the one that always works first.
        measured: what is known.
        start: starts an engine, or raises soon after ``should_stop`` became true.
        ask: seconds of one short question about a new picture.
        should_stop: whether it is not wanted any more; then nothing is noted.
        check: of the answers.
    """
    running: dict[Way, Chosen] = {}
    trial = Measured(None, measured.about)
    is_known = measured.knows(way)
    if is_known:
        with _noted(way, trial, running):
            ask(running.setdefault(way, start(way)))  # plans and kernels are made
    else:
        _try(way, trial, running, start, ask, lambda: not should_stop(), check)
    if not should_stop():
        measured.failed.update(trial.failed)  # a card that is full today may have room tomorrow
        if not is_known:
            measured.seconds.update(trial.seconds)
            measured.write()
        log.info("%s", measured.words)
    engine = running.pop(way, None)
    if engine is None or should_stop() or measured.best(ways)[0] != way:
        if engine is not None:
            engine.close()
        return None
    return engine


def stock_folder(folder: Path, place: Path) -> Path:
    """The model as torch reads it, made once: its weights in float32, some 120 MB."""
    # deferred: only where torch runs it
    from geo_r1_backend.models.export import export_stock_folder

    if not (place / "config.json").is_file():
        making = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        making.parent.mkdir(parents=True, exist_ok=True)
        export_stock_folder(folder, making, dtype="float32")
        shutil.rmtree(place, ignore_errors=True)
        making.rename(place)
    return place


def short_question(folder: Path) -> Ask:
    """Asks an engine about a picture that it has not seen, and says how long it took."""
    # deferred: only where something is measured
    import numpy as np
    from PIL import Image

    from geo_r1_backend.engines.base import EngineItem, GenerationOptions
    from geo_r1_backend.engines.prompts import prompt_for

    shown = folder / "doctor.png"
    if shown.is_file():
        with Image.open(shown) as opened:
            pixels = np.asarray(opened.convert("RGB").resize((448, 448)))
    else:
        pixels = np.full((448, 448, 3), 120, np.uint8)
    asked = [0]

    def ask(engine: Engine) -> float:
        asked[0] += 1
        picture = Image.fromarray(np.roll(pixels, 3 * asked[0], 1))
        item = EngineItem(picture, prompt_for("rec", "the largest building", think=True))
        began = time.perf_counter()
        for _ in engine.generate([item], GenerationOptions(max_new_tokens=TOKENS), lambda: False):
            pass
        return time.perf_counter() - began

    return ask


def _reason(error: Exception) -> str:
    said = str(getattr(error, "parameters", {}).get("reason") or error)
    return f"{type(error).__name__}: {said.splitlines()[0][:200] if said else ''}"
