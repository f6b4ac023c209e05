"""What the doctor finds: steps with their times, and the report that can be handed on. Pure standard library.

The report has no token, no question, no layer, and neither the user's name nor a home folder in a path.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Dict, List, Sequence

from .settings import Settings

NEEDED_IOU = 0.5
PRIVATE = ("service_authcfg",)
"""Settings of which only the presence is told."""
LEFT_OUT = ("dock_was_shown",)


class State(Enum):
    """How far a step is."""

    RUNNING = "running"
    OK = "ok"
    BROKEN = "broken"
    SKIPPED = "skipped"
    """Not tried: an earlier one is broken, it was stopped, or it cannot be tried from here."""


@dataclass(frozen=True)
class Step:
    """One line of the list."""

    name: str
    """`read`, `connect`, …; the service's own steps are `service/NAME`."""
    state: State
    found: str = ""
    """What was seen, or what is wrong."""
    hint: str = ""
    took_ms: float = 0.0


def iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of two boxes `(x_min, y_min, x_max, y_max)`, 0 .. 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared) if shared else 0.0


def compose_report(
    *,
    versions: Dict[str, str],
    settings: Settings,
    steps: Sequence[Step],
    secrets: Sequence[str],
    home: str,
    user: str,
) -> str:
    """The text for *Copy report*.

    Args:
        versions: name → version, in the order in which they are told.
        settings: told without what is private.
        steps: in order.
        secrets: words that must not be in it, whoever said them (tokens).
        home: home folder of the user; becomes `~`.
        user: login name; becomes `USER`.
    """
    lines: List[str] = ["Geo-R1 check", ""]
    lines += [f"{name:<10} {version}" for name, version in versions.items()]
    lines += ["", "settings"]
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.name in LEFT_OUT:
            continue
        if each.name in PRIVATE:
            value = "set" if value else "not set"
        lines.append(f"  {each.name} = {value!r}" if value != "" else f"  {each.name}: not set")
    lines += ["", "steps"]
    for step in steps:
        took = f"{step.took_ms:8.0f} ms" if step.state is not State.SKIPPED else " " * 11
        lines.append(f"  {step.state.value:<8}{took}  {step.name}: {step.found}")
        if step.hint:
            lines.append(f"{'':<23}{step.hint}")
    return _redacted("\n".join(lines), secrets=secrets, home=home, user=user) + "\n"


def _redacted(text: str, *, secrets: Sequence[str], home: str, user: str) -> str:
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    for folder in {home, home.replace("\\", "/"), home.replace("/", "\\")}:
        if len(folder) > 3:
            text = text.replace(folder, "~")
    return text.replace(user, "USER") if len(user) >= 3 and user != "root" else text
