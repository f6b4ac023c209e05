"""Triton kernels behind `fused.py`: each does in one launch what plain torch does in several. Imported only where Triton is.

They read and write the model's type and calculate in float32; sums that plain torch would round to the model's type are rounded here
as well. Every kernel has bounds on all its accesses; sizes need not be powers of two.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def add_norm_kernel(
    hidden, update, weight, summed, normed, width, eps, HAS_UPDATE: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """One row: ``summed = hidden + update``, ``normed = rms_norm(summed) · weight``."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    x = tl.load(hidden + row * width + column, mask=inside, other=0.0).to(tl.float32)
    if HAS_UPDATE:
        x += tl.load(update + row * width + column, mask=inside, other=0.0).to(tl.float32)
        rounded = x.to(summed.dtype.element_ty)
        tl.store(summed + row * width + column, rounded, mask=inside)
        x = rounded.to(tl.float32)
    scale = 1.0 / tl.sqrt(tl.sum(x * x, axis=0) / width + eps)
    w = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(
        normed + row * width + column, (x * scale * w).to(normed.dtype.element_ty), mask=inside
    )


@triton.jit
def rotate_kernel(
    heads, cos, sin, out, row_stride, head_count, half, BLOCK: tl.constexpr
):  # fmt: skip
    """One head of one token: rotated by the token's row of the tables."""
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    i = tl.arange(0, BLOCK)
    inside = i < half
    c = tl.load(cos + token * half + i, mask=inside, other=0.0).to(tl.float32)
    s = tl.load(sin + token * half + i, mask=inside, other=0.0).to(tl.float32)
    source = heads + token * row_stride + head * 2 * half
    low = tl.load(source + i, mask=inside, other=0.0).to(tl.float32)
    high = tl.load(source + half + i, mask=inside, other=0.0).to(tl.float32)
    target = out + (token * head_count + head) * 2 * half
    tl.store(target + i, (low * c - high * s).to(out.dtype.element_ty), mask=inside)
    tl.store(target + half + i, (high * c + low * s).to(out.dtype.element_ty), mask=inside)


@triton.jit
def rotate_store_kernel(
    fused, cos, sin, positions, at, query, keys, values,
    row_stride, head_stride, heads, kv_heads, half, BLOCK: tl.constexpr,
):  # fmt: skip
    """One head of one row: a query rotated, a key rotated into the cache, or a value put there."""
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    width = 2 * half
    i = tl.arange(0, BLOCK)
    inside = i < half
    source = fused + (row * (heads + 2 * kv_heads) + head) * width
    low = tl.load(source + i, mask=inside, other=0.0)
    high = tl.load(source + half + i, mask=inside, other=0.0)
    slot = tl.load(at + row)
    if head >= heads + kv_heads:
        target = values + row * row_stride + (head - heads - kv_heads) * head_stride + slot * width
        tl.store(target + i, low, mask=inside)
        tl.store(target + half + i, high, mask=inside)
    else:
        place = tl.load(positions + row)
        c = tl.load(cos + place * half + i, mask=inside, other=0.0).to(tl.float32)
        s = tl.load(sin + place * half + i, mask=inside, other=0.0).to(tl.float32)
        l32, h32 = low.to(tl.float32), high.to(tl.float32)
        first = (l32 * c - h32 * s).to(query.dtype.element_ty)
        second = (h32 * c + l32 * s).to(query.dtype.element_ty)
        if head < heads:
            turned = query + (row * heads + head) * width
            tl.store(turned + i, first, mask=inside)
            tl.store(turned + half + i, second, mask=inside)
        else:
            kept = keys + row * row_stride + (head - heads) * head_stride + slot * width
            tl.store(kept + i, first, mask=inside)
            tl.store(kept + half + i, second, mask=inside)


@triton.jit
def swiglu_kernel(gate_up, out, inner, BLOCK: tl.constexpr):
    """A block of one row: ``silu(gate) · up``."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < inner
    gate = tl.load(gate_up + row * 2 * inner + column, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * inner + inner + column, mask=inside, other=0.0).to(tl.float32)
    open_gate = (gate * tl.sigmoid(gate)).to(out.dtype.element_ty).to(tl.float32)
    tl.store(out + row * inner + column, (open_gate * up).to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["splits"])
def attend_kernel(
    query, keys, values, at, found, top, total,
    scale, row_stride, head_stride, kv_heads, splits,
    SHARED: tl.constexpr, QUERIES: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A part of one row's slots for the query heads that share one head of keys: weighted values, largest score, sum.

    The parts are found from the row's own length on the device, so one captured graph serves all lengths, and no part reads
    behind the row's last slot.
    """
    row, head, part = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    length = tl.load(at + row) + 1
    share = tl.cdiv(tl.cdiv(length, splits), BLOCK) * BLOCK
    start = part * share
    end = tl.minimum(start + share, length)
    q, d = tl.arange(0, QUERIES), tl.arange(0, WIDTH)
    real = q < SHARED
    asked = tl.load(
        query + ((row * kv_heads + head) * SHARED + q[:, None]) * WIDTH + d[None, :],
        mask=real[:, None],
        other=0.0,
    )
    cache = row * row_stride + head * head_stride
    best = tl.full([QUERIES], float("-inf"), tl.float32)
    weight_sum = tl.zeros([QUERIES], tl.float32)
    gathered = tl.zeros([QUERIES, WIDTH], tl.float32)
    for first in range(start, end, BLOCK):
        slot = first + tl.arange(0, BLOCK)
        there = slot < end
        place = cache + slot[:, None] * WIDTH + d[None, :]
        k = tl.load(keys + place, mask=there[:, None], other=0.0)
        scores = tl.dot(asked, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(there[None, :], scores, float("-inf"))
        higher = tl.maximum(best, tl.max(scores, axis=1))
        p = tl.exp(scores - higher[:, None])
        fade = tl.exp(best - higher)
        weight_sum = weight_sum * fade + tl.sum(p, axis=1)
        v = tl.load(values + place, mask=there[:, None], other=0.0)
        gathered = gathered * fade[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
        best = higher
    place = ((row * kv_heads + head) * splits + part) * SHARED + q
    tl.store(top + place, best, mask=real)
    tl.store(total + place, weight_sum, mask=real)
    tl.store(found + place[:, None] * WIDTH + d[None, :], gathered, mask=real[:, None])


@triton.jit
def combine_kernel(
    found, top, total, out, kv_heads,
    SPLITS: tl.constexpr, SHARED: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """One query head of one row: its parts put together. A part without slots has the score -inf and weighs nothing."""
    row, query = tl.program_id(0).to(tl.int64), tl.program_id(1)
    head, shared = query // SHARED, query % SHARED
    part, d = tl.arange(0, SPLITS), tl.arange(0, WIDTH)
    place = ((row * kv_heads + head) * SPLITS + part) * SHARED + shared
    best = tl.load(top + place)
    weight = tl.exp(best - tl.max(best, axis=0))
    whole = tl.sum(tl.load(total + place) * weight, axis=0)
    gathered = tl.load(found + place[:, None] * WIDTH + d[None, :])
    mixed = tl.sum(gathered * weight[:, None], axis=0) / whole
    target = out + (row * kv_heads * SHARED + query) * WIDTH + d
    tl.store(target, mixed.to(out.dtype.element_ty))


# one kernel for one row, two and sixteen: a number that is 1 or a multiple of 16 would be compiled in
@triton.jit(do_not_specialize=["rows"])
def skinny_kernel(
    inputs, weight, bias, norm, hidden, out, rows, outputs, width, eps,
    NORM: tl.constexpr, BIAS: tl.constexpr, ADDS: tl.constexpr, GATED: tl.constexpr, EVEN: tl.constexpr,
    ROWS: tl.constexpr, OUTPUTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Some outputs of a linear layer for few rows; every weight is read once.

    Before it the norm of the inputs (each program finds it anew: a row is some kilobytes and lies in the cache), behind it the
    bias, the gate or the residual sum.
    """
    m = tl.arange(0, ROWS)
    n = tl.program_id(0) * OUTPUTS + tl.arange(0, OUTPUTS)
    in_m, in_n = m < rows, n < outputs
    k = tl.arange(0, BLOCK)
    kind = out.dtype.element_ty
    scale = tl.zeros([ROWS], tl.float32)
    if NORM:
        for first in range(0, width, BLOCK):
            inside = in_m[:, None] & ((first + k)[None, :] < width)
            place = inputs + m[:, None] * width + (first + k)[None, :]
            x = tl.load(place, mask=inside, other=0.0).to(tl.float32)
            scale += tl.sum(x * x, axis=1)
        scale = 1.0 / tl.sqrt(scale / width + eps)
    found = tl.zeros([ROWS, OUTPUTS], tl.float32)
    other = tl.zeros([ROWS, OUTPUTS], tl.float32)
    for first in range(0, width, BLOCK):
        column = first + k
        if EVEN:
            in_x = in_m[:, None]
            in_w = in_n[:, None]
        else:
            in_x = in_m[:, None] & (column[None, :] < width)
            in_w = in_n[:, None] & (column[None, :] < width)
        x = tl.load(inputs + m[:, None] * width + column[None, :], mask=in_x, other=0.0)
        if NORM:
            g = tl.load(norm + column, mask=column < width, other=0.0).to(tl.float32)
            x = (x.to(tl.float32) * scale[:, None] * g[None, :]).to(kind)
        place = n.to(tl.int64)[:, None] * width + column[None, :]
        w = tl.load(weight + place, mask=in_w, other=0.0)
        found = tl.dot(x, tl.trans(w), found, input_precision="ieee")
        if GATED:
            below = tl.load(weight + outputs * width + place, mask=in_w, other=0.0)
            other = tl.dot(x, tl.trans(below), other, input_precision="ieee")
    if BIAS:
        found += tl.load(bias + n, mask=in_n, other=0.0).to(tl.float32)[None, :]
    inside = in_m[:, None] & in_n[None, :]
    target = m[:, None] * outputs + n[None, :]
    if GATED:
        gate = found.to(kind).to(tl.float32)
        gate = (gate * tl.sigmoid(gate)).to(kind).to(tl.float32)
        found = gate * other.to(kind).to(tl.float32)
    if ADDS:
        found = found.to(kind).to(tl.float32)
        found += tl.load(hidden + target, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + target, found.to(kind), mask=inside)
