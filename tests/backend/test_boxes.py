"""Boxes come back in pixels of the chip that was sent: proven over the wire with an engine that really looks.

The engine finds the red rectangle in the model's image and writes its box as a model of that family would; whatever
the resizing, padding and convention, the answer must be where the rectangle was drawn.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from geo_r1_backend.engines.base import ModelProfile
from tests.backend.fixed_engine import PROFILE, FixedEngine

FAMILIES = {
    "absolute": PROFILE,
    "per-mille": replace(PROFILE, convention="per_mille", grid_px=32),
    "fixed-views": replace(
        PROFILE,
        view_sizes_px=((448, 448), (560, 336), (336, 560), (672, 224), (224, 672)),
    ),
}
SIZES = [
    (448, 448),
    (512, 512),  # 504: the classic error
    (500, 500),
    (800, 800),
    (1024, 1024),
    (2000, 2000),
    (640, 480),
    (480, 640),
    (1000, 600),
    (1200, 300),
    (300, 1200),
    (3000, 250),  # 12:1
    (101, 97),
    (57, 230),
]


def look(profile: ModelProfile):
    """Writes the box of what is red in an image, as a model of this family would."""

    def answer(item):
        red = item.image.getchannel("R").point(lambda value: 255 if value > 190 else 0)
        box = list(red.getbbox())
        if profile.convention == "per_mille":
            sides = (item.image.width, item.image.height) * 2
            box = [round(1000 * value / side) for value, side in zip(box, sides, strict=True)]
        numbers = ",".join(map(str, box))
        return (
            f"<think>Here: [{numbers}].</think>"
            f'<answer>{{"bbox_2d":[{numbers}],"label":"red"}}</answer>'
        )

    return answer


@pytest.mark.parametrize("family", FAMILIES)
def test_box_lies_where_it_was_drawn(start_service, family):
    """Over sizes and aspects the box is right to a pixel of the model's image, in text and in numbers."""
    profile = FAMILIES[family]
    running = start_service(FixedEngine(look(profile), profile=profile))
    for width_px, height_px in SIZES:
        true_px = (width_px * 0.61, height_px * 0.52, width_px * 0.93, height_px * 0.88)
        true_px = tuple(round(value) for value in true_px)
        stream = io.BytesIO()
        chip = Image.new("RGB", (width_px, height_px), "navy")
        x_min, y_min, x_max, y_max = true_px
        ImageDraw.Draw(chip).rectangle((x_min, y_min, x_max - 1, y_max - 1), fill="red")
        chip.save(stream, "PNG")
        content = stream.getvalue()
        assert running.put(content).status_code == 200

        events = running.ask(hashlib.sha256(content).hexdigest())

        started = next(event for event in events if event["event"] == "started")
        box_px = events[-1]["detections"][0]["box_px"]
        steps = (
            width_px / started["model_width_px"] * _stretch(profile, width_px, height_px)[0],
            height_px / started["model_height_px"] * _stretch(profile, width_px, height_px)[1],
        )
        for index in range(4):
            allowed_px = 1.0 + 1.5 * steps[index % 2]
            assert abs(box_px[index] - true_px[index]) <= allowed_px, (width_px, height_px, box_px)
        said = [round(value) for value in box_px]
        assert events[-1]["reasoning"] == f"Here: [{','.join(map(str, said))}]."


def _stretch(profile, width_px, height_px):
    """How much smaller the chip is shown than its view is, where it is padded."""
    if not profile.view_sizes_px:
        return 1.0, 1.0
    ratios = []
    for view_width_px, view_height_px in profile.view_sizes_px:
        scale = min(view_width_px / width_px, view_height_px / height_px)
        ratios.append((view_width_px / (width_px * scale), view_height_px / (height_px * scale)))
    return min(ratios, key=max)
