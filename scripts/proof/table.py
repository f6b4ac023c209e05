"""Rows of the proof as a table for docs/experiments.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD = (
    "| seed | roofs asked (places) | before | after | gain, 95 % | steps | training, s (processor s; load) | verdict of the tab "
    "| longest stall of the window, ms |"
)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown, one line per seed."""
    lines = [HEAD, "|---|---|---|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda one: (one["steps_asked"], one["seed"])):
        asked = row["asked"]
        before, after = 100 * asked["before"]["value"], 100 * asked["after"]["value"]
        gain, low, high = (100 * asked[name] for name in ("gain", "gain_low", "gain_high"))
        first, last = row["load"]
        lines.append(
            f"| {row['seed']} | {asked['after']['objects']} ({row['places']}) | {before:.1f} | **{after:.1f}** "
            f"| **{gain:+.1f}** [{low:+.1f}, {high:+.1f}] | {row['tab']['steps']} "
            f"| {row['train_s']:.0f} ({row['runner_cpu_s']:.0f}; {first} to {last}) | {row['report']['verdict_words']} "
            f"| {row['report']['longest_gap_ms']} |"
        )
    return "\n".join(lines)
