"""The table of `gpu_engine.py`: ours beside the peers, the floor and the aims."""

from __future__ import annotations

from typing import Any

AIMS = {
    "decode, batch 1, ms/token": 3.0,
    "decode, batch 8, ms/token": 4.0,
    "decode, batch 32, ms/token": 6.0,
    "vision 504 px, ms": 8.0,
    "prefill, ms": 12.0,
    "query of 200 tokens, s": 0.65,
    "first token, ms": 60.0,
    "tiles of 504 px and 120 tokens a second": 25.0,
    "GRPO step, s": 2.0,
}
MORE_IS_BETTER = "tiles of 504 px and 120 tokens a second"


def _get(rows: dict[str, Any], *path: Any) -> Any:
    found: Any = rows
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def lines(rows: dict[str, Any]) -> list[tuple[str, Any, Any, Any, Any]]:
    """What, ours, generate, compiled, floor."""
    floor = _get(rows, "floor", "floor_ms_per_token")
    found: list[tuple[str, Any, Any, Any, Any]] = [
        (
            f"decode, batch {n}, ms/token",
            _get(rows, "ours", "decode", n, "ms_per_token"),
            _get(rows, "peers", "generate", n, "ms_per_token"),
            _get(rows, "compiled", n, "ms_per_token"),
            floor,
        )
        for n in (1, 8, 32, 64)
    ]
    best = _get(rows, "peers", "tiles_per_s_batched")
    return [
        *found,
        ("vision 504 px, ms", _get(rows, "ours", "vision_ms"), _get(rows, "peers", "vision_ms"), None, None),
        ("prefill, ms", _get(rows, "ours", "prefill_ms"), _get(rows, "peers", "prefill_ms"), None, None),
        (
            "query of 200 tokens, s",
            _get(rows, "ours", "query_s"),
            _get(rows, "peers", "query_s"),
            _get(rows, "compiled", 1, "query_200_s"),
            round(floor * 0.2, 2) if floor else None,
        ),
        (
            "first token, ms",
            _get(rows, "ours", "first_token_ms"),
            _get(rows, "peers", "generate", 1, "first_token_ms"),
            None,
            None,
        ),
        (MORE_IS_BETTER, _get(rows, "ours", "tiles_per_s"), best, None, None),
        ("GRPO step, s", _get(rows, "grpo", "step_s"), None, None, None),
    ]  # fmt: skip


def table(rows: dict[str, Any]) -> str:
    """Markdown. A figure that is missing is a dash; an aim that is missed is said."""
    said = [
        "| | ours | generate | static cache + compile | floor | aim | |",
        "|---|---|---|---|---|---|---|",
    ]
    for what, mine, generate, compiled, floor in lines(rows):
        aim = AIMS.get(what)
        word = ""
        if aim is not None and mine is not None:
            met = mine >= aim if what == MORE_IS_BETTER else mine <= aim
            word = "met" if met else "**missed**"
        sign = ">=" if what == MORE_IS_BETTER else "<="
        cells = [f"**{mine}**" if mine is not None else "not run"]
        cells += ["–" if one is None else str(one) for one in (generate, compiled, floor)]
        said.append(f"| {what} | {' | '.join(cells)} | {f'{sign} {aim}' if aim else ''} | {word} |")
    machine = rows.get("machine", {})
    return "\n".join([f"{machine.get('device')}, torch {machine.get('torch')}", "", *said])
