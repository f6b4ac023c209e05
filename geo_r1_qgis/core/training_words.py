"""The words of fine-tuning that more than one face says: problems of the sample check, and verdicts.

English only, marked for translation; the caller passes the translating function, as for `sentences.py`.
"""

from __future__ import annotations

from typing import Callable, Dict, Tuple

from . import training_wire as tw
from .label_check import Problem
from .sentence import QT_TRANSLATE_NOOP

Translate = Callable[[str, str], str]

PROBLEMS: Dict[str, Tuple[str, str]] = {
    "too-few": (
        QT_TRANSLATE_NOOP("Train", "{count} usable labels; at least {limit} are needed"),
        QT_TRANSLATE_NOOP("Train", "Draw more polygons around objects of this kind."),
    ),
    "few": (
        QT_TRANSLATE_NOOP("Train", "Only {count} labels"),
        QT_TRANSLATE_NOOP("Train", "It can be tried; {limit} or more teach better."),
    ),
    "too-many": (
        QT_TRANSLATE_NOOP("Train", "{count:,} labels; the service takes {limit:,}"),
        QT_TRANSLATE_NOOP("Train", "Select some of them and choose “Selected features”."),
    ),
    "labels-no-crs": (
        QT_TRANSLATE_NOOP("Train", "The polygon layer has no CRS"),
        QT_TRANSLATE_NOOP("Train", "Set it: right-click the layer ▸ Layer CRS."),
    ),
    "raster-no-crs": (
        QT_TRANSLATE_NOOP("Train", "The raster has no CRS"),
        QT_TRANSLATE_NOOP("Train", "Set it: right-click the raster ▸ Layer CRS."),
    ),
    "no-expression-for-all": (
        QT_TRANSLATE_NOOP("Train", "It is not said what the polygons show"),
        QT_TRANSLATE_NOOP("Train", "Type it above, or choose the field that says it."),
    ),
    "no-expression": (
        QT_TRANSLATE_NOOP("Train", "The expression is empty"),
        QT_TRANSLATE_NOOP("Train", "Fill in the field."),
    ),
    "long-expression": (
        QT_TRANSLATE_NOOP(
            "Train", "The expression has {count:,} characters; {limit:,} are allowed"
        ),
        QT_TRANSLATE_NOOP("Train", "Say it in one sentence."),
    ),
    "empty-geometry": (
        QT_TRANSLATE_NOOP("Train", "The row has no geometry"),
        QT_TRANSLATE_NOOP("Train", "Delete the row, or draw its polygon."),
    ),
    "not-polygon": (
        QT_TRANSLATE_NOOP("Train", "Not a polygon"),
        QT_TRANSLATE_NOOP("Train", "Draw a polygon around the object."),
    ),
    "invalid-geometry": (
        QT_TRANSLATE_NOOP("Train", "The polygon crosses itself"),
        QT_TRANSLATE_NOOP("Train", "Mend it with the vertex tool, or Processing ▸ Fix geometries."),
    ),
    "outside": (
        QT_TRANSLATE_NOOP("Train", "Outside of “{raster}”"),
        QT_TRANSLATE_NOOP("Train", "Choose the raster it was drawn on, or check the layer's CRS."),
    ),
    "many-points": (
        QT_TRANSLATE_NOOP("Train", "The outline has {count:,} points; {limit:,} are allowed"),
        QT_TRANSLATE_NOOP("Train", "Simplify it: Processing ▸ Simplify."),
    ),
    "too-small": (
        QT_TRANSLATE_NOOP("Train", "Only {size_px:g} pixels long on the raster"),
        QT_TRANSLATE_NOOP(
            "Train", "Use a finer raster; below {limit_px:g} pixels nothing can be learned."
        ),
    ),
    "duplicate": (
        QT_TRANSLATE_NOOP("Train", "The same object as row {other}"),
        QT_TRANSLATE_NOOP("Train", "Delete one of the two; it is used once."),
    ),
}

OUTCOMES: Dict[str, str] = {
    "better": QT_TRANSLATE_NOOP("Train", "Better on objects it never saw"),
    "worse": QT_TRANSLATE_NOOP("Train", "Worse on objects it never saw"),
    "no_difference": QT_TRANSLATE_NOOP("Train", "No difference that can be told from chance"),
    "too_few": QT_TRANSLATE_NOOP("Train", "Too few held-out objects to tell, n = {n}"),
}

METRICS: Dict[str, str] = {
    "acc@0.5": QT_TRANSLATE_NOOP("Train", "Found right"),
    "f1@0.5": "F1",
    "giou": "gIoU",
}

FIGURES = QT_TRANSLATE_NOOP(
    "Train",
    "{metric}: {before:.0f} % before, {after:.0f} % after; gain {gain:+.0f} points "
    "(95 %: {low:+.0f} to {high:+.0f}), n = {n}",
)

FEW_FIGURES = QT_TRANSLATE_NOOP("Train", "{metric}: {before:.0f} % before, {after:.0f} % after")
"""Of so few objects an interval would only look like one."""


def problem_words(problem: Problem, translate: Translate) -> Tuple[str, str]:
    """What is wrong and what mends it."""
    if problem.code not in PROBLEMS:
        return problem.code, ""
    what, mend = (translate("Train", text) for text in PROBLEMS[problem.code])
    return what.format(**problem.values), mend.format(**problem.values)


def metric_words(metric: str, translate: Translate) -> str:
    """A metric as a person says it; its own name if it is a new one."""
    return translate("Train", METRICS[metric]) if metric in METRICS else metric


def verdict_words(verdict: tw.Verdict, translate: Translate) -> Tuple[str, str]:
    """The verdict as a title and its figures."""
    n = verdict.after.objects
    wanted = FEW_FIGURES if verdict.outcome == "too_few" else FIGURES
    figures = translate("Train", wanted).format(
        metric=metric_words(verdict.after.metric, translate),
        before=100 * verdict.before.value,
        after=100 * verdict.after.value,
        gain=100 * verdict.gain,
        low=100 * verdict.gain_low,
        high=100 * verdict.gain_high,
        n=n,
    )
    return translate("Train", OUTCOMES[verdict.outcome]).format(n=n), figures
