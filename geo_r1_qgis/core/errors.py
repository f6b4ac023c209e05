"""Everything that can go wrong in the plugin, as one tree of exceptions.

An error knows its code and its values; it knows no widget, no message bar and no translation
(`core/sentences.py` has the words, `gui/notice.py` shows them).

    GeoR1Error
    ├── ServiceError            the service answered with an error body (code, message, hint, parameters)
    ├── ProtocolError           the answer is not what the wire contract says      (also ValueError)
    ├── ServiceUnreachable      nothing listens, or the name is not known          (also ConnectionError)
    ├── ServiceSilent           connected, but not a byte for too long             (also TimeoutError)
    ├── ConnectionLost          the stream ended before its final event            (also ConnectionError)
    ├── ServerElsewhere         `server.json` names an address that is not this machine's
    ├── TlsRefused              the server's certificate was not accepted          (also ConnectionError)
    ├── LaunchFailed            `geo-r1 serve` did not come up
    ├── CommandNotFound         no `geo-r1` on this machine                        (also FileNotFoundError)
    ├── CaptureError            a view cannot be turned into pixels  (subclasses in `capture/`)
    ├── LayerError              an answer cannot be written          (subclasses in `layers/`)
    └── Unexpected              a fault of ours, with its traceback in `details`
"""

from __future__ import annotations

import traceback
from typing import Dict, Optional, Sequence, Union

from .plain_text import one_line, several_lines

Parameter = Union[str, int, float, bool, None]

SHOWN_CHARACTERS = 300
"""Longest piece of others' text that a message of ours repeats."""


class GeoR1Error(Exception):
    """Base: a stable `code`, an English sentence, a hint what to do, and the values.

    Args:
        message: English sentence, the fallback when `core/sentences.py` has none for the code.
        hint: what to do now.
        code: replaces the class's own code.
        details: long text for the *Details* button (log tail, traceback).
        request_id: the service's id of the request, for its log.
        parameters: the values the sentence speaks of.
    """

    code = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        hint: str = "",
        code: str = "",
        details: str = "",
        request_id: str = "",
        **parameters: Parameter,
    ) -> None:
        super().__init__(message or code or self.code)
        self.message = message
        self.hint = hint
        self.code = code or self.code
        self.details = details
        self.request_id = request_id
        self.parameters: Dict[str, Parameter] = parameters


def without_frames(error: GeoR1Error) -> GeoR1Error:
    """The same error, free of the stack frames it came through.

    An error that is kept (in an outcome, in a notice) would otherwise keep every local variable of those frames
    alive, pictures and QGIS's own objects among them; these must not outlive QGIS.
    """
    each: Optional[BaseException] = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error


class ServiceError(GeoR1Error):
    """The service refused or failed, and said why in an error body."""

    code = "service-error"

    def __init__(
        self,
        *,
        code: str,
        message: str,
        hint: str = "",
        parameters: Dict[str, Parameter],
        request_id: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(message, hint=hint, code=code, request_id=request_id)
        self.parameters = dict(parameters)
        self.status = status


class ProtocolError(GeoR1Error, ValueError):
    """Bytes that do not fit the wire contract, with the path of the field that does not."""

    code = "protocol"

    def __init__(self, path: str, reason: str, *, details: str = "") -> None:
        # both may repeat what others sent
        path, reason = one_line(path, SHOWN_CHARACTERS), several_lines(reason, SHOWN_CHARACTERS)
        super().__init__(f"{path}: {reason}", details=details, path=path, reason=reason)


class ServiceUnreachable(GeoR1Error, ConnectionError):
    """Nothing answers at the address."""

    code = "unreachable"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"Nothing answers at {url} ({reason}).", url=url, reason=reason)


class ServiceSilent(GeoR1Error, TimeoutError):
    """The connection stands, but no byte came for too long."""

    code = "silent"

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(f"{url} was silent for {seconds:g} s.", url=url, seconds=seconds)


class ConnectionLost(GeoR1Error, ConnectionError):
    """The connection ended before the last event of an answer."""

    code = "connection-lost"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"The connection to {url} broke ({reason}).", url=url, reason=reason)


class ServerElsewhere(GeoR1Error, ValueError):
    """The file that says where this machine's service is points to another machine; no token is sent there."""

    code = "server-elsewhere"

    def __init__(self, url: str) -> None:
        url = one_line(url, SHOWN_CHARACTERS)
        super().__init__(f"server.json names {url}, which is not this machine.", url=url)


class TlsRefused(GeoR1Error, ConnectionError):
    """The certificate was not accepted, so that nothing was sent; the code says why."""

    code = "tls-failed"


class LaunchFailed(GeoR1Error):
    """`geo-r1 serve` was started and did not become ready."""

    code = "launch-failed"

    def __init__(
        self, command: str, reason: str, *, log_tail: str = "", log_path: str = ""
    ) -> None:
        super().__init__(
            f"{command} did not start: {reason}",
            details=log_tail,
            command=command,
            reason=reason,
            log_path=log_path,
        )


class CommandNotFound(GeoR1Error, FileNotFoundError):
    """No `geo-r1` command in any of the usual places."""

    code = "command-not-found"

    def __init__(self, tried: Sequence[str]) -> None:
        super().__init__(
            "The command geo-r1 was not found.", details="\n".join(tried), places=len(tried)
        )


class CaptureError(GeoR1Error):
    """The area or the layer cannot be turned into a chip."""

    code = "capture-failed"


class LayerError(GeoR1Error):
    """A detection cannot be written or read."""

    code = "layer-failed"


class Unexpected(GeoR1Error):
    """An exception that nobody foresaw, kept with its traceback."""

    code = "unexpected"

    def __init__(self, error: BaseException, *, request_id: str = "") -> None:
        trace = traceback.format_exception(type(error), error, error.__traceback__)
        super().__init__(
            f"{type(error).__name__}: {error}",
            details="".join(trace),
            request_id=request_id,
            reason=f"{type(error).__name__}: {error}",
        )
