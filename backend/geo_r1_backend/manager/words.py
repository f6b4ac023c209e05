"""Plans and progress as lines of text, for the shell."""

from __future__ import annotations

from pathlib import Path

from geo_r1_backend.errors import gigabytes
from geo_r1_backend.models_wire import FetchPlan, FetchProgressEvent

REASONS = {
    "pickle": "pickle, which can run code",
    "code": "code",
    "other-format": "another format",
    "not-needed": "not needed",
}


def plan_lines(plan: FetchPlan, data_folder: Path) -> list[str]:
    """A plan, largest things first."""
    at = f"{plan.repository} at {plan.commit[:12]}"
    lines = [f"{at} ({plan.revision}), from {plan.hub}"]
    if plan.installed and plan.installed_commit == plan.commit:
        return [*lines, f"  is here already: --model {plan.installed}"]
    lines.append(
        f"  size     {gigabytes(plan.size_bytes)} ({plan.size_bytes:,} bytes) in {len(plan.files)} files"
    )
    if plan.there_bytes:
        lines.append(f"  here     {gigabytes(plan.there_bytes)} of it have come already")
    room = "" if plan.fits else ": too little room"
    lines.append(
        f"  place    {data_folder / 'models' / plan.model} ({gigabytes(plan.free_bytes)} free{room})"
    )
    lines.append(f"  licence  {plan.licence or 'the repository names none'}")
    if plan.base:
        licence = f", licence {plan.base_licence}" if plan.base_licence else ""
        lines.append(f"  base     processor from {plan.base} at {plan.base_commit[:12]}{licence}")
    for reason, words in REASONS.items():
        names = [left.name for left in plan.left_out if left.reason == reason]
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"  without  {', '.join(names[:3])}{more} ({words})")
    if plan.installed:
        lines.append(
            f"  note     {plan.installed} is this repository at {plan.installed_commit[:12]}; "
            f"{plan.revision} has moved on since"
        )
    return lines


def progress_line(progress: FetchProgressEvent) -> str:
    """How far a download is."""
    share = progress.done_bytes / progress.size_bytes if progress.size_bytes else 0.0
    if progress.phase == "asking":
        return "asking the hub"
    if progress.phase == "checking":
        return f"{share:4.0%} checking {progress.file}".rstrip()
    parts = [
        f"{share:4.0%}",
        f"{gigabytes(progress.done_bytes)} of {gigabytes(progress.size_bytes)}",
    ]
    if progress.bytes_per_s:
        parts.append(f"{progress.bytes_per_s / 1e6:.1f} MB/s")
    if progress.remaining_s is not None:
        parts.append(
            f"{progress.remaining_s / 60:.0f} min left"
            if progress.remaining_s >= 90
            else f"{progress.remaining_s:.0f} s left"
        )
    return "  ".join(parts)
