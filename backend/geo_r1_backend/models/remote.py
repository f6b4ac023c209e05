"""`remote.json`: a model that other servers run. Where they are, what they call it, and what key they want.

A folder with this file is a model as any other. It is checked before anything is sent: a key never goes over an
unencrypted way to another machine unless the file says so, and never stands in the file itself.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geo_r1_backend.config import is_loopback
from geo_r1_backend.errors import ConfigError

REMOTE_FILE = "remote.json"
MAX_ENDPOINTS = 64
MAX_CONCURRENCY = 256
PROFILE_FIELDS = (
    "title",
    "tasks",
    "convention",
    "grid_px",
    "min_pixels",
    "max_pixels",
    "view_sizes_px",
    "licence",
    "default_think",
)
SETTINGS = ("concurrency", "silence_s", "patience_s", "connect_s")
KNOWN = {"endpoints", "model", "key_env", "key_file", "allow_plain_http", "ca_file", *SETTINGS}


@dataclass(frozen=True)
class RemoteAddress:
    """One endpoint."""

    url: str
    """As far as ``/v1``, without a slash at the end."""
    model: str = ""
    """What this one calls the model; empty = what all call it."""

    @property
    def shown(self) -> str:
        """Scheme, host and port: what a person needs to know of where views go."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class RemoteConfig:
    """Everything that `remote.json` says."""

    endpoints: tuple[RemoteAddress, ...]
    model: str = ""
    """Empty = the only one that an endpoint serves."""
    key_env: str = ""
    """Environment variable that holds the key."""
    key_file: Path | None = None
    """File that holds it, readable by its owner alone."""
    allow_plain_http: bool = False
    """Whether views, questions and the key may go unencrypted to another machine."""
    ca_file: Path | None = None
    """Certificates to trust, PEM; None = those of the system."""
    concurrency: int = 8
    """Requests at a time, per endpoint."""
    silence_s: float = 120.0
    """After so long without a word an endpoint counts as hung; servers queue requests, so not too short."""
    patience_s: float = 30.0
    """How long to go on trying while no endpoint answers."""
    connect_s: float = 5.0
    profile: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `engines.base.ModelProfile` that differ from those of Qwen2.5-VL."""

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise ConfigError(
                "No endpoint is named.", hint="Give “endpoints” in remote.json, or --remote URL."
            )
        if len(self.endpoints) > MAX_ENDPOINTS:
            raise ConfigError(
                f"{len(self.endpoints)} endpoints are named; at most {MAX_ENDPOINTS} are used.",
                hint="Put a load balancer before them.",
            )
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise ConfigError(
                f"The concurrency is {self.concurrency}; it must lie between 1 and {MAX_CONCURRENCY}."
            )
        for name in ("silence_s", "patience_s", "connect_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"“{name}” is {getattr(self, name):g}; it must be more than 0 s.")
        for endpoint in self.endpoints:
            self._check_way(endpoint)

    def _check_way(self, endpoint: RemoteAddress) -> None:
        parts = urlsplit(endpoint.url)
        is_open = parts.scheme == "http" and not is_loopback(str(parts.hostname))
        if is_open and not self.allow_plain_http:
            raise ConfigError(
                f"{endpoint.shown} is another machine, and the way to it is not encrypted: others could read views, "
                "questions and the key.",
                hint="Use https, or a tunnel to 127.0.0.1; in a network that you trust say “allow_plain_http”: true in "
                "remote.json, or --remote-plain-http.",
            )

    @property
    def shown(self) -> str:
        """The addresses, for a person."""
        places = list(dict.fromkeys(endpoint.shown for endpoint in self.endpoints))
        return ", ".join(places)

    @property
    def key_place(self) -> str:
        """Where the key comes from, never the key."""
        if self.key_env:
            return f"variable {self.key_env}"
        return f"file {self.key_file.name}" if self.key_file else "none is set"

    def key(self) -> str:
        """The key; empty = none is wanted.

        Raises:
            ConfigError: if it should be there and is not, or if others can read its file.
        """
        if self.key_env:
            key = os.environ.get(self.key_env, "").strip()
            if not key:
                raise ConfigError(
                    f"The variable {self.key_env}, which should hold the key of {self.shown}, is not set.",
                    hint=f"Start the service with it: {self.key_env}=… geo-r1 serve",
                )
        elif self.key_file is not None:
            key = read_key_file(self.key_file)
        else:
            return ""
        if not key.isascii() or not key.isprintable():
            raise ConfigError(
                f"The key ({self.key_place}) has characters that no header can carry.",
                hint="It should be one line of letters and digits.",
            )
        return key


def read_key_file(path: Path) -> str:
    """The one line of a file that only its owner can read.

    Raises:
        ConfigError: if it is missing, empty, or open to others.
    """
    try:
        mode = path.stat().st_mode
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"The key file {path.name} cannot be read: {reason}.",
            hint="Name the file that holds the key.",
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"Others can read the key file {path.name} (mode {stat.S_IMODE(mode):o}).",
            hint=f"Close it: chmod 600 {path.name}",
        )
    if not key:
        raise ConfigError(f"The key file {path.name} is empty.", hint="Write the key into it.")
    return key


def as_address(url: str, model: str = "") -> RemoteAddress:
    """An endpoint from what a person wrote: with or without ``/v1`` or a slash at the end.

    Raises:
        ConfigError: if it is no such address, or carries a password.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_right = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise ConfigError(
            f"“{url}” is not the address of a server.", hint="For example http://127.0.0.1:8000"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"The address of {parts.hostname} carries a name, a password or a query.",
            hint="A key belongs into a variable or a file (“key_env”, “key_file”), where nobody sees it.",
        )
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        path = path.removesuffix("/chat/completions")
    if not path.endswith("/v1"):
        path += "/v1"
    return RemoteAddress(f"{parts.scheme}://{parts.netloc}{path}", model)


def read_remote(folder: Path) -> RemoteConfig:
    """What `remote.json` in a folder says; `profile.json` beside it says how the model sees.

    Raises:
        ConfigError: if it cannot work; the message says which field.
    """
    found = _read_object(folder / REMOTE_FILE)
    profile = _read_object(folder / "profile.json") if (folder / "profile.json").is_file() else {}
    unknown = set(found) - KNOWN - set(PROFILE_FIELDS) - {"id"}
    if unknown:
        hint = f"Known are: {', '.join(sorted(KNOWN | set(PROFILE_FIELDS)))}."
        if unknown & {"key", "api_key", "token"}:
            hint = "A key never stands in this file: name a variable (“key_env”) or a file of mode 600 (“key_file”)."
        raise ConfigError(f"remote.json has “{sorted(unknown)[0]}”, which is not known.", hint=hint)
    entries = found.get("endpoints")
    if not isinstance(entries, list):
        raise ConfigError(
            "remote.json has no list “endpoints”.",
            hint='For example: {"endpoints": ["http://127.0.0.1:8000"], "model": "NAME"}',
        )
    try:
        config = RemoteConfig(
            endpoints=tuple(_entry(entry) for entry in entries),
            model=_text(found, "model"),
            key_env=_text(found, "key_env"),
            key_file=_path(folder, _text(found, "key_file")),
            allow_plain_http=found.get("allow_plain_http") is True,
            ca_file=_path(folder, _text(found, "ca_file")),
            profile={
                name: value
                for name, value in {**profile, **found}.items()
                if name in PROFILE_FIELDS
            },
        )
        given = {name: found[name] for name in SETTINGS if name in found}
        if "concurrency" in given and not isinstance(given["concurrency"], int):
            raise ConfigError(
                f"“concurrency” is {given['concurrency']!r}; it must be a whole number."
            )
        return replace(config, **{name: value * 1 for name, value in given.items()})
    except TypeError as error:
        raise ConfigError(f"remote.json has a value of the wrong type: {error}.") from error


def _entry(entry: object) -> RemoteAddress:
    if isinstance(entry, str):
        return as_address(entry)
    if isinstance(entry, dict) and isinstance(entry.get("url"), str):
        return as_address(entry["url"], str(entry.get("model") or ""))
    raise ConfigError(
        f"remote.json has an endpoint {entry!r}, which is neither an address nor {{“url”, “model”}}."
    )


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"“{name}” in remote.json is {value!r}; it must be text.")
    return value.strip()


def _path(folder: Path, name: str) -> Path | None:
    """A file that is named relative to the folder, or absolutely."""
    return folder / Path(name).expanduser() if name else None


def _read_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path.name} is not a JSON object.")
    return found
