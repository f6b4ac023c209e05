"""Many tiles through the service: tiles a second in batches beside one request per tile, a question in between, memory. `make bench-tiles`.

A generated raster (scenes of the frozen recipe side by side) is cut into tiles; every arm sees tiles that no other arm has
sent, so that nothing is answered from what is kept of a picture. Arms take turns, so other programs on the machine disturb
both alike: the ratios count.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from service import ServiceProcess

from geo_r1_backend.evaluation.recipe import frozen_questions

TILE_PX = 448
PER_REQUEST = 16
"""What the plugin sends for a whole layer."""


@dataclass(frozen=True)
class Tile:
    """A part of the raster, and what is asked about it."""

    png: bytes
    query: str


class Raster:
    """A large picture of generated scenes side by side, and tiles of it that nobody has seen."""

    def __init__(self, side: int) -> None:
        asked = [q for q in frozen_questions(None, 2 * side * side) if q.family == "all"]
        asked = asked[: side * side]
        size = (TILE_PX, TILE_PX)
        scenes = [np.asarray(Image.fromarray(q.scene.image).resize(size)) for q in asked]
        self._queries = [q.expression.query for q in asked]
        self._side = side
        self.pixels = np.concatenate(
            [np.concatenate(scenes[i : i + side], 1) for i in range(0, side * side, side)]
        )
        self._next = 0

    def tiles(self, count: int) -> list[Tile]:
        """The next tiles, each around another scene and a few pixels from where it was shown before."""
        found = []
        for _ in range(count):
            number, lap = self._next % (self._side**2), self._next // (self._side**2)
            self._next += 1
            y, x = (TILE_PX * place for place in divmod(number, self._side))
            moved = np.roll(self.pixels, (-y - lap // 32, -x - lap % 32), (0, 1))
            stream = io.BytesIO()
            tile = Image.fromarray(moved[:TILE_PX, :TILE_PX])
            tile.save(stream, "PNG", compress_level=1)
            found.append(Tile(stream.getvalue(), self._queries[number]))
        return found


class Asker:
    """A client of a running service."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service
        self.client = httpx.Client(
            base_url=service.client.base_url,
            headers=service.client.headers,
            timeout=3600,
            trust_env=False,
        )

    def items(self, tiles: list[Tile], task: str = "ovd") -> list[dict[str, str]]:
        """Sends the pixels; what a request names."""
        items = []
        for number, tile in enumerate(tiles):
            sha256 = hashlib.sha256(tile.png).hexdigest()
            self.client.put(f"/v1/chips/{sha256}", content=tile.png).raise_for_status()
            items.append(
                {
                    "item": str(number),
                    "chip": sha256,
                    "query": tile.query,
                    "task": task,
                    "detail": "view",
                }
            )
        return items

    def events(self, items: list[dict[str, str]], **more: Any) -> Iterator[dict[str, Any]]:
        """What comes of one request."""
        with self.client.stream("POST", "/v1/ground", json={"items": items, **more}) as reply:
            reply.raise_for_status()
            for line in reply.iter_lines():
                yield json.loads(line)

    def answered(self, tiles: list[Tile], per_request: int, **more: Any) -> int:
        """Asks about all of them; tokens of the answers."""
        tokens = 0
        for first in range(0, len(tiles), per_request):
            part = tiles[first : first + per_request]
            ends = [
                e
                for e in self.events(self.items(part), **more)
                if e["event"] in ("result", "error")
            ]
            if len(ends) != len(part) or any(e["event"] == "error" for e in ends):
                raise RuntimeError(f"{len(part)} tiles, but {ends[-1:]}")
            tokens += sum(e["timings"]["tokens"] for e in ends)
        return tokens


def throughput(asker: Asker, raster: Raster, tiles: int, rounds: int) -> dict[str, Any]:
    """Tiles a second, both arms in turn."""
    seconds: dict[int, list[float]] = {1: [], PER_REQUEST: []}
    processor: dict[int, list[float]] = {1: [], PER_REQUEST: []}
    tokens = 0
    asker.answered(
        raster.tiles(2), 1
    )  # what the first questions of a process cost is not the question here
    for number in range(rounds):
        for per_request in (1, PER_REQUEST) if number % 2 else (PER_REQUEST, 1):
            some = raster.tiles(tiles)
            began_s, began_cpu_s = time.perf_counter(), asker.service.cpu_s()
            tokens += asker.answered(some, per_request)
            seconds[per_request].append((time.perf_counter() - began_s) / tiles)
            processor[per_request].append((asker.service.cpu_s() - began_cpu_s) / tiles)
    one, many = (statistics.median(seconds[n]) for n in seconds)
    cpu_one, cpu_many = (statistics.median(processor[n]) for n in processor)
    return {
        "tokens_per_tile": round(tokens / (2 * rounds * tiles), 1),
        "one_by_one_tiles_per_s": round(1 / one, 2),
        "batches_tiles_per_s": round(1 / many, 2),
        "times_faster": round(one / many, 2),
        "one_by_one_cpu_s_per_tile": round(cpu_one, 3),
        "batches_cpu_s_per_tile": round(cpu_many, 3),
        "cpu_ratio": round(cpu_one / cpu_many, 2),
    }


def between(asker: Asker, raster: Raster, many: int, questions: int) -> dict[str, Any]:
    """How long one question takes while a request of many is answered, and without it."""
    quiet = [_one_question(asker, raster) for _ in range(questions)]
    layer_items = asker.items(raster.tiles(many))
    over = threading.Event()
    layer_s = [0.0]

    def layer() -> None:
        began_s = time.perf_counter()
        for _ in Asker(asker.service).events(layer_items):
            pass
        layer_s[0] = time.perf_counter() - began_s
        over.set()

    thread = threading.Thread(target=layer)
    thread.start()
    time.sleep(1.0)  # the layer is under way
    busy: list[dict[str, float]] = []
    while not over.is_set() and len(busy) < questions:
        busy.append(_one_question(asker, raster))
        over.wait(0.5)
    thread.join()
    return {
        "layer_items": many,
        "layer_s": round(layer_s[0], 1),
        "questions_asked": len(busy),
        **{f"alone_{k}": v for k, v in _spread(quiet).items()},
        **{f"beside_{k}": v for k, v in _spread(busy).items()},
    }


def _one_question(asker: Asker, raster: Raster) -> dict[str, float]:
    items = asker.items(raster.tiles(1), task="rec")
    began_s, first_s = time.perf_counter(), 0.0
    for event in asker.events(items):
        if event["event"] == "token" and not first_s:
            first_s = time.perf_counter() - began_s
    return {"first_token_s": first_s, "result_s": time.perf_counter() - began_s}


def _spread(found: list[dict[str, float]]) -> dict[str, float]:
    return {
        f"{name}_p{share}": round(float(np.percentile([f[name] for f in found], share)), 3)
        for name in ("first_token_s", "result_s")
        for share in (50, 95)
    }


def again(asker: Asker, raster: Raster, views: int) -> dict[str, Any]:
    """The first question about a view beside a second, other one: what is kept of the picture saves."""
    first, second = [], []
    for tile in raster.tiles(views):
        items = asker.items([tile])
        for query, kept in (("all tanks", first), ("all vehicles", second)):
            items[0]["query"] = query
            began_s = time.perf_counter()
            for event in asker.events(items):
                if event["event"] == "token":
                    kept.append(time.perf_counter() - began_s)
                    break
    ratio = statistics.median(a / b for a, b in zip(first, second, strict=True))
    return {
        "first_token_new_view_s": round(statistics.median(first), 3),
        "first_token_known_view_s": round(statistics.median(second), 3),
        "times_sooner": round(ratio, 2),
    }


def memory(asker: Asker, raster: Raster, items: int) -> dict[str, Any]:
    """Resident memory over so many items in requests of `PER_REQUEST`, answers cut short."""
    resident = []
    for first in range(0, items, PER_REQUEST):
        asker.answered(raster.tiles(PER_REQUEST), PER_REQUEST, max_new_tokens=8)
        if first % (PER_REQUEST * 8) == 0:
            resident.append((first, round(asker.service.memory()["resident_mib"], 1)))
    settled = [mib for first, mib in resident if first >= items * 0.25] or [resident[-1][1]]
    return {
        "items": items,
        "resident_mib": resident,
        "grown_after_a_quarter_mib": round(settled[-1] - settled[0], 1),
    }


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arithmetic", default="float32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tiles", type=int, default=16, help="of each arm and round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument(
        "--layer", type=int, default=256, help="items of the request that is under way"
    )
    parser.add_argument("--questions", type=int, default=12, help="asked alone and beside it")
    parser.add_argument("--memory-items", type=int, default=2000)
    parser.add_argument("--parts", default="tiles,between,again,memory")
    parser.add_argument(
        "--backend", type=Path, help="folder backend/ of another version, to measure that"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench/tiles.json"))
    given = parser.parse_args()
    raster = Raster(6)
    service = ServiceProcess(given.arithmetic, given.threads, backend=given.backend)
    found: dict[str, Any] = {"load_before": os.getloadavg()[0], "arithmetic": given.arithmetic}
    try:
        asker = Asker(service)
        parts = {
            "tiles": lambda: throughput(asker, raster, given.tiles, given.rounds),
            "between": lambda: between(asker, raster, given.layer, given.questions),
            "again": lambda: again(asker, raster, given.questions),
            "memory": lambda: memory(asker, raster, given.memory_items),
        }
        for name in given.parts.split(","):
            found[name] = parts[name]()
            print(name, json.dumps(found[name], indent=1), flush=True)
    finally:
        service.stop()
    found["load_after"] = os.getloadavg()[0]
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1))
    print(f"load {found['load_before']:.1f} before, {found['load_after']:.1f} after")


if __name__ == "__main__":
    main()
