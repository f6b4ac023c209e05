"""The table of suites: what `geo-r1 evaluate --suite` can measure. A new suite is one line here and one module.

A module has ``run(arguments, folder) -> int``: it asks the model in the folder, prints, writes what was asked for, and returns the exit code.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    Run = Callable[[argparse.Namespace, Path | None], int]

HERE = "geo_r1_backend.evaluation"
PUBLISHED = f"{HERE}.published.command"


@dataclass(frozen=True)
class Suite:
    """One way to measure."""

    title: str
    module: str
    """Imported when the suite is chosen."""
    asks_model: bool = True
    """Whether there must be a language model; else the folder may be None."""
    has_page: bool = True
    """Whether it can write a report."""

    def load(self) -> Run:
        """Its ``run``."""
        return cast("Run", importlib.import_module(self.module).run)


DEFAULT = "generated"
SUITES = {
    DEFAULT: Suite("the frozen recipe of generated scenes", f"{HERE}.frozen"),
    "shipped": Suite(
        "the model card: every suite on fewer questions, with the card's figures beside",
        f"{HERE}.shipped",
        has_page=False,
    ),
    "real-rec": Suite("one object in real photographs", f"{HERE}.real.command"),
    "real-ovd": Suite("all objects of a kind in real photographs", f"{HERE}.real.command"),
    "airports": Suite("all planes in held-out airports", f"{HERE}.real.whole_pictures"),
    "streets": Suite("all cars in held-out street scenes", f"{HERE}.real.whole_pictures"),
    "masks": Suite(
        "the segmenter alone", f"{HERE}.segmenting.command", asks_model=False, has_page=False
    ),
    "vrsbench": Suite("VRSBench, referring expressions", PUBLISHED),
    "dior-rsvg": Suite("DIOR-RSVG, referring expressions", PUBLISHED),
    "nwpu": Suite("NWPU VHR-10, all objects", PUBLISHED),
    "earthreason": Suite("EarthReason, masks", PUBLISHED),
    "rrsis-d": Suite("RRSIS-D, masks", PUBLISHED),
    "gpkg": Suite("your own polygon layer and raster", PUBLISHED),
}
