"""`gpu_engine.py --only tune`: blocks of the kernels for a model's own matrices, tried on the card; the best are taken for the parts that follow.

Weights of all layers are read in turn, so that no cache helps; every candidate is a recorded graph of one launch a layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from engine_ours import Ours
from torch import Tensor

from geo_r1_backend.models.qwen.graphs import Pool, recorded, time_ms
from geo_r1_backend.models.qwen.operations import Operations

BLOCKS = (
    {"OUTPUTS": 8, "BLOCK": 2048, "num_warps": 8},
    {"OUTPUTS": 4, "BLOCK": 2048, "num_warps": 4},
    {"OUTPUTS": 2, "BLOCK": 2048, "num_warps": 4},
    {"OUTPUTS": 2, "BLOCK": 2048, "num_warps": 8},
    {"OUTPUTS": 1, "BLOCK": 2048, "num_warps": 4},
    {"OUTPUTS": 1, "BLOCK": 2048, "num_warps": 2},
    {"OUTPUTS": 2, "BLOCK": 1024, "num_warps": 2},
    {"OUTPUTS": 1, "BLOCK": 1024, "num_warps": 2},
)
PARTS = (
    {"PROGRAMS": 528, "SPLITS": 16, "BLOCK": 64, "num_warps": 4},
    {"PROGRAMS": 264, "SPLITS": 16, "BLOCK": 64, "num_warps": 4},
    {"PROGRAMS": 264, "SPLITS": 4, "BLOCK": 128, "num_warps": 8},
    {"PROGRAMS": 528, "SPLITS": 16, "BLOCK": 32, "num_warps": 4},
    {"PROGRAMS": 264, "SPLITS": 8, "BLOCK": 64, "num_warps": 4},
    {"PROGRAMS": 264, "SPLITS": 8, "BLOCK": 128, "num_warps": 8},
)
MATRICES = ("qkv", "output", "gate_up", "down")
ATTEND_ROWS = (1, 8, 32)
SLOTS_USED = 530
"""A prompt of 430 tokens and half of an answer of 200."""


def tuned(ours: Ours, rows: int = 1) -> dict[str, Any]:
    """Microseconds of each matrix of a layer by the library and by each choice of blocks, and of attention; the best stay set.

    Args:
        ours: the runtime, weights fused in place.
        rows: of the matrix products.
    """
    found: dict[str, Any] = {"rows": rows, "matrices": {}, "attention": {}}
    if ours.device.type != "cuda" or not ours.runtime.operations.reads_once(rows):
        return found | {"left_out": f"kernels here: {ours.runtime.operations.name}"}
    from geo_r1_backend.models.qwen import fused
    from geo_r1_backend.models.qwen.fused import FusedOperations

    class _ByLibrary(FusedOperations):
        """The library's products, and our kernels beside them: what a way without this matrix does."""

        norm_linear, norm_gated, linear_add = (
            Operations.norm_linear,
            Operations.norm_gated,
            Operations.linear_add,
        )

    library = _ByLibrary()
    for name in MATRICES:
        work = _matrix(ours, name, rows)
        plain = _us(ours, lambda index, work=work: work(library, index))  # type: ignore[misc]
        times = dict(_tried(ours, work, fused.TUNED, _size(ours, name)))
        best = min(times, key=lambda place: times[place])
        fused.TUNED[_size(ours, name)] = dict(BLOCKS[best])
        weight = getattr(ours.runtime.language.weights.fused[0], name)
        found["matrices"][name] = {
            "outputs, inputs": _size(ours, name),
            "mb": round(weight.nbytes / 1e6, 1),
            "library_us": plain,
            "kernel_us": times[best],
            "gb_per_s": round(weight.nbytes / times[best] / 1e3),
            "blocks": BLOCKS[best],
            "all_us": list(times.values()),
        }
    sums: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    for number in ATTEND_ROWS:
        times = dict(_attention_tried(ours, number))
        found["attention"][number] = {"us": min(times.values()), "all_us": list(times.values())}
        sums[number <= fused.FEW_ROWS].update(times)
    for few, times_us in sums.items():
        fused.ATTEND[few] = dict(PARTS[min(times_us, key=lambda place: times_us[place])])
    found["paste"] = {"TUNED": str(fused.TUNED), "ATTEND": str(fused.ATTEND)}
    return found


def _quickest(ours: Ours) -> Operations:
    """The kernels as a step would call them."""
    return ours.runtime.operations.early() or ours.runtime.operations


Layered = Callable[[Operations, int], Tensor]


def _matrix(ours: Ours, name: str, rows: int) -> Layered:
    """One matrix of a layer with what stands around it, by either kind of operations."""
    language = ours.runtime.language
    layers, eps = list(language.model.layers), language.shape.norm_eps
    weights = language.weights.fused
    head = language.head
    hidden = torch.randn(rows, head.shape[1], device=head.device)
    inputs = torch.randn(
        rows, getattr(weights[0], name).shape[1], device=head.device, dtype=head.dtype
    )

    def run(do: Operations, index: int) -> Tensor:
        layer, mine = layers[index], weights[index]
        if name == "qkv":
            norm = layer.input_layernorm.weight
            return do.norm_linear(hidden, norm, eps, mine.qkv, mine.qkv_bias)
        if name == "gate_up":
            return do.norm_gated(hidden, layer.post_attention_layernorm.weight, eps, mine.gate_up)
        if name == "output":
            return do.linear_add(inputs, mine.output, hidden)
        return do.linear_add(inputs, mine.down, hidden)

    return run


def _size(ours: Ours, name: str) -> tuple[int, int]:
    """Outputs (of one half, where there is a gate) and inputs, as `fused.TUNED` knows them."""
    outputs, inputs = getattr(ours.runtime.language.weights.fused[0], name).shape
    return (outputs // 2 if name == "gate_up" else outputs), inputs


def _tried(
    ours: Ours, work: Layered, into: dict[tuple[int, int], dict[str, int]], size: tuple[int, int]
) -> Iterator[tuple[int, float]]:
    operations = _quickest(ours)
    for place, blocks in enumerate(BLOCKS):
        into[size] = dict(blocks)
        try:
            yield place, _us(ours, lambda index: work(operations, index))
        except Exception as error:  # a choice that does not compile here is none
            print(f"tune: {size} {blocks}: {type(error).__name__} {str(error)[:120]}", flush=True)


def _attention_tried(ours: Ours, rows: int) -> Iterator[tuple[int, float]]:
    from geo_r1_backend.models.qwen import fused

    runtime = ours.runtime
    shape, head = runtime.language.shape, runtime.language.head
    made = runtime.decoder.make_rows(rows, 1024)
    made.keys.normal_()
    made.values.normal_()
    made.used.fill_(SLOTS_USED)
    fused_heads = torch.randn(rows, sum(shape.widths), device=head.device, dtype=head.dtype)
    tables = runtime.language.tables
    operations = _quickest(ours)
    few = rows <= fused.FEW_ROWS
    kept = fused.ATTEND[few]
    for place, parts in enumerate(PARTS):
        fused.ATTEND[few] = dict(parts)
        try:
            yield (
                place,
                _us(
                    ours,
                    lambda index: operations.attend_new(
                        fused_heads,
                        tables,
                        made.used,
                        made.used,
                        made.keys[index],
                        made.values[index],
                        shape,
                        made.arrivals,
                    ),
                ),
            )
        except Exception as error:  # as above
            print(f"tune: attention {parts}: {type(error).__name__} {str(error)[:120]}", flush=True)
    fused.ATTEND[few] = kept


@torch.no_grad()
def _us(ours: Ours, work: Callable[[int], Tensor]) -> float:
    """Microseconds of one layer's, all layers in a row in one graph."""
    count = ours.runtime.language.layers
    work(0)  # compiles

    def every() -> None:
        for index in range(count):
            work(index)

    graph, _ = recorded(every, pool=Pool(), trials=1)
    return round(time_ms(graph) / count * 1e3, 2)


def head_us(ours: Ours, rows: int) -> float:
    """Microseconds of the output head by the library: the one matrix that is no layer's."""
    head = ours.runtime.language.head
    hidden = torch.randn(rows, head.shape[1], device=head.device, dtype=head.dtype)
    graph, _ = recorded(
        lambda: torch.nn.functional.linear(hidden, head).float().argmax(-1),
        pool=Pool(),
    )
    return round(time_ms(graph) * 1e3, 1)


def tune_table(found: dict[str, Any]) -> str:
    """Markdown."""
    if "left_out" in found or "failed" in found:
        return f"tune: {found.get('left_out') or found.get('failed')}"
    said = [
        "| matrix | MB | library, us | kernel, us | GB/s | blocks |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found["matrices"].items():
        blocks = ", ".join(f"{k} {v}" for k, v in one["blocks"].items())
        said.append(
            f"| {name} | {one['mb']} | {one['library_us']} | {one['kernel_us']} | {one['gb_per_s']} | {blocks} |"
        )
    said += [f"attention, {n} rows: {one['us']} us" for n, one in found["attention"].items()]
    return "\n".join([*said, f"head: {found.get('head_us')} us", f"paste: {found['paste']}"])
