"""COCO average precision through pycocotools, with intervals over pictures.

No list of the classes that are present is ever used: whoever asks, asks for every class in every picture, and a box for a class
that is not there is a false alarm. An answer has no scores; its order stands for them (`BY_RANK`). First boxes of all pictures are then
equally sure, and COCO would put those of the first pictures first: their order is drawn by chance, several times, and the mean is taken.
Or all scores are alike and pictures keep their order, as in the paper's script (`ALL_ALIKE`).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_r1_backend.errors import MissingExtra
from geo_r1_backend.evaluation.figure import Figure
from geo_r1_backend.geo.boxes import Box

BY_RANK = "by rank"
ALL_ALIKE = "all alike"
DRAWS = 200
"""Each draw sums up the whole set again; a thousand would take minutes and move a bound by some tenths."""
ORDERS = 20
"""Orders of equally sure boxes whose AP is averaged."""


@dataclass(frozen=True)
class Detected:
    """What was said and what is there for one class in one picture."""

    picture: str
    kind: str
    boxes_px: Sequence[Box]
    """In the order of the answer."""
    truth_px: Sequence[Box]


def coco_figures(rows: Sequence[Detected], *, scores: str = BY_RANK, seed: int = 0) -> list[Figure]:
    """AP over IoU 0.50 to 0.95, AP at 0.50 and at 0.75, each the mean over the classes that have objects.

    Raises:
        MissingExtra: if pycocotools is not installed.
    """
    names = ("AP", "AP@0.5", "AP@0.75")
    if not any(row.truth_px for row in rows):
        return []
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints every step
        judged = judge(rows, scores)
        count = len(judged.params.imgIds)
        source = np.random.default_rng(seed)
        if scores == ALL_ALIKE:
            values = np.asarray(summed(judged))
        else:
            orders = [_taken(judged, source.permutation(count)) for _ in range(ORDERS)]
            values = np.mean(orders, axis=0)
        draws = []
        for _ in range(DRAWS if count > 1 else 1):
            chosen = source.integers(0, count, count)
            draws.append(_taken(judged, np.sort(chosen) if scores == ALL_ALIKE else chosen))
    ranked = np.sort(np.asarray(draws), axis=0)
    low, high = ranked[int(0.025 * len(ranked))], ranked[int(0.975 * (len(ranked) - 1))]
    return [
        Figure(name, float(values[i]), float(low[i]), float(high[i]), len(rows))
        for i, name in enumerate(names)
    ]


def judge(rows: Sequence[Detected], scores: str) -> Any:
    """COCOeval after `evaluate()`: every picture and class matched, nothing summed."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        what = "COCO average precision"
        raise MissingExtra(extra="evaluate", package="pycocotools", what=what) from error
    pictures = {name: number for number, name in enumerate(sorted({r.picture for r in rows}), 1)}
    kinds = {name: number for number, name in enumerate(sorted({r.kind for r in rows}), 1)}
    notes: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for row in rows:
        place = {"image_id": pictures[row.picture], "category_id": kinds[row.kind]}
        for box in row.truth_px:
            size = _size(box)
            notes.append({**place, **size, "id": len(notes) + 1, "iscrowd": 0})
        for rank, box in enumerate(row.boxes_px):
            score = 1.0 if scores == ALL_ALIKE else 1.0 / (1 + rank)
            found.append({**place, **_size(box), "id": len(found) + 1, "score": score})
    truth, said = COCO(), COCO()
    shared = {
        "images": [{"id": number} for number in pictures.values()],
        "categories": [{"id": number, "name": name} for name, number in kinds.items()],
    }
    truth.dataset = {**shared, "annotations": notes}
    said.dataset = {**shared, "annotations": found}
    truth.createIndex()
    said.createIndex()
    judged = COCOeval(truth, said, "bbox")
    judged.params.areaRng = [[0, 1e10]]
    judged.params.areaRngLbl = ["all"]
    judged.params.maxDets = [max(100, *(len(r.boxes_px) for r in rows), 100)]
    judged.evaluate()
    return judged


def _size(box: Box) -> dict[str, Any]:
    width, height = box[2] - box[0], box[3] - box[1]
    return {"bbox": [box[0], box[1], width, height], "area": width * height}


def summed(judged: Any) -> list[float]:
    """AP, AP@0.5, AP@0.75 of what is in ``judged.evalImgs`` now."""
    judged.accumulate()
    precision = judged.eval["precision"][:, :, :, 0, -1]  # (threshold, recall, class)
    parts = (precision, precision[0], precision[5])
    return [float(part[part > -1].mean()) if (part > -1).any() else 0.0 for part in parts]


def _taken(judged: Any, chosen: Any) -> list[float]:
    """The same figures over these pictures, in this order; nothing is matched again."""
    pictures = len(judged.params.imgIds)
    kept = judged.evalImgs, judged.params.imgIds, judged._paramsEval.imgIds
    classes = [kept[0][i : i + pictures] for i in range(0, len(kept[0]), pictures)]
    drawn = [kept[1][i] for i in chosen]
    try:
        judged.evalImgs = [part[i] for part in classes for i in chosen]
        judged.params.imgIds = judged._paramsEval.imgIds = drawn
        return summed(judged)
    finally:
        judged.evalImgs, judged.params.imgIds, judged._paramsEval.imgIds = kept
