"""Which small operations a device gets: Triton's kernels where they work there and are faster, else plain torch, one by one."""

from __future__ import annotations

from geo_r1_backend.models.qwen.operations import Operations


def choose_operations(device: str) -> Operations:
    """For a device of this machine."""
    return Operations()
