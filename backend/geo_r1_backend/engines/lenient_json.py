"""A reader of almost-JSON that never raises: what a language model writes when it means JSON.

It takes single quotes, missing commas, trailing commas, bare words, quotes inside of labels and texts that are cut off
at any place, and says of each value where it stood and whether it was complete. It does not know what the values
mean. Time is linear in the text but for the look-ahead of a closing quote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_DEPTH = 24
"""Deeper nesting than this is garbage; it is skipped instead of filling the interpreter's stack."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_WORD = re.compile(r"[^\s,:\[\]{}\"']+")
_SPACE = re.compile(r"\s*")
_AFTER_QUOTE = re.compile(r"\s*(?:[,:\]}]|$)")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass
class Node:
    """One value with its place in the text."""

    start: int
    end: int
    complete: bool = True
    """False: the text ended before the value did."""


@dataclass
class NumberNode(Node):
    """A number; not finite where it was too large to be one."""

    value: float = 0.0


@dataclass
class TextNode(Node):
    """A quoted string or a bare word (None, true, …)."""

    value: str = ""
    quoted: bool = False


@dataclass
class ListNode(Node):
    """An array with its items."""

    items: list[Node] = field(default_factory=list)


@dataclass
class ObjectNode(Node):
    """An object with its pairs in order, repeated keys included."""

    pairs: list[tuple[str, Node]] = field(default_factory=list)


def read_values(text: str, start: int = 0) -> list[ListNode | ObjectNode]:
    """Every array and object at the top level of a text, whatever stands between them."""
    values: list[ListNode | ObjectNode] = []
    at = start
    while True:
        openings = [place for mark in "[{" if (place := text.find(mark, at)) >= 0]
        if not openings:
            return values
        node = _Reader(text).read_container(min(openings), depth=0)
        values.append(node)
        at = max(node.end, min(openings) + 1)


class _Reader:
    """Recursive descent over one text; every method moves forward or stops at the end."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read_container(self, at: int, depth: int) -> ListNode | ObjectNode:
        return self.read_object(at, depth) if self.text[at] == "{" else self.read_list(at, depth)

    def read_value(self, at: int, depth: int) -> Node:
        """The value at a place that is neither a space nor a separator nor a closing bracket."""
        mark = self.text[at]
        if mark in "[{" and depth < MAX_DEPTH:
            return self.read_container(at, depth)
        if mark in "[{":
            return TextNode(at, at + 1, value=mark)
        if mark in "\"'":
            return self.read_string(at)
        number = _NUMBER.match(self.text, at)
        word = _WORD.match(self.text, at)
        if number and (word is None or number.end() >= word.end()):
            # at the very end of the text more digits may follow
            complete = number.end() < len(self.text)
            return NumberNode(at, number.end(), complete, float(number.group()))
        if word is None:
            return TextNode(at, at + 1, value=mark)
        return TextNode(at, word.end(), word.end() < len(self.text), word.group())

    def read_list(self, at: int, depth: int) -> ListNode:
        node = ListNode(at, at, complete=False)
        at += 1
        while True:
            at = self._skip(at)
            if at >= len(self.text):
                node.end = len(self.text)
                return node
            mark = self.text[at]
            if mark == "]":
                node.end, node.complete = at + 1, True
                return node
            if mark in ",:":
                at += 1
                continue
            if mark == "}":
                # closed by the wrong bracket: it belongs to an object around this list
                if depth > 0:
                    node.end, node.complete = at, True
                    return node
                at += 1
                continue
            item = self.read_value(at, depth + 1)
            node.items.append(item)
            at = max(item.end, at + 1)

    def read_object(self, at: int, depth: int) -> ObjectNode:
        node = ObjectNode(at, at, complete=False)
        at += 1
        key: str | None = None
        while True:
            at = self._skip(at)
            if at >= len(self.text):
                node.end = len(self.text)
                return node
            mark = self.text[at]
            if mark == "}":
                node.end, node.complete = at + 1, True
                return node
            if mark == "]":
                if depth > 0:
                    node.end, node.complete = at, True
                    return node
                at += 1
                continue
            if mark in ",:":
                at += 1
                continue
            value = self.read_value(at, depth + 1)
            at = max(value.end, at + 1)
            if key is None and isinstance(value, TextNode) and self._colon_follows(at):
                key = value.value
            else:
                node.pairs.append((key if key is not None else "", value))
                key = None

    def read_string(self, at: int) -> TextNode:
        """A quoted string; a quote closes it only where a separator, a bracket or the end follows."""
        quote = self.text[at]
        place = at + 1
        while True:
            place = self.text.find(quote, place)
            if place < 0:
                return TextNode(at, len(self.text), complete=False, quoted=True)
            escaped = 0
            while self.text[place - 1 - escaped] == "\\":
                escaped += 1
            if escaped % 2 == 0 and _AFTER_QUOTE.match(self.text, place + 1):
                complete = place + 1 < len(self.text)
                value = _unescape(self.text[at + 1 : place])
                return TextNode(at, place + 1, complete, value, quoted=True)
            place += 1

    def _colon_follows(self, at: int) -> bool:
        at = self._skip(at)
        return at < len(self.text) and self.text[at] == ":"

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        what = match.group(1)
        if what.startswith("u") and len(what) > 1:
            letter = chr(int(what[1:], 16))
            return "\ufffd" if "\ud800" <= letter <= "\udfff" else letter
        return _ESCAPES.get(what, what)

    return _ESCAPE.sub(replaced, text)
