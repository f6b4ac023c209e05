"""`gpu_engine.py --only ways`: the embedded model by every way of running it that is possible on this machine, the same questions to each."""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime
from engine_embedded import ASKED, NANO, drawn

from geo_r1_backend.engines import embedded, quickest, ways
from geo_r1_backend.engines.base import Engine, EngineItem, GenerationOptions
from geo_r1_backend.engines.same_boxes import SameBoxes, boxes_of, overlap
from geo_r1_backend.models.registry import describe

TOKENS = 160
MANY = 64


def ways_rows(queries: int) -> dict[str, Any]:
    """Milliseconds of one question, tiles a second, and on how many questions the boxes are those of the processor."""
    model = describe(NANO)
    if model is None:
        raise FileNotFoundError(NANO)
    pictures = [drawn(n) for n in range(-(-queries // len(ASKED)))]
    items = [EngineItem(p, w) for p in pictures for w in ASKED][:queries]
    providers = onnxruntime.get_available_providers()
    found: dict[str, Any] = {
        "onnxruntime": onnxruntime.__version__,
        "providers": providers,
        "gpu": ways.has_gpu(),
        "queries": queries,
    }
    boxes: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as place:
        for way in ways.possible_ways(providers, gpu=ways.has_gpu()):
            try:
                began = time.perf_counter()
                engine = embedded._start(model, None, Path(place), way)
                start_s = time.perf_counter() - began
                try:
                    rows, texts = _asked(engine, items)
                finally:
                    engine.close()
                boxes[way.name] = [boxes_of(text) for text in texts]
                same = compared(boxes[ways.ON_CPU.name], boxes[way.name])
                found[way.name] = {"start_s": round(start_s, 2), **rows, **same}
            except Exception as error:
                found[way.name] = {"failed": f"{type(error).__name__}: {error}"[:400]}
            print(f"{way.name}: {found[way.name]}", flush=True)
        measured = ways.Measured(None, ways.about(NANO))
        start = partial(embedded._start, model, None, Path(place))
        possible = ways.possible_ways(providers, gpu=ways.has_gpu())
        began = time.perf_counter()
        check = SameBoxes(NANO, partial(start, ways.ON_CPU))
        engine, way = quickest.quickest(
            possible, measured, start, quickest.short_question(NANO), check=check
        )
        engine.close()
        found["chosen"] = f"{way.name}; {measured.words}"
        found["choosing_s"] = round(time.perf_counter() - began, 2)
    return found


def compared(usual: list[Any], others: list[Any]) -> dict[str, Any]:
    """How far the boxes of answers are from the processor's: the same to the pixel, near, and what they share."""
    shares = [overlap(a, b) for a, b in zip(usual, others, strict=True)]
    return {
        "same_boxes": sum(a == b for a, b in zip(usual, others, strict=True)),
        "near_boxes": sum(share >= 0.9 for share in shares),
        "mean_iou": round(statistics.mean(shares), 4),
        "least_iou": [round(share, 2) for share in sorted(shares)[:6]],
    }


def _asked(engine: Engine, items: list[EngineItem]) -> tuple[dict[str, Any], list[str]]:
    """One by one, then many at once; the texts of the first."""
    options = GenerationOptions(max_new_tokens=TOKENS)
    texts, seconds = [], []
    for item in items:
        began = time.perf_counter()
        texts.append("".join(p.text for p in engine.generate([item], options, lambda: False)))
        seconds.append(time.perf_counter() - began)
    rates = []
    # what is recorded for a size of batch is recorded in the first round
    for start in (1000, 2000):
        many = [EngineItem(drawn(start + n), ASKED[n % len(ASKED)]) for n in range(MANY)]
        began = time.perf_counter()
        for _ in engine.generate(many, options, lambda: False):
            pass
        rates.append(MANY / (time.perf_counter() - began))
    # a picture is asked about several times: its first question looks at it
    fresh, again = seconds[len(ASKED) :: len(ASKED)], seconds[len(ASKED) + 1 :: len(ASKED)]
    return {
        "first_question_ms": round(1e3 * seconds[0], 1),
        "new_picture_ms": round(1e3 * statistics.median(fresh or seconds), 1),
        "known_picture_ms": round(1e3 * statistics.median(again or seconds), 1),
        "first_tiles_per_s": round(rates[0], 2),
        "tiles_per_s": round(rates[1], 2),
        "device": engine.status().device,
    }, texts
