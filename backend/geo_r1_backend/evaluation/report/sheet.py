"""The contact sheet: the worst misses with picture, truth, answer and reasoning."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from geo_r1_backend.evaluation.masks import Mask
from geo_r1_backend.evaluation.report.content import Case
from geo_r1_backend.geo.boxes import Box

CARDS = 24
PICTURE_PX = 420
"""Longer side of a picture on the page."""
MANY_BOXES = 12
"""From here on frames are thin."""
LEAST_CROP_PX = 192
"""A smaller cut-out would show blocks, not surroundings."""
TRUTH_RGB = (0, 200, 120)
REASONING_CHARACTERS = 4000

Cut = tuple[int, int, int, int]
"""Left, top, right, bottom of what a card shows, in pixels of the picture."""


def worst(cases: Sequence[Case], count: int = CARDS) -> list[Case]:
    """The worst misses, kinds taking turns: a model that fails at one kind would else fill the sheet with it."""
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(
        (c for c in cases if c.missed), key=lambda c: (c.quality, c.picture, c.query)
    ):
        by_kind[case.kind].append(case)
    turns = sorted(by_kind.values(), key=lambda part: part[0].quality)
    chosen: list[Case] = []
    for turn in range(max((len(part) for part in turns), default=0)):
        chosen += [part[turn] for part in turns if turn < len(part)]
    return chosen[:count]


def sheet(cases: Sequence[Case]) -> str:
    """Cards of these cases."""
    return f'<div class="sheet">{"".join(_card(case) for case in cases)}</div>'


def _card(case: Case) -> str:
    image = case.read_image()
    cut = _cut(case, image)
    reasoning = case.reasoning.strip()
    if len(reasoning) > REASONING_CHARACTERS:
        reasoning = reasoning[:REASONING_CHARACTERS] + " …"
    spoken = (
        f"<details><summary>Reasoning</summary><p>{escape(reasoning)}</p></details>"
        if reasoning
        else '<p class="quiet">No reasoning.</p>'
    )
    kind = f'<span class="kind">{escape(case.kind)}</span>' if case.kind else ""
    return (
        f'<figure class="card">{_picture(case, image, cut)}<figcaption><p class="query">“{escape(case.query)}”</p>'
        f'<p class="verdict">{kind}{escape(verdict(case))}</p>{spoken}<p class="quiet">{escape(_place(case, image, cut))}</p></figcaption></figure>'
    )


def verdict(case: Case) -> str:
    """What went wrong, in a few words."""
    hits, said, true = case.counts
    nothing_there = case.overlap.true_px == 0 if case.overlap is not None else not true
    if case.outcome == "unparsable":
        words = "The answer could not be read."
    elif nothing_there:
        words = f"Nothing is there; {said} drawn."
    elif not said:
        words = "Says there is none." if case.outcome == "none" else "Nothing was drawn."
    elif case.task == "ovd":
        wrong = said - hits
        words = f"{hits} of {true} found, {wrong} false alarm{'' if wrong == 1 else 's'}."
    else:
        words = f"IoU {case.quality:.2f}" if case.quality else "Beside it: no overlap."
    return words


def _place(case: Case, image: Image.Image, cut: Cut) -> str:
    left, top, right, bottom = cut
    part = "" if (right - left, bottom - top) == image.size else ", detail"
    return f"{case.picture} ({image.width} × {image.height} px{part})"


def _picture(case: Case, image: Image.Image, cut: Cut) -> str:
    """JPEG with the true mask in it, boxes and answered polygons as SVG above."""
    left, top, right, bottom = cut
    if case.read_mask is not None:
        image = _tinted(image, case.read_mask())
    part = image.crop(cut)
    part.thumbnail((PICTURE_PX, PICTURE_PX))
    if max(part.size) < PICTURE_PX:
        scale = PICTURE_PX / max(part.size)
        size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
        part = part.resize(size, Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    part.convert("RGB").save(stream, "JPEG", quality=82)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    many = " many" if len(case.truth_px) + len(case.boxes_px) > MANY_BOXES else ""
    shapes = "".join(_rectangle(box, "truth") for box in case.truth_px)
    if case.polygons_px:
        shapes += "".join(_outline(polygons) for polygons in case.polygons_px)
    else:
        shapes += "".join(_rectangle(box, "said") for box in case.boxes_px)
    return (
        f'<div class="picture{many}" style="aspect-ratio: {right - left} / {bottom - top}"><img alt="" src="data:image/jpeg;base64,{data}">'
        f'<svg viewBox="{left} {top} {right - left} {bottom - top}" preserveAspectRatio="none">{shapes}</svg></div>'
    )


def _rectangle(box: Box, name: str) -> str:
    x0, y0, x1, y1 = (float(value) for value in box)
    place = f'x="{x0:.1f}" y="{y0:.1f}" width="{max(0.0, x1 - x0):.1f}" height="{max(0.0, y1 - y0):.1f}"'
    return f'<rect class="casing under-{name}" {place}/><rect class="{name}" {place}/>'


def _outline(polygons: Sequence[Sequence[Sequence[Sequence[float]]]]) -> str:
    rings = [ring for polygon in polygons for ring in polygon]
    path = "".join("M" + "L".join(f"{p[0]:.1f} {p[1]:.1f}" for p in ring) + "Z" for ring in rings)
    return f'<path class="casing under-said" d="{path}"/><path class="said filled" d="{path}"/>'


def _tinted(image: Image.Image, mask: Mask) -> Image.Image:
    if mask.shape != (image.height, image.width):
        mask = np.asarray(Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST), bool)
    pixels = np.asarray(image.convert("RGB"), float)
    pixels[mask] = 0.55 * pixels[mask] + 0.45 * np.asarray(TRUTH_RGB)
    return Image.fromarray(pixels.astype(np.uint8))


def _cut(case: Case, image: Image.Image) -> Cut:
    """The whole picture, or a square around truth and answer where they are small in it."""
    boxes = [*case.truth_px, *case.boxes_px]
    if not boxes or case.read_mask is not None:
        return 0, 0, image.width, image.height
    x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
    x1, y1 = max(b[2] for b in boxes), max(b[3] for b in boxes)
    side = int(max(1.8 * (x1 - x0), 1.8 * (y1 - y0), LEAST_CROP_PX, min(image.size) / 3))
    if side > 0.75 * min(image.size):
        return 0, 0, image.width, image.height
    left = int(min(max(0.0, (x0 + x1 - side) / 2), image.width - side))
    top = int(min(max(0.0, (y0 + y1 - side) / 2), image.height - side))
    return left, top, left + side, top + side
