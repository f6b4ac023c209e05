"""Figures of the real suites, with intervals over groups of photographs: copies of a picture are no further evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.evaluation.metrics import bootstrap, f1, mean
from geo_r1_backend.evaluation.scoring import Row

Grouped = Sequence[tuple[str, Row]]
"""Rows with the group of their photograph."""


def rec_figures(rows: Grouped) -> list[Figure]:
    """One object: accuracy over all, for unique and non-unique targets, per family and per class."""
    parts: list[tuple[str, Callable[[Row], bool]]] = [
        ("all", lambda r: True),
        ("unique", lambda r: r.family == "plain"),
        ("non-unique", lambda r: r.family != "plain"),
    ]
    parts += [(f"family {f}", _is("family", f)) for f in sorted({r.family for _, r in rows})]
    parts += [(f"class {k}", _is("kind", k)) for k in sorted({r.kind for _, r in rows})]
    found = []
    for name, belongs in parts:
        part = [(g, r) for g, r in rows if belongs(r)]
        found.append(_figure(f"Acc@0.5, {name}", part, lambda p: mean([r.iou >= 0.5 for r in p])))
        if name in ("all", "unique", "non-unique"):
            found.append(
                _figure(f"Acc@0.7, {name}", part, lambda p: mean([r.iou >= 0.7 for r in p]))
            )
            found.append(_figure(f"mean IoU, {name}", part, lambda p: mean([r.iou for r in p])))
    found.append(
        _figure("says none where there is one", rows, lambda p: mean([r.says_none for r in p]))
    )
    found.append(
        _figure("baseline: random true candidate", rows, lambda p: mean([r.guess_right for r in p]))
    )
    return [figure for figure in found if figure.count]


def ovd_figures(rows: Grouped) -> list[Figure]:
    """All objects of a kind: F1 over all kinds that were looked for, present or not, and per class where present."""
    found = [
        _figure("F1@0.5, all kinds asked for", rows, lambda p: f1([r.counts for r in p])),
        _figure(
            "F1@0.5, kinds that are there",
            [(g, r) for g, r in rows if r.family == "all"],
            lambda p: f1([r.counts for r in p]),
        ),
        _figure(
            "none recognised",
            [(g, r) for g, r in rows if r.family == "none"],
            lambda p: mean([r.right for r in p]),
        ),
    ]
    for kind in sorted({r.kind for _, r in rows if r.kind}):
        part = [(g, r) for g, r in rows if r.kind == kind]
        found.append(_figure(f"F1@0.5, class {kind}", part, lambda p: f1([r.counts for r in p])))
    return [figure for figure in found if figure.count]


def _is(name: str, value: str) -> Callable[[Row], bool]:
    return lambda row: getattr(row, name) == value


def _figure(name: str, rows: Grouped, statistic: Callable[[list[Row]], float]) -> Figure:
    groups: dict[str, list[Row]] = defaultdict(list)
    for group, row in rows:
        groups[group].append(row)
    drawn = [groups[name] for name in sorted(groups)]
    if not drawn:
        return Figure(name, 0.0, 0.0, 0.0, 0)
    low, high = bootstrap(drawn, lambda part: statistic([row for rows in part for row in rows]))
    return Figure(name, statistic([row for _, row in rows]), low, high, len(rows))
