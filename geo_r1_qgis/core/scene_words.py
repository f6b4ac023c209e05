"""The words for comparisons, their outcome and their check. English, marked for translation; the caller translates."""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

from .comparison_types import Comparison, Rank, RankKey, Relation
from .comparison_words import noun_phrase, rank_name, say
from .nouns import plural
from .scene import Evaluation, Note
from .sentence import QT_TRANSLATE_NOOP

CONTEXT = "SceneWords"
Translate = Callable[[str, str], str]
SHOWN_RANKS = 10

RANK_WORDS: Dict[str, str] = {
    "largest": QT_TRANSLATE_NOOP("SceneWords", "largest"),
    "smallest": QT_TRANSLATE_NOOP("SceneWords", "smallest"),
    "longest": QT_TRANSLATE_NOOP("SceneWords", "longest"),
    "shortest": QT_TRANSLATE_NOOP("SceneWords", "shortest"),
    "widest": QT_TRANSLATE_NOOP("SceneWords", "widest"),
    "narrowest": QT_TRANSLATE_NOOP("SceneWords", "narrowest"),
    "leftmost": QT_TRANSLATE_NOOP("SceneWords", "leftmost"),
    "rightmost": QT_TRANSLATE_NOOP("SceneWords", "rightmost"),
    "topmost": QT_TRANSLATE_NOOP("SceneWords", "topmost"),
    "bottommost": QT_TRANSLATE_NOOP("SceneWords", "bottommost"),
    "northernmost": QT_TRANSLATE_NOOP("SceneWords", "northernmost"),
    "southernmost": QT_TRANSLATE_NOOP("SceneWords", "southernmost"),
    "easternmost": QT_TRANSLATE_NOOP("SceneWords", "easternmost"),
    "westernmost": QT_TRANSLATE_NOOP("SceneWords", "westernmost"),
    "most central": QT_TRANSLATE_NOOP("SceneWords", "most central"),
    "least central": QT_TRANSLATE_NOOP("SceneWords", "least central"),
    "nearest": QT_TRANSLATE_NOOP("SceneWords", "nearest"),
    "farthest": QT_TRANSLATE_NOOP("SceneWords", "farthest"),
}
"""Keys are the names of `comparison_types.RANKS`."""
RELATION_WORDS: Dict[Relation, str] = {
    Relation.NEAR: QT_TRANSLATE_NOOP("SceneWords", "within"),
    Relation.LEFT_OF: QT_TRANSLATE_NOOP("SceneWords", "left of"),
    Relation.RIGHT_OF: QT_TRANSLATE_NOOP("SceneWords", "right of"),
    Relation.ABOVE: QT_TRANSLATE_NOOP("SceneWords", "above"),
    Relation.BELOW: QT_TRANSLATE_NOOP("SceneWords", "below"),
    Relation.NORTH_OF: QT_TRANSLATE_NOOP("SceneWords", "north of"),
    Relation.SOUTH_OF: QT_TRANSLATE_NOOP("SceneWords", "south of"),
    Relation.EAST_OF: QT_TRANSLATE_NOOP("SceneWords", "east of"),
    Relation.WEST_OF: QT_TRANSLATE_NOOP("SceneWords", "west of"),
    Relation.INSIDE: QT_TRANSLATE_NOOP("SceneWords", "inside"),
    Relation.OUTSIDE: QT_TRANSLATE_NOOP("SceneWords", "outside"),
    Relation.ON: QT_TRANSLATE_NOOP("SceneWords", "on"),
}
NOTE_WORDS: Dict[str, str] = {
    "no-anchor": QT_TRANSLATE_NOOP("SceneWords", "Nothing was found to compare with."),
    "several-anchors": QT_TRANSLATE_NOOP(
        "SceneWords", "{count} to compare with: for each object the nearest one counts."
    ),
    "several-fit": QT_TRANSLATE_NOOP("SceneWords", "One was asked for, {count} fit."),
    "tie": QT_TRANSLATE_NOOP("SceneWords", "{count} cannot be told apart by a pixel's breadth."),
    "too-few": QT_TRANSLATE_NOOP("SceneWords", "Only {count} fit; number {place} was asked for."),
    "cut": QT_TRANSLATE_NOOP(
        "SceneWords", "{count} are cut by the edge and may be larger than they seem."
    ),
    "no-metres": QT_TRANSLATE_NOOP(
        "SceneWords",
        "The ground size of the raster is not known: sizes and distances are in its own units, not metres.",
    ),
}
_VIEW_SIDES = (
    RankKey.LEFT, RankKey.RIGHT, RankKey.TOP, RankKey.BOTTOM,
    Relation.LEFT_OF, Relation.RIGHT_OF, Relation.ABOVE, Relation.BELOW,
)  # fmt: skip


def summary_words(comparison: Comparison, translate: Translate) -> str:
    """How a question was understood, in one line: "storage tanks · white · largest · left of: road"."""
    parts = [plural(comparison.target), *comparison.attributes]
    rank, relation = comparison.rank, comparison.relation
    anchor = noun_phrase(comparison.anchor_attributes, comparison.anchor, many=False)
    if rank is not None:
        parts.append(rank_words(rank, many=comparison.many, translate=translate))
        if rank.key is RankKey.DISTANCE and relation is None:
            template = translate(CONTEXT, "{relation}: {anchor}")
            parts[-1] = template.format(relation=parts[-1], anchor=anchor)
    if relation is not None:
        words = relation_words(comparison, translate)
        template = translate(CONTEXT, "{relation}: {anchor}")
        parts.append(template.format(relation=words, anchor=anchor))
    if comparison.many and rank is None:
        parts.append(translate(CONTEXT, "all"))
    return " · ".join(parts)


def rank_words(rank: Rank, *, many: bool, translate: Translate) -> str:
    """A rank with its place: "largest", "largest (number 3)", "the first 3: largest"."""
    name = translate(CONTEXT, RANK_WORDS[rank_name(rank)])
    if rank.place == 1:
        return name
    template = (
        translate(CONTEXT, "{rank} (the first {place})")
        if many
        else translate(CONTEXT, "{rank} (number {place})")
    )
    return template.format(rank=name, place=rank.place)


def relation_words(comparison: Comparison, translate: Translate) -> str:
    """A relation as it stands before its anchor: "left of", "within 50 m of"."""
    if comparison.relation is None:
        return ""
    if comparison.within_m is not None:
        template = translate(CONTEXT, "within {metres} m of")
        return template.format(metres=f"{comparison.within_m:.12g}")
    return translate(CONTEXT, RELATION_WORDS[comparison.relation])


def follows_view(comparison: Comparison) -> bool:
    """Whether left, right, above or below is in it, which on a whole layer mean west, east, north and south."""
    key = comparison.rank.key if comparison.rank else None
    return comparison.relation in _VIEW_SIDES or key in _VIEW_SIDES


def rest_words(rest: Tuple[str, ...], translate: Translate) -> str:
    """What of a question a comparison does not express; empty where nothing was left over."""
    if not rest:
        return ""
    quoted = ", ".join(f"“{words}”" for words in rest)
    return translate(CONTEXT, "Not taken into account: {words}").format(words=quoted)


def note_words(notes: Tuple[Note, ...], translate: Translate) -> List[str]:
    """One sentence per note."""
    return [
        translate(CONTEXT, NOTE_WORDS[note.code]).format(**dict(note.parameters)) for note in notes
    ]


def ranking_words(
    comparison: Comparison,
    evaluation: Evaluation,
    translate: Translate,
    *,
    is_whole: bool = True,
    place_of: Callable[[int], str] = lambda _index: "",
) -> str:
    """What was compared, what is to be said about it, and the ranking with its values, best first.

    Args:
        comparison: that was asked.
        evaluation: what it came to.
        translate: context and text to the user's language.
        is_whole: everything was looked at.
        place_of: index of a target to its coordinates, which the dock makes a link of.
    """
    head = translate(CONTEXT, "{expression}: {count} compared").format(
        expression=say(comparison), count=evaluation.candidates
    )
    if comparison.needs_anchor:
        head = translate(CONTEXT, "{head} with {count} of the other kind").format(
            head=head, count=evaluation.anchors
        )
    if comparison.relation is not None:
        head = translate(CONTEXT, "{head}, {count} fit").format(
            head=head, count=len(evaluation.ranking)
        )
    lines = [head if is_whole else translate(CONTEXT, "{head} (so far)").format(head=head)]
    lines += note_words(evaluation.notes, translate)
    if comparison.rank is not None and not comparison.rank.is_direction:
        for place, ranked in enumerate(evaluation.ranking[:SHOWN_RANKS], 1):
            if ranked.value is not None:
                line = f"{place}. {ranked.value:,.1f} {ranked.unit} {place_of(ranked.index)}"
                lines.append(line.rstrip())
        if len(evaluation.ranking) > SHOWN_RANKS:
            lines.append("…")
    return "\n".join(lines)
