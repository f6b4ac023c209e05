"""How the plugin stands with the service: judged from what was read and answered, as one value.

Pure decisions; `network/handshake.py` does the reading and asking, `gui/header.py` does the showing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from . import wire
from .codec import decode, parse_json
from .errors import GeoR1Error, ProtocolError, ServiceError

SERVICE_NAME = "geo-r1"


class Kind(Enum):
    """The states of the header."""

    UNKNOWN = "unknown"  # not looked yet
    READY = "ready"
    BUSY = "busy"  # ready, but others are asking
    STARTING = "starting"
    ABSENT = "absent"  # nothing there
    REFUSED = "refused"  # the token is not the right one
    TOO_OLD = "too-old"  # the service
    TOO_NEW = "too-new"  # the service
    NOT_OURS = "not-ours"
    FAILED = "failed"


@dataclass(frozen=True)
class Endpoint:
    """Address and access of a service; `is_local` if it is this user's own, found by `server.json`."""

    url: str
    access: str
    is_local: bool = True


@dataclass(frozen=True)
class Standing:
    """What is known about the service at one moment."""

    kind: Kind
    endpoint: Optional[Endpoint] = None
    health: Optional[wire.Health] = None
    error: Optional[GeoR1Error] = None
    elapsed_s: float = 0.0
    """How long the start has been going on, when `kind` is STARTING."""

    @property
    def can_ask(self) -> bool:
        """Whether a question sent now would be accepted."""
        return self.kind in (Kind.READY, Kind.BUSY)


def read_server_file(text: bytes) -> wire.ServerFile:
    """`server.json`, checked.

    Raises:
        ProtocolError: if it is not what the service writes.
    """
    return decode(wire.ServerFile, parse_json(text))


def judge_answer(endpoint: Endpoint, status: int, body: bytes) -> Standing:
    """What an answer to the authenticated `GET /v1/health` says about who is there."""
    if status == 200:
        return _judge_health(endpoint, body)
    error = read_error(status, body)
    if error is None:
        return Standing(Kind.NOT_OURS, endpoint)
    by_code = {"unauthorized": Kind.REFUSED, "service-stopping": Kind.ABSENT}
    if error.code == "wire-version":
        theirs = str(error.parameters.get("expected", ""))  # what the service would have accepted
        return Standing(compare_wire(theirs) or Kind.TOO_OLD, endpoint, error=error)
    return Standing(by_code.get(error.code, Kind.FAILED), endpoint, error=error)


def read_error(status: int, body: bytes) -> Optional[ServiceError]:
    """The error body of an answer, or none if it is not one of the service's."""
    try:
        error = decode(wire.ErrorBody, parse_json(body))
    except ProtocolError:
        return None
    return service_error(error, status=status)


def service_error(body: wire.ErrorBody, *, status: int = 0) -> ServiceError:
    """The exception for an error body."""
    return ServiceError(
        code=body.code,
        message=body.message,
        hint=body.hint,
        parameters=body.parameters,
        request_id=body.request_id,
        status=status,
    )


def compare_wire(theirs: str) -> Optional[Kind]:
    """TOO_OLD or TOO_NEW if the service's major version differs from ours, else none."""
    major = theirs.partition(".")[0]
    ours = int(wire.WIRE_VERSION.partition(".")[0])
    if not major.isdecimal() or int(major) == ours:
        return None
    return Kind.TOO_OLD if int(major) < ours else Kind.TOO_NEW


def _judge_health(endpoint: Endpoint, body: bytes) -> Standing:
    # identity and version are looked at before the rest: a service of another major version has other fields
    try:
        value = parse_json(body)
    except ProtocolError:
        return Standing(Kind.NOT_OURS, endpoint)
    if not isinstance(value, dict) or value.get("service") != SERVICE_NAME:
        return Standing(Kind.NOT_OURS, endpoint)
    different = compare_wire(str(value.get("wire_version", "")))
    if different is not None:
        error = GeoR1Error(
            code="wire-version",
            given=wire.WIRE_VERSION,
            expected=str(value.get("wire_version", "")),
        )
        return Standing(different, endpoint, error=error)
    try:
        health = decode(wire.Health, value)
    except ProtocolError as error:
        return Standing(Kind.FAILED, endpoint, error=error)
    kind = {
        "starting": Kind.STARTING,
        "ready": Kind.READY,
        "busy": Kind.BUSY,
        "failed": Kind.FAILED,
    }
    failure = service_error(health.error) if health.error else None
    return Standing(kind[health.status], endpoint, health=health, error=failure)
