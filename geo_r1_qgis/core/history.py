"""What was asked before, for the Up and Down keys. Knows no key and no project file."""

from __future__ import annotations

from typing import List, Sequence

LIMIT = 100


class QueryHistory:
    """Past queries, newest last, and where in them the user is looking."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self.entries: List[str] = [entry for entry in entries if entry.strip()][-LIMIT:]
        self._position = len(self.entries)
        self._draft = ""

    def add(self, query: str) -> None:
        """Remember `query` as the newest; an older equal one moves here."""
        query = query.strip()
        if query:
            self.entries = [
                *[entry for entry in self.entries if entry != query][1 - LIMIT :],
                query,
            ]
        self._position, self._draft = len(self.entries), ""

    def older(self, shown: str) -> str:
        """The query before the one that is shown; what was being typed is kept for the way back."""
        if self._position == len(self.entries):
            self._draft = shown
        self._position = max(0, self._position - 1)
        return self._shown(shown)

    def newer(self, shown: str) -> str:
        """The query after the one that is shown, at the end what was being typed."""
        if self._position >= len(self.entries):
            return shown
        self._position += 1
        return self._shown(shown)

    def _shown(self, otherwise: str) -> str:
        if not self.entries:
            return otherwise
        return self.entries[self._position] if self._position < len(self.entries) else self._draft
