"""Questions for training beyond the frozen families: comparatives between two, and questions that several objects fit.

A question that several objects fit is answered with all of them, and the chain says how many: a user who typed "the
tank" over five tanks sees five, not one picked by chance.
"""

from __future__ import annotations

from dataclasses import replace

from geo_r1_backend.pretraining import phrases
from geo_r1_backend.pretraining.catalogue import ObjectClass
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.expressions import Expression, box_text, listed
from geo_r1_backend.pretraining.relations import AREA_MARGIN, GAP_PX, box_area, x, y
from geo_r1_backend.pretraining.scenes import Scene, SceneObject
from geo_r1_backend.pretraining.wording import reworded

MAX_MATCHES = 9

COMPARATIVES = {
    "leftmost": ("the left {one}", "the {one} on the left", "the left-hand {one}", "the {one} more to the left"),
    "rightmost": ("the right {one}", "the {one} on the right", "the right-hand {one}", "the {one} more to the right"),
    "topmost": ("the upper {one}", "the top {one}", "the {one} further up"),
    "bottommost": ("the lower {one}", "the bottom {one}", "the {one} further down"),
    "largest": ("the larger {one}", "the bigger {one}", "the large {one}", "the big {one}"),
    "smallest": ("the smaller {one}", "the small {one}", "the little {one}"),
}  # fmt: skip
MORE_ONE = {
    "largest": ("which {one} is the biggest", "which {one} is largest", "what is the largest {one}"),
    "smallest": ("which {one} is the smallest", "what is the smallest {one}"),
    "leftmost": ("the {one} most to the left", "the {one} that lies furthest left", "the {one} at the very left"),
    "rightmost": ("the {one} most to the right", "the {one} that lies furthest right", "the {one} at the very right"),
    "topmost": ("the {one} most to the top", "the {one} that lies furthest up", "the {one} at the very top"),
    "bottommost": ("the {one} most to the bottom", "the {one} that lies furthest down", "the {one} at the very bottom"),
}  # fmt: skip


class TrainingExaminer(Examiner):
    """Asks the frozen families in more words, and two families more; on photographs, more for kinds that are not there."""

    def __init__(self, scene: Scene, dice: Dice) -> None:
        super().__init__(scene, dice)
        if scene.background == "real":
            self.ABSENT_COLOUR, self.NONE_OF_ALL = 0.25, 0.5

    def ask(self, family: str, kind: str | None = None) -> Expression | None:
        """A question of this family, perhaps reworded, or none where the scene admits none."""
        found = super().ask(family, kind)
        if found is None:
            return None
        return replace(found, query=reworded(self.dice, found.query))

    def _comparative(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        """Between two: the left one, the larger one. Among more: which is the largest."""
        dice, words = self.dice, phrases.words_for(self.dice, kind)
        if len(items) < 2:
            return None
        name = dice.choice(tuple(COMPARATIVES))
        keys = {
            "leftmost": x, "rightmost": lambda o: -x(o), "topmost": y, "bottommost": lambda o: -y(o),
            "largest": lambda o: -box_area(o), "smallest": box_area,
        }  # fmt: skip
        first, second = sorted(items, key=keys[name])[:2]
        if name in ("largest", "smallest"):
            low, high = sorted((first.area_px, second.area_px))
            by_area = min(items, key=lambda o: o.area_px if name == "smallest" else -o.area_px)
            if high < AREA_MARGIN * low or by_area is not first:
                return None
        elif abs(keys[name](first) - keys[name](second)) < GAP_PX:
            return None
        template = dice.choice(COMPARATIVES[name] if len(items) == 2 else MORE_ONE[name])
        query = phrases.one_sentence(dice, template.format(one=words[0]))
        chain = f"Find {kind.plural}: {listed(items)}. {name.capitalize()}: {box_text(first)}."
        return Expression("comparative", "rec", query, chain, (first,), tuple(items))

    def _ambiguous(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        """Asked for one (or for all) as one object, while several fit."""
        dice, words = self.dice, phrases.words_for(self.dice, kind)
        wanted = items
        colours = sorted({o.colour for o in items if o.colour})
        if colours and dice.chance(0.4):
            colour = dice.choice(colours)
            wanted = [o for o in items if o.colour == colour]
            words = phrases.coloured(dice, colour, words)
        if not 2 <= len(wanted) <= MAX_MATCHES:
            return None
        if dice.chance(0.5):
            query = phrases.one_sentence(
                dice, dice.choice(("the {one}", "{one}", "a {one}")).format(one=words[0])
            )
        else:
            query = phrases.all_sentence(dice, *words)
        chain = f"Find {kind.plural}: {listed(items)}. {len(wanted)} match."
        return Expression("ambiguous", "rec", query, chain, tuple(wanted), tuple(items))
