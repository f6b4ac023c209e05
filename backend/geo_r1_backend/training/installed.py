"""Whether this installation can train; looked up, not imported."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from geo_r1_backend.errors import ConfigError, MissingExtra

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


def runner_of(processes: int) -> tuple[str, ...]:
    """The command that trains a run with several processes of this machine: one for each GPU.

    Args:
        processes: 1 or more; each learns from its share of a step's prompts.

    Raises:
        ConfigError: for less than one.
    """
    if processes < 1:
        raise ConfigError(f"{processes} processes cannot train; use 1, or one for each GPU")
    if processes == 1:
        return (sys.executable, "-m", RUNNER_MODULE)
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes))
    return (sys.executable, *torchrun, "-m", RUNNER_MODULE)
