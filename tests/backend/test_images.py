"""Image bytes are hostile until proven harmless: whatever they are, the refusal is one of ours."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo_r1_backend.errors import ChipError
from geo_r1_backend.grounding.images import open_image

FORMATS = ["PNG", "JPEG", "WEBP"]


def encoded(format_name, mode="RGB"):
    stream = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert(mode).save(stream, format_name)
    return stream.getvalue()


SAMPLES = {name: encoded(name) for name in FORMATS} | {"PNG-P": encoded("PNG", "P")}


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_images_are_refused_or_read(name, data):
    """Bytes changed, cut, doubled or inserted anywhere: an image of the same size, or a refusal with a code."""
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        how = data.draw(st.sampled_from(["change", "cut", "insert", "remove"]))
        if how == "change" and content:
            content[place] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del content[place:]
        elif how == "insert":
            content[place:place] = data.draw(st.binary(max_size=20))
        else:
            del content[place : place + data.draw(st.integers(1, 30))]
    with contextlib.suppress(ChipError):
        image = open_image(bytes(content), limit_px=100_000)

        assert image.mode == "RGB"
        assert image.width * image.height <= 100_000


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\x00\x00\x00WEBPVP8 "]),
    st.binary(max_size=300),
)
@settings(max_examples=300, deadline=None)
def test_nonsense_after_a_good_beginning_is_refused(magic, rest):
    """A right magic number followed by anything is refused with a code."""
    with pytest.raises(ChipError):
        open_image(magic + rest)


@pytest.mark.parametrize("cut", range(0, len(SAMPLES["PNG"]), 97))
def test_every_cut_of_a_png_is_called_truncated(cut):
    """A PNG that ends early is called truncated wherever it ends, not "unidentified"."""
    with pytest.raises(ChipError) as refusal:
        open_image(SAMPLES["PNG"][:cut])

    assert refusal.value.code == ("chip-truncated" if cut else "chip-unreadable")
