"""Asks questions about a scene, with the reasoning chain and the answer that follow from its truth.

Every question is unambiguous by a margin: the largest is larger by 18 %, the leftmost is further left by some pixels. A
question whose truth cannot be known (kinds that stand unlabelled in a photograph) is never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from geo_r1_backend.pretraining import phrases
from geo_r1_backend.pretraining.catalogue import CLASSES, ObjectClass
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.expressions import Expression, box_text, listed, point_text
from geo_r1_backend.pretraining.relations import (
    AREA_MARGIN,
    GAP_PX,
    box_area,
    largest_on_side,
    related,
    x,
    y,
)
from geo_r1_backend.pretraining.scenes import Scene, SceneObject, kind_named

MAX_LISTED = 16
"""Longest list of candidates that a one-object question may need; scenes above it are asked other questions."""


ORDERS: dict[str, tuple[str, Callable[[SceneObject], float]]] = {
    "leftmost": ("from the left", x),
    "rightmost": ("from the right", lambda o: -x(o)),
    "topmost": ("from the top", y),
    "bottommost": ("from the bottom", lambda o: -y(o)),
}


class Examiner:
    """Asks questions about one scene."""

    ABSENT_COLOUR = 0.55
    """Share of *none* that is about a colour, not a kind."""
    NONE_OF_ALL = 0.3
    """Share of *none* that asks for all objects, not for one."""

    def __init__(self, scene: Scene, dice: Dice) -> None:
        self.scene = scene
        self.dice = dice
        self.by_kind: dict[str, list[SceneObject]] = {}
        for item in scene.objects:
            if item.kind not in scene.unlabelled:
                self.by_kind.setdefault(item.kind, []).append(item)
        for items in self.by_kind.values():
            items.sort(key=lambda o: (x(o), y(o)))

    def ask(self, family: str, kind: str | None = None) -> Expression | None:
        """A question of this family, or none where the scene admits none."""
        maker = getattr(self, f"_{family}")
        kinds = [kind] if kind else self.dice.shuffled(list(self.by_kind))
        if family == "none":
            return self._none()
        for name in kinds:
            items = self.by_kind.get(name, [])
            if not items or (family != "all" and len(items) > MAX_LISTED):
                continue
            found = maker(kind_named(name), items)
            if found is not None:
                return found
        return None

    # -- one object ---------------------------------------------------------------------------------------------

    def _plain(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        if len(items) != 1:
            return None
        words = phrases.words_for(self.dice, kind)
        if items[0].colour and self.dice.chance(0.3):
            words = phrases.coloured(self.dice, items[0].colour, words)
        return self._one("plain", "plain", kind, items, items[0], words, "")

    def _colour(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        if len(items) < 2:
            return None
        single = [o for o in items if o.colour and sum(p.colour == o.colour for p in items) == 1]
        if not single:
            return None
        target = self.dice.choice(single)
        words = phrases.coloured(self.dice, target.colour, phrases.words_for(self.dice, kind))
        return self._one(
            "colour", "colour", kind, items, target, words, f"{target.colour.capitalize()}: "
        )

    def _size(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        pool, words, colour = self._pool(kind, items)
        if len(pool) < 2:
            return None
        ranked = sorted(pool, key=lambda o: -o.area_px)
        largest = self.dice.chance(0.5)
        a, b = (ranked[0], ranked[1]) if largest else (ranked[-2], ranked[-1])
        if a.area_px < AREA_MARGIN * b.area_px or box_area(a) < 1.08 * box_area(b):
            return None
        if sorted(pool, key=lambda o: -box_area(o))[0 if largest else -1] is not (
            a if largest else b
        ):
            return None
        name = "largest" if largest else "smallest"
        return self._one(
            "size", name, kind, items, a if largest else b, words, f"{name.capitalize()}{colour}: "
        )

    def _extreme(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        pool, words, colour = self._pool(kind, items)
        if len(pool) < 2:
            return None
        name = self.dice.choice(tuple(ORDERS))
        key = ORDERS[name][1]
        ranked = sorted(pool, key=key)
        if key(ranked[1]) - key(ranked[0]) < GAP_PX:
            return None
        return self._one(
            "extreme", name, kind, items, ranked[0], words, f"{name.capitalize()}{colour}: "
        )

    def _ordinal(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        if len(items) < 3:
            return None
        words = phrases.words_for(self.dice, kind)
        place = self.dice.weighted(((2, 3.0), (3, 2.0), (4, 1.0)))
        if place > len(items):
            return None
        nth, nth_name = self.dice.choice(phrases.ORDINALS[place]), phrases.ORDINAL_NAMES[place]
        if self.dice.chance(0.2):
            ranked = sorted(items, key=lambda o: -o.area_px)
            boxes = sorted(items, key=lambda o: -box_area(o))
            ratios = [a.area_px / b.area_px for a, b in pairwise(ranked)][:place]
            if place > 3 or ranked[:place] != boxes[:place] or min(ratios) < AREA_MARGIN:
                return None
            return self._one(
                "ordinal",
                "by size",
                kind,
                ranked,
                ranked[place - 1],
                words,
                f"{nth_name} largest: ",
                nth=nth,
                order="by size ",
            )
        name = self.dice.choice(tuple(ORDERS))
        order, key = ORDERS[name]
        ranked = sorted(items, key=key)
        gaps = [key(b) - key(a) for a, b in pairwise(ranked)][:place]
        if min(gaps) < GAP_PX:
            return None
        return self._one(
            "ordinal",
            order,
            kind,
            ranked,
            ranked[place - 1],
            words,
            f"{nth_name} {order}: ",
            nth=nth,
            order=f"{order} ",
        )

    def _relation(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        dice = self.dice
        anchors = [(k, v[0]) for k, v in self.by_kind.items() if k != kind.name and len(v) == 1]
        if not anchors or len(items) < 2:
            return None
        anchor_kind, anchor = dice.choice(anchors)
        anchor_words = phrases.words_for(dice, kind_named(anchor_kind))
        if anchor.colour and dice.chance(0.2):
            anchor_words = phrases.coloured(dice, anchor.colour, anchor_words)
        pool, words, colour = self._pool(kind, items, share=0.2)
        name, target = related(dice, pool, anchor)
        if target is None:
            return None
        opening = f"The {anchor_kind} is at {box_text(anchor)}. "
        side = name
        if name in phrases.SIDES and (ranked := largest_on_side(pool, anchor, name)):
            target, size = ranked
            side = dice.choice(phrases.SIDE_PHRASES[name])
            template = f"the {size} {words[0]} {side}".format(anchor=anchor_words[0])
            found = self._one(
                "relation",
                name,
                kind,
                items,
                target,
                words,
                f"{size.capitalize()}{colour} {name} it: ",
                opening=opening,
            )
            return (
                None if found is None else _with_query(found, phrases.one_sentence(dice, template))
            )
        conclusion = {"nearest": "Nearest to it", "farthest": "Farthest from it"}.get(
            name, f"{name.capitalize()} it"
        )
        return self._one(
            "relation",
            name,
            kind,
            items,
            target,
            words,
            f"{conclusion}{colour}: ",
            anchor=anchor_words[0],
            opening=opening,
        )

    def _pool(
        self, kind: ObjectClass, items: list[SceneObject], share: float = 0.25
    ) -> tuple[list[SceneObject], tuple[str, str], str]:
        """The candidates of a comparison, perhaps of one colour only, with words for them."""
        words = phrases.words_for(self.dice, kind)
        colours = sorted({o.colour for o in items if o.colour})
        if len(colours) > 1 and self.dice.chance(share):
            colour = self.dice.choice(colours)
            pool = [o for o in items if o.colour == colour]
            if len(pool) >= 2:
                return pool, phrases.coloured(self.dice, colour, words), f" {colour}"
        return items, words, ""

    def _one(
        self,
        family: str,
        name: str,
        kind: ObjectClass,
        pool: list[SceneObject],
        target: SceneObject,
        words: tuple[str, str],
        conclusion: str,
        *,
        nth: str = "",
        anchor: str = "",
        opening: str = "",
        order: str = "",
    ) -> Expression:
        template = self.dice.choice(phrases.ONE[name])
        query = phrases.one_sentence(
            self.dice, template.format(one=words[0], many=words[1], nth=nth, anchor=anchor)
        )
        chain = f"{opening}Find {kind.plural} {order}".rstrip() + f": {listed(pool)}."
        chain += f" {conclusion}{box_text(target)}." if conclusion else " Only one."
        return Expression(family, "rec", query, chain, (target,), tuple(pool))

    # -- all, none ----------------------------------------------------------------------------------------------

    def _all(self, kind: ObjectClass, items: list[SceneObject]) -> Expression | None:
        words = phrases.words_for(self.dice, kind)
        colours = sorted({o.colour for o in items if o.colour})
        wanted = items
        if len(colours) > 1 and self.dice.chance(0.25):
            colour = self.dice.choice(colours)
            wanted = [o for o in items if o.colour == colour]
            words = phrases.coloured(self.dice, colour, words)
        points = ", ".join(f"{point_text(o)} {o.colour}".strip() for o in items)
        query = phrases.all_sentence(self.dice, words[0], words[1])
        return Expression(
            "all", "ovd", query, f"Find {kind.plural}: {points}.", tuple(wanted), tuple(items)
        )

    def _none(self) -> Expression | None:
        dice = self.dice
        drawn = {o.kind for o in self.scene.objects}
        unknown = self.scene.unlabelled | self.scene.uncertain
        absent = [k for k in CLASSES if k.name not in drawn and k.name not in unknown]
        coloured = self._absent_colour()
        if coloured is not None and dice.chance(self.ABSENT_COLOUR):
            return coloured
        if not absent:
            return coloured
        kind = dice.choice(absent)
        words = phrases.words_for(dice, kind)
        if kind.colours and dice.chance(0.25):
            words = phrases.coloured(dice, dice.choice(kind.colours), words)
        if dice.chance(self.NONE_OF_ALL):
            return Expression(
                "none",
                "ovd",
                phrases.all_sentence(dice, *words),
                f"Find {kind.plural}: none.",
                (),
                (),
            )
        present = [k for k in self.by_kind if len(self.by_kind[k]) == 1]
        names = [
            n
            for n in phrases.ONE
            if n != "colour" and (present or "{anchor}" not in phrases.ONE[n][0])
        ]
        name = dice.choice(names)
        anchor = phrases.words_for(dice, kind_named(dice.choice(present)))[0] if present else ""
        nth = dice.choice(phrases.ORDINALS[dice.integer(2, 3)])
        template = dice.choice(phrases.ONE[name])
        query = phrases.one_sentence(
            dice, template.format(one=words[0], many=words[1], nth=nth, anchor=anchor)
        )
        return Expression("none", "rec", query, f"Find {kind.plural}: none.", (), ())

    def _absent_colour(self) -> Expression | None:
        """A kind that is there, in a colour that is not."""
        dice = self.dice
        for name in dice.shuffled(list(self.by_kind)):
            kind, items = kind_named(name), self.by_kind[name]
            missing = [c for c in kind.colours if all(o.colour != c for o in items)]
            if not missing or len(items) > MAX_LISTED:
                continue
            colour = dice.choice(missing)
            words = phrases.coloured(dice, colour, phrases.words_for(dice, kind))
            if dice.chance(0.3):
                points = ", ".join(f"{point_text(o)} {o.colour}".strip() for o in items)
                chain = f"Find {kind.plural}: {points}. No {colour} one."
                return Expression(
                    "none", "ovd", phrases.all_sentence(dice, *words), chain, (), tuple(items)
                )
            chain = f"Find {kind.plural}: {listed(items)}. No {colour} one."
            name_ = dice.choice(
                ("colour", "largest", "leftmost", "topmost", "smallest", "rightmost")
            )
            template = dice.choice(phrases.ONE[name_]).format(one=words[0], many=words[1])
            return Expression(
                "none", "rec", phrases.one_sentence(dice, template), chain, (), tuple(items)
            )
        return None


def _with_query(expression: Expression, query: str) -> Expression:
    return Expression(
        expression.family,
        expression.task,
        query,
        expression.reasoning,
        expression.answers,
        expression.candidates,
    )
