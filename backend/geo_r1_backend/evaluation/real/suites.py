"""`real-rec` and `real-ovd`: questions about real photographs, by the generator's own grammar, from published boxes.

Nothing of these sets enters training. Every question is a pure function of the data and the seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.evaluation.real.groups import grouped, split_of
from geo_r1_backend.evaluation.real.held_out import airport_place, held_out_airport
from geo_r1_backend.evaluation.real.labels import READERS
from geo_r1_backend.evaluation.real.views import draw_views
from geo_r1_backend.evaluation.recipe import Question
from geo_r1_backend.pretraining import phrases
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.expressions import Expression
from geo_r1_backend.pretraining.scenes import Scene, kind_named

SUITES = ("real-rec", "real-ovd")
ONE_OBJECT = ("plain", "size", "extreme", "ordinal", "relation")
"""Families that need no colour: the publishers' labels have none."""
VIEWS_PER_IMAGE = 2
PER_VIEW = 2
SEED = 20261125


@dataclass(frozen=True)
class RealQuestion:
    """One question, with the group of its photograph: the unit that is resampled."""

    question: Question
    group: str


def real_questions(
    suite: str, source: str, data: Path, *, split: str = "test", seed: int = SEED
) -> list[RealQuestion]:
    """All questions of a suite.

    Args:
        suite: `real-rec` (one object) or `real-ovd` (all objects of a kind, absent kinds among them).
        source: `nwpu`, `airports` or `streets`.
        data: folder that holds the sets.
        split: `test`, `shots` or `all`. Of the airports only those that no training of ours may see are `test`.
        seed: of views and wording.

    Raises:
        ConfigError: naming a file that is missing.
    """
    images = READERS[source](data)
    found: list[RealQuestion] = []
    groups = grouped(images)
    if source == "airports":
        groups = [airport_place(group) for group in groups]
    for index, (image, group) in enumerate(zip(images, groups, strict=True)):
        if split not in ("all", split_of(group)) or (
            split == "test" and source == "airports" and not held_out_airport(group)
        ):
            continue
        dice = Dice(seed * 1_000_003 + index)
        for scene in draw_views(image, dice, VIEWS_PER_IMAGE):
            asked = _one(scene, dice) if suite == "real-rec" else _all(scene, image.kinds, dice)
            found += [
                RealQuestion(
                    Question(e.family, (scene.width_px, scene.height_px), source, scene, e, index),
                    group,
                )
                for e in asked
            ]
    return found


def _one(scene: Scene, dice: Dice) -> Iterator[Expression]:
    examiner = Examiner(scene, dice)
    queries: set[str] = set()
    for family in dice.shuffled(ONE_OBJECT):
        expression = examiner.ask(family)
        if expression is not None and expression.query not in queries and len(queries) < PER_VIEW:
            queries.add(expression.query)
            yield expression


def _all(scene: Scene, kinds: Sequence[str], dice: Dice) -> Iterator[Expression]:
    """Every kind that was looked for is asked for, whether it is there or not: no oracle list."""
    for name in kinds:
        if name in scene.unlabelled:
            continue
        items = tuple(o for o in scene.objects if o.kind == name)
        words = phrases.words_for(dice, kind_named(name))
        query = phrases.all_sentence(dice, *words)
        family = "all" if items else "none"
        yield Expression(family, "ovd", query, "", items, items)
