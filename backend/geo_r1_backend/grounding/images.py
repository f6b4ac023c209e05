"""Image bytes → checked RGB pixels, with the size known from the header before anything is decoded.

PNG, JPEG and WebP with 8 bits per band. Pixels are taken as they lie in the file: EXIF orientation is not applied,
because boxes come back in the pixels that were sent. Transparency is flattened on the grey of `resize.py`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from geo_r1_backend.engines.resize import PADDING_GREY
from geo_r1_backend.errors import (
    ChipError,
    ChipTruncated,
    ChipUnreadable,
    ImageAspect,
    ImageTooLarge,
    ImageTooSmall,
)
from geo_r1_backend.grounding.image_headers import (
    MAX_JPEG_SCANS,
    MAX_JPEG_WORK_PX,
    MAX_PNG_CHUNKS,
    jpeg_scans,
    png_chunks,
    webp_moves,
    webp_size,
)
from geo_r1_backend.wire import MAX_ASPECT_RATIO, MAX_CHIP_PX, MIN_CHIP_SIDE_PX

Image.MAX_IMAGE_PIXELS = None
"""Pillow's own bomb warning is replaced by `check_size`, which is stricter and has a code."""

FORMATS = ("PNG", "JPEG", "WEBP")
OTHERS = (
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"II+\x00", "a BigTIFF"),
    (b"GIF8", "a GIF"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML or SVG file"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP"),
)
"""Formats that are sent by mistake, named in the refusal."""
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_BIT_DEPTH_AT = 24
EIGHT_BITS = 8


@dataclass(frozen=True)
class ImageSize:
    """What the header says."""

    width_px: int
    height_px: int


def check_size(width_px: int, height_px: int, *, limit_px: int = MAX_CHIP_PX) -> None:
    """Refuse sizes that cannot be answered about.

    Raises:
        ImageTooSmall, ImageAspect, ImageTooLarge: in this order, so that 1×1 and 40,000×10 are named for what they are.
    """
    shorter, longer = sorted((width_px, height_px))
    if longer > MAX_ASPECT_RATIO * max(1, shorter):
        raise ImageAspect(width_px=width_px, height_px=height_px, limit=MAX_ASPECT_RATIO)
    if shorter < MIN_CHIP_SIDE_PX:
        raise ImageTooSmall(width_px=width_px, height_px=height_px, limit_px=MIN_CHIP_SIDE_PX)
    if width_px * height_px > limit_px:
        raise ImageTooLarge(given_px=width_px * height_px, limit_px=limit_px)


def check_image(path: Path, *, limit_px: int = MAX_CHIP_PX) -> ImageSize:
    """Read a file to its last pixel and forget it again, so that damage is known before anybody waits.

    Raises:
        ChipError: the first thing that is wrong with it.
    """
    with path.open("rb") as stream:
        # not made to RGB: two copies of 64 megapixels would be for nothing
        image = _decode(stream, path.stat().st_size, limit_px, lambda decoded: decoded)
        return ImageSize(image.width, image.height)


def open_image(source: Path | bytes, *, limit_px: int = MAX_CHIP_PX) -> Image.Image:
    """The decoded image as RGB.

    Raises:
        ChipError: the first thing that is wrong with it.
    """
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), len(source), limit_px, to_rgb)
    with source.open("rb") as stream:
        return _decode(stream, source.stat().st_size, limit_px, to_rgb)


def _decode(
    stream: BinaryIO,
    size_bytes: int,
    limit_px: int,
    then: Callable[[Image.Image], Image.Image],
) -> Image.Image:
    head = stream.read(32)
    format_name = _format_of(head)
    if _ends_early(stream, head, format_name, size_bytes):
        raise ChipTruncated(format_name=format_name, size_bytes=size_bytes)
    if format_name == "PNG" and head[PNG_BIT_DEPTH_AT] > EIGHT_BITS:
        raise ChipUnreadable(
            reason=f"it has {head[PNG_BIT_DEPTH_AT]} bits per band",
            hint="Stretch it to 8 bits per band, as the map shows it, and send that.",
        )
    _check_frames(stream, head, format_name, limit_px)
    stream.seek(0)
    try:
        with Image.open(stream, formats=FORMATS) as image:
            check_size(image.width, image.height, limit_px=limit_px)
            if format_name == "JPEG":
                _check_scans(stream, image.width * image.height)
            image.load()
            _check_depth(image)
            return then(image)
    except ChipError:
        raise
    except UnidentifiedImageError as error:
        raise ChipUnreadable(reason=f"its {format_name} header is damaged") from error
    except (OSError, SyntaxError, ValueError, IndexError, TypeError, struct.error) as error:
        # Pillow's readers raise all of these on damaged files; the text is Pillow's, about the file alone
        if "truncated" in str(error).lower():
            raise ChipTruncated(format_name=format_name, size_bytes=size_bytes) from error
        raise ChipUnreadable(reason=f"the {format_name} data is damaged") from error
    except MemoryError as error:
        raise ChipUnreadable(reason="decoding it needs more memory than there is") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Any 8-bit image as RGB, transparency flattened on grey.

    Raises:
        ChipUnreadable: for 16 and 32 bits per band, whose stretch nobody has chosen.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    _check_depth(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        grey = (PADDING_GREY, PADDING_GREY, PADDING_GREY)
        flat = Image.new("RGB", rgba.size, grey)
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return flat
    return image.convert("RGB")


def _check_depth(image: Image.Image) -> None:
    if image.mode.startswith(("I", "F")):
        raise ChipUnreadable(
            reason="it has more than 8 bits per band",
            hint="Stretch it to 8 bits per band, as the map shows it, and send that.",
        )


def _check_frames(stream: BinaryIO, head: bytes, format_name: str, limit_px: int) -> None:
    """Refuse what a decoder should not even begin with.

    Raises:
        ChipError: for images that move (which of their pictures was meant?), for a WebP too large (its decoder takes
            the memory for all of it before it tells its size), for a PNG of countless pieces.
    """
    moves = False
    if format_name == "WebP":
        size = webp_size(head)
        if size is not None:
            check_size(*size, limit_px=limit_px)
        moves = webp_moves(head)
    elif format_name == "PNG":
        count, moves = png_chunks(stream)
        if count > MAX_PNG_CHUNKS:
            raise ChipUnreadable(reason=f"it has more than {MAX_PNG_CHUNKS:,} chunks")
    if moves:
        raise ChipUnreadable(reason="it is animated", hint="Send one picture of it as a still PNG.")


def _check_scans(stream: BinaryIO, area_px: int) -> None:
    before = stream.tell()
    scans = jpeg_scans(stream)
    stream.seek(before)
    if scans > MAX_JPEG_SCANS or (scans > 1 and scans * area_px > MAX_JPEG_WORK_PX):
        raise ChipUnreadable(
            reason=f"its {area_px:,} pixels are stored in {scans:,} scans, which takes too long to decode",
            hint="Save it as a JPEG that is not progressive, or as a PNG.",
        )


def _format_of(head: bytes) -> str:
    """Name of the format by its first bytes.

    Raises:
        ChipUnreadable: if it is none of ours, with a guess at what it is.
    """
    if head.startswith(PNG_MAGIC[: max(1, min(len(head), len(PNG_MAGIC)))]) and head:
        return "PNG"
    if head.startswith(b"\xff\xd8"):
        return "JPEG"
    if head[:4] == b"RIFF" and b"WEBP".startswith(head[8:12]):
        return "WebP"
    if not head:
        raise ChipUnreadable(reason="it is empty")
    looks_like = next((name for magic, name in OTHERS if head.lstrip().startswith(magic)), "")
    raise ChipUnreadable(reason=f"it is {looks_like or 'not a PNG, JPEG or WebP image'}")


def _ends_early(stream: BinaryIO, head: bytes, format_name: str, size_bytes: int) -> bool:
    """Whether the file lacks its end, judged without decoding.

    Pillow forgives a missing end of a PNG whose pixels happen to be complete, and calls a cut header "unidentified".
    """
    if format_name == "WebP":
        declared = struct.unpack("<I", head[4:8])[0] + 8 if len(head) >= 12 else size_bytes + 1
        return bool(declared > size_bytes)
    stream.seek(max(0, size_bytes - 4096))
    tail = stream.read(4096)
    if format_name == "PNG":
        return len(head) <= PNG_BIT_DEPTH_AT or b"IEND\xae\x42\x60\x82" not in tail
    return b"\xff\xd9" not in tail
