"""Labels into train, validation and held-out, by place: what was learned from is never seen again in the judging.

Two labels whose chips can show the same ground are neighbours, and neighbours of neighbours are one place; a place goes
into one part as a whole. Where all labels are one place it is cut in two, and labels on the cut are left out, as long as
they are few. `split_windows` gives up single windows before it gives up labels: people label one village, not twenty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from .chance import shuffled
from .label_check import Box
from .training_wire import MIN_HELD_OUT_FOR_VERDICT, Part

SHARE = 0.15
"""Of validation, and of held-out as long as there are few labels: with few, each is dear."""
VERDICT_SHARE = 0.3
"""Of held-out where that is enough for a verdict."""
MIN_TRAIN_SHARE = 0.5
MAX_LEFT_OUT = 0.25
MAX_CARVED = 200
"""Labels. More of them than this lie in places enough."""
STARTS = 12
"""So many labels are tried as the first of a part."""


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


def split_windows(
    windows: Sequence[Sequence[Box]], *, seed: int, held_out: Optional[float] = None
) -> Tuple[Split, List[List[Box]]]:
    """Divide labels and choose what the chips of each show.

    Args:
        windows: for each label, what its chips may show, the best first; a label with none is left out.
        seed: the same seed and windows give the same split.
        held_out: as for `split_by_place`.

    Returns:
        The split, and for each label the windows to take: one in validation and held-out, as many as possible in train.
        Windows of two different parts never overlap.
    """
    shown = [index for index, some in enumerate(windows) if some]
    hulls = [_hull(windows[index]) for index in shown]
    split = split_by_place(hulls, seed=seed, held_out=held_out)
    for_validation, for_held_out = _wanted(len(shown), held_out)
    is_divided = bool(split.count("validation")) and bool(
        split.count("held_out") or not for_held_out
    )
    if not is_divided or None in split.parts:
        some = [windows[index] for index in shown]
        carved = None
        while carved is None and for_validation:  # fewer to judge by are better than none
            carved = _carve(some, for_validation, for_held_out, seed)
            smallest = min(1, for_held_out)
            is_last = for_validation == 1 and for_held_out == smallest
            for_validation = 0 if is_last else max(1, for_validation // 2)
            for_held_out = max(smallest, for_held_out // 2)
        used = len(split.parts) - split.parts.count(None) if is_divided else 0
        if carved is not None and len(shown) - carved[0].parts.count(None) >= used:
            return _spread(carved[0], carved[1], shown, len(windows))
    if not is_divided:  # then nothing has to be left out either
        whole: List[Optional[Part]] = ["train"] * len(shown)
        split = Split(whole, _places(hulls, whole))
    taken = [
        list(windows[index]) if part == "train" else list(windows[index][: part is not None])
        for index, part in zip(shown, split.parts)
    ]
    return _spread(split, taken, shown, len(windows))


def targets(count: int) -> Tuple[int, int]:
    """How many labels validation and held-out should have."""
    few = max(1, round(SHARE * count))
    many = math.floor(VERDICT_SHARE * count)
    return few, max(few, MIN_HELD_OUT_FOR_VERDICT) if many >= MIN_HELD_OUT_FOR_VERDICT else few


def _wanted(count: int, held_out: Optional[float]) -> Tuple[int, int]:
    for_validation, by_number = targets(count)
    return for_validation, by_number if held_out is None else round(held_out * count)


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
    for_validation, for_held_out = _wanted(count, held_out)
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


def _carve(
    windows: Sequence[Sequence[Box]], for_validation: int, for_held_out: int, seed: int
) -> Optional[Tuple[Split, List[List[Box]]]]:
    """Neighbours held out, neighbours to choose by, and of the others every window that shows nothing of those; the fewest lost."""
    count = len(windows)
    if count > MAX_CARVED or count < 3 or not for_validation:
        return None
    starts = shuffled(count, "carve", seed)[:STARTS]
    best: Optional[Tuple[Tuple[int, int], Dict[int, Box], Dict[int, Box], List[List[Box]]]] = None
    for first in starts if for_held_out else starts[:1]:
        held = {i: windows[i][0] for i in _nearest(windows, range(count), first, for_held_out)}
        free = [[] if i in held else _clear(windows[i], held.values()) for i in range(count)]
        possible = [i for i in range(count) if free[i]]
        for second in starts:
            if second not in possible:
                continue
            chosen = {i: free[i][0] for i in _nearest(free, possible, second, for_validation)}
            rest = [[] if i in chosen else _clear(free[i], chosen.values()) for i in range(count)]
            labels = sum(bool(some) for some in rest)
            rank = (labels, sum(len(some) for some in rest))
            if labels >= max(1, MIN_TRAIN_SHARE * count) and (best is None or rank > best[0]):
                best = (rank, held, chosen, rest)
    if best is None:
        return None
    _, held, chosen, rest = best
    taken = [
        [held[i]] if i in held else [chosen[i]] if i in chosen else rest[i] for i in range(count)
    ]
    parts: List[Optional[Part]] = [
        "held_out" if i in held else "validation" if i in chosen else "train" if rest[i] else None
        for i in range(count)
    ]
    return Split(parts, _places([_hull(some) if some else None for some in taken], parts)), taken


def _nearest(
    windows: Sequence[Sequence[Box]], of: Sequence[int], start: int, count: int
) -> List[int]:
    """Labels around one, itself the first, by the middles of their first windows."""
    left, bottom, right, top = windows[start][0]

    def distance(index: int) -> float:
        x0, y0, x1, y1 = windows[index][0]
        return math.hypot(x0 + x1 - left - right, y0 + y1 - bottom - top)

    return sorted(of, key=distance)[:count]


def _clear(windows: Sequence[Box], of: Iterable[Box]) -> List[Box]:
    """Windows that show nothing of others."""
    others = list(of)
    return [one for one in windows if not any(_overlap(one, other) for other in others)]


def _overlap(first: Box, second: Box) -> bool:
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )


def _hull(boxes: Sequence[Box]) -> Box:
    lefts, bottoms, rights, tops = zip(*boxes)
    return min(lefts), min(bottoms), max(rights), max(tops)


def _places(hulls: Sequence[Optional[Box]], parts: Sequence[Optional[Part]]) -> List[str]:
    """Names of places: within a part, what hangs together by overlapping."""
    place_of, number = [""] * len(parts), 0
    for part in ("train", "validation", "held_out"):
        found = {i: hull for i, (hull, own) in enumerate(zip(hulls, parts)) if own == part and hull}
        listed = list(found)
        for group in _groups([found[i] for i in listed], set(range(len(listed)))):
            number += 1
            for place in group:
                place_of[listed[place]] = f"place-{number}"
    return place_of


def _spread(
    split: Split, taken: Sequence[List[Box]], shown: Sequence[int], count: int
) -> Tuple[Split, List[List[Box]]]:
    """The same for all labels, those that cannot be shown among them."""
    parts: List[Optional[Part]] = [None] * count
    places: List[str] = [""] * count
    windows: List[List[Box]] = [[] for _ in range(count)]
    for index, part, place, some in zip(shown, split.parts, split.places, taken):
        parts[index], places[index], windows[index] = part, place, some
    return Split(parts, places), windows
