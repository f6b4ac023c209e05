"""The operations of `operations.py` by Triton's kernels, each in one launch; what does not work on a device is plain torch there."""

from __future__ import annotations

import torch
from torch import Tensor

from geo_r1_backend.models.qwen import kernels
from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import Operations

SKINNY_ROWS = 16
"""Rows of a matrix product that `skinny_kernel` takes: the smallest that tensor cores multiply."""
SKINNY: dict[str, int] = {"OUTPUTS": 16, "BLOCK": 256, "num_warps": 4, "num_stages": 4}
"""Its blocks where `TUNED` has no others."""
TUNED: dict[tuple[int, int], dict[str, int]] = {}
"""Blocks by (outputs, inputs) of a matrix, as `scripts/bench/gpu_engine.py --only tune` prints them."""
ATTEND: dict[str, int] = {"PROGRAMS": 264, "BLOCK": 64, "num_warps": 4}
"""Into about so many parts the attention of all rows is divided (264 = twice the multiprocessors of an H100), and its blocks; tuned by
the same command."""
CHECKED = (
    "add_norm",
    "rotated",
    "rotate_store",
    "attend",
    "swiglu",
    "norm_linear",
    "norm_gated",
    "linear_add",
)
"""What has a kernel; `choice.py` holds each against its twin."""


class FusedOperations(Operations):
    """Triton's kernels.

    Args:
        refused: names of operations that plain torch does here, with the reason.
    """

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.refused = dict(refused or {})
        for name in self.refused:  # the twin in place of the kernel
            setattr(self, name, getattr(super(), name))
        self._once = not {"norm_linear", "norm_gated", "linear_add"} & self.refused.keys()

    @property
    def name(self) -> str:  # type: ignore[override]  # a class attribute of the twin
        """For the engine's status."""
        if not self.refused:
            return "triton"
        said = "; ".join(f"{name}: {why}" for name, why in self.refused.items())
        return f"triton, torch for {said}"

    def reads_once(self, rows: int) -> bool:
        """Whether norms and sums may happen inside of matrix products; `Decoder` measures whether that is faster."""
        return self._once and rows <= SKINNY_ROWS

    def add_norm(
        self, hidden: Tensor, update: Tensor | None, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        """See the twin."""
        hidden = hidden.contiguous()
        rows, width = hidden.shape
        summed = hidden if update is None else torch.empty_like(hidden)
        normed = torch.empty_like(hidden, dtype=weight.dtype)
        block = _power(width)
        kernels.add_norm_kernel[(rows,)](
            hidden,
            hidden if update is None else update.contiguous(),
            weight,
            summed,
            normed,
            width,
            eps,
            HAS_UPDATE=update is not None,
            BLOCK=block,
            num_warps=8 if block > 2048 else 4,
        )
        return summed, normed

    def rotated(self, heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """See the twin."""
        tokens, count, width = heads.shape
        if heads.stride(1) != width or heads.stride(2) != 1:
            heads = heads.contiguous()
        out = heads.new_empty(tokens, count, width)
        kernels.rotate_kernel[(tokens, count)](
            heads,
            cos.contiguous(),
            sin.contiguous(),
            out,
            heads.stride(0),
            count,
            width // 2,
            BLOCK=_power(width // 2),
            num_warps=1,
        )
        return out

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
        """See the twin."""
        fused, rows = fused.contiguous(), len(fused)
        query = fused.new_empty(rows, shape.heads, shape.head_width)
        kernels.rotate_store_kernel[(rows, shape.heads + 2 * shape.kv_heads)](
            fused,
            *tables,
            positions,
            at,
            query,
            keys,
            values,
            keys.stride(0),
            keys.stride(1),
            shape.heads,
            shape.kv_heads,
            shape.head_width // 2,
            BLOCK=_power(shape.head_width // 2),
            num_warps=1,
        )
        return query

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        at: Tensor,
        shape: Shape,
        used: int | None = None,
    ) -> Tensor:
        """See the twin; widths that are no power of two go there."""
        rows, width, shared = len(query), shape.head_width, shape.shared_by
        if width != _power(width) or width < 16 or shared > 16:
            return super().attend(query, keys, values, at, shape, used)
        splits = min(16, _power(max(1, ATTEND["PROGRAMS"] // (rows * shape.kv_heads))))
        parts = (rows, shape.kv_heads, splits, shared)
        found = torch.empty(*parts, width, dtype=torch.float32, device=query.device)
        top, total = (
            torch.empty(parts, dtype=torch.float32, device=query.device) for _ in range(2)
        )
        kernels.attend_kernel[(rows, shape.kv_heads, splits)](
            query.contiguous(),
            keys,
            values,
            at,
            found,
            top,
            total,
            width**-0.5,
            keys.stride(0),
            keys.stride(1),
            shape.kv_heads,
            splits,
            SHARED=shared,
            QUERIES=16,
            WIDTH=width,
            BLOCK=min(32, ATTEND["BLOCK"]) if rows <= 4 else ATTEND["BLOCK"],
            num_warps=ATTEND["num_warps"],
            num_stages=2,
        )
        out = torch.empty_like(query, memory_format=torch.contiguous_format)
        kernels.combine_kernel[(rows, shape.heads)](
            found,
            top,
            total,
            out,
            shape.kv_heads,
            SPLITS=splits,
            SHARED=shared,
            WIDTH=width,
            num_warps=1,
        )
        return out.flatten(1)

    def swiglu(self, gate_up: Tensor) -> Tensor:
        """See the twin."""
        gate_up = gate_up.contiguous()
        rows, inner = gate_up.shape[0], gate_up.shape[1] // 2
        out = gate_up.new_empty(rows, inner)
        kernels.swiglu_kernel[(rows, -(-inner // 1024))](gate_up, out, inner, BLOCK=1024)
        return out

    def norm_linear(
        self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        """See the twin."""
        return _skinny(hidden, weight, len(weight), norm=norm, eps=eps, bias=bias)

    def norm_gated(self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor) -> Tensor:
        """See the twin."""
        return _skinny(hidden, weight, len(weight) // 2, norm=norm, eps=eps, gated=True)

    def linear_add(self, inputs: Tensor, weight: Tensor, hidden: Tensor) -> Tensor:
        """See the twin."""
        return _skinny(inputs, weight, len(weight), hidden=hidden)


def _skinny(
    inputs: Tensor,
    weight: Tensor,
    outputs: int,
    *,
    norm: Tensor | None = None,
    eps: float = 0.0,
    bias: Tensor | None = None,
    hidden: Tensor | None = None,
    gated: bool = False,
) -> Tensor:
    inputs = inputs.contiguous()
    rows, width = inputs.shape
    out = inputs.new_empty(rows, outputs)
    settings = dict(TUNED.get((outputs, width), SKINNY))
    while settings["BLOCK"] > 16 and settings["BLOCK"] > width:
        settings["BLOCK"] //= 2
    kernels.skinny_kernel[(-(-outputs // settings["OUTPUTS"]),)](
        inputs,
        weight,
        weight if bias is None else bias,
        weight if norm is None else norm,
        inputs if hidden is None else hidden.contiguous(),
        out,
        rows,
        outputs,
        width,
        eps,
        NORM=norm is not None,
        BIAS=bias is not None,
        ADDS=hidden is not None,
        GATED=gated,
        EVEN=width % settings["BLOCK"] == 0,
        ROWS=SKINNY_ROWS,
        **settings,
    )
    return out


def _power(number: int) -> int:
    """The next power of two."""
    return 1 << max(0, number - 1).bit_length()
