"""Labels into train, validation and held-out, by place: what was learned from is never seen again in the judging.

Two labels whose chips can show the same ground are neighbours, and neighbours of neighbours are one place; a place goes
into one part as a whole. Where all labels are one place it is cut in two, and labels on the cut are left out, as long as
they are few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Set, Tuple

from .chance import shuffled
from .label_check import Box
from .training_wire import MIN_HELD_OUT_FOR_VERDICT, Part

SHARE = 0.15
"""Of validation, and of held-out as long as there are few labels: with few, each is dear."""
VERDICT_SHARE = 0.3
"""Of held-out where that is enough for a verdict."""
MIN_TRAIN_SHARE = 0.5
MAX_LEFT_OUT = 0.25


@dataclass(frozen=True)
class Split:
    """For each label its part and its place; no part = it lies on a cut and is left out."""

    parts: List[Optional[Part]]
    places: List[str]

    def count(self, part: Part) -> int:
        """How many labels a part has."""
        return self.parts.count(part)


def split_by_place(windows: Sequence[Box], *, seed: int, held_out: Optional[float] = None) -> Split:
    """Divide labels.

    Args:
        windows: for each label, bounds of everything that its chips show.
        seed: the same seed and windows give the same split.
        held_out: share of the labels that is held out; none = by their number, see `targets`.

    Returns:
        Parts such that windows of two different parts never overlap. `validation` and `held_out` are empty where even
        cutting does not help; then there is nothing to judge by.
    """
    kept = set(range(len(windows)))
    while True:
        groups = _groups(windows, kept)
        parts = _assign(groups, len(kept), seed, held_out)
        if parts is not None:
            return _split(groups, parts, len(windows))
        largest = max(groups, key=len, default=[])
        on_cut = _cut(windows, largest)
        left_out = len(windows) - len(kept) + len(on_cut)
        if not on_cut or left_out > MAX_LEFT_OUT * len(windows):
            everything: List[Part] = ["train"] * len(groups)
            return _split(groups, everything, len(windows))
        kept -= on_cut


def targets(count: int) -> Tuple[int, int]:
    """How many labels validation and held-out should have."""
    few = max(1, round(SHARE * count))
    many = math.floor(VERDICT_SHARE * count)
    return few, max(few, MIN_HELD_OUT_FOR_VERDICT) if many >= MIN_HELD_OUT_FOR_VERDICT else few


def _split(groups: List[List[int]], parts: Sequence[Part], count: int) -> Split:
    part_of: List[Optional[Part]] = [None] * count
    place_of = [""] * count
    for number, (group, part) in enumerate(zip(groups, parts)):
        for index in group:
            part_of[index], place_of[index] = part, f"place-{number + 1}"
    return Split(part_of, place_of)


def _groups(windows: Sequence[Box], kept: Set[int]) -> List[List[int]]:
    """Sets of windows that hang together by overlapping; found along a sweep from west to east."""
    parent: Dict[int, int] = {index: index for index in kept}

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    open_ones: List[int] = []
    for index in sorted(kept, key=lambda each: windows[each][0]):
        left, bottom, _, top = windows[index]
        open_ones = [each for each in open_ones if windows[each][2] > left]
        for other in open_ones:
            if windows[other][1] < top and bottom < windows[other][3]:
                parent[root(other)] = root(index)
        open_ones.append(index)
    groups: Dict[int, List[int]] = {}
    for index in sorted(kept):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _assign(
    groups: List[List[int]], count: int, seed: int, held_out: Optional[float]
) -> Optional[List[Part]]:
    """A part for each group; none if the places are too few or too large."""
    if len(groups) < 3:
        return None
    for_validation, for_held_out = targets(count)
    if held_out is not None:
        for_held_out = round(held_out * count)
    wanted: Dict[Part, int] = {"held_out": for_held_out, "validation": for_validation}
    order = shuffled(len(groups), "split", seed)
    parts: List[Part] = ["train"] * len(groups)
    for part, target in wanted.items():
        if target <= 0:
            continue
        got = 0
        free = [number for number in order if parts[number] == "train"]
        for number in free:
            if got + len(groups[number]) <= target:
                parts[number], got = part, got + len(groups[number])
        if not got and free:  # every place is larger than the target: the smallest one
            parts[min(free, key=lambda number: len(groups[number]))] = part
    in_train = sum(len(group) for group, part in zip(groups, parts) if part == "train")
    return parts if in_train >= min(MIN_TRAIN_SHARE * count, count - 2) else None


def _cut(windows: Sequence[Box], group: List[int]) -> Set[int]:
    """Labels to leave out so that a place falls apart along a straight line, near a third of it; the fewest."""
    best: Set[int] = set()
    best_cost = math.inf
    for axis in (0, 1):
        middles = sorted((windows[i][axis] + windows[i][axis + 2]) / 2 for i in group)
        for below, (first, second) in enumerate(zip(middles, middles[1:]), start=1):
            line = (first + second) / 2
            crossing = {i for i in group if windows[i][axis] < line < windows[i][axis + 2]}
            balance = abs(min(below, len(group) - below) / len(group) - 1 / 3)
            cost = len(crossing) / len(group) + balance / 2
            if crossing and len(crossing) < len(group) and cost < best_cost:
                best, best_cost = crossing, cost
    return best
