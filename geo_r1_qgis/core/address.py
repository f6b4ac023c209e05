"""The address of a server as somebody types it, and what it means for what leaves the machine. Pure standard library."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import urlsplit

from .errors import GeoR1Error

SCHEMES = ("https", "http")
MAX_PORT = 65535


class Way(Enum):
    """How questions and pictures travel."""

    LOCAL = "local"
    """To this user's own service; nothing leaves the machine."""
    TLS = "tls"
    OPEN = "open"
    """Readable by everybody on the way."""
    TUNNEL = "tunnel"
    """To an address of this machine that somebody entered: a tunnel, or another user's service."""


@dataclass(frozen=True)
class Destination:
    """Where questions and pictures go."""

    way: Way
    host: str = ""
    onward: str = ""
    """Servers to which the service passes them on; empty = it answers itself."""
    is_onward_open: bool = False
    """Whether that way is readable by others."""


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def clean_address(text: str) -> str:
    """The address in the one form that is stored and compared: with a scheme, without a slash at its end.

    Raises:
        GeoR1Error: `address-invalid`, with the reason.
    """
    text = text.strip()
    if text and "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _invalid(text, str(error)) from error
    if parts.scheme.lower() not in SCHEMES:
        raise _invalid(text, f"{parts.scheme or 'nothing'} is neither https nor http")
    if not host or any(character.isspace() for character in text):
        raise _invalid(text, "it names no host")
    if parts.username is not None or parts.password is not None:
        raise _invalid(host, "a name or password does not belong into it")
    if parts.query or parts.fragment:
        raise _invalid(text, "it ends with the host, its port or a folder")
    shown = f"[{host}]" if ":" in host else host
    number = f":{port}" if port is not None else ""
    return f"{parts.scheme.lower()}://{shown}{number}{parts.path.rstrip('/')}"


def destination_of(service_url: str) -> Destination:
    """Where questions go with this setting; empty = this user's own service."""
    if not service_url:
        return Destination(Way.LOCAL)
    parts = urlsplit(service_url)
    host = parts.hostname or service_url
    if is_loopback_host(host):
        return Destination(Way.TUNNEL, parts.netloc)
    return Destination(Way.TLS if parts.scheme == "https" else Way.OPEN, host)


def passed_on(destination: Destination, engine: str, device: str) -> Destination:
    """The same with what the service says of its model: one that other servers run has their addresses as its device.

    Example:
        >>> passed_on(Destination(Way.LOCAL), "remote", "https://gpu.office:8000").onward
        'gpu.office'
    """
    if engine != "remote":
        return destination
    shown, _, more = device.partition(" + ")
    parts = [urlsplit(address.strip()) for address in shown.split(",")]
    is_open = any(
        part.scheme == "http" and not is_loopback_host(part.hostname or "") for part in parts
    )
    others = len(parts) - 1 + (int(more) if more.isdigit() else 0)
    # one line of the dock has room for one name
    onward = (parts[0].hostname or parts[0].path or "?") + (f" + {others}" if others else "")
    return replace(destination, onward=onward, is_onward_open=is_open)


def _invalid(address: str, reason: str) -> GeoR1Error:
    return GeoR1Error(
        f"{address}: {reason}", code="address-invalid", address=address, reason=reason
    )
