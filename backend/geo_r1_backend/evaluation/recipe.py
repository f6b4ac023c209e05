"""The frozen evaluation of the embedded model on generated scenes: written before the first training run.

Do not tune anything here to a model. A change of this file is a new recipe with a new name, and figures of different
recipes are never compared. Its laws (`tests/pure/test_recipe.py`): half of the scenes lie on real photographs that
training never saw; no question has a single candidate, half have at least four; 30 % of the sought objects are under
24 px; every view ratio occurs equally often in every family.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.expressions import Expression
from geo_r1_backend.pretraining.scenes import VIEWS_PX, Scene, SceneRecipe, draw_scene

RECIPE_NAME = "nano-generated-1"
FAMILIES = ("colour", "size", "extreme", "ordinal", "relation", "all", "none")
ONE_OBJECT = FAMILIES[:5]
PER_FAMILY = 160
"""Questions per family of a full run."""
SMALL_PX = 24
SEED_BASE = 7_000_000_000_000_000
"""Far above any seed of a training run (`RowSource`: seed << 40 with seeds below 1,000)."""

_MANY = ((4, 2.0), (5, 2.0), (6, 1.5), (8, 1.0), (10, 0.5))
_FEW = ((2, 1.0), (3, 1.5))


@dataclass(frozen=True)
class Question:
    """One frozen question."""

    family: str
    view_px: tuple[int, int]
    background: str
    scene: Scene
    expression: Expression
    seed: int


def frozen_questions(
    real: RealBackgrounds | None, per_family: int = PER_FAMILY
) -> Iterator[Question]:
    """The questions, in an order whose every prefix is balanced over families and views.

    Args:
        real: evaluation tiles; without them only the generated half is asked (and the caller says so).
        per_family: how many of each family.
    """
    for index in range(per_family):
        for family_index, family in enumerate(FAMILIES):
            on_photograph = (index // len(VIEWS_PX)) % 2 == 1
            if on_photograph and real is None:
                continue
            yield _question(family, family_index, index, real if on_photograph else None)


def _question(family: str, family_index: int, index: int, real: RealBackgrounds | None) -> Question:
    view = VIEWS_PX[index % len(VIEWS_PX)]
    many = (index // (2 * len(VIEWS_PX))) % 2 == 0
    small = (index + family_index) % 10 < 3
    recipe = replace(
        SceneRecipe(),
        real_share=1.0,
        group_sizes=_MANY if many else _FEW,
        small_share=1.0 if small else 0.15,
    )
    for attempt in range(20_000):
        seed = SEED_BASE + ((family_index * 10_000 + index) << 20) + attempt
        scene = draw_scene(seed, recipe, real, view)
        if not scene.objects:
            continue
        kind = scene.objects[0].kind
        expression = Examiner(scene, Dice(seed)).ask(family, None if family == "none" else kind)
        if expression is not None and _admissible(expression, many=many, small=small):
            return Question(family, view, scene.background, scene, expression, seed)
    msg = f"No admissible question for family {family}, index {index}: the generator and the recipe do not fit."
    raise RuntimeError(msg)


def _admissible(expression: Expression, *, many: bool, small: bool) -> bool:
    candidates = len(expression.candidates)
    if expression.family == "none":
        return candidates == 0 or candidates >= 2
    if candidates < 2 or (candidates >= 4) != many:
        return False
    under = [item.longest_px < SMALL_PX for item in expression.answers]
    return (sum(under) * 2 > len(under)) == small
