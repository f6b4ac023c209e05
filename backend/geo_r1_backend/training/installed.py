"""Whether this installation can train; looked up, not imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from geo_r1_backend.errors import MissingExtra

RUNNER_MODULE = "geo_r1_backend.training.runner"
PACKAGES = ("torch", "safetensors")


def check_can_train(command: Sequence[str]) -> None:
    """Refuse to begin what cannot work.

    Args:
        command: what would be run.

    Raises:
        MissingExtra: if a package that the runner needs is not installed.
    """
    if RUNNER_MODULE not in command:
        return
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(extra="train", package=package, what="Fine-tuning")
