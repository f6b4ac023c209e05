"""From what the user typed to what every tile is asked. For the dock and the toolbox."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from . import wire
from .comparison import Comparison, anchor_query, read_comparison, target_query
from .scene_records import SceneOptions


def options_of(
    query: str, task: wire.Task, comparison: Optional[Comparison], **more: Any
) -> SceneOptions:
    """What a run is asked.

    Args:
        query: in the user's words.
        task: chosen in the panel.
        comparison: as the user's form has it; none = as the query reads.
        more: further options.
    """
    understood = comparison or read_comparison(query).comparison
    if (
        understood is None
    ):  # it cannot be said as a comparison: each tile is asked in the user's own words
        return SceneOptions(query, task, **more)
    if understood.is_plain:  # a kind of object and nothing to compare: all of them
        return SceneOptions(target_query(understood), "gres" if task == "gres" else "ovd", **more)
    return SceneOptions(query, task, understood, **more)


def questions_of(options: SceneOptions) -> List[Tuple[str, wire.Task]]:
    """What each tile is asked: the user's own question, or the targets and the anchors of a comparison."""
    if options.comparison is None:
        return [(options.query, options.task)]
    task: wire.Task = "gres" if options.task == "gres" else "ovd"
    anchors = anchor_query(options.comparison)
    questions: List[Tuple[str, wire.Task]] = [(target_query(options.comparison), task)]
    if anchors:
        questions.append((anchors, "ovd"))
    return questions
