"""Tells the pixels of one raster from those of another: on the same grid may lie last year's picture and this year's."""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path
from typing import Iterator

MAX_VRT_BYTES = 64_000_000
PART = re.compile(r'<SourceFilename(?:[^>]*relativeToVRT="(\d)")?[^>]*>([^<]+)<')
NOTED = re.compile(
    r'<MDI key="STATISTICS_[^>]*>[^<]*</MDI>|<Histograms>.*?</Histograms>|<Metadata>\s*</Metadata>', re.S
)  # fmt: skip
"""What GDAL writes into a virtual mosaic while it is looked at."""


def pixels_of(source: str) -> str:
    """A digest of where the pixels of a layer's source come from: of a file, with its size and when it was written.

    For any thread: disks stall.

    A digest, because a source may hold a password. Of a virtual mosaic its text and its parts are taken: GDAL writes
    statistics into the mosaic itself, which changes no pixel.
    """
    digest = hashlib.sha256(source.encode())
    for line in _file(Path(source)):
        digest.update(line.encode())
    return digest.hexdigest()


def _file(path: Path) -> Iterator[str]:
    try:
        if path.suffix.lower() != ".vrt" or path.stat().st_size > MAX_VRT_BYTES:
            yield _written(path)
            return
        text = path.read_text("utf-8", errors="replace")
    except (OSError, ValueError):  # no file, or not even the name of one
        return
    for _ in range(2):  # an entry, and then what has become empty
        text = NOTED.sub("", text)
    yield "".join(text.split())
    for relative, name in sorted(set(PART.findall(text))):
        part = html.unescape(name)
        yield _written(path.parent / part if relative == "1" else Path(part))


def _written(path: Path) -> str:
    try:
        file = path.stat()
    except (OSError, ValueError):
        return f"\n{path} is no file"
    return f"\n{path} {file.st_size} {file.st_mtime_ns}"
