"""`geo-r1-service`: `geo-r1` for Windows without a console window; QGIS starts it, and nobody watches it."""

from __future__ import annotations

import os
import sys

from geo_r1_backend.cli import main as run_command


def main() -> int:
    """Run the command line; a program without a console has no standard streams, and libraries write to them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end
    return run_command()
