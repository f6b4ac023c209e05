"""`geo-r1 evaluate --suite shipped`: runs every suite of the model card on fewer questions and sets the card's figures beside them.

The card's figures (`shipped_figures.json`) come from `--full`; `--keep FILE` writes such a file. A figure is reproduced if
the card's value lies in the interval of this run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.figure import Figure

CARD = "shipped_figures.json"
SLACK = 1e-9


@dataclass(frozen=True)
class Part:
    """One suite of the card."""

    name: str
    suite: str
    reduced: tuple[str, ...]
    """Options of the quick run."""
    full: tuple[str, ...]
    figures: tuple[str, ...]
    """Names of the figures that are compared."""


# Every N-th question: N shares no factor with the questions per view (2, and 8 kinds), or one kind would stand for all.
PARTS = (
    Part(
        "generated scenes",
        "generated",
        ("--per-family", "40", "--blind", "0", "--other-words", "0"),
        ("--blind", "0", "--other-words", "0"),
        (
            "Acc@0.5, one object",
            "Acc@0.7, one object",
            "mean IoU, one object",
            "F1@0.5, all",
            "none recognised",
            "boxes named in a chain that are objects",
            "size under 24 px, Acc@0.5",
        ),
    ),
    Part(
        "photographs, one object",
        "real-rec",
        ("--every", "5"),
        (),
        ("Acc@0.5, all", "Acc@0.7, all", "mean IoU, all", "says none where there is one"),
    ),
    Part(
        "photographs, all objects",
        "real-ovd",
        ("--every", "25"),
        ("--every", "3"),
        ("F1@0.5, all kinds asked for", "F1@0.5, kinds that are there", "none recognised"),
    ),
    Part(
        "held-out airports",
        "airports",
        (),
        (),
        ("F1@0.5, auto", "precision@0.5, auto", "recall@0.5, auto"),
    ),
    # kinds of few boxes have intervals of no width in the quick run
    Part(
        "masks",
        "masks",
        ("--every", "8"),
        (),
        (
            "masks-generated-1, true boxes: gIoU, geo-r1-nano-masks",
            "masks-generated-1, boxes some pixels off: gIoU, geo-r1-nano-masks",
            "NWPU VHR-10 polygons, true boxes: gIoU, geo-r1-nano-masks",
            "NWPU VHR-10 polygons, true boxes: gIoU ahead of GrabCut",
        ),
    ),
)
"""An empty list of figures stands for all whose names are in the card."""


def run(arguments: argparse.Namespace, folder: Path | None) -> int:
    """Run the suites as `geo-r1 evaluate` runs them one by one; returns the exit code."""
    # deferred: the command line imports the table that names this module
    from geo_r1_backend.evaluation import cli

    shared = ["--threads", str(arguments.threads)] if arguments.threads else []

    def run_suite(argv: list[str]) -> int:
        parser = argparse.ArgumentParser()
        cli.add_arguments(parser)
        model = ["--model", str(folder)] if folder and argv[1] != "masks" else []
        return cli.run(parser.parse_args([*argv, *shared, *model]))

    return run_shipped(arguments, run_suite)


def run_shipped(
    arguments: argparse.Namespace, run_suite: Callable[[list[str]], int], card: Path | None = None
) -> int:
    """Run all parts, print both figures, return 0 if every figure was reproduced.

    Args:
        arguments: `--full` for all questions, `--keep FILE` to write the figures of this run.
        run_suite: `geo-r1 evaluate` with these arguments.
        card: file of the card's figures; the shipped one when left out.

    Raises:
        ConfigError: if there is no card to compare with and none is to be written.
    """
    known = _card(card)
    if known is None and arguments.keep is None:
        raise ConfigError(
            "There are no figures of a card to compare with.",
            hint="Write them with --full --keep FILE.",
        )
    began = time.monotonic()
    found: dict[str, list[dict[str, object]]] = {}
    wrong = 0
    for part in PARTS:
        figures = _run(part, full=arguments.full, run_suite=run_suite)
        found[part.name] = [asdict(figure) for figure in figures]
        _out(f"\n{part.name}")
        for ours, theirs in _paired(part, figures, (known or {}).get(part.name, [])):
            agrees = ours.low - SLACK <= theirs.value <= ours.high + SLACK
            wrong += not agrees
            _out(
                f"{ours.name:<52}{100 * ours.value:6.1f}  [{100 * ours.low:5.1f}, {100 * ours.high:5.1f}]  n={ours.count}"
                f"  card {100 * theirs.value:5.1f}  {'as the card' if agrees else 'NOT as the card'}"
            )
    if arguments.keep is not None:
        arguments.keep.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        _out(f"\nfigures kept in {arguments.keep}")
        return 0
    _out(f"\n{wrong} figures are not as the card says; {time.monotonic() - began:.0f} s")
    return 0 if wrong == 0 else 1


def _run(part: Part, *, full: bool, run_suite: Callable[[list[str]], int]) -> list[Figure]:
    options = part.full if full else part.reduced
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "figures.json")
        run_suite(["--suite", part.suite, *options, "--out", str(out)])
        return list(_figures(json.loads(out.read_text(encoding="utf-8"))))


def _figures(document: dict[str, object], of: str = "") -> Iterator[Figure]:
    """All figures of a report; where it has several parts, their titles stand in front."""
    for name, value in document.items():
        if name == "figures" and isinstance(value, list):
            for figure in value:
                way = figure.pop("way", None)  # whole pictures: how they were looked at
                shown = f"{figure['name']}, {way}" if way else str(figure["name"])
                yield Figure(**{**figure, "name": f"{of}: {shown}" if of else shown})
        elif isinstance(value, dict):
            yield from _figures(value, name)


def _paired(
    part: Part, figures: list[Figure], card: list[Figure]
) -> Iterator[tuple[Figure, Figure]]:
    by_name = {figure.name: figure for figure in card}
    for figure in figures:
        if figure.name in by_name and (not part.figures or figure.name in part.figures):
            yield figure, by_name[figure.name]


def _card(path: Path | None) -> dict[str, list[Figure]] | None:
    source = path if path is not None else files("geo_r1_backend.evaluation").joinpath(CARD)
    if not source.is_file():
        return None
    document = json.loads(source.read_text(encoding="utf-8"))
    return {name: [Figure(**figure) for figure in rows] for name, rows in document.items()}


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
