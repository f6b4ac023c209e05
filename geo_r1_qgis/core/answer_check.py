"""Is the answer what follows from the candidates that the chain named? Computed again, in metres, after every answer on a view.

It is the model's own list that is judged: "largest of 5: agrees" says that of the five that the model saw it has
chosen the largest, not that there are no more. Where the chain names no candidates, or nothing is compared, nothing
is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from . import plane
from .comparison_grammar import COLOUR_SPELLINGS, COLOURS
from .comparison_reading import read_comparison
from .comparison_types import Comparison
from .scene import NORTH_UP, Axes, Evaluation, SceneObject, evaluate
from .scene_words import CONTEXT, Translate, rank_words, relation_words
from .transcript import segments

BoxPx = Tuple[float, float, float, float]
SAME_BOX = 0.5
"""A box of the answer is the candidate that it overlaps so far."""
MAX_CANDIDATES = 400
"""A chain that names more is not checked: it would hold the window up."""
_ANCHOR_LEAD = re.compile(r"\b(?:is|are|lies|lie) (?:at|in)\s*$")
_COLOUR = re.compile(r"\b(" + "|".join([*COLOUR_SPELLINGS, *COLOURS]) + r")\s*$")


@dataclass(frozen=True)
class Check:
    """What the geometry says of an answer.

    Attributes:
        word: `agrees`, `disagrees`, or empty where there is nothing to compare; stored as `geometry_check`.
        comparison: how the question was understood.
        candidates: how many were compared.
        fitting: how many of them stand in the relation.
        place: of the answer in the ranking, from 1; 0 where it does not fit or nothing is ranked.
    """

    word: str = ""
    comparison: Optional[Comparison] = None
    candidates: int = 0
    fitting: int = 0
    place: int = 0


@dataclass(frozen=True)
class Named:
    """What a chain names: candidates and anchors, as boxes in pixels of the chip."""

    candidates: Tuple[BoxPx, ...] = ()
    anchors: Tuple[BoxPx, ...] = ()
    others: Tuple[BoxPx, ...] = ()
    """Objects of another colour than the one asked for."""


NOTHING = Check()


def check_answer(
    query: str,
    reasoning: str,
    answers_px: Sequence[Sequence[float]],
    to_metres: Callable[[float, float], Tuple[float, float]],
    axes: Axes = NORTH_UP,
    *,
    precision_m: float = 0.0,
) -> Check:
    """Compare the answer with what follows from the chain.

    Args:
        query: the question as it was typed.
        reasoning: the chain, with boxes in pixels of the chip.
        answers_px: the boxes of the answer, (x_min, y_min, x_max, y_max).
        to_metres: place of a pixel of the chip in a flat frame of metres.
        axes: directions of the view in that frame.
        precision_m: size of a pixel: what differs by less is a tie, and each of a tie agrees.
    """
    comparison = read_comparison(query).comparison
    if comparison is None or comparison.is_plain or not answers_px:
        return NOTHING
    named = named_in(reasoning, comparison)
    if not named.candidates or (comparison.needs_anchor and not named.anchors):
        return NOTHING
    answers = [tuple(float(number) for number in box) for box in answers_px]
    boxes = list(named.candidates)
    indices = [_index_of(answer, boxes, named.others) for answer in answers]
    if len(named.candidates) < 2 and comparison.relation is None:
        return NOTHING

    def placed(name: str, box: Sequence[float]) -> SceneObject:
        x_min, y_min, x_max, y_max = box
        corners = ((x_min, y_min), (x_min, y_max), (x_max, y_max), (x_max, y_min))
        return SceneObject(name, [to_metres(x, y) for x, y in corners])

    evaluation = evaluate(
        comparison,
        [placed(f"candidate {number}", box) for number, box in enumerate(boxes)],
        [placed(f"anchor {number}", box) for number, box in enumerate(named.anchors)],
        axes,
        precision_m=precision_m,
    )
    return _judged(comparison, evaluation, indices)


def check_words(check: Check, translate: Translate) -> str:
    """The check in words: "largest of 5: agrees"; empty where nothing is said."""
    comparison = check.comparison
    if not check.word or comparison is None:
        return ""
    parts = []
    if comparison.rank is not None:
        parts.append(rank_words(comparison.rank, many=comparison.many, translate=translate))
    if comparison.relation is not None:
        words = relation_words(comparison, translate)
        template = translate(CONTEXT, "{relation} {anchor}")
        parts.append(template.format(relation=words, anchor=comparison.anchor))
    if check.word == "agrees":
        template = translate(CONTEXT, "{what} of {count}: agrees")
    elif check.place and not (comparison.rank and check.place == comparison.rank.place):
        template = translate(CONTEXT, "⚠ {what} of {count}: disagrees (number {place})")
    else:
        template = translate(CONTEXT, "⚠ {what} of {count}: disagrees")
    return template.format(what=", ".join(parts), count=check.candidates, place=check.place)


def named_in(reasoning: str, comparison: Comparison) -> Named:
    """Candidates and anchors of a chain, each once.

    A box is an anchor where the text before it says so ("The road is at [..]") or names the anchor and not the target. Of
    candidates that carry a colour, those of another colour than the one asked for are left out.
    """
    candidates: Dict[BoxPx, str] = {}
    anchors: Dict[BoxPx, None] = {}
    lead = ""
    for segment in segments(reasoning):
        if segment.place_px is None:
            lead = segment.text.lower()
            continue
        if len(segment.place_px) != 4:
            continue
        box = _ordered(segment.place_px)
        if box[0] >= box[2] or box[1] >= box[3] or box in anchors or box in candidates:
            continue
        if comparison.needs_anchor and _is_anchor(lead, comparison):
            anchors[box] = None
        else:
            candidates[box] = _colour_in(lead)
        if len(candidates) + len(anchors) > MAX_CANDIDATES:
            return Named()
    wanted = {attribute.rsplit(" ", 1)[-1] for attribute in comparison.attributes} & set(COLOURS)
    chosen = [box for box, colour in candidates.items() if colour in wanted] or list(candidates)
    return Named(tuple(chosen), tuple(anchors), tuple(b for b in candidates if b not in chosen))


def _is_anchor(lead: str, comparison: Comparison) -> bool:
    sentence = re.split(r"[.;\n]", lead)[-1]
    if _ANCHOR_LEAD.search(sentence):
        return not _names(sentence, comparison.target) or comparison.anchor == comparison.target
    return _names(sentence, comparison.anchor) and not _names(sentence, comparison.target)


def _names(text: str, name: str) -> bool:
    last = name.rsplit(" ", maxsplit=1)[-1]
    return re.search(rf"\b{re.escape(last)}(?:e?s)?\b", text) is not None


def _colour_in(lead: str) -> str:
    match = _COLOUR.search(lead)
    return COLOUR_SPELLINGS.get(match[1], match[1]) if match else ""


def _index_of(answer: Sequence[float], boxes: List[BoxPx], others: Sequence[BoxPx]) -> int:
    """The candidate that an answer is; -1 for an object of another colour; one that the chain did not name is one more."""
    box = _ordered(answer)
    shares = [plane.overlap_share(box, other) for other in boxes]
    best = max(shares, default=0.0)
    if any(plane.overlap_share(box, other) > max(best, SAME_BOX) for other in others):
        return -1
    if best >= SAME_BOX:
        return shares.index(best)
    boxes.append(box)
    return len(boxes) - 1


def _ordered(box: Sequence[float]) -> BoxPx:
    x0, y0, x1, y1 = box
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _judged(comparison: Comparison, evaluation: Evaluation, answers: Sequence[int]) -> Check:
    winners, given = set(evaluation.winners), set(answers)
    agrees = given == winners if comparison.many else given <= winners
    order = [each.index for each in evaluation.ranking]
    place = 0
    if comparison.rank is not None and len(given) == 1 and answers[0] in order:
        place = order.index(answers[0]) + 1
    return Check(
        word="agrees" if agrees else "disagrees",
        comparison=comparison,
        candidates=evaluation.candidates,
        fitting=len(evaluation.ranking),
        place=place,
    )
