"""Images that are small on the wire and large, slow or two-faced inside: bounded memory and time, a clear error."""

import io
import subprocess
import sys
import time

import pytest
from PIL import Image

from geo_r1_backend.config import package_folder
from geo_r1_backend.errors import ChipError
from geo_r1_backend.grounding.images import open_image
from tests.hostile.make_bombs import (
    deflated,
    jpeg,
    jpeg_of_scans,
    moving,
    png,
    png_chunk,
    webp_that_claims,
)

SECONDS = 8.0
"""For any one image, on a machine that does other things too; the bombs below want minutes or hours."""
MEMORY_BYTES = 500 * 1024 * 1024
"""Address space that one check may take beside the interpreter: the largest image allowed is 64 megapixels."""
GIGABYTE = 1 << 30

# name: (bytes made when asked, code of the refusal; none = it is an image like others, and read)
BOMBS = {
    "png of 3.6 gigapixels": (lambda: png(60_000, 60_000, data=b"x"), "image-too-large"),
    "png of 2**31 pixels a side": (lambda: png(2**31 - 1, 2**31 - 1, data=b"x"), "image-too-large"),
    "png of 0 pixels": (lambda: png(0, 0, data=b"x"), "chip-unreadable"),
    "png with a gigabyte behind its last row": (lambda: png(64, 64, data=deflated(GIGABYTE)), ""),
    "png with a gigabyte in its colour profile": (
        lambda: png(64, 64, png_chunk(b"iCCP", b"p\0\0" + deflated(GIGABYTE))), "chip-unreadable"),
    "png with a gigabyte of zTXt": (
        lambda: png(64, 64, png_chunk(b"zTXt", b"k\0\0" + deflated(GIGABYTE))), "chip-unreadable"),
    "png with a gigabyte of iTXt": (
        lambda: png(64, 64, png_chunk(b"iTXt", b"k\0\1\0\0\0" + deflated(GIGABYTE))), "chip-unreadable"),
    "png with 200 texts of a megabyte": (
        lambda: png(64, 64, *[png_chunk(b"zTXt", b"k%d\0\0" % i + deflated(1 << 20)) for i in range(200)]),
        "chip-unreadable"),
    "png of two million chunks": (
        lambda: png(64, 64, *[png_chunk(b"teSt", b"")] * 2_000_000), "chip-unreadable"),
    "png with 16 bits": (lambda: png(64, 64, bit_depth=16), "chip-unreadable"),
    "png that moves": (lambda: moving("PNG"), "chip-unreadable"),
    "png that is a zip as well": (lambda: png(64, 64) + b"PK\x03\x04" + bytes(9000), "chip-truncated"),
    "jpeg of 3,000 scans": (lambda: jpeg_of_scans(2000, 2000, 3000), "chip-unreadable"),
    "jpeg of 64 megapixels in 60 scans": (lambda: jpeg_of_scans(8000, 8000, 50), "chip-unreadable"),
    "jpeg of 65,500 pixels a side": (
        lambda: jpeg().replace(b"\x00\x40\x00\x40", b"\xff\xdc\xff\xdc", 1), "image-too-large"),
    "jpeg with a preview of many scans": (
        lambda: jpeg(exif=b"Exif\0\0" + b"\xff\xda" * 20_000), ""),
    "webp of 268 megapixels": (lambda: webp_that_claims(16_383, 16_383), "image-too-large"),
    "webp of 2**24 pixels a side": (lambda: webp_that_claims(2**24, 2**24), "image-too-large"),
    "webp that moves": (lambda: moving("WEBP"), "chip-unreadable"),
    "webp that says that it moves": (lambda: webp_that_claims(64, 64, flags=2), "chip-unreadable"),
    "gif": (lambda: moving("GIF"), "chip-unreadable"),
    "tiff": (lambda: b"II*\0" + bytes(500), "chip-unreadable"),
    "svg": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "chip-unreadable"),
    "xml of a billion laughs": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]><svg>&a;</svg>', "chip-unreadable"),
    "html behind the beginning of a png": (
        lambda: b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script></html>", "chip-truncated"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name):
    """Every bomb is refused by name, or read like the small image that it is, within seconds."""
    make, code = BOMBS[name]
    content = make()
    began = time.perf_counter()
    if code:
        with pytest.raises(ChipError) as refusal:
            open_image(content)
        assert refusal.value.code == code
    else:
        image = open_image(content)
        assert (image.width, image.height) == (64, 64)

    assert time.perf_counter() - began < SECONDS


CHECK_EACH = """
import resource, sys
from pathlib import Path
from PIL import Image
from geo_r1_backend.errors import ChipError
from geo_r1_backend.grounding.images import check_image
from tests.hostile.make_bombs import *
from tests.hostile.test_image_bombs import BOMBS, MEMORY_BYTES
Image.preinit()
Image.init()
content = BOMBS[sys.argv[1]][0]()
Path(sys.argv[2]).write_bytes(content)
del content
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
try:
    print("read", check_image(Path(sys.argv[2])))
except ChipError as error:
    print("refused", error.code, error)
"""

HUNGRY = [
    "png with a gigabyte behind its last row",
    "png with a gigabyte in its colour profile",
    "png with a gigabyte of zTXt",
    "png with 200 texts of a megabyte",
    "webp of 268 megapixels",
    "jpeg of 64 megapixels in 60 scans",
]


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as Linux does")
@pytest.mark.parametrize("name", HUNGRY)
def test_a_bomb_does_not_take_memory(name, tmp_path, project_folder):
    """In a process that may take half a gigabyte and not a byte more, the hungriest bombs end as they do elsewhere."""
    out = subprocess.run(
        [sys.executable, "-c", CHECK_EACH, name, str(tmp_path / "bomb")],
        cwd=project_folder,
        env={"PYTHONPATH": f"{project_folder}:{package_folder().parent}", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert out.returncode == 0, out.stderr
    assert "more memory" not in out.stdout
    assert (f"refused {BOMBS[name][1]}" if BOMBS[name][1] else "read ") in out.stdout


@pytest.mark.parametrize(
    ("make", "same_as"),
    [
        (lambda: jpeg(80, 48, "CMYK"), "CMYK becomes RGB"),
        (lambda: jpeg(80, 48, exif=_turned()), "EXIF rotation is not applied"),
        (lambda: jpeg(80, 48, icc_profile=b"x" * 100_000), "a profile is not applied"),
        (lambda: jpeg(80, 48, progressive=True), "progressive is like any other"),
        (lambda: png(80, 48, interlace=0), "a plain PNG"),
    ],
)
def test_odd_but_honest_images_are_read_as_they_lie(make, same_as):
    """Colour spaces, profiles and EXIF change nothing about which pixel is where: boxes come back in sent pixels."""
    image = open_image(make())

    assert (image.mode, image.width, image.height) == ("RGB", 80, 48), same_as


def test_a_bomb_does_not_hold_up_others(start_service):
    """While bombs are being refused, an honest picture is taken and a question answered, and the service stays well."""
    running = start_service()
    bombs = [
        BOMBS[name][0]()
        for name in ("jpeg of 3,000 scans", "png of two million chunks", "webp that moves")
    ]
    began = time.perf_counter()
    codes = [running.put(bomb).json()["code"] for bomb in bombs]
    events = running.ask(running.put_chip())

    assert codes == ["chip-unreadable"] * 3
    assert events[-1]["event"] == "result"
    assert time.perf_counter() - began < 2 * SECONDS


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    stream = io.BytesIO()
    stream.write(exif.tobytes())
    return stream.getvalue()
