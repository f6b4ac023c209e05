"""Original ↔ model pixel: the classic 512 → 504 error, proven away over many sizes, aspects and models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.engines.resize import PADDING_GREY, View, plan_view, smart_resize
from geo_r1_backend.errors import ImageAspect

QWEN25 = ModelProfile(
    id="qwen",
    title="",
    tasks=("rec",),
    convention="absolute",
    grid_px=28,
    min_pixels=56 * 56,
    max_pixels=1280 * 28 * 28,
)
QWEN3 = ModelProfile(
    id="qwen3",
    title="",
    tasks=("rec",),
    convention="per_mille",
    grid_px=32,
    min_pixels=64 * 64,
    max_pixels=1280 * 32 * 32,
)
NANO = ModelProfile(
    id="nano",
    title="",
    tasks=("rec",),
    convention="absolute",
    grid_px=28,
    min_pixels=224 * 672,
    max_pixels=448 * 448,
    view_sizes_px=((448, 448), (560, 336), (336, 560), (672, 224), (224, 672)),
)
PROFILES = [QWEN25, QWEN3, NANO]

SIDES = st.integers(8, 3000)


@pytest.mark.parametrize(
    ("chip", "model"),
    [
        ((512, 512), (504, 504)),  # VRSBench
        ((800, 800), (812, 812)),  # DIOR
        ((1024, 1024), (980, 980)),  # too many pixels for this profile: shrunk
        ((448, 448), (448, 448)),
        ((8, 8), (56, 56)),  # too few: grown
        ((100, 50), (112, 56)),
        ((42, 500), (56, 504)),  # 1.5 cells: Python rounds halves to even
    ],
)
def test_known_sizes(chip, model):
    """Sizes that are known from the papers and by hand."""
    view = plan_view(*chip, QWEN25)

    assert (view.model_width_px, view.model_height_px) == model


@pytest.mark.slow  # importing transformers takes four seconds
@given(
    SIDES,
    SIDES,
    st.sampled_from([28, 32]),
    st.sampled_from([3136, 262_144]),
    st.sampled_from([301_056, 12_845_056]),
)
@settings(max_examples=300, deadline=None)
def test_smart_resize_is_the_one_of_transformers(width_px, height_px, grid_px, smallest, largest):
    """Our sizes are those of the image processor that the checkpoints were trained with, for every size."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as original

    if max(width_px, height_px) / min(width_px, height_px) > 200:
        with pytest.raises(ImageAspect):
            smart_resize(
                width_px, height_px, grid_px=grid_px, min_pixels=smallest, max_pixels=largest
            )
        return
    height, width = original(height_px, width_px, grid_px, smallest, largest)

    ours = smart_resize(
        width_px, height_px, grid_px=grid_px, min_pixels=smallest, max_pixels=largest
    )

    assert ours == (width, height)


@given(SIDES, SIDES, st.sampled_from(PROFILES), st.data())
@settings(max_examples=400, deadline=None)
def test_there_and_back_is_identity(width_px, height_px, profile, data):
    """chip → model → chip gives back the box, within half a model pixel where the model writes whole numbers."""
    if max(width_px, height_px) / min(width_px, height_px) > 200:
        return
    view = plan_view(width_px, height_px, profile)
    xs = sorted(data.draw(st.tuples(st.floats(0, width_px), st.floats(0, width_px))))
    ys = sorted(data.draw(st.tuples(st.floats(0, height_px), st.floats(0, height_px))))
    box_px = (xs[0], ys[0], xs[1], ys[1])

    written = view.box_to_model(box_px)
    exact = view.box_to_chip(written)
    rounded = view.box_to_chip(tuple(round(value) for value in written))

    step_x, step_y = view.point_to_chip(0.5, 0.5)
    for index, limit in enumerate((step_x, step_y, step_x, step_y)):
        assert exact[index] == pytest.approx(box_px[index], abs=1e-6)
        assert abs(rounded[index] - box_px[index]) <= limit + 1e-6


@given(SIDES, SIDES, st.sampled_from(PROFILES))
@settings(max_examples=300, deadline=None)
def test_view_is_what_the_model_can_take(width_px, height_px, profile):
    """Every view has sides on the grid, one of the fixed sizes where there are some, and shows the whole chip."""
    if max(width_px, height_px) / min(width_px, height_px) > 200:
        return
    view = plan_view(width_px, height_px, profile)
    size = (view.model_width_px, view.model_height_px)

    if profile.view_sizes_px:
        assert size in profile.view_sizes_px
    assert size[0] % profile.grid_px == 0
    assert size[1] % profile.grid_px == 0
    assert 1 <= view.content_width_px <= size[0]
    assert 1 <= view.content_height_px <= size[1]
    # one side is always filled
    assert view.content_width_px == size[0] or view.content_height_px == size[1]


@pytest.mark.parametrize(
    ("chip", "view", "content"),
    [
        ((512, 512), (448, 448), (448, 448)),
        ((1000, 600), (560, 336), (560, 336)),  # 5:3, no padding
        ((600, 1000), (336, 560), (336, 560)),
        ((3000, 1000), (672, 224), (672, 224)),
        ((100, 300), (224, 672), (224, 672)),
        (
            (512, 500),
            (448, 448),
            (448, 448),
        ),  # less than half a cell missing: stretched, no grey line
        (
            (400, 300),
            (560, 336),
            (448, 336),
        ),  # 4:3: nearer to 5:3 than to a square, padded at the right
        ((5000, 500), (672, 224), (672, 67)),  # 10:1: padded below
    ],
)
def test_fixed_view_has_the_nearest_aspect(chip, view, content):
    """Chips go to the view of the nearest aspect ratio, as large as they fit."""
    planned = plan_view(*chip, NANO)

    assert (planned.model_width_px, planned.model_height_px) == view
    assert (planned.content_width_px, planned.content_height_px) == content


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
@pytest.mark.parametrize(
    "size", [(512, 512), (640, 480), (300, 900), (1500, 700), (97, 101), (2000, 300)]
)
def test_what_the_model_sees_is_where_the_box_says(profile, size):
    """A red square drawn into a chip is found in the model's image where the view puts its box."""
    width_px, height_px = size
    box_px = (
        width_px // 3,
        height_px // 4,
        width_px // 3 + width_px // 4,
        height_px // 4 + height_px // 3,
    )
    chip = Image.new("RGB", size, "navy")
    ImageDraw.Draw(chip).rectangle((box_px[0], box_px[1], box_px[2] - 1, box_px[3] - 1), fill="red")
    view = plan_view(width_px, height_px, profile)

    seen = view.render(chip)

    red = seen.getchannel("R").point(lambda value: 255 if value > 127 else 0)
    padding = (view.content_width_px, view.content_height_px)
    found = red.crop((0, 0, *padding)).getbbox()
    assert seen.size == (view.model_width_px, view.model_height_px)
    scale_x, scale_y = padding[0] / width_px, padding[1] / height_px
    expected = (box_px[0] * scale_x, box_px[1] * scale_y, box_px[2] * scale_x, box_px[3] * scale_y)
    assert found == pytest.approx(expected, abs=1.5)
    back = View(**{**vars(view), "convention": "absolute"}).box_to_chip(found)
    assert back == pytest.approx(box_px, abs=1.5 * max(1 / scale_x, 1 / scale_y))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
@pytest.mark.parametrize("window", [(0, 0, 448, 448), (311, 207, 448, 448), (500, 90, 300, 610), (840, 650, 160, 50)])  # fmt: skip
def test_a_window_of_a_chip_is_seen_where_it_lies(profile, window):
    """A red square is found in the picture of a window, and its box comes back in pixels of the whole chip, never outside the window."""
    left, top, width_px, height_px = window
    box_px = (left + width_px // 4, top + height_px // 3, left + width_px // 2, top + height_px - 5)
    chip = Image.new("RGB", (1000, 700), "navy")
    ImageDraw.Draw(chip).rectangle((box_px[0], box_px[1], box_px[2] - 1, box_px[3] - 1), fill="red")
    view = replace(plan_view(width_px, height_px, profile), left_px=left, top_px=top)

    seen = view.render(chip)

    red = seen.getchannel("R").point(lambda value: 255 if value > 127 else 0)
    found = red.crop((0, 0, view.content_width_px, view.content_height_px)).getbbox()
    back = replace(view, convention="absolute").box_to_chip(found)
    step_px = max(width_px / view.content_width_px, height_px / view.content_height_px)
    assert back == pytest.approx(box_px, abs=1.5 * step_px)
    assert view.box_to_chip(view.box_to_model(box_px)) == pytest.approx(box_px)
    everything = view.box_to_chip((-50.0, -50.0, 5000.0, 5000.0))
    assert everything == (left, top, left + width_px, top + height_px)


def test_padding_is_grey_and_boxes_in_it_are_clipped():
    """What a chip does not fill is grey, and an answer in there has no area in the chip."""
    view = plan_view(400, 300, NANO)

    seen = view.render(Image.new("RGB", (400, 300), "red"))

    assert seen.getpixel((555, 100)) == (PADDING_GREY,) * 3
    assert seen.getpixel((440, 100)) == (255, 0, 0)
    x_min, _, x_max, _ = view.box_to_chip((460, 10, 550, 50))
    assert x_min == x_max == 400


def test_per_mille_means_thousandths_of_the_sides():
    """Qwen3-VL's coordinates have nothing to do with the size of its image."""
    view = plan_view(512, 256, QWEN3)

    assert view.box_to_chip((0, 0, 1000, 1000)) == (0, 0, 512, 256)
    assert view.box_to_chip((250, 500, 500, 750)) == (128, 128, 256, 192)


def test_too_elongated_chips_are_refused_with_the_limit():
    """More than 200:1 is refused, as the original processor does, whatever the kind of view."""
    for profile in PROFILES:
        with pytest.raises(ImageAspect) as refusal:
            plan_view(4000, 10, profile)

        assert refusal.value.parameters["limit"] == 200
