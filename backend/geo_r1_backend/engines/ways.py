"""The ways of running the embedded model that are possible on a machine, and what was measured of them.

What was measured is kept for one model and the versions of what runs it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geo_r1_backend.models.learned import read_json
from geo_r1_backend.models.manifest import MANIFEST_FILE
from geo_r1_backend.storage.atomic import write_private_json

log = logging.getLogger(__name__)

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


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
