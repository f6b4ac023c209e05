"""The words for where a question is and how it ended. Knows no widget."""

from __future__ import annotations

from collections import Counter
from typing import List, Optional, Tuple

from qgis.PyQt.QtCore import QCoreApplication

from ..core import wire
from ..core.ask_state import AskState, Stage
from ..core.plain_text import one_line
from ..core.records import is_ambiguous

translate = QCoreApplication.translate

EXCERPT_CHARACTERS = 80
_AGAIN = "the same object"
"""How the service begins to say that an object was named twice."""
MAX_REASONS = 4
"""Lines of a remark; more would push the answers out of the dock."""


def stage_words(state: AskState, seconds: float) -> str:
    """Where the question is and for how long, such as “Thinking… 1.2 s”."""
    words = {
        Stage.CONNECTING: translate("AskWords", "Waiting for the service…"),
        Stage.CAPTURING: translate("AskWords", "Taking the picture…"),
        Stage.UPLOADING: translate("AskWords", "Sending…"),
        Stage.QUEUED: translate("AskWords", "In the queue: {count} before you"),
        Stage.STREAMING: translate("AskWords", "Thinking…"),
        Stage.WRITING: translate("AskWords", "Writing…"),
        Stage.STOPPED: translate("AskWords", "Stopped"),
        Stage.FAILED: translate("AskWords", "Failed"),
        Stage.DONE: translate("AskWords", "Answered"),
    }.get(state.stage, "")
    if state.stage is Stage.STREAMING and state.progress is not None:
        words = translate("AskWords", "Looking closely, {now} of {total}…")
    total = state.progress.total if state.progress else 0
    now = min(state.progress.done + 1, total) if state.progress else 0
    after = translate("AskWords", "{seconds:.1f} s").format(seconds=seconds)
    return f"{words.format(count=state.position, now=now, total=total)} {after}" if words else ""


def ending_words(state: AskState, task: str) -> str:
    """What stands beside a question that has ended; empty where the number of its detections says it all."""
    if state.result is not None and is_ambiguous(task, state.result):
        several = translate("AskWords", "{count} fit: all are marked")
        return several.format(count=len(state.result.detections))
    if state.detections:
        return ""
    if state.stage is Stage.STOPPED:
        return translate("AskWords", "stopped")
    if state.stage is Stage.FAILED or state.result is None:
        return translate("AskWords", "failed")
    # “none” is an answer; an answer that could not be read is not “none”
    return "" if state.result.outcome == "none" else translate("AskWords", "not usable")


def remark_on(
    result: wire.ResultEvent, *, task: str, token_limit: int, warning: str
) -> Optional[Tuple[str, str]]:
    """Title and text of what is to be said about an answer that came; none if there is nothing to say.

    Args:
        result: the answer.
        task: what was asked for.
        token_limit: how many tokens it was allowed.
        warning: about the picture that was sent; empty = none.
    """
    reasons = _reasons([each for each in result.dropped if not each.code])
    if result.outcome != "found":
        return _not_found(result, reasons, token_limit, warning)
    reasons = _counted([each for each in result.dropped if not each.code])
    no_masks = _without_masks([each for each in result.dropped if each.code])
    if is_ambiguous(task, result):
        return _several_fit(len(result.detections), _lines(reasons, warning))
    if reasons or no_masks:
        titles = (
            translate("AskWords", "A part of the answer could not be used"),
            translate("AskWords", "Not every object has a mask"),
        )
        return titles[0 if reasons else 1], _lines(reasons, no_masks)
    if warning:
        return translate("AskWords", "About the picture that was sent"), warning
    return None


def _not_found(
    result: wire.ResultEvent, reasons: str, token_limit: int, warning: str
) -> Tuple[str, str]:
    """About an answer that has nothing, or not all."""
    if result.outcome == "none":
        said = translate("AskWords", "The model answered: none.")
        return translate("AskWords", "No such object here"), _lines(said, warning)
    if result.outcome == "unparsable":
        return translate("AskWords", "The answer has no usable box"), reasons
    text = translate(
        "AskWords", "It reached its limit of {count} tokens; what was complete is on the map."
    )
    return translate("AskWords", "The answer was cut short"), text.format(count=token_limit)


def _several_fit(count: int, more: str) -> Tuple[str, str]:
    title = translate("AskWords", "{count} objects fit: all are marked").format(count=count)
    text = translate(
        "AskWords", "To mean one of them, say more: its colour, its size, or where it lies."
    )
    return title, _lines(text, more)


def _without_masks(notes: List[wire.Dropped]) -> str:
    """Why objects have a box and no mask; each reason once, with the objects where it is theirs alone."""
    lines: List[str] = []
    unclear = [one_line(each.text, EXCERPT_CHARACTERS) for each in notes if each.code == "no-mask"]
    if unclear:
        words = translate("AskWords", "Nothing stands out in the box, so it stays a box: {objects}")
        shown = [*unclear[:MAX_REASONS], *(["…"] if len(unclear) > MAX_REASONS else [])]
        lines.append(words.format(objects="; ".join(shown)))
    for each in notes:
        if each.code == "mask-limit":
            lines.append(
                translate("AskWords", "There are too many for one answer: the rest are boxes.")
            )
        elif each.code == "segmenter-missing":
            lines.append(
                translate(
                    "AskWords",
                    "The service has nothing that cuts objects out of their boxes (a segmenter); the boxes are on the map.",
                )
            )
        elif each.code != "no-mask":
            lines.append(each.reason)
    return "\n".join(lines[:MAX_REASONS])


def _lines(*texts: str) -> str:
    return "\n".join(filter(None, texts))


def _counted(dropped: List[wire.Dropped]) -> str:
    """Beside objects that were found: each reason once, without the model's own text. An object named twice is none."""
    counts = Counter(each.reason for each in dropped if not each.reason.startswith(_AGAIN))
    lines = [reason if count == 1 else f"{count} × {reason}" for reason, count in counts.items()]
    return "\n".join(lines[:MAX_REASONS])


def _reasons(dropped: List[wire.Dropped]) -> str:
    lines = [f"{each.reason}: {one_line(each.text, EXCERPT_CHARACTERS)}" for each in dropped]
    if len(lines) > MAX_REASONS:
        more = translate("AskWords", "… and {count} more").format(count=len(lines) - MAX_REASONS)
        lines = [*lines[:MAX_REASONS], more]
    return "\n".join(lines)
