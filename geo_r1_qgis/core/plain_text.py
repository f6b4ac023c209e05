"""Text of others as text that cannot disguise itself: nothing unseen in it, and not longer than there is room."""

from __future__ import annotations

import re

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Control characters and marks that reorder or hide text; tab and newline are seen. Joiners that scripts need stay."""

_PILE = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""More than four marks over one letter: they would be drawn over the lines above."""

_WORD_MAX = 200
_LONG_WORD = re.compile(rf"\S{{{_WORD_MAX}}}(?=\S)")


def visible(text: str) -> str:
    """`text` without what could hide or reorder a part of it on the screen."""
    return _PILE.sub(r"\1", _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text))


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; the cut is seen."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS


def several_lines(text: str, limit: int) -> str:
    """Text for a label that may wrap: visible, at most `limit` characters, no word wider than any window."""
    return _LONG_WORD.sub(lambda word: word[0] + " ", visible(clipped(text, limit)))


def one_line(text: str, limit: int) -> str:
    """Text for one line of a list, a menu or a log: visible, spaces instead of line ends, at most `limit` characters."""
    # cut first: a text of megabytes is not worked on only to be thrown away
    return clipped(" ".join(visible(text[: limit * 4]).split()), limit)
