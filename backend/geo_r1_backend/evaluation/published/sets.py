"""Published sets by the name of their suite: how each is read, and what the paper says about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.evaluation import paper_rows
from geo_r1_backend.evaluation.formats.dior_rsvg import read_dior_rsvg
from geo_r1_backend.evaluation.formats.earthreason import read_earthreason
from geo_r1_backend.evaluation.formats.geopackage import read_geopackage
from geo_r1_backend.evaluation.formats.nwpu import read_nwpu_coco
from geo_r1_backend.evaluation.formats.rrsis_d import read_rrsis_d
from geo_r1_backend.evaluation.formats.vrsbench import read_vrsbench
from geo_r1_backend.evaluation.sample import Sample


@dataclass(frozen=True)
class PublishedSet:
    """One data set."""

    title: str
    read: Callable[[Path, argparse.Namespace], list[Sample]]
    table: paper_rows.PaperTable | None = None
    no_table: str = "The paper says nothing about this."


SETS = {
    "vrsbench": PublishedSet(
        "VRSBench", lambda data, a: read_vrsbench(data, _split(a, "val")), paper_rows.VRSBENCH
    ),
    "dior-rsvg": PublishedSet(
        "DIOR-RSVG", lambda data, a: read_dior_rsvg(data, _split(a, "test")), paper_rows.DIOR_RSVG
    ),
    "nwpu": PublishedSet(
        "NWPU VHR-10",
        lambda data, a: read_nwpu_coco(data, _split(a, "test")),
        no_table=paper_rows.UNKNOWN.format(table=3),
    ),
    "earthreason": PublishedSet(
        "EarthReason",
        lambda data, a: read_earthreason(data, _split(a, "test")),
        no_table=paper_rows.UNKNOWN.format(table=4),
    ),
    "rrsis-d": PublishedSet(
        "RRSIS-D", lambda data, a: read_rrsis_d(data, _split(a, "test")), paper_rows.RRSIS_D
    ),
    "gpkg": PublishedSet(
        "Own data",
        lambda data, a: read_geopackage(
            data,
            raster=a.raster,
            layer=a.layer,
            text_field=a.field,
            task=a.task,
            window_px=a.window_px,
        ),
    ),
}


def _split(arguments: argparse.Namespace, usual: str) -> str:
    return str(arguments.split or usual)
