"""What the user can set, once, with its defaults. Where it is stored is the caller's business."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

PREFIX = "geo_r1/"
LEGACY_ACCESS = PREFIX + "service_access"
"""Where version 0.1.0 kept the token of a server, as plain text; `network/access.py` moves it."""


class Store(Protocol):
    """The two methods of `QgsSettings` that are needed."""

    def value(self, key: str, default: Any = None) -> Any: ...

    def setValue(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True)
class Settings:
    """All settings of the plugin; each is stored under `geo_r1/<name>`."""

    service_command: str = ""
    """Path of `geo-r1`; empty = look in the usual places."""
    service_url: str = ""
    """Address of a service that somebody else runs; empty = the one of this machine."""
    service_authcfg: str = ""
    """Id in QGIS's password store of what that service wants to see; the local one has its own, in `server.json`."""
    plain_http_url: str = ""
    """The address for which the user has agreed that nothing is encrypted."""
    last_url: str = ""
    """The server that was used last, offered again in the dialog."""
    start_service: bool = True
    """Start the local service when the dock opens or a question is asked."""
    model: str = ""
    """Id of the model to ask; empty = the service's own choice."""
    task: str = "rec"
    max_new_tokens: int = 1536
    dock_was_shown: bool = False
    """The dock opens by itself once, after installing; never again."""

    @classmethod
    def load(cls, store: Store) -> Settings:
        """Read from `store`; a value that does not fit its type counts as not set."""
        values = {}
        for each in fields(cls):
            stored = store.value(PREFIX + each.name, None)
            values[each.name] = _as_type_of(each.default, stored)
        return cls(**values)

    def save(self, store: Store) -> None:
        """Write every value to `store`."""
        for each in fields(self):
            store.setValue(PREFIX + each.name, getattr(self, each.name))

    def with_changes(self, **changes: Any) -> Settings:
        """A copy with some values replaced."""
        return replace(self, **changes)


def _as_type_of(default: Any, stored: Any) -> Any:
    if stored is None:
        return default
    if isinstance(default, bool):  # ini files give the words back, and bool("false") is True
        return str(stored).lower() in ("true", "1")
    if isinstance(default, int):
        return int(stored) if str(stored).isdecimal() else default
    return str(stored)
