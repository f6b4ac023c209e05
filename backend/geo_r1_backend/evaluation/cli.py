"""``geo-r1 evaluate``: the options of all suites, and the way to the one that was chosen."""

from __future__ import annotations

import argparse
from pathlib import Path

from geo_r1_backend.errors import ConfigError, MissingExtra
from geo_r1_backend.evaluation.running import check_targets, say
from geo_r1_backend.evaluation.suites import DEFAULT, SUITES
from geo_r1_backend.models.arithmetic import WAYS

FULL_AGREEMENT = 500
PER_FAMILY = 160
"""Questions per family of a full run of the frozen recipe (`recipe.PER_FAMILY`, which needs opencv to be imported)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--suite",
        choices=tuple(SUITES),
        default=DEFAULT,
        help="; ".join(f"{name}: {suite.title}" for name, suite in SUITES.items()),
    )
    parser.add_argument(
        "--every", type=_positive, default=1, metavar="N", help="ask each N-th question"
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="ask at most N questions")
    parser.add_argument("--no-think", action="store_true", help="ask for the answer alone")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the decoding; goes with every result"
    )
    parser.add_argument("--model", type=Path, help="model folder (default: the embedded model)")
    parser.add_argument("--threads", type=int, help="threads of the engine")
    parser.add_argument(
        "--arithmetic", choices=WAYS, default="float32", help="how matrices are multiplied"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write every row and figure as JSON"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page with charts and the worst misses",
    )
    card = parser.add_argument_group("shipped (the model card)")
    card.add_argument("--full", action="store_true", help="all questions, as for the card")
    card.add_argument(
        "--keep", type=Path, metavar="FILE", help="write the figures of this run as a card's"
    )
    _published(parser.add_argument_group("published sets and your own data"))
    _real(parser.add_argument_group("real suites (photographs in GEO_R1_DATA)"))
    _whole(parser.add_argument_group("airports, streets (held-out photographs, all objects)"))
    _frozen(parser.add_argument_group("frozen recipe"))


def _published(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", type=Path, metavar="FOLDER", help="where the files of the set are")
    group.add_argument(
        "--paper", action="store_true", help="print the rows of the Geo-R1 paper beside ours"
    )
    group.add_argument(
        "--detail",
        choices=("auto", "view", "windows"),
        default="auto",
        help="all objects: as the service looks (auto), one look (view), or through windows",
    )
    group.add_argument(
        "--segmenter",
        type=Path,
        metavar="FOLDER",
        help="what cuts masks (default: the embedded one)",
    )
    group.add_argument(
        "--raster", type=Path, metavar="FILE", help="gpkg: where it is not beside the GeoPackage"
    )
    group.add_argument("--layer", help="gpkg: the layer, if there are several")
    group.add_argument("--field", help="gpkg: the field that says what a polygon is")
    group.add_argument(
        "--task",
        choices=("ovd", "rec", "gres"),
        default="ovd",
        help="gpkg: ask for all objects, for one, or for masks",
    )
    group.add_argument(
        "--window-px", type=_positive, default=448, help="gpkg: side of a window (default 448)"
    )


def _real(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--source", choices=("nwpu", "airports", "streets"), default="nwpu")
    group.add_argument(
        "--split",
        help="test (default), shots or all; for a published set one of its own splits",
    )


def _whole(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--windows",
        default="auto",
        metavar="LIST",
        help="ways to look, with commas: auto (default, as the service does), view, or sides of windows in pixels; real-ovd takes one",
    )
    group.add_argument("--overlap-px", type=int, metavar="N", help="of windows (default: a fifth)")
    group.add_argument("--fold", type=int, choices=(0, 1, 2), help="streets: one scene alone")


def _frozen(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--per-family",
        type=int,
        default=PER_FAMILY,
        help=f"questions per family (default {PER_FAMILY})",
    )
    group.add_argument(
        "--blind",
        type=int,
        default=140,
        help="questions asked again about a grey picture; 0 = none",
    )
    group.add_argument(
        "--other-words",
        type=int,
        default=140,
        help="questions asked again in words that training never used; 0 = none",
    )
    group.add_argument(
        "--agree",
        type=int,
        default=0,
        help=f"compare with torch on so many questions (needs the torch extra; {FULL_AGREEMENT} for the card)",
    )
    group.add_argument(
        "--float-weights", type=Path, help="model.safetensors of a training run: what int8 loses"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure with the suite that was chosen; returns the exit code.

    Raises:
        ConfigError: for what is missing.
        MissingExtra: if the packages of the extra “evaluate” are not installed.
    """
    from geo_r1_backend.models.registry import embedded_folder

    check_targets(arguments)
    chosen = SUITES[arguments.suite]
    if arguments.report and not chosen.has_page:
        raise ConfigError(
            f"--report: the suite {arguments.suite} has no page.", hint="Use --out for its figures."
        )
    folder = arguments.model or embedded_folder()
    if folder is None and chosen.asks_model:
        say("No embedded model found; name a model folder with --model.")
        return 2
    try:
        suite = chosen.load()
    except ImportError as error:
        what = f"The suite {arguments.suite}"
        package = {"cv2": "opencv-python-headless"}.get(error.name or "", error.name or str(error))
        raise MissingExtra(extra="evaluate", package=package, what=what) from error
    return suite(arguments, folder)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
