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

    def feed(self, piece: bytes) -> List[bytes]:
        """Complete lines, without their line end and without empty ones.

        Raises:
            ProtocolError: if a line is longer than the limit; the splitter is empty afterwards.
        """
        self._rest += piece
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        longest = max([len(rest), *map(len, lines)])
        if longest > self._max_line_bytes:
            self._rest.clear()
            reason = f"a line of {longest:,} bytes or more; the limit is {self._max_line_bytes:,}"
            raise ProtocolError("$", reason)
        return [bytes(line).rstrip(b"\r") for line in lines if line.strip()]

    def finish(self) -> List[bytes]:
        """The last line, if the stream ended without a line end."""
        rest, self._rest = bytes(self._rest).strip(), bytearray()
        return [rest] if rest else []
