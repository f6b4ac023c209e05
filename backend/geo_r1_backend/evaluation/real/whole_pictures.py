"""`geo-r1 evaluate --suite airports | streets`: all planes, all cars, in whole photographs that no training may see.

Each picture is asked about as the service would be, the whole view or through overlapping windows; `--windows` compares
several sizes in one run. Intervals are over places: copies and frames of one place are no further evidence.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from geo_r1_backend.errors import ConfigError, EngineFailed
from geo_r1_backend.evaluation.figure import Figure as NamedFigure
from geo_r1_backend.evaluation.formats.needed import opener
from geo_r1_backend.evaluation.metrics import bootstrap, f1, matched
from geo_r1_backend.evaluation.real.held_out import (
    airport_place,
    held_out_airport,
    one_per_original,
    street_fold,
)
from geo_r1_backend.evaluation.real.labels import (
    STREET_SCENES,
    LabelledImage,
    read_airports,
    read_streets,
)
from geo_r1_backend.evaluation.real.ways import Way, read_ways
from geo_r1_backend.evaluation.report.content import Case, Report
from geo_r1_backend.evaluation.report.page import write_report
from geo_r1_backend.evaluation.running import facts
from geo_r1_backend.grounding.ground import GroundOptions, Question, ground
from geo_r1_backend.wire import ErrorEvent, ResultEvent

if TYPE_CHECKING:
    from geo_r1_backend.engines.base import Engine

SUITES = ("airports", "streets")
SEED = 20261125
SIZES_PX = ((0.0, 16.0), (16.0, 24.0), (24.0, 32.0), (32.0, 10_000.0))
"""Longest sides, in pixels of the file, that recall is told for."""
Counts = tuple[int, int, int]
"""Matched, predicted and true boxes."""


@dataclass(frozen=True)
class Row:
    """One picture under one way of looking."""

    way: str
    picture: str
    place: str
    counts: Counts
    """At IoU 0.5."""
    loose: Counts
    """At IoU 0.3: found, but drawn badly."""
    by_size: tuple[Counts, ...]
    """Matched at 0.5 and true boxes per class of `SIZES_PX`; predicted is 0."""
    windows: int
    total_ms: float


@dataclass(frozen=True)
class Figure:
    """One number with its 95 % interval and the pictures behind it."""

    way: str
    name: str
    value: float
    low: float
    high: float
    count: int


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Ask, score, print; returns the exit code.

    Raises:
        ConfigError: if GEO_R1_DATA names no folder, a file of the set is missing, or an option makes no sense.
    """
    from geo_r1_backend.engines.onnx import OnnxEngine

    data = os.environ.get("GEO_R1_DATA", "")
    if not data:
        raise ConfigError(
            "GEO_R1_DATA is not set; this suite needs the photographs.",
            hint="Set it to the folder that holds aerial-airport/ and kit-ais-cars/.",
        )
    ways = read_ways(arguments.windows, arguments.overlap_px)
    images = pictures(arguments.suite, Path(data), fold=arguments.fold)
    images = images[:: arguments.every][: arguments.limit]
    think = not arguments.no_think
    engine = OnnxEngine(folder, arguments.threads, arguments.arithmetic)
    status = engine.status()
    began_s = time.monotonic()
    rows: list[Row] = []
    cases: list[Case] = []
    for row in asked(engine, images, ways, GroundOptions(think=think, seed=arguments.seed), cases):
        rows.append(row)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{len(rows)} of {len(images) * len(ways)}")
    engine.close()
    figures = [figure for way in ways for figure in summarise(way.name, rows)]
    places = len({row.place for row in rows})
    _out(
        f"\n{folder.name}, {arguments.suite}, {_which(arguments)}, {len(images)} pictures of {places} places with"
        f" {sum(len(i.objects) for i in images)} objects, seed {SEED}, onnx ({arguments.arithmetic}),"
        f" {time.monotonic() - began_s:.0f} s; intervals over places"
    )
    for figure in figures:
        _out(
            f"{figure.way:<16}{figure.name:<34}{100 * figure.value:6.1f}  [{100 * figure.low:5.1f}, {100 * figure.high:5.1f}]  n={figure.count}"
        )
    for way in ways:
        mine = [row for row in rows if row.way == way.name]
        looks, spent_s = sum(r.windows + 1 for r in mine), sum(r.total_ms for r in mine) / 1000
        _out(f"{way.name:<16}{looks / len(mine):.1f} looks, {spent_s / len(mine):.2f} s a picture")
    if arguments.out:
        document = {
            "suite": arguments.suite,
            "fold": arguments.fold,
            "seed": SEED,
            "model": folder.name,
            "arithmetic": arguments.arithmetic,
            "figures": [asdict(figure) for figure in figures],
            "rows": [asdict(row) for row in rows],
        }
        arguments.out.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if arguments.report:
        took_s = time.monotonic() - began_s
        about = facts(
            arguments, status, folder.name, questions=len(rows), pictures=places, took_s=took_s
        )
        named = [
            NamedFigure(f"{f.name}, {f.way}", f.value, f.low, f.high, f.count) for f in figures
        ]
        title = f"Held out of training, {arguments.suite}: {folder.name}"
        about["cases below"] = f"looked at as “{ways[0].name}”"
        write_report(arguments.report, Report(title, about, named, cases))
        _out(f"report: {arguments.report}")
    return 0


def pictures(suite: str, data: Path, *, fold: int | None = None) -> list[LabelledImage]:
    """The held-out pictures: one copy of each airport; the frames of one street scene, or of all three.

    Raises:
        ConfigError: naming a file that is missing.
    """
    if suite == "airports":
        return [image for image in one_per_original(read_airports(data)) if held_out_airport(image)]
    return [image for image in read_streets(data) if fold in (None, street_fold(image))]


def asked(
    engine: Engine,
    images: Sequence[LabelledImage],
    ways: Sequence[Way],
    options: GroundOptions = GroundOptions(),  # noqa: B008 - frozen
    cases: list[Case] | None = None,
) -> Iterator[Row]:
    """Every picture in every way, one question each, worded by the grammar and the same for all ways.

    Args:
        engine: answers.
        images: the pictures.
        ways: how each is looked at.
        options: how it is answered; windows are the way's.
        cases: takes what a report shows of the first way.

    Raises:
        EngineFailed: naming the picture.
    """
    for index, image in enumerate(images):
        query = _query(image.kinds[0], index)
        with Image.open(image.path) as file:
            picture = file.convert("RGB")
        for way in ways:
            question = Question(
                image.path.name, "ovd", query, partial(Image.Image.copy, picture), detail=way.detail
            )
            how = replace(options, window_px=way.window_px, overlap_px=way.overlap_px)
            last = list(ground([question], engine, how, lambda: False))[-1]
            if not isinstance(last, ResultEvent):
                reason = last.error.message if isinstance(last, ErrorEvent) else "no answer"
                raise EngineFailed(reason=f"{image.path.name}: {reason}")
            row = score(image, way.name, last)
            if cases is not None and way is ways[0]:
                cases.append(_case(image, query, row, last))
            yield row


def _case(image: LabelledImage, query: str, row: Row, result: ResultEvent) -> Case:
    return Case(
        row.place,
        "ovd",
        query,
        image.kinds[0],
        opener(image.path),
        tuple(item.box_px for item in image.objects),
        tuple((d.box_px[0], d.box_px[1], d.box_px[2], d.box_px[3]) for d in result.detections),
        row.counts,
        f1([row.counts]),
        result.outcome,
        result.reasoning,
    )


def score(image: LabelledImage, way: str, result: ResultEvent) -> Row:
    """One row."""
    truth = [item.box_px for item in image.objects]
    said = [(d.box_px[0], d.box_px[1], d.box_px[2], d.box_px[3]) for d in result.detections]
    by_size = []
    for low, high in SIZES_PX:
        part = [b for b in truth if low <= max(b[2] - b[0], b[3] - b[1]) < high]
        by_size.append((matched(said, part), 0, len(part)))
    place = airport_place(image) if image.kinds == ("airplane",) else image.group
    return Row(
        way,
        image.path.name,
        place,
        (matched(said, truth), len(said), len(truth)),
        (matched(said, truth, 0.3), len(said), len(truth)),
        tuple(by_size),
        result.windows,
        result.timings.total_ms,
    )


def summarise(way: str, rows: Sequence[Row]) -> list[Figure]:
    """F1, precision and recall over all pictures, F1 per place where there are few, recall by size."""
    mine = [row for row in rows if row.way == way]
    found = [
        _figure(way, "F1@0.5", mine, lambda r: r.counts, f1),
        _figure(way, "precision@0.5", mine, lambda r: r.counts, precision),
        _figure(way, "recall@0.5", mine, lambda r: r.counts, recall),
        _figure(way, "F1@0.3", mine, lambda r: r.loose, f1),
    ]
    places = sorted({row.place for row in mine})
    if len(places) <= 3:
        found += [
            _figure(way, f"F1@0.5, {p}", [r for r in mine if r.place == p], lambda r: r.counts, f1)
            for p in places
        ]
    for index, (low, high) in enumerate(SIZES_PX):
        if any(row.by_size[index][2] for row in mine):
            name = f"recall@0.5, {low:.0f} px and more" if high > 1000 else f"recall@0.5, under {high:.0f} px"  # fmt: skip
            found.append(_figure(way, name, mine, lambda r, i=index: r.by_size[i], recall))  # type: ignore[misc]
    return found


def precision(counts: Sequence[Counts]) -> float:
    """Share of the predicted boxes that are right; 1 where nothing was predicted."""
    predicted = sum(c[1] for c in counts)
    return sum(c[0] for c in counts) / predicted if predicted else 1.0


def recall(counts: Sequence[Counts]) -> float:
    """Share of the true boxes that were found; 1 where there are none."""
    true = sum(c[2] for c in counts)
    return sum(c[0] for c in counts) / true if true else 1.0


def _figure(
    way: str,
    name: str,
    rows: Sequence[Row],
    counts: Callable[[Row], Counts],
    statistic: Callable[[Sequence[Counts]], float],
) -> Figure:
    by_place: dict[str, list[Counts]] = defaultdict(list)
    for row in rows:
        by_place[row.place].append(counts(row))
    groups = [by_place[place] for place in sorted(by_place)]
    low, high = bootstrap(groups, lambda some: statistic([c for group in some for c in group]))
    return Figure(way, name, statistic([counts(row) for row in rows]), low, high, len(rows))


def _query(kind: str, index: int) -> str:
    """“All of a kind” in the words of the grammar."""
    # deferred: the generator needs opencv
    from geo_r1_backend.pretraining import phrases
    from geo_r1_backend.pretraining.dice import Dice
    from geo_r1_backend.pretraining.scenes import kind_named

    dice = Dice(SEED * 1_000_003 + index)
    return phrases.all_sentence(dice, *phrases.words_for(dice, kind_named(kind)))


def _which(arguments: argparse.Namespace) -> str:
    """What part of the set was asked about. Of a street scene only whoever trained knows whether it was seen."""
    if arguments.suite == "airports":
        return "held out of training"
    return "all scenes" if arguments.fold is None else STREET_SCENES[arguments.fold]


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
