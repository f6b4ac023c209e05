"""The user's version of fine-tuning on two CPU cores: some labelled objects of a kind that the embedded model does not know.

    GEO_R1_DATA=… python scripts/bench/new_kind.py WORK_FOLDER ARM [ARM …] [--seeds 0 1 2] [--kind roofs]

Real imagery and real polygons (roofs in aerial mosaics of 0.075 m, OpenStreetMap outlines) cut into square chips; some chips with
about 20 objects are trained on, others with at least 150 are asked before and after. A run is that of the service: same
loader, loop, checkpoint and verdict. One JSON row per arm and seed in WORK_FOLDER/rows.jsonl; finished rows are not run again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image
from rasterio.warp import transform_geom
from rasterio.windows import Window

from geo_r1_backend.models.registry import describe, embedded_folder
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.config import TrainingConfig, changed, make_config
from geo_r1_backend.training.session import run_session
from geo_r1_backend.training_wire import RunRequest, Sample

CHIP_PX = 448
TRAIN_OBJECTS, VALIDATION_OBJECTS, HELD_OUT_OBJECTS = 20, 8, 150
VISIBLE = 0.5
SMALLEST_PX = 14.0
LEARNED = "oam_1_1"

Tile = tuple[bytes, list[list[float]], str]
"""PNG, boxes in its pixels, and the name of its place."""

ARMS: dict[str, dict[str, Any]] = {
    "sft-full-1e-4": {"method": "sft", "adaptation": "full", "sft_learning_rate": 1e-4},
    "sft-full-3e-4": {"method": "sft", "adaptation": "full", "sft_learning_rate": 3e-4},
    "sft-full-3e-5": {"method": "sft", "adaptation": "full", "sft_learning_rate": 3e-5},
    "sft-lora-1e-3": {"method": "sft", "adaptation": "lora", "sft_learning_rate": 1e-3},
    "sft-lora-3e-3": {"method": "sft", "adaptation": "lora", "sft_learning_rate": 3e-3},
    "dapo-full-1e-5": {"method": "dapo", "adaptation": "full", "learning_rate": 1e-5},
    "dapo-full-3e-5": {"method": "dapo", "adaptation": "full", "learning_rate": 3e-5},
    "dapo-lora-2e-4": {"method": "dapo", "adaptation": "lora", "learning_rate": 2e-4},
    "sft_dapo-full": {"method": "sft_dapo", "adaptation": "full"},
    "sft_dapo-lora": {"method": "sft_dapo", "adaptation": "lora"},
    "sft_dapo-full_vision": {"method": "sft_dapo", "adaptation": "full_vision"},
}


def roofs(data: Path, side_px: int, task: str) -> Iterator[Tile]:
    """Square pieces of the mosaics with all roofs that they show: a grid of them, or, for one object, squares around each roof."""
    root = data / "fair-oam-buildings"
    dice = random.Random(0)  # noqa: S311 - no secret
    for path in sorted((root / "mosaics").glob("*.tif")):
        labels = json.loads(
            (root / "data" / path.name.split("_")[1] / "labels.geojson").read_text()
        )
        with rasterio.open(path) as raster:
            outlines = [_outline(feature["geometry"], raster) for feature in labels["features"]]
            if task == "rec":
                squares = [
                    one for one in (_around(o, outlines, raster, dice) for o in outlines) if one
                ]
            else:
                squares = [
                    (left, top, side_px)
                    for top in range(0, raster.height - side_px + 1, side_px)
                    for left in range(0, raster.width - side_px + 1, side_px)
                ]
            for left, top, side in squares:
                pixels = raster.read(
                    (1, 2, 3),
                    window=Window(left, top, side, side),
                    out_shape=(3, CHIP_PX, CHIP_PX),
                    resampling=rasterio.enums.Resampling.average,
                ).transpose(1, 2, 0)
                boxes = _visible(outlines, left, top, side)
                if boxes and (pixels.max(2) > 0).mean() > 0.98:
                    stream = io.BytesIO()
                    Image.fromarray(pixels).save(stream, "PNG")
                    yield stream.getvalue(), boxes, f"{path.stem}/{left}/{top}"


def _outline(geometry: Any, raster: Any) -> tuple[float, float, float, float]:
    """Bounds in pixels of the mosaic."""
    moved = transform_geom("EPSG:4326", raster.crs, geometry)
    corners = np.array(moved["coordinates"][0])[:, :2]
    pixels = np.array([~raster.transform @ tuple(c) for c in corners])
    left, top, right, bottom = (*pixels.min(0), *pixels.max(0))
    return float(left), float(top), float(right), float(bottom)


def _around(
    outline: Any, outlines: list[Any], raster: Any, dice: random.Random
) -> tuple[int, int, int] | None:
    """A square that shows this roof and no other, the roof anywhere in it; none where sixty tries find none."""
    left, top, right, bottom = outline
    longest = max(right - left, bottom - top)
    for _ in range(60):
        side = round(longest * dice.uniform(1.6, 3.2))
        x = round(dice.uniform(right + 4 - side, left - 4))
        y = round(dice.uniform(bottom + 4 - side, top - 4))
        inside = 0 <= x <= raster.width - side and 0 <= y <= raster.height - side
        if inside and side >= 120 and len(_visible(outlines, x, y, side, share=0.35)) == 1:
            return x, y, side
    return None


def _visible(
    outlines: list[Any], left: int, top: int, side_px: int, share: float = VISIBLE
) -> list[list[float]]:
    """Boxes in chip pixels of what the square shows at least half of."""
    found, scale = [], CHIP_PX / side_px
    for x0, y0, x1, y1 in outlines:
        cut = (max(x0, left), max(y0, top), min(x1, left + side_px), min(y1, top + side_px))
        if cut[2] <= cut[0] or cut[3] <= cut[1]:
            continue
        seen = (cut[2] - cut[0]) * (cut[3] - cut[1]) / ((x1 - x0) * (y1 - y0))
        box = [(v - o) * scale for v, o in zip(cut, (left, top, left, top), strict=True)]
        if seen >= share and max(box[2] - box[0], box[3] - box[1]) >= SMALLEST_PX:
            found.append([round(float(v), 2) for v in box])
    return found


def write_dataset(
    tiles: list[Tile],
    root: Path,
    *,
    query: str,
    label: str,
    task: str,
    seed: int,
    held_out: int = HELD_OUT_OBJECTS,
) -> Path:
    """A data set as the service keeps it; places are tiles, parts are filled until they have their objects."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    order = list(tiles)
    # held out first, by a seed of its own: every run is asked the same questions
    random.Random(0).shuffle(order)  # noqa: S311 - no secret
    parts: list[tuple[str, Tile]] = []
    if task == "rec":
        # squares around neighbouring roofs overlap, so one mosaic is learned from and the others are asked
        rest = [one for one in order if one[2].startswith(LEARNED)]
        _fill(parts, [one for one in order if one not in rest], "held_out", held_out)
    else:
        rest = _fill(parts, order, "held_out", held_out)
    dice.shuffle(rest)
    rest = _fill(parts, rest, "train", TRAIN_OBJECTS)
    _fill(parts, rest, "validation", VALIDATION_OBJECTS)
    samples, chips = [], {}
    for part, (png, boxes, place) in parts:
        sha256 = hashlib.sha256(png).hexdigest()
        chips[sha256] = png
        samples.append(asdict(Sample(sha256, query, task, boxes, label, part, place)))  # type: ignore[arg-type]
    name = hashlib.sha256(json.dumps(samples, sort_keys=True).encode()).hexdigest()[:16]
    folder = root / "datasets" / name
    (folder / "chips").mkdir(parents=True, exist_ok=True)
    for sha256, png in chips.items():
        (folder / "chips" / sha256).write_bytes(png)
    manifest = {"name": label, "samples": samples, "created": "2026-01-01T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _fill(parts: list[tuple[str, Tile]], tiles: list[Tile], part: str, objects: int) -> list[Tile]:
    """Move tiles into a part until it has so many objects; the others come back."""
    rest, got = [], 0
    for tile in tiles:
        if got < objects and (part == "held_out" or got + len(tile[1]) <= objects):
            parts.append((part, tile))
            got += len(tile[1])
        else:
            rest.append(tile)
    return rest


def run_arm(
    name: str, dataset: Path, root: Path, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """One run to its verdict."""
    folder = embedded_folder()
    model = describe(folder) if folder else None
    if model is None:
        raise SystemExit("the embedded model is missing")
    run_id = f"20260101-{abs(hash((name, seed))) % 10**6:06d}-{seed:04x}"
    run_folder = root / "runs" / f"{name}-{seed}"
    run_folder.mkdir(parents=True, exist_ok=True)
    request = RunRequest(
        dataset=dataset.name, method=settings["method"], adaptation=settings["adaptation"],
        steps=settings.get("steps"), seed=seed,
    )  # fmt: skip
    config: TrainingConfig = make_config(
        request,
        run_id=run_id,
        model=model,
        dataset_folder=dataset,
        created="2026-01-01T00:00:00+00:00",
    )
    config = changed(
        config, **{k: v for k, v in settings.items() if k not in ("method", "adaptation", "steps")}
    )
    config.write(run_folder)
    began_s = time.monotonic()
    with RunDatabase(run_folder, create=True) as database:
        database.change_state("running")
        run_session(config, run_folder, database, resume=False)
        events = database.events(0)
    steps = [e for e in events if e["event"] == "step"]
    evaluations = [
        (e["step"], round(e["score"]["value"], 3)) for e in events if e["event"] == "evaluation"
    ]
    verdict = next((e["verdict"] for e in events if e["event"] == "verdict"), None)
    train_s = sum(e["seconds"] for e in steps)
    return {
        "arm": name, "seed": seed, "dataset": dataset.name, "verdict": verdict, "evaluations": evaluations,
        "steps": len(steps), "train_s": round(train_s, 1), "all_s": round(time.monotonic() - began_s, 1),
        "step_s": round(train_s / max(1, len(steps)), 2), "config": asdict(config),
        "metric": [round(e["metric"], 3) for e in steps][::5], "loss": [round(e["loss"], 3) for e in steps][::5],
        "informative": round(sum(e["informative"] for e in steps) / max(1, len(steps)), 3),
        "load": os.getloadavg()[0],
    }  # fmt: skip


def main() -> None:
    """Run what was asked for and is not there yet."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("folder", type=Path)
    command.add_argument("arms", nargs="+")
    command.add_argument("--seeds", type=int, nargs="+", default=[0])
    command.add_argument(
        "--side", type=int, default=896, help="pixels of the mosaic that a chip shows"
    )
    command.add_argument("--query", default="roof")
    command.add_argument("--task", default="ovd")
    command.add_argument("--held-out", type=int, default=HELD_OUT_OBJECTS, help="objects asked")
    command.add_argument("--set", default="{}", help="JSON of settings over every arm")
    given = command.parse_args()
    data = Path(os.environ["GEO_R1_DATA"])
    tiles = list(roofs(data, given.side, given.task))
    print(len(tiles), "chips,", sum(len(t[1]) for t in tiles), "objects", flush=True)
    rows = given.folder / "rows.jsonl"
    done = [json.loads(line) for line in rows.read_text().splitlines()] if rows.is_file() else []
    for seed in given.seeds:
        dataset = write_dataset(
            tiles,
            given.folder,
            query=given.query,
            label=given.query,
            task=given.task,
            seed=seed,
            held_out=given.held_out,
        )
        for arm in given.arms:
            settings = ARMS[arm] | json.loads(given.set)
            name = f"{arm}-{given.task}-{given.side}-{hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:6]}"
            if any(row["arm"] == name and row["seed"] == seed for row in done):
                continue
            row = run_arm(name, dataset, given.folder, seed, settings)
            with rows.open("a") as file:
                file.write(json.dumps(row) + "\n")
            verdict = row["verdict"] or {}
            print(
                name, seed, f"{row['train_s']} s, {row['step_s']} s/step, all {row['all_s']} s", row["evaluations"],
                {k: (round(v["value"], 3) if isinstance(v, dict) else v) for k, v in verdict.items()}, flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
