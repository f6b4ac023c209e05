"""Everything that can go wrong in the service, as one tree of exceptions with stable codes.

An error says what happened, with the value and the limit, and what to do next. It crosses the wire as a code with
parameters (`wire.ErrorBody`); the English sentence is the fallback of a side that does not know the code. This
module knows no HTTP library: ``status`` is a number that `api/` uses.

    GeoR1Error
    ├── Unauthorized, HostNotAllowed, OriginNotAllowed      who asks                        (also PermissionError)
    ├── WireVersionMismatch                                 in which language
    ├── NotFound, MethodNotAllowed                          for what
    ├── BodyTooLarge
    ├── BodyInvalid                                         with which words                (also ValueError)
    │   ├── UnknownField, QueryEmpty, QueryTooLong
    ├── ChipError                                           about which pixels              (also ValueError)
    │   ├── ChipUnknown (also LookupError), ChipHashMismatch, ChipUnreadable, ChipTruncated
    │   └── ImageTooLarge, ImageTooSmall, ImageAspect
    ├── ModelUnknown (also LookupError), ModelFailed, TaskUnsupported   of which model
    ├── QueueFull, ServiceStopping, Cancelled, EngineFailed             and how it went
    ├── ConfigError                                         a setting that cannot work      (also ValueError)
    ├── MissingExtra                                        an optional package is absent   (also ImportError)
    └── Internal                                            a fault of ours
"""

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


class Unauthorized(GeoR1Error, PermissionError):
    """No token, or not the one of this start of the service."""

    code = "unauthorized"
    status = 401

    def __init__(self, *, given: bool) -> None:
        super().__init__(
            "The token is not the one of this service."
            if given
            else "The request carries no token.",
            hint="Send “Authorization: Bearer TOKEN” with the token in server.json; each start makes a new one.",
            given=given,
        )


class HostNotAllowed(GeoR1Error, PermissionError):
    """The Host header names something else than this machine (DNS rebinding)."""

    code = "host-not-allowed"
    status = 421

    def __init__(self, *, host: str) -> None:
        super().__init__(
            f"This service does not answer for the host “{shortened(host)}”.",
            hint="Use the address in server.json, or start the service with --allow-host NAME.",
            host=shortened(host),
        )


class OriginNotAllowed(GeoR1Error, PermissionError):
    """A web page asks; none may, unless configured."""

    code = "origin-not-allowed"
    status = 403

    def __init__(self, *, origin: str) -> None:
        super().__init__(
            f"Web pages of “{shortened(origin)}” may not use this service.",
            hint="Start the service with --allow-origin ORIGIN if that page is yours.",
            origin=shortened(origin),
        )


class WireVersionMismatch(GeoR1Error):
    """Plugin and service speak different major versions."""

    code = "wire-version"
    status = 426

    def __init__(self, *, given: str, expected: str) -> None:
        super().__init__(
            f"The request speaks wire version “{shortened(given, 20)}”; this service speaks {expected}.",
            hint="Update the older of the two: the plugin in QGIS, or geo-r1-backend where the service runs.",
            given=shortened(given, 20),
            expected=expected,
        )


class NotFound(GeoR1Error, LookupError):
    """No such address."""

    code = "not-found"
    status = 404

    def __init__(self, *, path: str) -> None:
        super().__init__(
            f"There is nothing at “{shortened(path)}”.",
            hint="Addresses begin with /v1/; see docs/http-api.md.",
            path=shortened(path),
        )


class MethodNotAllowed(GeoR1Error):
    """The address exists, for another method."""

    code = "method-not-allowed"
    status = 405

    def __init__(self, *, method: str, allowed: str) -> None:
        super().__init__(
            f"This address does not take {shortened(method, 20)}.",
            hint=f"Use {allowed}." if allowed else "See docs/http-api.md.",
            method=shortened(method, 20),
            allowed=allowed,
        )


class BodyTooLarge(GeoR1Error):
    """More bytes than the address takes; reading stopped at the limit."""

    code = "body-too-large"
    status = 413

    def __init__(self, *, limit_bytes: int, given_bytes: int | None = None) -> None:
        given = f"{given_bytes:,} bytes" if given_bytes is not None else "more"
        super().__init__(
            f"The body has {given}; this address takes {limit_bytes:,} bytes.",
            hint="Send a smaller area, or split it into tiles.",
            limit_bytes=limit_bytes,
            given_bytes=given_bytes,
        )


class BodyInvalid(GeoR1Error, ValueError):
    """A field is missing, of the wrong type or out of its bounds."""

    code = "body-invalid"
    status = 422

    def __init__(self, *, field: str, reason: str, hint: str = "", **parameters: Parameter) -> None:
        where = f"“{field}” " if field else "The body "
        super().__init__(
            f"{where}is not valid: {reason}.",
            hint=hint or "See docs/http-api.md for the fields and their bounds.",
            field=field,
            reason=reason,
            **parameters,
        )


class UnknownField(BodyInvalid):
    """A field that this version does not know; silently ignoring it would be a lie."""

    code = "unknown-field"

    def __init__(self, *, field: str) -> None:
        super().__init__(
            field=shortened(field),
            reason="this version of the service knows no such field",
            hint="Check the spelling, or update the service.",
        )


class QueryEmpty(BodyInvalid):
    """Nothing is asked."""

    code = "query-empty"

    def __init__(self, *, field: str = "query") -> None:
        super().__init__(
            field=field,
            reason="it is empty",
            hint="Say what to look for, for example “the largest storage tank”.",
        )


class QueryTooLong(BodyInvalid):
    """A sentence is expected, not a document."""

    code = "query-too-long"

    def __init__(self, *, field: str, given_characters: int, limit_characters: int) -> None:
        super().__init__(
            field=field,
            reason=f"it has {given_characters:,} characters, the limit is {limit_characters:,}",
            hint="Ask one thing in one sentence.",
            given_characters=given_characters,
            limit_characters=limit_characters,
        )


class ChipError(GeoR1Error, ValueError):
    """Something is wrong with the pixels."""

    code = "chip-unreadable"
    status = 422


class ChipUnknown(ChipError, LookupError):
    """The service does not hold this chip (any more)."""

    code = "chip-unknown"
    status = 404

    def __init__(self, *, sha256: str, missing: int = 1) -> None:
        super().__init__(
            f"The chip {shortened(sha256, 13)} is not here; it was never sent or it has expired.",
            hint="Send it with PUT /v1/chips/{sha256} and ask again.",
            sha256=shortened(sha256, 64),
            missing=missing,
        )


class ChipHashMismatch(ChipError):
    """The bytes are not what their name says."""

    code = "chip-hash-mismatch"

    def __init__(self, *, expected: str, given: str) -> None:
        super().__init__(
            f"The bytes have the SHA-256 {shortened(given, 13)}, the address says {shortened(expected, 13)}.",
            hint="Compute the hash over exactly the bytes that are sent.",
            expected=shortened(expected, 64),
            given=given,
        )


class ChipUnreadable(ChipError):
    """Not an image of a kind that is taken."""

    code = "chip-unreadable"

    def __init__(self, *, reason: str, hint: str = "") -> None:
        super().__init__(
            f"The image cannot be read: {reason}.",
            hint=hint or "Send a PNG, JPEG or WebP image with 8 bits per band.",
            reason=reason,
        )


class ChipTruncated(ChipError):
    """The image ends before its last pixel."""

    code = "chip-truncated"

    def __init__(self, *, format_name: str, size_bytes: int) -> None:
        super().__init__(
            f"The {format_name} image ends too early, after {size_bytes:,} bytes.",
            hint="Send it again; if it came from a file, that file is damaged.",
            format=format_name,
            size_bytes=size_bytes,
        )


class ImageTooLarge(ChipError):
    """More pixels than are taken; known from the header, nothing was decoded."""

    code = "image-too-large"
    status = 413

    def __init__(self, *, given_px: int, limit_px: int) -> None:
        super().__init__(
            f"The image has {given_px:,} pixels; this service takes {limit_px:,}.",
            hint="Zoom in, draw a smaller area, or split it into tiles.",
            given_px=given_px,
            limit_px=limit_px,
        )


class ImageTooSmall(ChipError):
    """Too few pixels to see anything."""

    code = "image-too-small"

    def __init__(self, *, width_px: int, height_px: int, limit_px: int) -> None:
        super().__init__(
            f"The image is {width_px} × {height_px} pixels; each side needs at least {limit_px}.",
            hint="Zoom out or draw a larger area.",
            width_px=width_px,
            height_px=height_px,
            limit_px=limit_px,
        )


class ImageAspect(ChipError):
    """A strip so narrow that no model can look at it."""

    code = "image-aspect"

    def __init__(self, *, width_px: int, height_px: int, limit: int) -> None:
        super().__init__(
            f"The image is {width_px} × {height_px} pixels; one side may be at most {limit} times the other.",
            hint="Draw an area that is less elongated.",
            width_px=width_px,
            height_px=height_px,
            limit=limit,
        )


class ModelUnknown(GeoR1Error, LookupError):
    """No model of that id."""

    code = "model-unknown"
    status = 404

    def __init__(self, *, model: str, known: list[str]) -> None:
        super().__init__(
            f"There is no model “{shortened(model)}”.",
            hint=f"Known here: {', '.join(known) or 'none'}. Models are folders; requests name their id.",
            model=shortened(model),
            known=", ".join(known),
        )


class ModelFailed(GeoR1Error):
    """A model is there and cannot be loaded."""

    code = "model-failed"
    status = 503

    def __init__(self, *, model: str, reason: str, hint: str = "") -> None:
        super().__init__(
            f"The model “{shortened(model)}” cannot be loaded: {reason}.",
            hint=hint or "Run “geo-r1 doctor”; it says which step is broken.",
            model=shortened(model),
            reason=reason,
        )


class TaskUnsupported(GeoR1Error, ValueError):
    """This model was not made for that task."""

    code = "task-unsupported"
    status = 422

    def __init__(self, *, task: str, model: str, supported: tuple[str, ...]) -> None:
        super().__init__(
            f"The model “{model}” cannot do “{task}”; it does {', '.join(supported)}.",
            hint="Choose another model, or ask for one object or all objects.",
            task=task,
            model=model,
            supported=", ".join(supported),
        )


class QueueFull(GeoR1Error):
    """Too many wait already."""

    code = "queue-full"
    status = 503

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"{limit} requests wait already; more are not taken.",
            hint="Ask again in a moment.",
            limit=limit,
        )


class ServiceStopping(GeoR1Error):
    """The service is on its way out."""

    code = "service-stopping"
    status = 503

    def __init__(self) -> None:
        super().__init__("The service is stopping.", hint="Start it again with “geo-r1 serve”.")


class Cancelled(GeoR1Error):
    """Whoever asked has left."""

    code = "cancelled"
    status = 499

    def __init__(self) -> None:
        super().__init__("The request was cancelled.", hint="Ask again.")


class EngineFailed(GeoR1Error, RuntimeError):
    """The model began and could not go on (out of memory, broken weights, dead worker)."""

    code = "engine-failed"

    def __init__(self, reason: str, *, engine: str = "", hint: str = "") -> None:
        super().__init__(
            f"The engine failed: {reason}.",
            hint=hint or "Ask again; if it happens again, run “geo-r1 doctor”.",
            engine=engine,
            reason=reason,
        )


class ConfigError(GeoR1Error, ValueError):
    """A setting or an argument that cannot work."""

    code = "config-invalid"


class MissingExtra(GeoR1Error, ImportError):
    """An optional part of the installation is needed and absent."""

    code = "extra-missing"

    def __init__(self, *, extra: str, package: str, what: str) -> None:
        super().__init__(
            f"{what} needs the package “{package}”, which is not installed.",
            hint=f"Install it: pipx inject geo-r1-backend {package}, or pip install “geo-r1-backend[{extra}]”.",
            extra=extra,
            package=package,
        )


class Internal(GeoR1Error):
    """A fault of ours; the log has its traceback under the request id."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__(
            "The service made a mistake.",
            hint="Report it with the request id and the lines of logs/serve.log that carry it.",
        )
