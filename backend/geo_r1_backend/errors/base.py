"""The root of the tree, and how values are shown in its sentences."""

from __future__ import annotations

from geo_r1_backend.wire import ErrorBody, Parameter

SHOWN_CHARACTERS = 60
"""Longest piece of the user's input that an error repeats."""


def shortened(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    """A value as text for a message, cut in the middle of nothing the user needs.

    Example:
        >>> shortened("a" * 100, limit=10)
        'aaaaaaaaa…'
    """
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


class GeoR1Error(Exception):
    """Base: a stable code, an English sentence, a hint what to do, and the values.

    Args:
        message: what happened, with the value and the limit.
        hint: what to do now.
        parameters: the values, for a translation by code.
    """

    code = "internal"
    status = 500

    def __init__(self, message: str, *, hint: str = "", **parameters: Parameter) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.parameters: dict[str, Parameter] = parameters

    def to_body(self, request_id: str = "") -> ErrorBody:
        """The error as it crosses the wire."""
        return ErrorBody(
            code=self.code,
            message=self.message,
            hint=self.hint,
            parameters=self.parameters,
            request_id=request_id,
        )


class Internal(GeoR1Error):
    """A fault of ours; the log has its traceback under the request id."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__(
            "The service made a mistake.",
            hint="Report it with the request id and the lines of logs/serve.log that carry it.",
        )
