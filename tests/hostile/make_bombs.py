"""Small files that want to be large: images with false sizes, hidden work, hidden frames, or two faces."""

import functools
import io
import struct
import zlib

from PIL import Image


def png_chunk(kind, content):
    """One chunk with its length and checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width_px, height_px, *extra, bit_depth=8, colour=0, data=None, interlace=0):
    """A PNG of one grey value, with more chunks before its data."""
    header = struct.pack(">IIBBBBB", width_px, height_px, bit_depth, colour, 0, 0, interlace)
    data = (
        zlib.compress(bytes((width_px * bit_depth // 8 + 1) * height_px), 9)
        if data is None
        else data
    )
    chunks = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@functools.cache
def deflated(size_bytes):
    """So many zero bytes, a thousand times smaller."""
    squeeze, piece = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(squeeze.compress(piece) for _ in range(size_bytes >> 20)) + squeeze.flush()


def jpeg(width_px=64, height_px=64, mode="RGB", **options):
    """A JPEG of a slope of colours."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((width_px, height_px)).convert(mode).save(
        stream, "JPEG", **options
    )
    return stream.getvalue()


def jpeg_of_scans(width_px, height_px, more):
    """A progressive JPEG whose last scan comes again and again: the decoder goes over all pixels each time."""
    stream = io.BytesIO()
    Image.new("RGB", (width_px, height_px), "navy").save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    last = content.rindex(b"\xff\xda")
    end = content.rindex(b"\xff\xd9")
    return content[:end] + content[last:end] * more + content[end:]


def webp_that_claims(width_px, height_px, flags=0):
    """A WebP with a canvas of any size and one small picture in it."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "WEBP", lossless=True)
    picture = stream.getvalue()[12:]
    size = struct.pack("<I", width_px - 1)[:3] + struct.pack("<I", height_px - 1)[:3]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + size + picture
    return b"RIFF" + struct.pack("<I", len(body)) + body


def moving(format_name):
    """An image with three frames."""
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, format_name, save_all=True, append_images=frames[1:], duration=100)
    return stream.getvalue()
