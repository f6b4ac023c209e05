"""Triton kernels behind `fused.py`: each does in one launch what plain torch does in several. Imported only where Triton is.

They read and write the model's type and calculate in float32; sums that plain torch would round to the model's type are rounded here
as well. Every kernel has bounds on all its accesses; sizes need not be powers of two.

EARLY: the kernel may start before the one in front of it has ended (programmatic dependent launch, from Hopper on). Before
`gdc_wait` it reads only what was there before the step: weights, tables, positions, slots, older keys and values. A kernel that waits
has everything of all kernels in front of it, since each of those has waited, too; between two steps stand kernels that start late.
"""

from __future__ import annotations

import triton
import triton.language as tl

try:
    from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

    CAN_START_EARLY = True
except ImportError:  # an older Triton
    CAN_START_EARLY = False

    @triton.jit
    def gdc_launch_dependents():
        """Nothing."""

    @triton.jit
    def gdc_wait():
        """Nothing."""


@triton.jit
def add_norm_kernel(
    hidden, update, weight, summed, normed, width, eps,
    HAS_UPDATE: tl.constexpr, BLOCK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """One row: ``summed = hidden + update``, ``normed = rms_norm(summed) · weight``."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    w = tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    if EARLY:
        gdc_launch_dependents()
        gdc_wait()
    x = tl.load(hidden + row * width + column, mask=inside, other=0.0).to(tl.float32)
    if HAS_UPDATE:
        x += tl.load(update + row * width + column, mask=inside, other=0.0).to(tl.float32)
        rounded = x.to(summed.dtype.element_ty)
        tl.store(summed + row * width + column, rounded, mask=inside)
        x = rounded.to(tl.float32)
    scale = 1.0 / tl.sqrt(tl.sum(x * x, axis=0) / width + eps)
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
def swiglu_kernel(gate_up, out, inner, BLOCK: tl.constexpr, EARLY: tl.constexpr):
    """A block of one row: ``silu(gate) · up``."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < inner
    if EARLY:
        gdc_launch_dependents()
        gdc_wait()
    gate = tl.load(gate_up + row * 2 * inner + column, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + row * 2 * inner + inner + column, mask=inside, other=0.0).to(tl.float32)
    open_gate = (gate * tl.sigmoid(gate)).to(out.dtype.element_ty).to(tl.float32)
    tl.store(out + row * inner + column, (open_gate * up).to(out.dtype.element_ty), mask=inside)


@triton.jit
def combine(
    found, top, total, out, group, parts,
    SPLITS: tl.constexpr, SHARED: tl.constexpr, GROUP: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Put the parts of one row and head together, in their order. Other programs wrote them: read past the cache next to this one."""
    i, g, d = tl.arange(0, SPLITS), tl.arange(0, GROUP), tl.arange(0, WIDTH)
    real = g < SHARED
    counts = (i < parts)[:, None] & real[None, :]
    all_of_them = (group * SPLITS + i[:, None]) * SHARED + g[None, :]
    tops = tl.load(top + all_of_them, mask=counts, other=float("-inf"), cache_modifier=".cg")
    sums = tl.load(total + all_of_them, mask=counts, other=0.0, cache_modifier=".cg")
    # every load is on its way before the first is used
    place = all_of_them[:, :, None] * WIDTH + d[None, None, :]
    inside = counts[:, :, None] & (d < WIDTH)[None, None, :]
    gathered = tl.load(found + place, mask=inside, other=0.0, cache_modifier=".cg")
    highest = tl.where(real, tl.max(tops, axis=0), 0.0)
    weights = tl.exp(tops - highest[None, :])
    whole = tl.where(real, tl.sum(sums * weights, axis=0), 1.0)
    mixed = tl.sum(gathered * weights[:, :, None], axis=0)
    mixed = (mixed / whole[:, None]).to(out.dtype.element_ty)
    tl.store(out + g[:, None] * WIDTH + d[None, :], mixed, mask=real[:, None])


@triton.jit
def load_slots(keys, values, slot, end, HALF: tl.constexpr):
    """Both halves of some slots' keys, and their values; zeros from `end` on."""
    there = (slot < end)[:, None]
    h, d = tl.arange(0, HALF), tl.arange(0, 2 * HALF)
    line = slot.to(tl.int64)[:, None] * (2 * HALF)
    k = tl.load(keys + line + h[None, :], mask=there, other=0.0)
    k2 = tl.load(keys + line + HALF + h[None, :], mask=there, other=0.0)
    v = tl.load(values + line + d[None, :], mask=there, other=0.0)
    return k, k2, v


@triton.jit
def attend_new_kernel(  # noqa: PLR0915
    fused, cos, sin, positions, at, keys, values, found, top, total, arrivals, out,
    scale, row_stride, head_stride, kv_heads,
    SPLITS: tl.constexpr, SHARED: tl.constexpr, GROUP: tl.constexpr, QUERIES: tl.constexpr,
    HALF: tl.constexpr, BLOCK: tl.constexpr, AHEAD: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """One new token of one row, for the query heads that share one head of keys, over a part of the row's older slots.

    Each part rotates the queries it needs. The first also rotates the new key, stores key and value, and counts them from its
    registers: no part reads the slot that is written here. The parts are found from the row's own length on the device, so one
    captured graph serves all lengths; those without slots end at once. The part that arrives last puts all together, in the order
    of the parts, whoever it is, and sets the counter back to zero.

    AHEAD: a block of slots is on its way in registers while one is used, the first of them before the new token is there. That is
    quicker as long as there are few programs; many hide each other's waiting, and need the registers.
    """
    row, head, part = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    slot_new = tl.load(at + row)
    old = slot_new.to(tl.int32)
    share = tl.maximum(tl.cdiv(tl.cdiv(old, SPLITS), BLOCK), 1) * BLOCK
    parts = tl.maximum(tl.cdiv(old, share), 1)
    if part >= parts:
        return
    WIDTH: tl.constexpr = 2 * HALF  # noqa: N806
    kind = out.dtype.element_ty
    q, h, d = tl.arange(0, QUERIES), tl.arange(0, HALF), tl.arange(0, WIDTH)
    real = q < SHARED
    cache = row * row_stride + head * head_stride
    end = tl.minimum((part + 1) * share, old)
    if AHEAD:
        slot = part * share + tl.arange(0, BLOCK)
        k, k2, v = load_slots(keys + cache, values + cache, slot, end, HALF)
    place = tl.load(positions + row)
    c = tl.load(cos + place * HALF + h).to(tl.float32)
    s = tl.load(sin + place * HALF + h).to(tl.float32)
    if EARLY:
        gdc_launch_dependents()
        gdc_wait()
    heads = kv_heads * SHARED
    token = fused + row * (heads + 2 * kv_heads) * WIDTH
    asked = token + (head * SHARED + q[:, None]) * WIDTH + h[None, :]
    low = tl.load(asked, mask=real[:, None], other=0.0).to(tl.float32)
    high = tl.load(asked + HALF, mask=real[:, None], other=0.0).to(tl.float32)
    q_low = (low * c[None, :] - high * s[None, :]).to(kind)
    q_high = (high * c[None, :] + low * s[None, :]).to(kind)
    low = tl.load(token + (heads + head) * WIDTH + h).to(tl.float32)
    high = tl.load(token + (heads + head) * WIDTH + HALF + h).to(tl.float32)
    k_low, k_high = (low * c - high * s).to(kind), (high * c + low * s).to(kind)
    v_new = tl.load(token + (heads + kv_heads + head) * WIDTH + d)
    is_first = part == 0
    tl.store(keys + cache + slot_new * WIDTH + h, k_low, mask=is_first & (h < HALF))
    tl.store(keys + cache + slot_new * WIDTH + HALF + h, k_high, mask=is_first & (h < HALF))
    tl.store(values + cache + slot_new * WIDTH + d, v_new, mask=is_first & (d < WIDTH))
    both = q_low.to(tl.float32) * k_low.to(tl.float32)[None, :]
    both += q_high.to(tl.float32) * k_high.to(tl.float32)[None, :]
    best = tl.where(is_first, tl.sum(both, axis=1) * scale, float("-inf"))
    weight_sum = tl.where(is_first, tl.full([QUERIES], 1.0, tl.float32), 0.0)
    gathered = tl.zeros([QUERIES, WIDTH], tl.float32)
    gathered += tl.where(is_first, v_new.to(tl.float32), 0.0)[None, :]
    for first in range(part * share, end, BLOCK):
        slot = first + tl.arange(0, BLOCK)
        if AHEAD:
            k_now, k2_now, v_now = k, k2, v
            k, k2, v = load_slots(keys + cache, values + cache, slot + BLOCK, end, HALF)
        else:
            k_now, k2_now, v_now = load_slots(keys + cache, values + cache, slot, end, HALF)
        scores = tl.dot(q_low, tl.trans(k_now), input_precision="ieee")
        scores = tl.dot(q_high, tl.trans(k2_now), scores, input_precision="ieee") * scale
        scores = tl.where((slot < end)[None, :], scores, float("-inf"))
        higher = tl.maximum(best, tl.max(scores, axis=1))
        p = tl.exp(scores - higher[:, None])
        fade = tl.exp(best - higher)
        weight_sum = weight_sum * fade + tl.sum(p, axis=1)
        gathered = gathered * fade[:, None] + tl.dot(p.to(kind), v_now, input_precision="ieee")
        best = higher
    # ---- what the parts have found; of one row and head they lie behind each other
    group = row * kv_heads + head
    mine = (group * SPLITS + part) * SHARED + q
    tl.store(top + mine, best, mask=real)
    tl.store(total + mine, weight_sum, mask=real)
    tl.store(found + mine[:, None] * WIDTH + d[None, :], gathered, mask=real[:, None])
    tl.debug_barrier()  # every thread's part is on its way before the one that counts says so
    came = tl.atomic_add(arrivals + group, 1, sem="acq_rel", scope="gpu")
    if came == parts - 1:
        tl.store(arrivals + group, 0)
        first_query = group * SHARED  # the same as row * heads + head * SHARED
        combine(
            found, top, total, out + first_query * WIDTH, group, parts,
            SPLITS, SHARED, GROUP, WIDTH,
        )  # fmt: skip


@triton.jit
def vector_kernel(  # noqa: PLR0912, PLR0915
    inputs, weight, bias, norm, hidden, out, outputs, width, eps,
    NORM: tl.constexpr, BIAS: tl.constexpr, ADDS: tl.constexpr, GATED: tl.constexpr, EARLY: tl.constexpr,
    STEPS: tl.constexpr, OUTPUTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Some outputs of a linear layer for one row: multiplied and added, since one row leaves tensor cores idle.

    Before it the norm of the inputs (each program finds it anew: a row is some kilobytes and lies in the cache), behind it the
    bias, the gate or the residual sum. The next block of weights is always under way while one is used, the first of them before
    the inputs are there.
    """
    row = tl.program_id(0).to(tl.int64)
    n = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    k = tl.arange(0, BLOCK)
    in_n = n < outputs
    kind = weight.dtype.element_ty
    line = weight + n.to(tl.int64)[:, None] * width + k[None, :]
    below = weight + (n + outputs).to(tl.int64)[:, None] * width + k[None, :]
    if EARLY:
        gdc_launch_dependents()
    there = in_n[:, None] & (k < width)[None, :]
    w = tl.load(line, mask=there, other=0.0)
    if GATED:
        u = tl.load(below, mask=there, other=0.0)
    if EARLY:
        gdc_wait()
    source = inputs + row * width + k
    if NORM:
        squares = tl.zeros([BLOCK], tl.float32)
        for step in tl.static_range(STEPS):
            x = tl.load(source + step * BLOCK, mask=step * BLOCK + k < width, other=0.0)
            squares += x.to(tl.float32) * x.to(tl.float32)
        scale = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / width + eps)
    found = tl.zeros([OUTPUTS, BLOCK], tl.float32)
    other = tl.zeros([OUTPUTS, BLOCK], tl.float32)
    for step in tl.static_range(STEPS):
        inside = step * BLOCK + k < width
        x = tl.load(source + step * BLOCK, mask=inside, other=0.0).to(tl.float32)
        if NORM:
            g = tl.load(norm + step * BLOCK + k, mask=inside, other=0.0).to(tl.float32)
            x = (x * scale * g).to(kind).to(tl.float32)
        w_now = w
        if GATED:
            u_now = u
        if step + 1 < STEPS:
            there = in_n[:, None] & ((step + 1) * BLOCK + k < width)[None, :]
            w = tl.load(line + (step + 1) * BLOCK, mask=there, other=0.0)
            if GATED:
                u = tl.load(below + (step + 1) * BLOCK, mask=there, other=0.0)
        found += w_now.to(tl.float32) * x[None, :]
        if GATED:
            other += u_now.to(tl.float32) * x[None, :]
    said = tl.sum(found, axis=1)
    if BIAS:
        said += tl.load(bias + n, mask=in_n, other=0.0).to(tl.float32)
    if GATED:
        gate = said.to(kind).to(tl.float32)
        gate = (gate * tl.sigmoid(gate)).to(kind).to(tl.float32)
        said = gate * tl.sum(other, axis=1).to(kind).to(tl.float32)
    target = row * outputs + n
    if ADDS:
        said = said.to(kind).to(tl.float32)
        said += tl.load(hidden + target, mask=in_n, other=0.0).to(tl.float32)
    tl.store(out + target, said.to(out.dtype.element_ty), mask=in_n)


@triton.jit
def note_kernel(
    ids, current, used, positions, said, limits, tokens, ended, end_ids, rows, stride, ends, pad,
    ROWS: tl.constexpr,
):  # fmt: skip
    """What rows have said is written down, they go on by a place, and those at an end or their limit are ended."""
    row = tl.arange(0, ROWS)
    here = row < rows
    is_over = tl.load(ended + row, mask=here, other=1) != 0
    one = tl.where(is_over, pad, tl.load(ids + row, mask=here, other=0))
    count = tl.load(said + row, mask=here, other=0)
    tl.store(tokens + row.to(tl.int64) * stride + count, one, mask=here)
    tl.store(current + row, one, mask=here)
    on = tl.where(is_over, 0, 1).to(tl.int64)
    tl.store(used + row, tl.load(used + row, mask=here, other=0) + on, mask=here)
    tl.store(positions + row, tl.load(positions + row, mask=here, other=0) + on, mask=here)
    tl.store(said + row, count + on, mask=here)
    is_over |= count + on >= tl.load(limits + row, mask=here, other=0)
    for number in range(ends):
        is_over |= one == tl.load(end_ids + number)
    tl.store(ended + row, is_over, mask=here)
