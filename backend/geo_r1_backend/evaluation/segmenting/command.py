"""`geo-r1 evaluate --suite masks`: the segmenter on generated scenes and on NWPU polygons, beside GrabCut and the filled box."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from geo_r1_backend.engines.segmenter import Segmenter, load_segmenter
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.running import line, out, say
from geo_r1_backend.evaluation.segmenting.cases import (
    RECIPE_NAME,
    SCENES,
    Case,
    generated_cases,
    nwpu_cases,
)
from geo_r1_backend.evaluation.segmenting.figures import CutRow, figures_of
from geo_r1_backend.evaluation.segmenting.grabcut import FilledBox, GrabCut
from geo_r1_backend.models.registry import embedded_segmenter_folder
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds

THREADS = 2


def run(arguments: argparse.Namespace, _folder: Path | None = None) -> int:
    """Cut out, score, print; returns the exit code.

    Args:
        arguments: `--segmenter` (or `--model`) names the segmenter's folder (default: the embedded one), `--every` thins out scenes and pictures.
        _folder: the language model, which is not asked here.

    Raises:
        ConfigError: if there is no segmenter.
        ModelFailed: if it cannot be loaded.
    """
    folder = arguments.segmenter or arguments.model or embedded_segmenter_folder()
    if folder is None:
        raise ConfigError(
            "There is no embedded segmenter.", hint="Name a segmenter's folder with --segmenter."
        )
    threads = arguments.threads or THREADS
    cv2.setNumThreads(threads)
    ours = load_segmenter(folder, threads)
    data = os.environ.get("GEO_R1_DATA")
    tiles = Path(data, "naip-backgrounds") if data else None
    real = RealBackgrounds(tiles, evaluation=True) if tiles and tiles.is_dir() else None
    if real is None:
        say("GEO_R1_DATA names no folder with naip-backgrounds/: only scenes on generated ground.")
    scenes = max(1, SCENES // arguments.every)
    parts: list[tuple[str, Iterable[Case]]] = [
        (f"{RECIPE_NAME}, true boxes", generated_cases(real, jittered=False, count=scenes)),
        (
            f"{RECIPE_NAME}, boxes some pixels off",
            generated_cases(real, jittered=True, count=scenes),
        ),
    ]
    if data and Path(data, "nwpu-vhr10").is_dir():
        parts.append(
            ("NWPU VHR-10 polygons, true boxes", nwpu_cases(Path(data), every=arguments.every))
        )
    else:
        say("GEO_R1_DATA names no folder with nwpu-vhr10/: nothing is said of photographs.")
    others: tuple[Segmenter, ...] = (GrabCut(), FilledBox())
    document: dict[str, object] = {"suite": "masks", "segmenter": ours.name, "threads": threads}
    for title, cases in parts:
        rows, ms_per_box = measure(cases, ours, others)
        figures = figures_of(rows, ours.name, [other.name for other in others])
        out(
            f"\n{ours.name}, {title}: {len(rows)} boxes, {len({r.group for r in rows})} places,"
            f" {ms_per_box[ours.name]:.1f} ms a box ({GrabCut.name}: {ms_per_box[GrabCut.name]:.1f} ms), {threads} threads"
        )
        for figure in figures:
            out(line(figure))
        document[title] = {
            "figures": [asdict(figure) for figure in figures],
            "ms_per_box": ms_per_box,
            "rows": [asdict(row) for row in rows],
        }
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def measure(
    cases: Iterable[Case], ours: Segmenter, others: Sequence[Segmenter]
) -> tuple[list[CutRow], dict[str, float]]:
    """A row per box, and milliseconds per box of each segmenter."""
    rows: list[CutRow] = []
    took_s = {segmenter.name: 0.0 for segmenter in (ours, *others)}
    for case in cases:
        masks: dict[str, list[np.ndarray]] = {}
        for segmenter in (ours, *others):
            began = time.perf_counter()
            masks[segmenter.name] = segmenter.segment(case.image, case.prompts)
            took_s[segmenter.name] += time.perf_counter() - began
        for number, truth in enumerate(case.truth):
            x_min, y_min, x_max, y_max = case.prompts[number].box_px
            shared = {n: int((found[number] & truth).sum()) for n, found in masks.items()}
            union = {n: int((found[number] | truth).sum()) for n, found in masks.items()}
            longest = max(x_max - x_min, y_max - y_min)
            rows.append(CutRow(case.group, case.kinds[number], longest, shared, union))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{len(rows)} boxes")
    return rows, {name: 1000 * s / max(1, len(rows)) for name, s in took_s.items()}
