"""The tables of the few-shot proof, from the rows of finished cells: what is not there is not claimed.

Rates and adaptations of SFT are chosen per shot and seed by the validation part, as the steps are; the test part is compared
pair by pair: the same questions, resampled by picture and seed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

from cells import LONG_ARMS, TUNING_ARMS, VISION_ARMS

from geo_r1_backend.evaluation.metrics import bootstrap, mean

Row = dict[str, Any]
Key = tuple[str, int, bool]
"""Base, shots, think."""
FAMILIES: dict[str, Callable[[str], bool]] = {
    "best SFT": lambda arm: arm.startswith("sft-") and not arm.endswith("-vision"),
    "best SFT, vision": lambda arm: arm.startswith("sft-") and arm.endswith("-vision"),
    "GRPO": partial(eq, "grpo"),
    "DAPO": partial(eq, "dapo"),
    "SFT, then DAPO": partial(eq, "sft_dapo"),
    **{
        arm.name: partial(eq, arm.name)
        for arm in (*TUNING_ARMS, *LONG_ARMS, *VISION_ARMS)
        if arm.method != "sft"
    },
}


def read_rows(folder: Path) -> list[Row]:
    """Rows of finished cells."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def chosen(rows: Sequence[Row]) -> dict[str, dict[int, Row]]:
    """For each family and seed the arm that was best on the validation part, the untrained base among the candidates of SFT."""
    found: dict[str, dict[int, Row]] = {}
    for family, belongs in FAMILIES.items():
        by_seed: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            if belongs(row["arm"]["name"]):
                by_seed[row["seed"]].append(row)
        if by_seed:
            found[family] = {
                seed: max(some, key=lambda row: (row["validation"], -row["arm"]["learning_rate"]))
                for seed, some in sorted(by_seed.items())
            }
    return found


def gains(ours: dict[int, Row], theirs: dict[int, Row] | None) -> list[tuple[str, float]]:
    """(group, difference of hits) of every question and seed; against the untrained base where ``theirs`` is none."""
    pairs: list[tuple[str, float]] = []
    for seed, row in ours.items():
        other = (
            row["base_hits"] if theirs is None else theirs[seed]["hits"] if seed in theirs else None
        )
        if other is not None:
            pairs += [
                (group, float(a) - float(b))
                for group, a, b in zip(row["groups"], row["hits"], other, strict=True)
            ]
    return pairs


def interval(pairs: Sequence[tuple[str, float]]) -> tuple[float, float, float]:
    """(mean, low, high) in points, resampled by picture."""
    groups: dict[str, list[float]] = defaultdict(list)
    for group, value in pairs:
        groups[group].append(value)
    low, high = bootstrap(
        [groups[name] for name in sorted(groups)], lambda some: mean([v for g in some for v in g])
    )
    return 100 * mean([v for _, v in pairs]), 100 * low, 100 * high


def table(rows: Sequence[Row]) -> str:
    """All tables as Markdown."""
    by_key: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[(row["base"], row["shots"], row["think"])].append(row)
    return "\n\n".join(_table(key, some) for key, some in sorted(by_key.items(), reverse=True))


def _table(key: Key, rows: Sequence[Row]) -> str:
    base, shots, think = key
    lines = [
        f"**Base {base}, {shots} shots, {'think' if think else 'no think'}** (untrained: "
        f"{100 * mean(rows[0]['base_hits']):.1f}; {len(rows[0]['hits'])} test questions)",
        "",
        "| way | seeds | Acc@0.5 | by seed | over the base | over the best SFT |",
        "|---|---|---|---|---|---|",
    ]
    families = chosen(rows)
    for family, some in families.items():
        values = [100 * mean(row["hits"]) for row in some.values()]
        # where the tower learned, it did for both
        peer = "best SFT, vision" if family.endswith("vision") else "best SFT"
        best = families.get(peer)
        over_sft = gains(some, best) if best and family != peer else []
        lines.append(
            f"| {family} | {_seeds(family, rows, some)} | **{mean(values):.1f}** | {', '.join(f'{v:.1f}' for v in values)} | "
            f"{_points(gains(some, None))} | {_points(over_sft) if over_sft else '-'} |"
        )
    return "\n".join(lines)


def _seeds(family: str, rows: Sequence[Row], some: dict[int, Row]) -> str:
    """How many seeds, and of how many candidates each was the best where some of them lack one: not the same chance for all."""
    asked = [
        sum(row["seed"] == seed and FAMILIES[family](row["arm"]["name"]) for row in rows)
        for seed in some
    ]
    return str(len(some)) + (
        "" if len(set(asked)) == 1 else f" (best of {', '.join(map(str, asked))})"
    )


def _points(pairs: Sequence[tuple[str, float]]) -> str:
    value, low, high = interval(pairs)
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"
