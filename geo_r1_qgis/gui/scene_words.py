"""The words for runs over whole rasters. Knows no widget."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QCoreApplication

from ..core.scene_records import STOPPED, SceneResult

translate = QCoreApplication.translate


def duration_words(seconds: float) -> str:
    """A time to wait, no more exact than it is known: “6 s”, “4 min”, “2.5 h”, “3 days”."""
    if seconds < 90:
        return translate("SceneWords", "{n} s").format(n=max(1, round(seconds)))
    if seconds < 90 * 60:
        return translate("SceneWords", "{n} min").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return translate("SceneWords", "{n} h").format(n=f"{seconds / 3600:.1f}")
    return translate("SceneWords", "{n} days").format(n=round(seconds / 86400))


def plan_words(summary: str, seconds: float) -> str:
    """What will be sent, and how long it takes: “12 tiles of 448 px at 0.30 m/px, about 6 s”."""
    about = translate("SceneWords", "{summary}, about {time}")
    return about.format(summary=summary, time=duration_words(seconds))


def progress_words(done: int, total: int, seconds_left: Optional[float], count: int) -> str:
    """How far a run is: “40 of 120 tiles · 17 found · 2 min left”."""
    words = [
        translate("SceneWords", "{done} of {total} tiles").format(
            done=f"{done:,}", total=f"{total:,}"
        )
    ]
    if count:
        words.append(translate("SceneWords", "{count} found").format(count=f"{count:,}"))
    if seconds_left is not None and done < total:
        left = translate("SceneWords", "{time} left").format(time=duration_words(seconds_left))
        words.append(left)
    return " · ".join(words)


def offer_words(query: str, done: int, total: int) -> str:
    """What a run that was stopped came to."""
    words = translate("SceneWords", "“{query}” was stopped at {done} of {total} tiles")
    return words.format(query=query, done=f"{done:,}", total=f"{total:,}")


def end_words(result: SceneResult) -> str:
    """What stands beside the question at the end; empty where the number of its answers says it all."""
    return translate("SceneWords", "stopped") if result.outcome == STOPPED else ""


def trouble_words(result: SceneResult) -> str:
    """What is to be said about tiles that failed; empty if none did."""
    if not result.tiles.failed:
        return ""
    words = translate(
        "SceneWords",
        "{count} of {total} tiles have no answer; Resume asks them again. The first one: {reason}",
    )
    return words.format(
        count=f"{result.tiles.failed:,}",
        total=f"{result.tiles.total:,}",
        reason=result.first_failure,
    )
