"""The text of a reasoning chain as segments: plain words, and coordinates that can be pointed at.

Text comes in pieces that may cut a coordinate in two; only what can no longer change is handed out. Nothing here is
markup, so no text of a model can become any. Knows no widget and no map: coordinates stay in chip pixels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

_NUMBER = r"\s{0,3}-?\d{1,6}(?:\.\d{1,6})?\s{0,3}"
_COORDINATE = re.compile(rf"\[({_NUMBER}(?:,{_NUMBER}){{3}})\]|\(({_NUMBER},{_NUMBER})\)")
_BEGUN = re.compile(r"[\[(][\d\s.,\-]{0,80}$")
"""A coordinate whose closing bracket has not come yet, at the end of the text."""

LINK_SCHEME = "px:"


@dataclass(frozen=True)
class Segment:
    """A run of text; `place_px` is set when it is a coordinate.

    `place_px` has four numbers for a box `[x1,y1,x2,y2]` and two for a point `(x,y)`.
    """

    text: str
    place_px: Optional[Tuple[float, ...]] = None


def segments(text: str) -> List[Segment]:
    """Cut `text` at its coordinates; the texts of the segments, joined, are `text` again."""
    found: List[Segment] = []
    end = 0
    for match in _COORDINATE.finditer(text):
        if match.start() > end:
            found.append(Segment(text[end : match.start()]))
        numbers = (match.group(1) or match.group(2)).split(",")
        found.append(Segment(match.group(0), tuple(float(number) for number in numbers)))
        end = match.end()
    if end < len(text):
        found.append(Segment(text[end:]))
    return found


def stable_length(text: str) -> int:
    """Number of leading characters that more text cannot turn into a part of a coordinate."""
    begun = _BEGUN.search(text)
    return begun.start() if begun else len(text)


def link_to(place_px: Sequence[float]) -> str:
    """The link that stands behind a coordinate: `px:12,30,60,78`."""
    return LINK_SCHEME + ",".join(f"{number:.10g}" for number in place_px)


def place_of_link(link: str) -> Optional[Tuple[float, ...]]:
    """The numbers of a `px:` link, or none if it is not one of ours."""
    if not link.startswith(LINK_SCHEME):
        return None
    numbers = link[len(LINK_SCHEME) :].split(",")
    if len(numbers) not in (2, 4) or not all(_is_number(number) for number in numbers):
        return None
    return tuple(float(number) for number in numbers)


class Transcript:
    """Text of one answer as it streams in, section by section (`think`, then `answer`)."""

    def __init__(self) -> None:
        self._section = ""
        self._waiting = ""
        self._think: List[str] = []

    @property
    def reasoning(self) -> str:
        """All text of the `think` section so far."""
        return "".join(self._think)

    def feed(self, section: str, text: str) -> List[Tuple[str, List[Segment]]]:
        """Take a piece of text; return what is now certain, as (section, segments) pairs."""
        ready = []
        if section != self._section:
            ready = self.finish()
            self._section = section
        if section == "think":
            self._think.append(text)
        self._waiting += text
        length = stable_length(self._waiting)
        done, self._waiting = self._waiting[:length], self._waiting[length:]
        if done:
            ready.append((section, segments(done)))
        return ready

    def finish(self) -> List[Tuple[str, List[Segment]]]:
        """What was held back, when no more text of this section will come."""
        rest, self._waiting = self._waiting, ""
        return [(self._section, segments(rest))] if rest else []


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,6}(?:\.\d{1,6})?(?:e[+-]?\d{1,2})?", text) is not None
