"""The typed form of an expression: frozen, checked, without words and without geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Dict, Optional, Tuple

DEFAULT_WITHIN_M = 50.0
"""What "near" means until the user says another distance."""


class Relation(Enum):
    """How the target stands to the anchor; `scene.py` defines each in plane geometry."""

    NEAR = "near"
    """Not farther than `Comparison.within_m` from outline to outline."""
    LEFT_OF = "left of"
    RIGHT_OF = "right of"
    ABOVE = "above"
    BELOW = "below"
    NORTH_OF = "north of"
    SOUTH_OF = "south of"
    EAST_OF = "east of"
    WEST_OF = "west of"
    INSIDE = "inside"
    OUTSIDE = "outside"
    ON = "on"
    """Outlines touch or overlap."""


SIDE_RELATIONS = (
    Relation.LEFT_OF,
    Relation.RIGHT_OF,
    Relation.ABOVE,
    Relation.BELOW,
    Relation.NORTH_OF,
    Relation.SOUTH_OF,
    Relation.EAST_OF,
    Relation.WEST_OF,
)
"""The first four follow the view, the last four the compass; on a north-up map they are the same."""


class RankKey(Enum):
    """The quantity that objects are ranked by."""

    SIZE = "size"
    """Area."""
    LENGTH = "length"
    """Longer side of the smallest rectangle around the outline."""
    WIDTH = "width"
    """Shorter side of that rectangle."""
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"
    NORTH = "north"
    SOUTH = "south"
    EAST = "east"
    WEST = "west"
    CENTER = "center"
    """Distance from the middle of the area."""
    DISTANCE = "distance"
    """Distance from the anchor, outline to outline."""


_DIRECTIONS = (
    RankKey.LEFT,
    RankKey.RIGHT,
    RankKey.TOP,
    RankKey.BOTTOM,
    RankKey.NORTH,
    RankKey.SOUTH,
    RankKey.EAST,
    RankKey.WEST,
)


@dataclass(frozen=True)
class Rank:
    """Which one of those that fit, in the order of a quantity.

    Attributes:
        key: the quantity.
        descending: whether the greatest comes first. A direction is a quantity too ("how far to the left") and always
            descending: what is least left is asked for as the one farthest right.
        place: 1 = the first; with `Comparison.many` the first so many.
    """

    key: RankKey
    descending: bool = True
    place: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.place < 1:
            raise ValueError(f"place is {self.place}; the first is 1.")
        if self.is_direction and not self.descending:
            raise ValueError(f"rank by {self.key.value} is descending; take the opposite side.")

    @property
    def is_direction(self) -> bool:
        """Whether the quantity is how far something lies to one side."""
        return self.key in _DIRECTIONS


RANKS: Dict[str, Rank] = {
    "largest": Rank(RankKey.SIZE),
    "smallest": Rank(RankKey.SIZE, descending=False),
    "longest": Rank(RankKey.LENGTH),
    "shortest": Rank(RankKey.LENGTH, descending=False),
    "widest": Rank(RankKey.WIDTH),
    "narrowest": Rank(RankKey.WIDTH, descending=False),
    "leftmost": Rank(RankKey.LEFT),
    "rightmost": Rank(RankKey.RIGHT),
    "topmost": Rank(RankKey.TOP),
    "bottommost": Rank(RankKey.BOTTOM),
    "northernmost": Rank(RankKey.NORTH),
    "southernmost": Rank(RankKey.SOUTH),
    "easternmost": Rank(RankKey.EAST),
    "westernmost": Rank(RankKey.WEST),
    "most central": Rank(RankKey.CENTER, descending=False),
    "least central": Rank(RankKey.CENTER),
    "nearest": Rank(RankKey.DISTANCE, descending=False),
    "farthest": Rank(RankKey.DISTANCE),
}
"""English name -> the rank, first place. The names are those that `say` writes."""


@dataclass(frozen=True)
class Comparison:
    """A question whose answer follows from geometry once targets and anchors are found.

    Attributes:
        target: what is sought, singular, lower case: "storage tank".
        attributes: what the model that finds it is also told: ("white",).
        relation: how it stands to the anchor.
        anchor: the other kind of object, singular; "" where there is none.
        anchor_attributes: as `attributes`.
        rank: which of those that fit; none = no order.
        many: all that fit (or the first `rank.place` of them), not one.
        within_m: how near is near, in metres; given exactly where `relation` is NEAR.

    Raises:
        ValueError: where the parts contradict each other; the sentence says how.
    """

    target: str
    attributes: Tuple[str, ...] = ()
    relation: Optional[Relation] = None
    anchor: str = ""
    anchor_attributes: Tuple[str, ...] = ()
    rank: Optional[Rank] = None
    many: bool = False
    within_m: Optional[float] = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not self.target.strip():
            raise ValueError("A comparison needs something that is sought.")
        if self.needs_anchor and not self.anchor.strip():
            raise ValueError("A relation or a distance needs the other object.")
        if not self.needs_anchor and (self.anchor or self.anchor_attributes):
            raise ValueError("The other object needs a relation or a distance to it.")
        if (self.relation is Relation.NEAR) != (self.within_m is not None):
            raise ValueError("within_m belongs to the relation “near”, and to no other.")
        if self.within_m is not None and not (math.isfinite(self.within_m) and self.within_m > 0):
            raise ValueError(f"within_m is {self.within_m}; it is a length above 0.")
        if self.many and self.rank is not None and self.rank.place < 2:
            raise ValueError("Several of a rank need their number: the first 2 or more.")

    @property
    def needs_anchor(self) -> bool:
        """Whether a second kind of object must be found."""
        by_distance = self.rank is not None and self.rank.key is RankKey.DISTANCE
        return self.relation is not None or by_distance

    @property
    def is_plain(self) -> bool:
        """Whether nothing is compared: objects of a kind are looked for, and that is all."""
        return self.relation is None and self.rank is None
