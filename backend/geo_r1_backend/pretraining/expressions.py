"""A question with its reasoning chain and answer, and how boxes and points are written in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from geo_r1_backend.pretraining.scenes import SceneObject
from geo_r1_backend.wire import Task

FAMILIES = ("plain", "colour", "size", "extreme", "ordinal", "relation", "all", "none")
"""Kinds of expression, as reported by the evaluation. `plain` has a single candidate and is not evaluated."""


@dataclass(frozen=True)
class Expression:
    """One question with everything that follows from it."""

    family: str
    task: Task
    """`rec` or `ovd`."""
    query: str
    reasoning: str
    answers: tuple[SceneObject, ...]
    candidates: tuple[SceneObject, ...]
    """All objects of the sought kind: what a guess has to choose from."""

    @property
    def completion(self) -> str:
        """Reasoning and answer in the paper's format."""
        return f"<think>{self.reasoning}</think><answer>{self.answer}</answer>"

    @property
    def answer(self) -> str:
        """The JSON of the answer, or None."""
        if not self.answers:
            return "None"
        items = [f'{{"bbox_2d":{box_text(o)},"label":"{o.kind}"}}' for o in self.answers]
        return items[0] if self.task == "rec" and len(items) == 1 else f"[{','.join(items)}]"


def box_text(item: SceneObject) -> str:
    """``[x_min,y_min,x_max,y_max]`` as it stands in chains and answers."""
    return "[" + ",".join(str(v) for v in item.box_px) + "]"


def point_text(item: SceneObject) -> str:
    """``(x,y)`` of the centre, as it stands in chains of "all"."""
    x, y = item.centre_px
    return f"({int(x)},{int(y)})"


def listed(items: Iterable[SceneObject]) -> str:
    """Candidates in a row, colour before box."""
    return ", ".join(f"{o.colour} {box_text(o)}".strip() for o in items)
