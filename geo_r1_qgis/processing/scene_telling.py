"""What algorithms about whole rasters say in their log. Knows no service."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback
from qgis.PyQt.QtCore import QCoreApplication

from ..capture.scene_plan import ScenePlan
from ..core.scene_records import SceneResult

translate = QCoreApplication.translate


def say_plan(plan: ScenePlan, feedback: QgsProcessingFeedback) -> None:
    """Before anything is asked."""
    if plan.outside:
        words = translate(
            "GeoR1Processing", "Areas that lie beside the raster and are left out: {count}."
        )
        feedback.pushWarning(words.format(count=plan.outside))
    if plan.note:
        feedback.pushWarning(plan.note)
    feedback.pushInfo(plan.summary)


def say_result(result: SceneResult, feedback: QgsProcessingFeedback) -> None:
    """After each question."""
    tiles = result.tiles
    if result.reasoning:
        feedback.pushInfo(result.reasoning)
    if tiles.earlier:
        words = translate(
            "GeoR1Processing", "{count} of {total} tiles were known from the result file."
        )
        feedback.pushInfo(words.format(count=tiles.earlier, total=tiles.total))
    if tiles.empty:
        words = translate(
            "GeoR1Processing",
            "{count} of {total} tiles were not asked: the raster has no data there, or they show no area.",
        )
        say = feedback.pushWarning if tiles.empty == tiles.total else feedback.pushInfo
        say(words.format(count=tiles.empty, total=tiles.total))
    if tiles.partial:
        words = translate(
            "GeoR1Processing",
            "{count} of {total} tiles were asked although parts of them could not be read.",
        )
        feedback.pushWarning(words.format(count=tiles.partial, total=tiles.total))
    if tiles.failed:
        words = translate(
            "GeoR1Processing", "{count} of {total} tiles have no answer. The first one: {reason}"
        )
        values = {"count": tiles.failed, "total": tiles.total, "reason": result.first_failure}
        feedback.pushWarning(words.format(**values))
