"""The bench's figures as one Markdown table: medians, extremes, and ratios with their intervals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from columns import COLUMNS, GENERATE

from geo_r1_backend.evaluation.metrics import bootstrap
from geo_r1_backend.evaluation.recipe import ONE_OBJECT

Row = dict[str, Any]


def table(found: dict[str, Any]) -> str:
    """Everything that was measured, for a person."""
    machine, rows = found["machine"], found["questions"]
    one = [row for row in rows if row["family"] in ONE_OBJECT]
    every = [row for row in rows if row["family"] == "all"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    before, after = machine["load_before"][0], machine["load_after"][0]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads; load {before:.2f} before, "
        f"{after:.2f} after (the bench itself is about {machine['threads']}); Python {machine['python']}, {versions}; "
        f"recipe {machine['recipe']}, seed {machine['seed']}: {len(one)} one-object questions, {len(every)} for all.",
        "",
        "| | " + " | ".join(COLUMNS) + " |",
        "|---|" + "---|" * len(COLUMNS),
        _line("one object, s", one, _seconds, _spread),
        _line("first token, s", one, lambda c: c["first_token_s"], _spread),
        _line("the same view again, s", one, lambda c: c.get("again_seconds"), _spread),
        _line(
            "tokens a second, whole question", one, lambda c: c["tokens"] / c["seconds"], _median
        ),
        _pooled("all: s per object found", every),
        _ratio("one object: times faster than generate", one),
        _ratio("all: times faster than generate", every),
        _share("one object right (IoU 0.5)", one, "right"),
        _share("boxes as torch's within 1 px", rows, "same_boxes"),
        "",
        "| the service as a process | float32 | int8 |",
        "|---|---|---|",
    ]
    services = [found["service"][name] for name in ("float32", "int8")]
    for title, key, form in (
        ("start of the process to ready, s", "ready_s", "{:.2f}"),
        ("HTTP: question to first token, s (median of the new views)", "http_token_s", "{:.2f}"),
        ("HTTP: question to first detection, s", "http_detection_s", "{:.2f}"),
        ("HTTP: question to result, s", "http_result_s", "{:.2f}"),
        ("resident after the questions (20 by default), MiB", "resident_mib", "{:.0f}"),
        ("peak, MiB", "peak_mib", "{:.0f}"),
    ):
        cells = [_value(service.get(key), form) for service in services]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    if "dock" in found:
        dock = found["dock"]
        lines += [
            "",
            f"| the dock in QGIS {dock['qgis']} (float32, {len(dock['new'])} views) | new view | known view |",
            "|---|---|---|",
            f"| Enter to first words, s | {_spread(dock['new'])} | {_spread(dock['known'])} |",
            f"| longest the window stood still, ms: median, longest | {statistics.median(dock['gap_ms']):.0f} | {max(dock['gap_ms']):.0f} |",
        ]
    return "\n".join(lines)


def _seconds(column: Row) -> float:
    return float(column["seconds"])


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"**{statistics.median(values):.3f}** ({min(values):.3f} – {max(values):.3f})"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f}" if values else "–"


def _value(value: Any, form: str) -> str:
    if isinstance(value, list):
        return _spread(value)
    return "–" if value is None else form.format(value)


def _line(
    title: str,
    rows: Sequence[Row],
    read: Callable[[Row], float | None],
    show: Callable[[Sequence[float]], str],
) -> str:
    cells = []
    for name in COLUMNS:
        values = [read(row["columns"][name]) for row in rows]
        cells.append(show([value for value in values if value is not None]))
    return f"| {title} | {' | '.join(cells)} |"


def _pooled(title: str, rows: Sequence[Row]) -> str:
    """All time over all objects, with a bootstrap interval over questions."""
    cells = []
    for name in COLUMNS:
        picked = [row["columns"][name] for row in rows if row["columns"][name]["objects"]]
        cells.append(_with_interval(picked, _per_object, "{:.3f}") if picked else "–")
    return f"| {title} | {' | '.join(cells)} |"


def _per_object(columns: Sequence[Row]) -> float:
    return float(sum(c["seconds"] for c in columns) / sum(c["objects"] for c in columns))


def _ratio(title: str, rows: Sequence[Row]) -> str:
    """Median of the ratios of one question each."""
    cells = []
    for name in COLUMNS:
        ratios = [
            row["columns"][GENERATE]["seconds"] / row["columns"][name]["seconds"] for row in rows
        ]
        cells.append(
            "1" if name == GENERATE else _with_interval(ratios, statistics.median, "{:.2f}")
        )
    return f"| {title} | {' | '.join(cells)} |"


def _with_interval(rows: Sequence[Any], statistic: Callable[[Any], float], form: str) -> str:
    if not rows:
        return "–"
    low, high = bootstrap(rows, statistic)
    return f"**{form.format(statistic(rows))}** [{form.format(low)}, {form.format(high)}]"


def _share(title: str, rows: Sequence[Row], key: str) -> str:
    cells = []
    for name in COLUMNS:
        count = sum(bool(row["columns"][name][key]) for row in rows)
        cells.append(f"{count} of {len(rows)}")
    return f"| {title} | {' | '.join(cells)} |"
