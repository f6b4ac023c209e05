"""What the bytes of an image file say before any decoder sees them: its size, whether it moves, how much work it hides.

A decoder's work grows with the pixels, and in two formats with something else as well: a progressive JPEG is gone over
once per scan, a PNG once per chunk. A few kilobytes can hide hours; here they are counted first.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

MAX_PNG_CHUNKS = 50_000
"""32 MB in the usual pieces of 8 kB are 4,096."""
MAX_JPEG_SCANS = 100
"""The usual progressive image has 10."""
MAX_JPEG_WORK_PX = 800_000_000
"""Pixels × scans: twelve scans of the largest image, about ten seconds."""


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP by its first 32 bytes; none if they do not say."""
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        width, height = head[24:27] + b"\0", head[27:30] + b"\0"
        return struct.unpack("<I", width)[0] + 1, struct.unpack("<I", height)[0] + 1
    if kind == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = struct.unpack("<I", head[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        width_px, height_px = struct.unpack("<HH", head[26:30])
        return width_px & 0x3FFF, height_px & 0x3FFF
    return None


def webp_moves(head: bytes) -> bool:
    """Whether a WebP has frames."""
    return head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & 0x02)


def png_chunks(stream: BinaryIO, limit: int = MAX_PNG_CHUNKS) -> tuple[int, bool]:
    """How many chunks a PNG has (counted to the limit), and whether it says that it moves."""
    count, moves, at = 0, False, 8
    while count <= limit:
        stream.seek(at)
        start = stream.read(8)
        if len(start) < 8:
            break
        length, kind = struct.unpack(">I4s", start)
        count, moves, at = count + 1, moves or kind == b"acTL", at + length + 12
        if kind == b"IEND":
            break
    return count, moves


def jpeg_scans(stream: BinaryIO) -> int:
    """How often a decoder goes over the pixels of a JPEG.

    The segments before the first scan are stepped over, because a preview in them has scans of its own. After it a
    marker cannot be anything else: in the data of a scan every FF is followed by 00 or by a marker.
    """
    stream.seek(0)
    content = stream.read()
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        if content[at + 1] == 0xFF:  # a filling byte
            at += 1
            continue
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    end = content.find(b"\xff\xd9", at)
    return content.count(b"\xff\xda", at, end if end >= 0 else len(content))
