"""The words for where a question is and how it ended. Knows no widget."""

from __future__ import annotations

from typing import List, Optional, Tuple

from qgis.PyQt.QtCore import QCoreApplication

from ..core import wire
from ..core.ask_state import AskState, Stage
from ..core.plain_text import one_line

translate = QCoreApplication.translate

EXCERPT_CHARACTERS = 80
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


def ending_words(state: AskState) -> str:
    """What stands beside a question that has no detection; empty where the number of them says it all."""
    if state.detections:
        return ""
    if state.stage is Stage.STOPPED:
        return translate("AskWords", "stopped")
    if state.stage is Stage.FAILED or state.result is None:
        return translate("AskWords", "failed")
    # “none” is an answer; an answer that could not be read is not “none”
    return "" if state.result.outcome == "none" else translate("AskWords", "not usable")


def remark_on(
    result: wire.ResultEvent, *, token_limit: int, warning: str
) -> Optional[Tuple[str, str]]:
    """Title and text of what is to be said about an answer that came; none if there is nothing to say.

    Args:
        result: the answer.
        token_limit: how many tokens it was allowed.
        warning: about the picture that was sent; empty = none.
    """
    reasons = _reasons(result.dropped)
    if result.outcome == "none":
        said = translate("AskWords", "The model answered: none.")
        return translate("AskWords", "No such object here"), "\n".join(
            filter(None, (said, warning))
        )
    if result.outcome == "unparsable":
        return translate("AskWords", "The answer has no usable box"), reasons
    if result.outcome == "truncated":
        text = translate(
            "AskWords", "It reached its limit of {count} tokens; what was complete is on the map."
        )
        return translate("AskWords", "The answer was cut short"), text.format(count=token_limit)
    if reasons:
        return translate("AskWords", "A part of the answer could not be used"), reasons
    if warning:
        return translate("AskWords", "About the picture that was sent"), warning
    return None


def _reasons(dropped: List[wire.Dropped]) -> str:
    lines = [f"{each.reason}: {one_line(each.text, EXCERPT_CHARACTERS)}" for each in dropped]
    if len(lines) > MAX_REASONS:
        more = translate("AskWords", "… and {count} more").format(count=len(lines) - MAX_REASONS)
        lines = [*lines[:MAX_REASONS], more]
    return "\n".join(lines)
