"""Cut a byte stream into lines as the bytes arrive. Knows nothing of JSON or of sockets."""

from __future__ import annotations

from typing import List

from .errors import ProtocolError

MAX_LINE_BYTES = 4 * 1024 * 1024
"""A result with hundreds of masks stays far below; anything longer is a fault or an attack on the memory."""


class LineSplitter:
    """Collects bytes and returns each line once, when its end has come.

    A character of several bytes that arrives in two pieces is safe, because nothing is decoded here.
    """

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._rest = bytearray()
        self._fault = ""

    def feed(self, piece: bytes) -> List[bytes]:
        """Complete lines, without their line end and without empty ones.

        Each byte is looked at once, however many pieces a line takes.

        Raises:
            ProtocolError: if a line is longer than the limit; nothing of it is kept. Good lines before it in the same
                piece are returned first, and this is raised by the next call.
        """
        self._raise_fault()
        *ends, rest = piece.split(b"\n")
        lines: List[bytes] = []
        for end in ends:
            if not self._grow(end):
                break
            if self._rest.strip():
                lines.append(bytes(self._rest).rstrip(b"\r"))
            self._rest.clear()
        else:
            self._grow(rest)
        if not lines:
            self._raise_fault()
        return lines

    def finish(self) -> List[bytes]:
        """The last line, if the stream ended without a line end.

        Raises:
            ProtocolError: if `feed` owes one.
        """
        self._raise_fault()
        rest, self._rest = bytes(self._rest).strip(), bytearray()
        return [rest] if rest else []

    def _grow(self, piece: bytes) -> bool:
        """Add to the line that is being collected; false if it is too long now."""
        length = len(self._rest) + len(piece)
        if length > self._max_line_bytes:
            self._rest.clear()
            limit = f"{self._max_line_bytes:,}"
            self._fault = f"a line of {length:,} bytes or more; the limit is {limit}"
            return False
        self._rest += piece
        return True

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, ""
        if fault:
            raise ProtocolError("$", fault)
