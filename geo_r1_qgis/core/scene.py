"""What a comparison comes to over all objects that were found: plane geometry with definitions, no map and no language.

The caller hands in outlines in one plane with metres as its unit (`crs/metric.py`), so that a degree or a foot never
decides. Definitions, which the user guide repeats:

- **size** is the area; **length** and **width** are the sides of the smallest rectangle around the outline;
- **distance** is the shortest way from outline to outline, 0 where they touch; with several anchors the nearest counts;
- **left of** (and each other side): the middle of the object lies beyond the anchor at the same level, and beyond the
  whole anchor where nothing of it is at that level. An object level with the anchor is on neither side;
- **inside**: the centre of gravity lies in an anchor; **outside**: in none; **on**: the outlines touch or overlap;
- **leftmost** (and each other side) goes by the middle of the object;
- two values that the pixels cannot tell apart are a tie, and a tie is said: the answer is ambiguous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from . import plane
from .comparison_types import Comparison, Rank, RankKey, Relation
from .nearest import Outlines
from .plane import Bounds, Point

SAME_OBJECT = 0.85
"""Two outlines whose boxes agree so far are one object, found as target and as anchor."""
EXACT = 1e-9
"""Values that differ by less than this share are equal but for rounding."""


@dataclass(frozen=True)
class SceneObject:
    """One object that was found.

    Attributes:
        id: what the caller calls it.
        outline: its ring in metres, closed or not; of a mask in pieces the largest one.
        area: in m²; 0 = that of the outline.
        is_cut: whether the edge of what was searched goes through it, so that it may be larger.
    """

    id: str
    outline: Sequence[Point]
    area: float = 0.0
    is_cut: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no place.

        Raises:
            ValueError: if the outline has fewer than three corners, or a coordinate is not a number.
        """
        if len(self.outline) < 3:
            raise ValueError(f"Object {self.id!r} has {len(self.outline)} corners; it needs 3.")
        if not all(math.isfinite(number) for point in self.outline for number in point):
            raise ValueError(f"Object {self.id!r} has a coordinate that is no number.")


@dataclass(frozen=True)
class Axes:
    """Directions in the plane, each of unit length."""

    right: Point = (1.0, 0.0)
    up: Point = (0.0, 1.0)
    north: Point = (0.0, 1.0)

    @property
    def east(self) -> Point:
        """A quarter turn clockwise from north, as seen from above."""
        return self.north[1], -self.north[0]


NORTH_UP = Axes()
"""A whole layer: left is west. On a view that is turned, right and up are the view's."""


@dataclass(frozen=True)
class Ranked:
    """One object that fits: its index among the targets, and the value it is ranked by."""

    index: int
    value: Optional[float] = None
    """In `unit`; of a direction the position along it. None where nothing is ranked."""
    unit: str = ""
    """`m²` or `m`."""


@dataclass(frozen=True)
class Note:
    """Something to say beside the answer: a code of `scene_words.py` with its parameters."""

    code: str
    parameters: Tuple[Tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What the comparison comes to.

    Attributes:
        winners: indices of the targets that are the answer; several where many are wanted or where it is ambiguous.
        ranking: all that fit the relation, best first.
        outcome: `found`, `ambiguous` (one was wanted, several cannot be told apart) or `none`.
        candidates: number of targets that were compared.
        anchors: number of anchors.
        notes: what to say beside it.
    """

    winners: Tuple[int, ...]
    ranking: Tuple[Ranked, ...]
    outcome: str
    candidates: int
    anchors: int = 0
    notes: Tuple[Note, ...] = ()


def evaluate(
    comparison: Comparison,
    targets: Sequence[SceneObject],
    anchors: Sequence[SceneObject] = (),
    axes: Axes = NORTH_UP,
    *,
    middle: Optional[Point] = None,
    precision_m: float = 0.0,
) -> Evaluation:
    """Relation first, then rank. The order of targets and anchors does not matter.

    Args:
        comparison: what is asked.
        targets: all objects of the sought kind.
        anchors: all objects of the other kind; empty where none is needed, or none was found.
        axes: directions of the view, or north-up.
        middle: centre of what was searched, for "most central"; none = centre of everything found.
        precision_m: how far an edge may be off, usually the size of a pixel: what differs by less is a tie.
    """
    scene = _Scene(targets, anchors, axes, middle)
    notes: List[Note] = []
    if comparison.needs_anchor and not anchors:
        notes.append(Note("no-anchor"))
        if comparison.relation is not Relation.OUTSIDE:
            return Evaluation((), (), "none", len(targets), 0, tuple(notes))
    if comparison.needs_anchor and len(anchors) > 1:
        notes.append(Note("several-anchors", (("count", len(anchors)),)))
    fitting = [i for i in range(len(targets)) if scene.fits(i, comparison, precision_m)]
    if comparison.rank is None:
        winners, ranking = fitting, [Ranked(i) for i in fitting]
        is_tie = False
    else:
        winners, ranking, is_tie = scene.ranked(fitting, comparison, comparison.rank, precision_m)
        notes += _notes_on_ranks(comparison.rank, ranking, winners, targets, is_tie=is_tie)
    outcome = "found" if winners else "none"
    if len(winners) > 1 and (not comparison.many or is_tie):
        outcome = "ambiguous"
        if comparison.rank is None:
            notes.append(Note("several-fit", (("count", len(winners)),)))
    return Evaluation(
        tuple(winners), tuple(ranking), outcome, len(targets), len(anchors), tuple(notes)
    )


def _notes_on_ranks(
    rank: Rank,
    ranking: Sequence[Ranked],
    winners: Sequence[int],
    targets: Sequence[SceneObject],
    *,
    is_tie: bool,
) -> List[Note]:
    notes = []
    if ranking and len(ranking) < rank.place:
        notes.append(Note("too-few", (("count", len(ranking)), ("place", rank.place))))
    if is_tie:
        notes.append(Note("tie", (("count", len(winners)),)))
    if rank.key in (RankKey.SIZE, RankKey.LENGTH, RankKey.WIDTH):
        cut = sum(targets[each.index].is_cut for each in ranking)
        if cut:
            notes.append(Note("cut", (("count", cut),)))
    return notes


class _Scene:
    """Targets and anchors with everything that is computed of them once."""

    def __init__(
        self,
        targets: Sequence[SceneObject],
        anchors: Sequence[SceneObject],
        axes: Axes,
        middle: Optional[Point],
    ) -> None:
        self.targets = targets
        # in an order of their own: of two anchors at one distance the same one counts, however they were handed in
        self.anchors = sorted(anchors, key=lambda each: (sorted(each.outline), each.id))
        self.rings = [plane.ring_of(each.outline) for each in targets]
        self.anchor_rings = [plane.ring_of(each.outline) for each in self.anchors]
        self.bounds = [plane.bounds_of(ring) for ring in self.rings]
        self.anchor_bounds = [plane.bounds_of(ring) for ring in self.anchor_rings]
        self.tree = Outlines(self.anchor_rings)
        self.axes = axes
        self.middle = middle or _middle_of([*self.bounds, *self.anchor_bounds])
        self._nearest: Dict[int, Optional[Tuple[int, float]]] = {}

    # -- relations -------------------------------------------------------------------------------------------------

    def fits(self, index: int, comparison: Comparison, precision_m: float) -> bool:
        """Whether a target stands in the relation to an anchor (to the nearest one, where a side is meant)."""
        relation = comparison.relation
        if relation is None:
            return True
        if relation in (Relation.INSIDE, Relation.OUTSIDE):
            around = self.tree.around(plane.centroid(self.rings[index]))
            is_inside = any(not self._is_same(index, anchor) for anchor in around)
            return is_inside == (relation is Relation.INSIDE)
        near = self.nearest(index)
        if near is None:
            return False
        if relation is Relation.NEAR:
            return near[1] <= (comparison.within_m or 0.0)
        if relation is Relation.ON:
            return near[1] <= precision_m
        return self._is_beyond(index, near[0], self._direction(relation.value.split(" ")[0]))

    def nearest(self, index: int) -> Optional[Tuple[int, float]]:
        """(anchor, distance) of the anchor nearest to a target that is not the target itself."""
        if index not in self._nearest:
            self._nearest[index] = self.tree.nearest(
                self.rings[index], lambda anchor: self._is_same(index, anchor)
            )
        return self._nearest[index]

    def _is_same(self, index: int, anchor: int) -> bool:
        if self.targets[index].id == self.anchors[anchor].id:
            return True
        share = plane.overlap_share(self.bounds[index], self.anchor_bounds[anchor])
        return share >= SAME_OBJECT

    def _is_beyond(self, index: int, anchor: int, axis: Point) -> bool:
        """Whether the middle of a target lies farther along the axis than the anchor does at the same level."""
        across = (-axis[1], axis[0])
        at, level = self._middle_along(index, axis), self._middle_along(index, across)
        through = (level * across[0], level * across[1])
        ring = self.anchor_rings[anchor]
        met = plane.crossings(ring, through, axis) or [plane.reach(ring, axis)[1]]
        return at > max(met)

    def _direction(self, name: str) -> Point:
        axes = self.axes
        return {
            "left": _opposite(axes.right),
            "right": axes.right,
            "above": axes.up,
            "top": axes.up,
            "below": _opposite(axes.up),
            "bottom": _opposite(axes.up),
            "north": axes.north,
            "south": _opposite(axes.north),
            "east": axes.east,
            "west": _opposite(axes.east),
        }[name]

    def _middle_along(self, index: int, axis: Point) -> float:
        low, high = plane.reach(self.rings[index], axis)
        return (low + high) / 2

    # -- ranks -----------------------------------------------------------------------------------------------------

    def ranked(
        self, fitting: Sequence[int], comparison: Comparison, rank: Rank, precision_m: float
    ) -> Tuple[List[int], List[Ranked], bool]:
        """(winners, all that fit in their order, whether the pixels cannot tell the winners from others)."""
        value = self._value(rank)
        valued = [(index, value(index)) for index in fitting]
        values = {index: known for index, known in valued if known is not None}
        sign = -1 if rank.descending else 1
        order = sorted(values, key=lambda i: (sign * values[i], self.targets[i].id, self.bounds[i]))
        unit = "m²" if rank.key is RankKey.SIZE else "m"
        ranking = [Ranked(index, values[index], unit) for index in order]
        if len(order) < rank.place:
            return (order if comparison.many else []), ranking, False
        last = order[rank.place - 1]
        tied = {
            index
            for index in order
            if abs(values[index] - values[last])
            <= max(self._doubt(rank, index, precision_m), self._doubt(rank, last, precision_m))
            + EXACT * max(abs(values[index]), abs(values[last]))
        }
        if not comparison.many:
            return [index for index in order if index in tied], ranking, len(tied) > 1
        first = order[: rank.place]
        beyond = [index for index in order[rank.place :] if index in tied]
        return first + beyond, ranking, bool(beyond)

    def _value(self, rank: Rank) -> Callable[[int], Optional[float]]:
        key = rank.key
        if rank.is_direction:
            axis = self._direction(key.value)
            return lambda index: self._middle_along(index, axis)
        if key is RankKey.SIZE:
            return lambda i: self.targets[i].area or abs(plane.signed_area(self.rings[i]))
        if key is RankKey.CENTER:
            return lambda i: math.dist(plane.centroid(self.rings[i]), self.middle)
        if key is RankKey.DISTANCE:
            return self._distance
        side = 0 if key is RankKey.LENGTH else 1
        return lambda index: plane.rectangle_sides(self.rings[index])[side]

    def _distance(self, index: int) -> Optional[float]:
        near = self.nearest(index)
        return None if near is None else near[1]

    def _doubt(self, rank: Rank, index: int, precision_m: float) -> float:
        """How far a value may be off where each edge may be."""
        if rank.key is RankKey.SIZE:
            return precision_m * plane.perimeter(self.rings[index]) / 2
        return precision_m


def _opposite(axis: Point) -> Point:
    return -axis[0], -axis[1]


def _middle_of(bounds: Sequence[Bounds]) -> Point:
    if not bounds:
        return 0.0, 0.0
    x = min(b[0] for b in bounds) + max(b[2] for b in bounds)
    y = min(b[1] for b in bounds) + max(b[3] for b in bounds)
    return x / 2, y / 2
