"""The service's log, one JSON object per line, as lines that a person reads. Other lines stay as they are."""

from __future__ import annotations

from .codec import parse_json
from .errors import ProtocolError

_KNOWN = ("time", "level", "logger", "message", "id", "method", "route", "status", "ms")


def readable(text: str) -> str:
    """Each line as time, level, message and what else it says."""
    return "\n".join(_readable_line(line) for line in text.splitlines())


def _readable_line(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        entry = parse_json(line)
    except ProtocolError:  # the tail of a log may begin in the middle of a line
        return line
    if not isinstance(entry, dict):
        return line
    parts = [str(entry.get("time", ""))[11:19], str(entry.get("level", ""))]
    if "route" in entry:
        parts += [f"{entry.get('method', '')} {entry['route']} {entry.get('status', '')}"]
        parts += [f"{entry['ms']} ms"] if "ms" in entry else []
    else:
        parts.append(str(entry.get("message", "")))
    parts += [f"{name}={value}" for name, value in entry.items() if name not in _KNOWN]
    return "  ".join(part for part in parts if part)
