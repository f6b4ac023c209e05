"""A model's text as it arrives: split into reasoning and answer, coordinates in chip pixels, boxes once complete.

Pieces may end anywhere, inside of a tag, of a number or of a letter's neighbour; what cannot be judged yet is held
back. Whatever the pieces, the sum of what is said is the same (a law in the tests). The last word on an answer is
`answers.parse_answer` over the whole text; this module only is early.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from geo_r1_backend.engines.answers import TAG, AnsweredBox, read_boxes
from geo_r1_backend.engines.resize import BoxPx, View

Section = Literal["think", "answer"]

_PARTIAL_TAG = re.compile(r"<\s{0,2}/?\s{0,2}[a-zA-Z]{0,6}\s{0,2}$")

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_GROUP = re.compile(
    rf"\[\s*{_NUMBER}(?:\s*,\s*{_NUMBER})+\s*\]|\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)"
)
_NUMBERS = re.compile(_NUMBER)
_PARTIAL_GROUP = re.compile(r"[\[(][\s\d.,+-]*$")
MAX_GROUP_CHARACTERS = 80
POINT_NUMBERS = 2
BOX_NUMBERS = 4


@dataclass(frozen=True)
class TextPart:
    """Some more text of one section, to show as it is."""

    section: Section
    text: str


class AnswerStream:
    """Feed it pieces, get text and boxes; one per item."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sections = _SectionSplitter()
        self._rewriters: dict[Section, _CoordinateRewriter] = {
            "think": _CoordinateRewriter(view),
            "answer": _CoordinateRewriter(view),
        }
        self._boxes = _BoxWatcher()
        self._reasoning: list[str] = []

    @property
    def reasoning(self) -> str:
        """All reasoning so far, coordinates in chip pixels."""
        return "".join(self._reasoning).strip()

    def feed(self, text: str) -> list[TextPart | AnsweredBox]:
        """What can be said after some more text."""
        return self._say(self._sections.feed(text))

    def finish(self) -> list[TextPart | AnsweredBox]:
        """What was held back, now that nothing more comes."""
        said = self._say(self._sections.finish())
        for section, rewriter in self._rewriters.items():
            self._add_text(said, section, rewriter.finish())
        return said

    def _say(self, parts: list[tuple[Section, str]]) -> list[TextPart | AnsweredBox]:
        said: list[TextPart | AnsweredBox] = []
        for section, text in parts:
            other: Section = "think" if section == "answer" else "answer"
            self._add_text(said, other, self._rewriters[other].finish())
            self._add_text(said, section, self._rewriters[section].feed(text))
            if section == "answer":
                said.extend(self._boxes.feed(text))
        return said

    def _add_text(self, said: list[TextPart | AnsweredBox], section: Section, text: str) -> None:
        if not text:
            return
        said.append(TextPart(section, text))
        if section == "think":
            self._reasoning.append(text)


class _SectionSplitter:
    """Takes the tags out and says which section each piece of text belongs to."""

    def __init__(self) -> None:
        self._pending = ""
        self._section: Section | None = None

    def feed(self, text: str) -> list[tuple[Section, str]]:
        self._pending += text
        parts: list[tuple[Section, str]] = []
        while tag := TAG.search(self._pending):
            self._add(parts, self._pending[: tag.start()])
            closing, name = bool(tag.group(1)), tag.group(2).lower()
            if name == "think":
                # after the reasoning comes the answer, whether its tag was forgotten or not
                self._section = "answer" if closing else "think"
            else:
                self._section = "answer"
            self._pending = self._pending[tag.end() :]
        partial = _PARTIAL_TAG.search(self._pending)
        keep = partial.start() if partial else len(self._pending)
        if self._section is None and _may_be_none(self._pending[:keep].strip().lower()):
            return parts
        ready, self._pending = self._pending[:keep], self._pending[keep:]
        self._add(parts, ready)
        return parts

    def finish(self) -> list[tuple[Section, str]]:
        parts: list[tuple[Section, str]] = []
        self._add(parts, self._pending)
        self._pending = ""
        return parts

    def _add(self, parts: list[tuple[Section, str]], text: str) -> None:
        if self._section is None:
            text = text.lstrip()
            if text:
                self._section = _guess_section(text)
        if text and self._section is not None:
            parts.append((self._section, text))


def _may_be_none(start: str) -> bool:
    """Whether so little is known that it may become "None", an answer."""
    return len(start) < len("none") and "none".startswith(start)


def _guess_section(text: str) -> Section:
    """Where a text without tags belongs: an answer looks like one."""
    return "answer" if text[0] in "[{`" or text[:4].lower() == "none" else "think"


class _CoordinateRewriter:
    """Replaces ``[x1,y1,x2,y2]`` and ``(x,y)`` by the same place in chip pixels."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._pending = ""

    def feed(self, text: str) -> str:
        self._pending += text
        partial = _PARTIAL_GROUP.search(self._pending)
        keep = partial.start() if partial else len(self._pending)
        if len(self._pending) - keep > MAX_GROUP_CHARACTERS:
            keep = len(self._pending)
        ready, self._pending = self._pending[:keep], self._pending[keep:]
        return _GROUP.sub(self._replaced, ready)

    def finish(self) -> str:
        ready, self._pending = self._pending, ""
        return ready

    def _replaced(self, match: re.Match[str]) -> str:
        group = match.group()
        numbers = [float(number) for number in _NUMBERS.findall(group)]
        if len(numbers) not in (POINT_NUMBERS, BOX_NUMBERS) or len(group) > MAX_GROUP_CHARACTERS:
            return group
        places: list[str] = []
        for x, y in zip(numbers[::2], numbers[1::2], strict=True):
            x_px, y_px = self._view.point_to_chip(x, y)
            places += [str(round(x_px)), str(round(y_px))]
        separator = ", " if ", " in group else ","
        return group[0] + separator.join(places) + group[-1]


class _BoxWatcher:
    """Says each box as soon as its object is closed, and never twice."""

    def __init__(self) -> None:
        self._answer = ""
        self._read_to = 0
        self._seen: set[tuple[str, BoxPx]] = set()

    def feed(self, text: str) -> list[AnsweredBox]:
        self._answer += text
        if "}" not in text and "]" not in text:
            return []
        found: list[AnsweredBox] = []
        for box in read_boxes(self._answer, self._read_to).boxes:
            self._read_to = max(self._read_to, box.end)
            if (box.label, box.box_px) not in self._seen:
                self._seen.add((box.label, box.box_px))
                found.append(box)
        return found
