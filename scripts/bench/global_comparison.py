"""Comparisons over mosaics that no view shows whole: tiles asked for candidates, seams, geometry; beside one shrunken view and beside tiles that are asked the comparison.

Each mosaic is drawn of generated scenes (the frozen generator, seeds beyond those of training and evaluation), pasted side by side.
Tiles are asked by the service's own code with the shipped model, their boxes merged and compared by the plugin's own code.
A question counts only where the truth is clear: sizes 18 % apart, places 24 px. Intervals: bootstrap over mosaics.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from geo_r1_backend.engines.base import Engine
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.evaluation.answering import ask
from geo_r1_backend.grounding.ground import GroundOptions
from geo_r1_backend.models.registry import choose_model
from geo_r1_backend.pretraining.scenes import SceneObject as Drawn
from geo_r1_backend.pretraining.scenes import SceneRecipe, draw_scene
from geo_r1_qgis.core.comparison import anchor_query, read_comparison, target_query
from geo_r1_qgis.core.scene import SceneObject, evaluate
from geo_r1_qgis.core.seams import Found, iou, merge
from geo_r1_qgis.core.tiling import TilePlan

CELL_PX = TILE_PX = 448
OVERLAP_PX = 90
COLUMNS, ROWS = 3, 2
FIRST_SEED = 7_000_000
KINDS = (
    "storage tank",
    "airplane",
    "ship",
    "tennis court",
    "bus",
    "helicopter",
    "building",
    "swimming pool",
)
SIZE_APART, PLACE_APART_PX = 1.18, 24.0
Box = tuple[float, float, float, float]
WAYS = (
    "tiles, seams, geometry",
    "one shrunken view",
    "tile answers: the largest box",
    "tile answers: any of them right",
)


@dataclass(frozen=True)
class Mosaic:
    """A picture and its objects in its pixels."""

    picture: Image.Image
    objects: list[tuple[Drawn, Box]]
    kind: str


def drawn(number: int) -> Mosaic:
    """The mosaic of a number: in each cell a scene whose first group is of one kind."""
    kind = KINDS[number % len(KINDS)]
    canvas = np.zeros((ROWS * CELL_PX, COLUMNS * CELL_PX, 3), np.uint8)
    recipe = SceneRecipe(
        first_kinds=(kind,), group_sizes=((1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)), small_share=0.1
    )
    objects = []
    for cell in range(COLUMNS * ROWS):
        scene = draw_scene(FIRST_SEED + number * 100 + cell, recipe, view_px=(CELL_PX, CELL_PX))
        left, top = cell % COLUMNS * CELL_PX, cell // COLUMNS * CELL_PX
        canvas[top : top + CELL_PX, left : left + CELL_PX] = scene.image
        for item in scene.objects:
            x0, y0, x1, y1 = item.box_px
            objects.append(
                (item, (float(x0 + left), float(y0 + top), float(x1 + left), float(y1 + top)))
            )
    return Mosaic(Image.fromarray(canvas), objects, kind)


def middle(box: Box) -> tuple[float, float]:
    """Centre."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def gap(one: Box, other: Box) -> float:
    """Way between two boxes."""
    across = max(other[0] - one[2], one[0] - other[2], 0.0)
    return math.hypot(across, max(other[1] - one[3], one[1] - other[3], 0.0))


def size(box: Box) -> float:
    """Area."""
    return (box[2] - box[0]) * (box[3] - box[1])


def questions(mosaic: Mosaic) -> Iterator[tuple[str, Box]]:
    """Comparisons of the mosaic with a clear true answer: plain arithmetic on true boxes."""
    boxes = [box for item, box in mosaic.objects if item.kind == mosaic.kind]
    name = mosaic.kind
    orders: list[tuple[str, Callable[[Box], float], bool]] = [
        ("the largest {}", lambda b: -size(b), True),
        ("the second largest {}", lambda b: -size(b), True),
        ("the third {} from the left", lambda b: middle(b)[0], False),
        ("the second {} from the bottom", lambda b: -middle(b)[1], False),
    ]
    places = {"second": 2, "third": 3}
    single = [
        k
        for k in sorted({i.kind for i, _ in mosaic.objects} - {name})
        if sum(i.kind == k for i, _ in mosaic.objects) == 1
    ]
    if single:
        (anchor,) = (box for item, box in mosaic.objects if item.kind == single[0])
        orders.append((f"the {{}} nearest to the {single[0]}", lambda b: gap(b, anchor), False))
        orders.append((f"the largest {{}} left of the {single[0]}", lambda b: -size(b), True))
    for template, key, by_size in orders:
        pool = boxes
        if "left of the" in template:
            level = [
                b
                for b in boxes
                if anchor[0] - PLACE_APART_PX < middle(b)[0] < anchor[0] + PLACE_APART_PX
            ]
            pool = [] if level else [b for b in boxes if middle(b)[0] < anchor[0]]
        place = next((n for word, n in places.items() if word in template), 1)
        ranked = sorted(pool, key=key)
        if len(ranked) < max(2, place):
            continue
        values = [abs(key(b)) if by_size else key(b) for b in ranked]
        near = [v for i, v in enumerate(values) if i != place - 1]
        mine = values[place - 1]
        clear = all(
            max(v, mine) >= SIZE_APART * min(v, mine)
            if by_size
            else abs(v - mine) >= PLACE_APART_PX
            for v in near
        )
        if clear:
            yield template.format(name), ranked[place - 1]


class Asker:
    """Tiles of one mosaic through the service's code; a wish is asked once."""

    def __init__(self, engine: Engine, mosaic: Mosaic) -> None:
        self.engine, self.mosaic = engine, mosaic
        self.plan = TilePlan(
            mosaic.picture.width, mosaic.picture.height, TILE_PX, OVERLAP_PX, levels=1
        )
        self._merged: dict[str, list[Box]] = {}

    def all_of(self, wish: str) -> list[Box]:
        """Objects of the whole mosaic: each tile asked, seams merged."""
        if wish not in self._merged:
            found = []
            for tile in self.plan.tiles():
                for box in self._tile("ovd", wish, tile.window):
                    found.append(Found(box, "object", tuple(map(float, tile.window))))
            whole = (0.0, 0.0, float(self.mosaic.picture.width), float(self.mosaic.picture.height))
            self._merged[wish] = [one.box for one in merge(found, whole)]
        return self._merged[wish]

    def tile_answers(self, query: str) -> list[Box]:
        """What the tiles say when each is asked the comparison itself."""
        return [
            box for tile in self.plan.tiles() for box in self._tile("rec", query, tile.window)[:1]
        ]

    def shrunken(self, query: str) -> list[Box]:
        """The answer of the whole picture in one view."""
        answer = ask(self.engine, "rec", query, lambda: self.mosaic.picture, GroundOptions())
        return list(answer.boxes_px)

    def _tile(self, task: str, query: str, window: Sequence[int]) -> list[Box]:
        picture = self.mosaic.picture.crop(tuple(window))
        answer = ask(self.engine, task, query, lambda: picture, GroundOptions(), detail="view")  # type: ignore[arg-type]
        left, top = window[:2]
        return [(b[0] + left, b[1] + top, b[2] + left, b[3] + top) for b in answer.boxes_px]


def by_geometry(asker: Asker, query: str) -> list[Box]:
    """The product's way."""
    comparison = read_comparison(query).comparison
    if comparison is None:
        return []
    wish = anchor_query(comparison)
    targets, anchors = asker.all_of(target_query(comparison)), asker.all_of(wish) if wish else []
    found = evaluate(comparison, _placed(targets), _placed(anchors))
    return [targets[index] for index in found.winners]


def _placed(boxes: Sequence[Box]) -> list[SceneObject]:
    corners = [((b[0], -b[1]), (b[0], -b[3]), (b[2], -b[3]), (b[2], -b[1])) for b in boxes]
    return [SceneObject(str(box), ring) for box, ring in zip(boxes, corners, strict=True)]


def is_right(answers: Sequence[Box], truth: Box) -> bool:
    """One box, and it is the true one."""
    return len(answers) == 1 and iou(answers[0], truth) >= 0.5


def interval(rows: list[dict], way: str) -> tuple[float, float, float]:
    """Share in percent with 95 % over mosaics."""
    by_mosaic: dict[int, list[bool]] = {}
    for row in rows:
        if way in row:
            by_mosaic.setdefault(row["mosaic"], []).append(row[way])
    chance, groups, shares = random.Random(0), list(by_mosaic.values()), []  # noqa: S311 - a bootstrap
    for _ in range(2000):
        drawn_groups = [chance.choice(groups) for _ in groups]
        shares.append(sum(map(sum, drawn_groups)) / sum(map(len, drawn_groups)))
    shares.sort()
    right, count = sum(map(sum, groups)), sum(map(len, groups))
    return 100 * right / count, 100 * shares[50], 100 * shares[1949]


def main() -> None:
    """Ask and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mosaics", type=int, default=24)
    parser.add_argument("--out", type=Path, default=Path("build/bench/global.jsonl"))
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="begin no further mosaic after this"
    )
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    engine, _ = load_engine(choose_model(Path("build/bench"), None), threads=None)
    rows: list[dict] = []
    began = time.monotonic()
    for number in range(chosen.mosaics):
        if time.monotonic() - began > 60 * chosen.minutes:
            break
        mosaic = drawn(number)
        asker = Asker(engine, mosaic)
        for index, (query, truth) in enumerate(questions(mosaic)):
            row = {
                "mosaic": number,
                "query": query,
                WAYS[0]: is_right(by_geometry(asker, query), truth),
            }
            row[WAYS[1]] = is_right(asker.shrunken(query), truth)
            if (
                index == number % 4
            ):  # as many questions to tiles as all other ways together: one a mosaic
                said = asker.tile_answers(query)
                largest = sorted(said, key=size)[-1:]
                row[WAYS[2]] = is_right(largest, truth)
                row[WAYS[3]] = any(iou(box, truth) >= 0.5 for box in said)
                row["answers of tiles"] = len(said)
            rows.append(row)
            print(json.dumps(row), flush=True)
    engine.close()
    chosen.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(
        f"\n{len({row['mosaic'] for row in rows})} mosaics, {len(rows)} questions, {time.monotonic() - began:.0f} s"
    )
    for way in WAYS:
        count = sum(way in row for row in rows)
        share, low, high = interval(rows, way)
        print(f"{way}: {share:.1f} % [{low:.1f}, {high:.1f}] of {count}")


if __name__ == "__main__":
    main()
