"""The small steps between the matrix products, in plain torch: the reference, and what runs on a CPU.

`fused.py` has the same class with one Triton kernel for each; a test holds every pair together.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.rows import Rows

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Not cuDNN's: it plans anew for every length, and lengths change with every question."""


class Operations:
    """Plain torch."""

    name = "torch"

    def add_norm(
        self, hidden: Tensor, update: Tensor | None, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        """Residual sum and its root-mean-square norm.

        Args:
            hidden: ``(tokens, hidden)``, in the model's type or float32.
            update: added to it; None = nothing.
            weight: of the norm, ``(hidden,)``.
            eps: of the norm.

        Returns:
            The sum, in the type of ``hidden``, and its norm, in that of ``weight``; both ``(tokens, hidden)``.
        """
        if update is not None:
            hidden = hidden + update
        wide = weight.to(hidden.dtype)
        return hidden, F.rms_norm(hidden, (hidden.shape[-1],), wide, eps).to(weight.dtype)

    def rotated(self, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotary positions.

        Args:
            heads: ``(tokens, heads, width)``; may be a part of a wider row.
            cos: table ``(tokens, width / 2)``, in the model's type or float32.
            sin: like ``cos``.

        Returns:
            ``(tokens, heads, width)``, contiguous, in the type of ``heads``.
        """
        return _rotated(heads, cos[:, None], sin[:, None])

    def rotate_store(
        self,
        fused: Tensor,
        tables: tuple[Tensor, Tensor],
        positions: Tensor,
        at: Tensor,
        keys: Tensor,
        values: Tensor,
        shape: Shape,
    ) -> Tensor:
        """Rotate one token's queries and keys; its keys and values go to their places in the cache.

        Args:
            fused: ``(rows, (heads + 2 kv heads) · width)``, side by side.
            tables: cos and sin of all positions, ``(positions, width / 2)``.
            positions: of the token of each row, ``(rows,)``.
            at: slot of the cache that it takes, ``(rows,)``.
            keys: ``(rows, kv heads, slots, width)``, changed in place.
            values: like ``keys``.
            shape: sizes.

        Returns:
            Queries ``(rows, heads, width)``.
        """
        heads = fused.unflatten(-1, (-1, shape.head_width))
        cos, sin = (table.index_select(0, positions) for table in tables)
        turning = shape.heads + shape.kv_heads
        turned = _rotated(heads[:, :turning], cos[:, None], sin[:, None])
        place = at[:, None, None, None].expand(-1, shape.kv_heads, 1, shape.head_width)
        keys.scatter_(2, place, turned[:, shape.heads :, None])
        values.scatter_(2, place, heads[:, turning:, None])
        return turned[:, : shape.heads]

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        at: Tensor,
        shape: Shape,
        used: int | None = None,
    ) -> Tensor:
        """What one token of each row gathers from the slots up to and with its own.

        Args:
            query: ``(rows, heads, width)``.
            keys: ``(rows, kv heads, slots, width)``, never expanded to the heads of the queries.
            values: like ``keys``.
            at: last slot that counts, ``(rows,)``.
            shape: sizes.
            used: slots that hold something in any row, where the host knows; None = it looks at all.

        Returns:
            ``(rows, heads · width)``.
        """
        keys, values = keys[:, :, :used], values[:, :, :used]
        seen = torch.arange(keys.shape[2], device=at.device) <= at[:, None]
        # the query heads that share keys stand where a sequence would: nothing is expanded
        grouped = query.unflatten(1, (shape.kv_heads, shape.shared_by))
        mask = seen[:, None, None].expand(-1, shape.kv_heads, shape.shared_by, -1)
        with sdpa_kernel(FUSED):
            found = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
        return found.flatten(1)

    def attend_new(
        self,
        fused: Tensor,
        tables: tuple[Tensor, Tensor],
        positions: Tensor,
        at: Tensor,
        keys: Tensor,
        values: Tensor,
        shape: Shape,
        arrivals: Tensor,
        used: int | None = None,
    ) -> Tensor:
        """`rotate_store` and `attend` in one: what each row's new token gathers.

        Args:
            fused: see `rotate_store`, as the next six.
            tables: cos and sin.
            positions: rotary ones.
            at: slot of the new token, the last that counts.
            keys: changed in place.
            values: likewise.
            shape: sizes.
            arrivals: ``(rows · kv heads,)`` int32, zero before and after; only work that never overlaps may share it.
            used: see `attend`.

        Returns:
            ``(rows, heads · width)``.
        """
        query = self.rotate_store(fused, tables, positions, at, keys, values, shape)
        return self.attend(query, keys, values, at, shape, used)

    def swiglu(self, gate_up: Tensor) -> Tensor:
        """``silu(gate) · up`` of both halves side by side: ``(tokens, 2 · inner)`` to ``(tokens, inner)``."""
        gate, up = gate_up.chunk(2, -1)
        return F.silu(gate) * up

    def note(self, rows: Rows, ids: Tensor, end_ids: Tensor, pad_id: int) -> None:
        """Write down what the first rows say, and let them go on.

        Args:
            rows: changed in place; ended ones stay where they are.
            ids: tokens of the first rows, ``(count,)``.
            end_ids: those that end an answer, ``(n,)``; may be none.
            pad_id: what ended rows are filled with.
        """
        count = len(ids)
        ended, said = rows.ended[:count], rows.said[:count]
        ids = torch.where(ended, pad_id, ids)
        rows.tokens[:count].scatter_(1, said[:, None], ids[:, None])
        rows.current[:count].copy_(ids)
        on = (~ended).long()
        rows.used[:count].add_(on)
        rows.positions[:count].add_(on)
        said.add_(on)
        is_end = (ids[:, None] == end_ids).any(1)
        ended.logical_or_(is_end | (said >= rows.limits[:count]))

    # ---- matrix products with what stands before and behind them; a kernel reads the weights once for all of it ----

    def norm_linear(
        self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        """A linear layer over the norm of ``hidden``."""
        return F.linear(self.add_norm(hidden, None, norm, eps)[1], weight, bias)

    def norm_gated(self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor) -> Tensor:
        """``silu(gate) · up`` over the norm of ``hidden``; ``weight`` has both projections, ``(2 · inner, hidden)``."""
        return self.swiglu(F.linear(self.add_norm(hidden, None, norm, eps)[1], weight))

    def linear_add(self, inputs: Tensor, weight: Tensor, hidden: Tensor) -> Tensor:
        """``hidden`` plus a linear layer over ``inputs``."""
        return hidden + F.linear(inputs, weight)

    def reads_once(self, rows: int) -> bool:
        """Whether the three products above may be the faster way for so many rows."""
        return False

    def early(self) -> Operations | None:
        """The same, each starting before the one in front of it has ended; None = not here."""
        return None


def _rotated(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    low, high = heads.chunk(2, -1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), -1).to(heads.dtype)
