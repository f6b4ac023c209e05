"""A sentence cut at the words that comparisons are made with: a name, then clauses with what stands behind each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Tuple

from . import comparison_grammar as grammar
from .comparison_types import Relation

_VERB = re.compile(grammar.VERB)
_WITH_VERB = ("colour", "super")
"""Kinds that need "that is" in front: a bare colour or superlative belongs to the name of an anchor that follows."""


@dataclass
class Clause:
    """One clause: its kind in `comparison_grammar.CLAUSES`, and its tail, the text up to the next one."""

    kind: str
    relation: Optional[Relation]
    match: re.Match[str]
    words: str
    tail: str

    @property
    def text(self) -> str:
        """The clause as the user wrote it."""
        return f"{self.words} {self.tail}".strip()

    def group(self, name: str) -> str:
        """A named part of the clause, or ""."""
        return self.match.groupdict().get(name) or ""


def clauses_of(text: str) -> Tuple[str, List[Clause]]:
    """The name at the beginning of `text`, and the clauses behind it with their tails."""
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    found: List[Clause] = []
    name, tail_from, end = text, 0, 0
    for index, start in enumerate(starts):
        if index == 0 or start < end:
            continue
        clause = _clause_at(text, start)
        if clause is None:
            continue
        if found:
            found[-1].tail = text[tail_from:start].strip()
        else:
            name = text[:start].strip()
        found.append(clause)
        tail_from = end = clause.match.end()
    if found:
        found[-1].tail = text[tail_from:].strip()
    return name, found


def _clause_at(text: str, start: int) -> Optional[Clause]:
    """The clause that begins at `start`, perhaps with "that is" and the like in front."""
    verb = _VERB.match(text, start)
    after = verb.end() if verb else start
    linked = bool(verb and verb.group(0).split() not in ([], ["and"], ["but"]))
    for begin in dict.fromkeys((after, start)):
        for kind, relation, pattern in grammar.patterns():
            match = pattern.match(text, begin)
            if match and match.end() > begin and (kind not in _WITH_VERB or linked):
                return Clause(kind, relation, match, text[start : match.end()], "")
    return None
