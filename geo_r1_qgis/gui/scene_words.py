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


def offer_words(query: str, done: int, total: int, *, is_over: bool = False) -> str:
    """What a run that was stopped came to, or one with tiles that have no answer."""
    words = (
        translate("SceneWords", "“{query}” has answers for {done} of {total} tiles")
        if is_over
        else translate("SceneWords", "“{query}” was stopped at {done} of {total} tiles")
    )
    return words.format(query=query, done=f"{done:,}", total=f"{total:,}")


def end_words(result: SceneResult) -> str:
    """What stands beside the question at the end; empty where the number of its answers says it all."""
    return translate("SceneWords", "stopped") if result.outcome == STOPPED else ""


def stage_words(result: SceneResult) -> str:
    """How a run ended, and how many tiles there was nothing to ask about."""
    is_stopped = result.outcome == STOPPED
    words = (
        translate("SceneWords", "Stopped") if is_stopped else translate("SceneWords", "Answered")
    )
    if not result.tiles.empty:
        return words
    empty = translate("SceneWords", "{count} of {total} tiles without data")
    return f"{words} · " + empty.format(
        count=f"{result.tiles.empty:,}", total=f"{result.tiles.total:,}"
    )


def trouble_words(result: SceneResult) -> str:
    """What is to be said about tiles that failed, or were seen in part; empty if none did."""
    tiles, sentences = result.tiles, []
    if tiles.failed:
        sentences.append(
            translate(
                "SceneWords", "{count} of {total} tiles have no answer; Resume asks them again."
            )
        )
        sentences[-1] = sentences[-1].format(count=f"{tiles.failed:,}", total=f"{tiles.total:,}")
    if tiles.partial:
        words = translate("SceneWords", "Of {count} tiles, parts could not be read.")
        sentences.append(words.format(count=f"{tiles.partial:,}"))
    if sentences and result.first_failure:
        words = translate("SceneWords", "The first one: {reason}")
        sentences.append(words.format(reason=result.first_failure))
    return " ".join(sentences)
