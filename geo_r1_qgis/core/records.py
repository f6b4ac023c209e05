"""What is written down about a run, so that it can be repeated from the GeoPackage alone.

Pure standard library. Filled by `capture/` (where the pixels came from) and by the dock (what was asked); stored by
`layers/`, which is why it belongs to neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Optional

from . import wire
from .frame import Frame

_PRIVATE = re.compile(
    r"(?P<before>^|[?&\s]|%3F|%26)"
    r"(?:[a-z_-]*(?:user(?:name)?|pass(?:word|wd)?|pwd|authcfg|token|signature|sig|api[_-]?key|key))"
    r"(?:=|%3D)"
    r"(?:'[^']*'|(?:(?!%26|&|\s).)*)",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?<=//)[^/@\s]+@")


def without_secrets(source: str) -> str:
    """A layer's source without names, passwords and keys, plain or percent-encoded.

    QGIS's own `publicSource` does this for databases only, not for web layers.

    Example:
        >>> without_secrets("type=xyz&url=https://ann@tiles/{z}&password=hunter2")
        'type=xyz&url=https://tiles/{z}&'
    """
    return _LOGIN.sub("", _PRIVATE.sub(lambda match: match["before"], source))


@dataclass(frozen=True)
class ChipSource:
    """The raster that a chip was drawn from. Passwords in the source are already removed."""

    layer_name: str = ""
    layer_source: str = ""
    provider: str = ""
    crs_wkt: str = ""
    """WKT2 of the layer's own CRS; empty = it has none."""
    stretch: str = ""
    """The layer's renderer as QGIS writes it (bands, stretch, palette), XML."""


def is_ambiguous(task: str, result: wire.ResultEvent) -> bool:
    """Whether one object was asked for and several fit: an answer, and all of them are in it."""
    return task == "rec" and result.outcome == "found" and len(result.detections) > 1


@dataclass(frozen=True)
class RunStart:
    """Everything that is known when a question is sent."""

    query: str
    frame: Frame
    task: str = "rec"
    model: str = ""
    engine: str = ""
    adapter: str = ""
    seed: int = 0
    think: bool = True
    chip_sha256: str = ""
    source: ChipSource = field(default_factory=ChipSource)
    versions: Dict[str, str] = field(default_factory=dict)
    """Program -> version: plugin, service, wire, qgis."""
    rerun_of: Optional[str] = None
    """The run that this one repeats."""
