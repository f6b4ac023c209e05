"""What a terminal says of samples and runs; sentences with the row, the value and the mend."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from geo_r1_backend.label_check import Problem, Weight
from geo_r1_backend.training.from_raster import Built
from geo_r1_backend.training_wire import MIN_HELD_OUT_FOR_VERDICT, RunInfo

PROBLEMS = {
    "empty-geometry": ("has no geometry", "Draw it, or delete the row."),
    "no-area": ("has no area: it is a point, a line or a collapsed polygon", "Draw a polygon."),
    "mended-geometry": ("crosses itself and was mended", "Check it in QGIS if it looks wrong."),
    "outside": ("lies outside of the raster, or more than half of it does", "Choose the raster that it was drawn on."),
    "no-expression": ("has no text", "Fill the field, or give one question for all with --expression."),
    "too-small": ("is {size_px:g} px large on the raster; {limit_px:g} is the least", "Use a raster of higher resolution."),
    "duplicate": ("is the same as row {other}", "Delete one of the two."),
    "too-few": ("{count} polygons can be used; {limit} are the least", "Draw more: ten are a good beginning."),
    "few": ("only {count} polygons; from {limit} on a model learns better", "Draw more if there are more."),
    "too-many": ("{count} polygons; {limit} is the limit", "Choose some of them, in a layer of their own."),
    "no-crs": ("{file} says nothing about its CRS; both are taken to be in the same one", "Set it in QGIS if that is wrong."),
    "transformed": ("the polygons come in {crs} and are transformed to the raster’s CRS", ""),
}  # fmt: skip


def problem_line(problem: Problem) -> str:
    """One line of the sample check."""
    text, mend = PROBLEMS.get(problem.code, (problem.code, ""))
    said = text.format(**problem.values)
    where = f"Row {problem.fid} " if problem.fid is not None else ""
    left_out = " It is left out." if problem.weight is Weight.LEFT_OUT else ""
    sentence = f"{where}{said}" if where else said[:1].upper() + said[1:]
    return f"{sentence}.{left_out}{f' {mend}' if mend else ''}"


def built_lines(built: Built) -> list[str]:
    """What the data set has."""
    parts = {"train": 0, "validation": 0, "held_out": 0}
    for sample in built.samples:
        parts[sample.part] += 1
    cut = built.split.parts.count(None)
    lines = [
        f"{len(built.check.labels)} polygons, {len(built.chips)} chips: {parts['train']} samples to learn from, "
        f"{parts['validation']} to choose by, {parts['held_out']} held out."
    ]
    if cut:
        lines.append(f"{cut} polygons lie on the line between two parts and are left out.")
    if not parts["held_out"]:
        lines.append(
            "All polygons are neighbours: nothing can be held out, so there will be no verdict."
        )
    return lines  # fmt: skip


def event_line(event: dict[str, Any]) -> str | None:
    """One event of a run as a line, or None where there is nothing to say."""
    kind = event["event"]
    if kind == "step":
        left = timedelta(seconds=round(event["remaining_s"]))
        # a supervised step samples no answers, so there is nothing to measure
        sampled = f"  reward {event['reward']:.3f}  metric {event['metric']:.3f}"
        reward = "" if event["method"] == "sft" else sampled
        return (
            f"step {event['step']}/{event['steps']} {event['method']}{reward}  "
            f"loss {event['loss']:.4f}  {event['seconds']:.1f} s  left {left}"
        )
    if kind == "evaluation":
        return f"  after step {event['step']}: {score_text(event['score'])}"
    if kind == "note":
        return f"  {event['text']}"
    if kind == "state":
        error = event.get("error")
        said = f"{event['state']}{': ' + event['note'] if event['note'] else ''}"
        return f"{said}: {error['message']} {error['hint']}" if error else said
    return None


def score_text(score: dict[str, Any]) -> str:
    """A score with its interval."""
    part = score["part"].replace("_", "-")
    return (
        f"{score['metric']} {score['value']:.1%} ({score['low']:.1%} to {score['high']:.1%}) "
        f"on {score['objects']} {part} objects"
    )


def verdict_lines(verdict: dict[str, Any] | None) -> list[str]:
    """What a run brought."""
    if verdict is None:
        return ["No verdict: nothing was held out, or the run did not get that far."]
    outcome = {
        "better": "Better than before.",
        "worse": "Worse than before: keep the old model.",
        "no_difference": "No difference that could not be chance.",
        "too_few": f"Too few held-out objects to tell, n = {verdict['after']['objects']} "
        f"(below {MIN_HELD_OUT_FOR_VERDICT}).",
    }[verdict["outcome"]]
    return [
        f"before  {score_text(verdict['before'])}",
        f"after   {score_text(verdict['after'])}",
        f"gain    {verdict['gain']:+.1%} ({verdict['gain_low']:+.1%} to {verdict['gain_high']:+.1%}), 95 %",
        outcome,
    ]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns under each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def run_row(info: RunInfo) -> list[str]:
    """One run in the list."""
    gain = ""
    if info.verdict is not None:
        gain = f"{info.verdict.before.value:.0%} → {info.verdict.after.value:.0%} ({info.verdict.outcome})"
    return [
        info.id,
        info.name or "-",
        info.state,
        f"{info.step}/{info.steps}",
        info.method,
        info.model,
        gain or "-",
    ]
