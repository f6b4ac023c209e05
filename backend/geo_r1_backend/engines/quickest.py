"""Which way of running the embedded model answers soonest here: onnxruntime on the processor, onnxruntime on a GPU, torch on the same GPU.

Where there is no GPU nothing is tried and nothing costs time. Where there is one, onnxruntime's ways are asked a few short questions when
the model is first loaded (three seconds), torch in the background behind that, since it takes longer to start. What was measured is kept for
this model and these versions, so the next start takes the quickest at once.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from geo_r1_backend.engines.base import Engine
from geo_r1_backend.models.learned import read_json
from geo_r1_backend.models.manifest import MANIFEST_FILE
from geo_r1_backend.storage.atomic import write_private_json

log = logging.getLogger(__name__)

BUDGET_S = 2.0
"""For questions of all ways that are measured while the model is loaded; the one that is under way is finished."""
QUESTIONS = 3
TOKENS = 32
MUCH = 0.9
"""Another way than the first must need less than this part of its time: it takes memory of a card that others use."""
NVIDIA = ("/dev/nvidiactl", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")
"""Where a driver for NVIDIA's cards shows itself: Linux, Linux inside of Windows, Windows."""
PACKAGES = ("onnxruntime", "onnxruntime-gpu", "torch", "transformers")


@dataclass(frozen=True)
class Way:
    """One way of running the model."""

    engine: str
    device: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.engine} on {self.device}"


ON_CPU, ONNX_CUDA, TORCH_CUDA = Way("onnx", "cpu"), Way("onnx", "cuda"), Way("torch", "cuda")


def has_gpu() -> bool:
    """Whether a card of NVIDIA's may be there; looks at files alone."""
    return any(os.path.exists(place) for place in NVIDIA)  # noqa: PTH110 - devices, not files


def possible_ways(providers: Sequence[str], *, gpu: bool) -> list[Way]:
    """Ways worth a trial, the safest first.

    Args:
        providers: of onnxruntime.
        gpu: whether there may be a card.
    """
    ways = [ON_CPU]
    if gpu and "CUDAExecutionProvider" in providers and _installed("onnx"):
        ways.append(ONNX_CUDA)
    if gpu and _installed("torch") and _installed("transformers"):
        ways.append(TORCH_CUDA)
    return ways


@dataclass
class Measured:
    """What was measured for one model on this machine with these versions.

    Args:
        path: of the file; None = nothing is kept.
        about: what the figures hold for.
    """

    path: Path | None
    about: Mapping[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    """Of one question, by the name of a way."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by the name of a way."""

    def read(self) -> None:
        """Take what is kept, if it holds here."""
        stored = (read_json(self.path) if self.path else None) or {}
        if stored.get("about") != dict(self.about):
            return
        self.seconds = {str(n): float(s) for n, s in dict(stored.get("seconds", {})).items()}
        self.failed = {str(n): str(w) for n, w in dict(stored.get("failed", {})).items()}

    def write(self) -> None:
        """Keep it; a disk that is full costs a measurement at the next start."""
        if self.path is None:
            return
        document = {
            "about": dict(self.about),
            "seconds": {n: round(s, 4) for n, s in self.seconds.items()},
            "failed": self.failed,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_private_json(self.path, document)
        except OSError as error:
            log.warning("what was measured is not kept: %s", error)

    def knows(self, way: Way) -> bool:
        """Whether a way was tried."""
        return way.name in self.seconds or way.name in self.failed

    def best(self, ways: Sequence[Way]) -> list[Way]:
        """Ways in the order in which they should be started; the first of ``ways`` if nothing is much quicker."""
        first = ways[0]
        usual = self.seconds.get(first.name, float("inf"))
        quick = [w for w in ways[1:] if self.seconds.get(w.name, float("inf")) < MUCH * usual]
        return [*sorted(quick, key=lambda way: self.seconds[way.name]), first]

    @property
    def words(self) -> str:
        """For people."""
        said = [f"{name} {1000 * value:.0f} ms" for name, value in self.seconds.items()]
        said += [f"{name} failed ({why})" for name, why in self.failed.items()]
        return "a short question takes: " + ", ".join(said)


def about(folder: Path) -> dict[str, str]:
    """What figures of a model folder hold for: its weights and the versions of what runs them."""
    manifest = folder / MANIFEST_FILE
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else ""
    versions = {name: _version(name) for name in PACKAGES}
    return {"model": digest[:16], "checked": "boxes", **versions}


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
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Chosen, Way]:
    """The engine that should answer, running.

    Args:
        ways: the first is the one that always works.
        measured: what is known; what is found out is added and kept.
        start: starts an engine.
        ask: seconds of one short question about a new picture.
        check: of the answers; a way whose answers are not right has failed, however quick it is.
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
    for way in measured.best(ways):
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
    try:
        engine = running[way] = start(way)
        ask(engine)  # plans and kernels are made
        times: list[float] = []
        while len(times) < QUESTIONS and (go_on() or not times):
            times.append(ask(engine))
        if check is not None and way == ON_CPU:
            check.remember(engine)
        elif check is not None and (why := check.fault(engine)):
            raise NotRightError(why)  # noqa: TRY301 - one way to fail
        measured.seconds[way.name] = statistics.median(times)
        measured.failed.pop(way.name, None)
    except Exception as error:  # border: other people's code on a driver
        measured.failed[way.name] = _reason(error)
        measured.seconds.pop(way.name, None)
        gone = running.pop(way, None)
        if gone is not None:
            gone.close()


def try_later(
    way: Way,
    measured: Measured,
    start: Start,
    ask: Ask,
    *,
    check: Check | None = None,
    wait_s: float = 5.0,
) -> threading.Thread:
    """Measure a way that is slow to start in the background; the next start knows it."""

    def work() -> None:
        time.sleep(wait_s)  # whoever opened QGIS asks first
        running: dict[Way, Chosen] = {}
        _try(way, measured, running, start, ask, lambda: True, check)
        for engine in running.values():
            engine.close()
        measured.write()
        log.info("%s; the next start takes the quickest", measured.words)

    thread = threading.Thread(target=work, name="measure", daemon=True)
    thread.start()
    return thread


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


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
