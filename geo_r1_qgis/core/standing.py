"""How the plugin stands with the service: judged from what was read and answered, as one value.

Pure decisions; `network/handshake.py` does the reading and asking, `gui/header.py` does the showing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import ip_address
from typing import Optional
from urllib.parse import urlsplit

from . import wire
from .codec import decode, parse_json
from .errors import GeoR1Error, ProtocolError, ServerElsewhere, ServiceError, ServiceUnreachable
from .harmless import harmless_error, harmless_health
from .plain_text import one_line

SERVICE_NAME = "geo-r1"

_ACCESS = re.compile(r"[\x21-\x7e]{1,500}")
_MAJOR = re.compile(r"[0-9]{1,6}")


class Kind(Enum):
    """The states of the header."""

    UNKNOWN = "unknown"  # not looked yet
    READY = "ready"
    BUSY = "busy"  # ready, but others are asking
    STARTING = "starting"
    ABSENT = "absent"  # nothing there
    REFUSED = "refused"  # the token is not the right one
    LOCKED = "locked"  # the token lies in QGIS's password store, which is not open
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

    @property
    def refusal(self) -> GeoR1Error:
        """Why a question cannot be asked, when `can_ask` is false."""
        if self.error is not None:
            return self.error
        url = self.endpoint.url if self.endpoint else "127.0.0.1"
        if self.kind is Kind.NOT_OURS:
            return GeoR1Error(f"Another program answers at {url}.", code="not-ours", url=url)
        if self.kind in (Kind.TOO_OLD, Kind.TOO_NEW):
            return GeoR1Error(code="wire-version", given=wire.WIRE_VERSION, expected="?")
        return ServiceUnreachable(url, self.kind.value)


def read_server_file(text: bytes) -> wire.ServerFile:
    """`server.json`, checked: the token in it must not leave this machine, whoever wrote the file.

    Raises:
        ProtocolError: if it is not what the service writes.
        ServerElsewhere: if its address is not one of this machine alone.
    """
    server = decode(wire.ServerFile, parse_json(text))
    if _ACCESS.fullmatch(server.token) is None:
        raise ProtocolError("$.token", "has characters that no token of the service has")
    return replace(server, url=own_address(server.url))


def own_address(url: str) -> str:
    """The address in its plainest form, if it is on the loopback of this machine.

    Written anew from its parts, so that no two readers of a strange address can see two hosts in it.

    Raises:
        ServerElsewhere: if it is not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ServerElsewhere(url) from None
    is_plain = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in url)
    if parts.scheme not in ("http", "https") or port is None or not is_plain:
        raise ServerElsewhere(url)
    if host != "localhost":
        try:
            address = ip_address(host)
        except ValueError:
            raise ServerElsewhere(url) from None
        if not address.is_loopback:
            raise ServerElsewhere(url)
        host = f"[{address}]" if address.version == 6 else str(address)
    return f"{parts.scheme}://{host}:{port}"


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
    """The exception for an error body; its words are those of a stranger and are made harmless here."""
    body = harmless_error(body)
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
    if not _MAJOR.fullmatch(major) or int(major) == ours:
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
            expected=one_line(str(value.get("wire_version", "")), 20),
        )
        return Standing(different, endpoint, error=error)
    try:
        health = harmless_health(decode(wire.Health, value))
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
