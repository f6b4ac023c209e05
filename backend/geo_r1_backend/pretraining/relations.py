"""Geometry of comparisons: margins, sides and distances. A comparison without a clear winner has none."""

from __future__ import annotations

from geo_r1_backend.pretraining import phrases
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.scenes import SceneObject

AREA_MARGIN = 1.18
DISTANCE_MARGIN = 1.18
GAP_PX = 6.0


def x(item: SceneObject) -> float:
    """Column of the centre."""
    return item.centre_px[0]


def y(item: SceneObject) -> float:
    """Row of the centre."""
    return item.centre_px[1]


def box_area(item: SceneObject) -> float:
    """Area of the box."""
    x0, y0, x1, y1 = item.box_px
    return float((x1 - x0) * (y1 - y0))


def related(
    dice: Dice, pool: list[SceneObject], anchor: SceneObject
) -> tuple[str, SceneObject | None]:
    """A relation that exactly one object of the pool has to the anchor."""
    name = dice.choice(("nearest", "nearest", "farthest", *phrases.SIDES))
    if len(pool) < 2:
        return name, None
    if name in ("nearest", "farthest"):
        far = {id(o): ((x(o) - x(anchor)) ** 2 + (y(o) - y(anchor)) ** 2) ** 0.5 for o in pool}
        ranked = sorted(pool, key=lambda o: far[id(o)], reverse=name == "farthest")
        near, next_ = sorted((far[id(ranked[0])], far[id(ranked[1])]))
        clear = next_ >= DISTANCE_MARGIN * near and next_ - near >= GAP_PX
        return name, ranked[0] if clear else None
    beside = [o for o in pool if on_side(o, anchor, name)]
    if any(o not in beside and not on_side(o, anchor, opposite(name)) for o in pool):
        return name, None  # something lies about level with the anchor: a matter of opinion
    if len(beside) == 1:
        return name, beside[0]
    return name, (beside[0] if len(beside) > 1 and largest_on_side(pool, anchor, name) else None)


def largest_on_side(
    pool: list[SceneObject], anchor: SceneObject, name: str
) -> tuple[SceneObject, str] | None:
    """The clearly largest of several objects on one side of the anchor."""
    beside = sorted((o for o in pool if on_side(o, anchor, name)), key=lambda o: -o.area_px)
    if len(beside) < 2:
        return None
    a, b = beside[0], beside[1]
    clear = a.area_px >= AREA_MARGIN * b.area_px and box_area(a) >= 1.08 * max(
        map(box_area, beside[1:])
    )
    return (a, "largest") if clear else None


def on_side(item: SceneObject, anchor: SceneObject, name: str) -> bool:
    """Whether the centre lies clearly on that side of the anchor's box."""
    x0, y0, x1, y1 = anchor.box_px
    return {
        "left of": x(item) < x0 - 2,
        "right of": x(item) > x1 + 2,
        "above": y(item) < y0 - 2,
        "below": y(item) > y1 + 2,
    }[name]


def opposite(name: str) -> str:
    """The side on the other side."""
    return {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}[name]
