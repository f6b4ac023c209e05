"""Who asks, in which language, for what, with which words."""

from __future__ import annotations

from geo_r1_backend.errors.base import GeoR1Error, shortened
from geo_r1_backend.wire import Parameter


class Unauthorized(GeoR1Error, PermissionError):
    """No token, or not the one of this start of the service."""

    code = "unauthorized"
    status = 401

    def __init__(self, *, given: bool) -> None:
        super().__init__(
            "The token is not the one of this service."
            if given
            else "The request carries no token.",
            hint="Send “Authorization: Bearer TOKEN”; the token is in server.json, new with each start, or in the --token-file.",
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


class RequestMalformed(GeoR1Error):
    """The bytes are not a request of HTTP/1.1; nothing of them was looked at."""

    code = "request-malformed"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "This is not an HTTP/1.1 request.",
            hint="Headers have at most 64 kB; Host comes once; see docs/http-api.md.",
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
