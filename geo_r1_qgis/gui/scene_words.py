"""The words for runs over whole rasters. Knows no widget."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

from ..core.scene_records import STOPPED, SceneResult
from ..tasks.progress_words import duration_words

translate = QCoreApplication.translate


def plan_words(summary: str, seconds: float) -> str:
    """What will be sent, and how long it takes: “12 tiles of 448 px at 0.30 m/px, about 6 s”."""
    about = translate("SceneWords", "{summary}, about {time}")
    return about.format(summary=summary, time=duration_words(seconds))


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
