"""The page: headline figures, tables with intervals, charts, the paper's rows, and the worst misses."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path

from geo_r1_backend.evaluation.figure import Figure, ratio_figure
from geo_r1_backend.evaluation.metrics import precision_recall, ranked_hits
from geo_r1_backend.evaluation.report.charts import bars, curves, interval, percent
from geo_r1_backend.evaluation.report.content import Case, Report
from geo_r1_backend.evaluation.report.sheet import sheet, worst
from geo_r1_backend.evaluation.report.style import STYLE

HEADLINES = (
    "Acc@0.5, one object", "Acc@0.7, one object", "Acc@0.5, all", "Acc@0.7, all", "mean IoU, all",
    "AP@0.5", "AP", "F1@0.5, all classes asked for", "F1@0.5, all kinds asked for", "F1@0.5, all", "F1@0.5, auto", "precision@0.5, auto", "recall@0.5, auto",
    "gIoU, empty answer about nothing = 0", "gIoU, empty answer about nothing = 1", "cIoU, both conventions", "none recognised",
)  # fmt: skip
PART = re.compile(r"\b(class|family|view|size|background) ")
"""Figures of one part of the questions: they go behind a click."""
TASKS = {
    "rec": ("One object", "Acc@0.5"),
    "ovd": ("All objects of a kind", "F1@0.5"),
    "gres": ("Masks", "gIoU"),
}


def write_report(path: Path, report: Report) -> None:
    """Write the page; a file that is there is replaced as a whole.

    Raises:
        OSError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    part.write_text(page(report), encoding="utf-8")
    part.replace(path)


def page(report: Report) -> str:
    """The whole document."""
    parts = [
        _head(report),
        _headlines(report.figures),
        *(f'<p class="remark">{escape(remark)}</p>' for remark in report.remarks),
        *(_task_section(report, task) for task in TASKS),
        _table(report),
        _paper(report),
        _misses(report.cases),
        _notes(report),
    ]
    title = escape(report.title)
    # nothing is loaded and nothing runs, whatever a model wrote
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(report: Report) -> str:
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in report.facts.items()
    )
    return f'<header><h1>{escape(report.title)}</h1><dl class="facts">{facts}</dl></header>'


def _headlines(figures: Sequence[Figure]) -> str:
    named = {figure.name: figure for figure in figures}
    tiles = "".join(
        f'<div class="tile"><p class="name">{escape(f.name)}</p><p class="number">{percent(f.value)}<span>%</span></p>'
        f'<p class="range">{_range(f)}</p></div>'
        for f in [named[name] for name in HEADLINES if name in named][:5]
    )
    return f'<section class="tiles">{tiles}</section>'


def _task_section(report: Report, task: str) -> str:
    cases = [case for case in report.cases if case.task == task]
    if not cases:
        return ""
    title, measure = TASKS[task]
    kinds = per_kind(cases, task)
    per = (
        f"<div><h3>{escape(measure)} per kind</h3>{bars(kinds)}{_left_out(kinds)}</div>"
        if len(kinds) > 1
        else ""
    )
    return (
        f'<section><h2>{escape(title)} <span class="quiet">{len(cases)} questions</span></h2>'
        f'<div class="charts">{per}<div>{_curve(cases, task)}</div></div></section>'
    )


def _left_out(kinds: Sequence[Figure]) -> str:
    rest = len(kinds) - 40
    return f'<p class="quiet">{rest} more kinds are in the file of --out.</p>' if rest > 0 else ""


def per_kind(cases: Sequence[Case], task: str) -> list[Figure]:
    """The task's measure for each kind that was sought, best first, with intervals over pictures."""
    groups: dict[str, list[tuple[str, Case]]] = defaultdict(list)
    for case in cases:
        groups[case.kind or "(not said)"].append((case.picture, case))
    found = []
    for kind, part in groups.items():
        if task == "rec":
            found.append(ratio_figure(kind, part, lambda c: c.quality >= 0.5))
        elif task == "gres":
            found.append(ratio_figure(kind, part, lambda c: c.quality))
        else:
            found.append(
                ratio_figure(
                    kind, part, lambda c: 2.0 * c.counts[0], lambda c: c.counts[1] + c.counts[2], empty=1.0
                )
            )  # fmt: skip
    return sorted(found, key=lambda figure: (-figure.value, figure.name))


def _curve(cases: Sequence[Case], task: str) -> str:
    if task != "ovd":
        steps = [step / 40 for step in range(41)]
        points = [(t, sum(c.quality >= t for c in cases) / len(cases)) for t in steps[1:]]
        curve = curves([("answers", points)], "IoU", "share of questions")
        return f"<h3>Share of questions with at least this IoU</h3>{curve}"
    # boxes of one rank are equally sure: which picture's comes first is left to chance
    mixed = random.Random(0).sample(list(cases), len(cases))  # noqa: S311 - reproducibility, not secrecy
    lines, dots = [], []
    for threshold in (0.5, 0.75):
        hits, true = ranked_hits(
            [c.boxes_px for c in mixed], [c.truth_px for c in mixed], threshold
        )
        lines.append((f"IoU {threshold}", precision_recall(hits, true)))
        if hits and true:
            dots.append((sum(hits) / true, sum(hits) / len(hits)))
    note = '<p class="quiet">Boxes in the order in which they were said; the dots are whole answers.</p>'
    return f"<h3>Precision and recall</h3>{curves(lines, 'recall', 'precision', dots)}{note}"


def _table(report: Report) -> str:
    main = [f for f in report.figures if not PART.search(f.name)]
    parts = [f for f in report.figures if PART.search(f.name)]
    more = (
        f'<details class="more"><summary>{len(parts)} figures of parts (class, family, view, size)</summary>{_rows(parts, report)}</details>'
        if parts
        else ""
    )
    return (
        '<section><h2>All figures <span class="quiet">per cent, 95 % intervals</span></h2>'
        f"{_rows(main, report)}{more}</section>"
    )


def _rows(figures: Sequence[Figure], report: Report) -> str:
    other = {figure.name: figure for figure in report.paper_style}
    rows = []
    for figure in figures:
        theirs = other.get(figure.name)
        more = _cells(theirs) if theirs else "<td></td><td></td>" if other else ""
        rows.append(
            f'<tr><th scope="row">{escape(figure.name)}</th>{_cells(figure)}<td>{interval(figure)}</td>{more}'
            f'<td class="count">{figure.count}</td></tr>'
        )
    both = '<th class="right">paper-style</th><th></th>' if other else ""
    name = "rescaled" if other else "value"
    return (
        f'<div class="scroll"><table><thead><tr><th></th><th class="right">{name}</th><th></th><th></th>{both}<th class="right">n</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cells(figure: Figure) -> str:
    return f'<td class="number">{percent(figure.value)}</td><td class="range">{_range(figure)}</td>'


def _range(figure: Figure) -> str:
    """A resampling of equal results has no width, and says nothing of how sure they are."""
    if figure.low == figure.high:
        return "–"
    return f"{percent(figure.low)} to {percent(figure.high)}"


def _paper(report: Report) -> str:
    table = report.table
    if table is None:
        return ""
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = [
        f'<tr><th scope="row">{escape(row.model)}</th>{"".join(f"<td class=number>{v:.1f}</td>" for v in row.values)}</tr>'
        for row in table.rows
    ]
    for name, figures in (("this model, rescaled", report.figures), ("this model, paper-style", report.paper_style)):  # fmt: skip
        ours = {figure.name: figure for figure in figures}
        if ours:
            cells = "".join(
                f"<td class=number>{percent(ours[column].value) if column in ours else '–'}</td>"
                for column in table.columns
            )
            rows.append(f'<tr class="ours"><th scope="row">{name}</th>{cells}</tr>')
    return (
        f'<section><h2>Beside the paper <span class="quiet">{escape(table.source)}</span></h2><div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table></div><p class="quiet">{escape(table.remark)} Its rows are single runs without intervals.</p></section>'
    )


def _misses(cases: Sequence[Case]) -> str:
    chosen = worst(cases)
    if not chosen:
        return "<section><h2>Misses</h2><p>None.</p></section>"
    total = sum(case.missed for case in cases)
    return (
        f'<section><h2>Worst misses <span class="quiet">{len(chosen)} of {total}, kinds in turn</span></h2>'
        '<p class="legend"><span class="swatch truth"></span> truth <span class="swatch said"></span> answer</p>'
        f"{sheet(chosen)}</section>"
    )


def _notes(report: Report) -> str:
    protocol = (
        "<p><b>Rescaled</b>: coordinates are brought from the model's picture back to the original, as the service does. "
        "<b>Paper-style</b>: the numbers are taken as the model wrote them, and read as the paper's scripts read them.</p>"
        if report.paper_style
        else ""
    )
    return (
        f"<footer>{protocol}<p>Intervals are 95 % percentile bootstraps over pictures: questions about one picture, or copies of one place, "
        "count as one piece of evidence. A dash stands where every picture gave the same result: resampling cannot tell how sure that is. They say nothing of other places, seasons or sensors.</p></footer>"
    )
