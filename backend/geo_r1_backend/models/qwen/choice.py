"""Which small operations a device gets: Triton's kernels where they are right there, else plain torch, one by one."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.rows import Rows

TOLERANCE = {torch.float32: 2e-4, torch.bfloat16: 3e-2}
"""Largest difference from plain torch, as a part of the largest number: rounding, not another result."""

_choosing = threading.Lock()
_chosen: dict[tuple[str, torch.dtype], Operations] = {}


def choose_operations(device: str, dtype: torch.dtype = torch.bfloat16) -> Operations:
    """For a device of this machine; each kernel is tried there once against its twin, some seconds at the very first time."""
    key = (device, dtype)
    with _choosing:
        if key not in _chosen:
            _chosen[key] = _tried(device, dtype) if device.startswith("cuda") else Operations()
        return _chosen[key]


def _tried(device: str, dtype: torch.dtype) -> Operations:
    if importlib.util.find_spec("triton") is None:
        return Operations()
    # deferred: needs Triton
    from geo_r1_backend.models.qwen.fused import FusedOperations

    refused = {}
    for name, apart in differences(FusedOperations(), device, dtype):
        if isinstance(apart, Exception):
            refused[name] = f"{type(apart).__name__} {str(apart).splitlines()[:1]}"
        elif apart > TOLERANCE[dtype]:
            refused[name] = f"differs by {apart:.1e}"
    return FusedOperations(refused)


def differences(
    made: Operations, device: str, dtype: torch.dtype, only: Sequence[str] = ()
) -> Iterator[tuple[str, float | Exception]]:
    """Each operation of a kernel beside its twin: how far apart, as a part of the largest number, or what it raised.

    Sizes are those of a 3B model's layer, and odd ones; all operations that have a kernel, or some.
    """
    from geo_r1_backend.models.qwen.fused import CHECKED

    plain, cases = Operations(), _cases(device, dtype)
    for name in only or CHECKED:
        worst: float | Exception = 0.0
        for case in cases[name]:
            try:
                pairs = zip(case(made), case(plain), strict=True)
                found = max(_apart(mine, theirs) for mine, theirs in pairs)
                worst = max(worst, found)  # type: ignore[type-var]  # an exception has left the loop
            except Exception as error:  # border: a compiler and a driver run here
                worst = error
                break
        yield name, worst


def _apart(mine: Tensor, theirs: Tensor) -> float:
    mine, theirs = mine.float(), theirs.float()
    if not bool(mine.isfinite().all()):
        return float("inf")
    scale = float(theirs.abs().max()) or 1.0
    return float((mine - theirs).abs().max()) / scale


Case = Callable[[Operations], tuple[Tensor, ...]]


def _cases(device: str, dtype: torch.dtype) -> dict[str, list[Case]]:
    source = torch.Generator().manual_seed(5)

    def some(*size: int) -> Tensor:
        return torch.randn(size, generator=source).to(device, dtype)

    found: dict[str, list[Case]] = {}

    def add(name: str, case: Case) -> None:
        found.setdefault(name, []).append(case)

    for rows, width in ((1, 2048), (17, 1280), (3, 100)):
        x, y, w = some(rows, width), some(rows, width), some(width)
        add("add_norm", lambda do, x=x, y=y, w=w: do.add_norm(x, y, w, 1e-6))  # type: ignore[misc]
        add("add_norm", lambda do, x=x, w=w: do.add_norm(x, None, w, 1e-6)[1:])  # type: ignore[misc]
        add("swiglu", lambda do, x=x: (do.swiglu(x),))  # type: ignore[misc]
    for tokens, heads, width in ((5, 18, 128), (7, 6, 80)):
        row, table = some(tokens, heads + 2, width), some(2, tokens, width // 2)
        add("rotated", lambda do, h=row[:, :heads], t=table: (do.rotated(h, *t),))  # type: ignore[misc]
    for rows, slots, shape in (
        (1, 600, Shape(16, 2, 128, 1e-6)),
        (5, 200, Shape(28, 4, 128, 1e-6)),
        (3, 40, Shape(4, 2, 32, 1e-6)),
        (9, 150, Shape(16, 2, 128, 1e-6)),
    ):
        for case_name, case in _cached(rows, slots, shape, some, device, source):
            add(case_name, case)
    for count in (1, 5):
        add("note", _note_case(count, like=some(1)))
    for rows, width, outputs in ((1, 2048, 2560), (8, 704, 96), (3, 100, 50)):
        x, w, b, norm = some(rows, width), some(outputs, width), some(outputs), some(width)
        h, two = some(rows, outputs), some(2 * outputs, width)
        add("norm_linear", lambda do, x=x, w=w, b=b, n=norm: (do.norm_linear(x, n, 1e-6, w, b),))  # type: ignore[misc]
        add("norm_linear", lambda do, x=x, w=w, n=norm: (do.norm_linear(x, n, 1e-6, w, None),))  # type: ignore[misc]
        add("norm_gated", lambda do, x=x, w=two, n=norm: (do.norm_gated(x, n, 1e-6, w),))  # type: ignore[misc]
        add("linear_add", lambda do, x=x, w=w, h=h: (do.linear_add(x, w, h),))  # type: ignore[misc]
    return found


def _note_case(count: int, *, like: Tensor) -> Case:
    """More rows than take part; one of them at its limit, one ended, one at a token that ends an answer."""

    def note(do: Operations) -> tuple[Tensor, ...]:
        rows = Rows(6, 7, layers=1, shape=Shape(1, 1, 2, 1e-6), like=like)
        for number, tensor in enumerate((rows.used, rows.positions, rows.said, rows.limits)):
            tensor.copy_(torch.arange(6) + number)
        rows.said.copy_(torch.tensor([1, 6, 2, 3, 0, 0]))
        rows.limits.fill_(7)
        rows.ended.copy_(torch.tensor([False, False, True, False, False, True]))
        ids = torch.tensor([41, 42, 43, 44, 45], device=like.device)[:count]
        for ends in ([], [44, 41]):
            end_ids = torch.tensor(ends, dtype=torch.long, device=like.device)
            do.note(rows, ids, end_ids, 3)
        return tuple(rows.small)

    return note


def _cached(
    rows: int,
    slots: int,
    shape: Shape,
    some: Callable[..., Tensor],
    device: str,
    source: torch.Generator,
) -> Iterator[tuple[str, Case]]:
    """A case over keys and values; rows are of different lengths, one of them with a single slot."""
    width = shape.head_width
    keys, values = (some(2, rows, shape.kv_heads, slots, width)[1] for _ in range(2))
    at = torch.randint(0, slots, (rows,), generator=source)
    at[-1] = 0 if rows > 1 else slots - 1
    positions = torch.randint(0, 300, (rows,), generator=source).to(device)
    at = at.to(device)
    fused = some(rows, (shape.heads + 2 * shape.kv_heads) * width)
    tables = (some(300, width // 2), some(300, width // 2))

    def attend_new(do: Operations) -> tuple[Tensor, ...]:
        kept = (keys.clone(), values.clone())
        arrivals = torch.zeros(rows * shape.kv_heads, dtype=torch.int32, device=device)
        given = (fused, tables, positions, at, *kept, shape, arrivals)
        # twice: the counters must be as they were
        return (do.attend_new(*given), do.attend_new(*given), *kept, arrivals)

    yield "attend_new", attend_new
