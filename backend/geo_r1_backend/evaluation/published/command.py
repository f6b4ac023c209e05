"""`geo-r1 evaluate --suite vrsbench | dior-rsvg | nwpu | earthreason | rrsis-d | gpkg`: a published set or your own data."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geo_r1_backend.engines.base import Engine
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.evaluation.answering import ask
from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.evaluation.paper_rows import PaperTable
from geo_r1_backend.evaluation.published.figures import PAPER_STYLE, RESCALED, figures
from geo_r1_backend.evaluation.published.scored import Scored, score
from geo_r1_backend.evaluation.published.sets import SETS, PublishedSet
from geo_r1_backend.evaluation.report.content import Report, case_of_scored
from geo_r1_backend.evaluation.report.page import write_report
from geo_r1_backend.evaluation.running import (
    counted,
    facts,
    line,
    out,
    start_engine,
    start_segmenter,
    write_json,
)
from geo_r1_backend.evaluation.sample import Sample
from geo_r1_backend.grounding.ground import GroundOptions


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Ask, score, print; returns the exit code.

    Raises:
        ConfigError: if there is no data, or a file of the set is missing or cannot be read.
    """
    chosen = SETS[arguments.suite]
    if arguments.data is None:
        raise ConfigError(
            f"{chosen.title} needs its files.", hint="Name the folder of the set: --data FOLDER."
        )
    samples = chosen.read(arguments.data, arguments)[:: arguments.every][: arguments.limit]
    if not samples:
        raise ConfigError(
            f"{arguments.data} has no question for this suite.",
            hint="Look at --split (and at --task, --field and --window-px for gpkg).",
        )
    engine = start_engine(arguments, folder)
    status = engine.status()
    began_s = time.monotonic()
    try:
        rows = list(counted(_scored(engine, samples, arguments), len(samples)))
    finally:
        engine.close()
    about = facts(
        arguments,
        status,
        engine.profile.id,
        questions=len(rows),
        pictures=len({row.sample.picture for row in rows}),
        took_s=time.monotonic() - began_s,
    )
    about["detail"] = _looked(arguments.detail, rows)
    remarks = _remarks(engine, samples, rows)
    ours, paper = figures(rows), figures(rows, PAPER_STYLE)
    _print(chosen, about, remarks, ours, paper, with_paper=arguments.paper)
    if arguments.out:
        document = {
            "facts": about,
            "remarks": remarks,
            "paper_style": [asdict(figure) for figure in paper],
            "rows": [_row(row) for row in rows],
        }
        write_json(arguments.out, document, ours)
    if arguments.report:
        write_report(
            arguments.report,
            Report(
                f"{chosen.title}: {engine.profile.title}",
                about,
                ours,
                [case_of_scored(row) for row in rows],
                paper,
                chosen.table,
                remarks,
            ),
        )
        out(f"report: {arguments.report}")
    return 0


def _scored(
    engine: Engine, samples: Sequence[Sample], arguments: argparse.Namespace
) -> Iterator[Scored]:
    options = GroundOptions(think=not arguments.no_think, seed=arguments.seed)
    absolute = engine.profile.convention == "absolute"
    segmenter = start_segmenter(arguments)
    for sample in samples:
        answer = ask(
            engine,
            sample.task,
            sample.query,
            sample.read_image,
            options,
            name=sample.id,
            detail=arguments.detail,
            segmenter=segmenter,
        )
        yield score(sample, answer, absolute=absolute)


def _remarks(engine: Engine, samples: Sequence[Sample], rows: Sequence[Scored]) -> list[str]:
    """What a reader must know before a figure is believed."""
    remarks = []
    task = samples[0].task
    if task == "gres" and "gres" not in engine.profile.tasks:
        remarks.append(
            "This model was not taught masks: it is asked for boxes (one or all, by the words of the question), and the segmenter cuts the objects out."
        )
    filled = [row for row in rows if row.filled_boxes]
    if filled:
        reason = next((note for row in filled for note in row.answer.notes), "")
        remarks.append(
            f"{len(filled)} answers have boxes without masks{f' ({reason})' if reason else ''}; where an answer has none at all, its boxes are scored filled."
        )
    if task == "ovd":
        remarks.append(
            "Every class was asked for in every picture, whether it is there or not. Answers have no scores: COCO's AP takes the order"
            " of the boxes for them (rescaled), or all alike (paper-style)."
        )
    if not all(row.paper for row in rows):
        remarks.append("No paper-style figures: " + _why_not(engine, rows))
    empty = sum(any(b[2] <= b[0] or b[3] <= b[1] for b in row.truth_px) for row in rows)
    if empty:
        remarks.append(f"{empty} true boxes have no area; they count as missed.")
    return remarks


def _looked(detail: str, rows: Sequence[Scored]) -> str:
    count = sum(row.answer.windows > 0 for row in rows)
    return f"{detail}: {count} of {len(rows)} through windows"


def _why_not(engine: Engine, rows: Sequence[Scored]) -> str:
    if engine.profile.convention != "absolute":
        return "this model writes thousandths, not pixels."
    if any(row.sample.task == "gres" for row in rows):
        return "masks were cut with rescaled coordinates."
    if any(row.answer.windows for row in rows):
        return "pictures were looked at through windows, which the paper does not do; --detail view asks without them."
    return "some answers are empty."


def _print(
    chosen: PublishedSet,
    about: dict[str, str],
    remarks: Sequence[str],
    ours: Sequence[Figure],
    paper: Sequence[Figure],
    *,
    with_paper: bool,
) -> None:
    out(f"\n{chosen.title}: " + ", ".join(f"{name} {value}" for name, value in about.items()))
    for remark in remarks:
        out(f"note: {remark}")
    theirs = {figure.name: figure for figure in paper}
    heading = f"{'':<44}{RESCALED:>8}{'95 %':>14}" + (f"{PAPER_STYLE:>14}" if paper else "")
    out(heading)
    for figure in ours:
        out(line(figure, theirs.get(figure.name), width=44))
    if with_paper:
        out("")
        if chosen.table is None:
            out(chosen.no_table)
        else:
            _print_table(chosen.table, ours, paper)


def _print_table(table: PaperTable, ours: Sequence[Figure], paper: Sequence[Figure]) -> None:
    out(f"{table.source} ({'; '.join(table.columns)})")
    rows = [(row.model, list(row.values)) for row in table.rows]
    for name, figures_here in ((f"this model, {RESCALED}", ours), (f"this model, {PAPER_STYLE}", paper)):  # fmt: skip
        named = {figure.name: 100 * figure.value for figure in figures_here}
        if named:
            rows.append((name, [named.get(column, float("nan")) for column in table.columns]))
    for name, values in rows:
        cells = "".join(f"{'–' if value != value else format(value, '.1f'):>8}" for value in values)  # noqa: PLR0124 - not a number
        out(f"{name:<34}{cells}")
    out(f"note: {table.remark} The paper's rows are single runs without intervals.")


def _row(row: Scored) -> dict[str, Any]:
    sample, answer = row.sample, row.answer
    return {
        "id": sample.id,
        "picture": sample.picture,
        "task": sample.task,
        "query": sample.query,
        "kind": sample.kind,
        "unique": sample.unique,
        "truth_px": row.truth_px,
        "rescaled": asdict(row.rescaled),
        "paper_style": asdict(row.paper) if row.paper else None,
        "outcome": answer.outcome,
        "reasoning": answer.reasoning,
        "raw": answer.raw,
        "tokens": answer.tokens,
        "total_ms": answer.total_ms,
    }
