"""The operations of `operations.py` by Triton's kernels, each in one launch; what does not work on a device is plain torch there."""

from __future__ import annotations

import torch
from torch import Tensor

from geo_r1_backend.models.qwen import kernels
from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.rows import Rows

ONCE_ROWS = 2
"""Rows for which `vector_kernel` may win: more are the library's, whose tensor cores read the weights once for all of them."""
VECTOR: dict[str, int] = {"OUTPUTS": 2, "BLOCK": 2048, "num_warps": 4}
"""Its blocks where `TUNED` has no others."""
TUNED: dict[tuple[int, int], dict[str, int]] = {
    (2560, 2048): {"OUTPUTS": 8, "BLOCK": 2048, "num_warps": 8},
    (2048, 2048): {"OUTPUTS": 8, "BLOCK": 2048, "num_warps": 8},
    (11008, 2048): {"OUTPUTS": 2, "BLOCK": 1024, "num_warps": 2},
}
"""Blocks by (outputs, inputs) of a matrix where others are faster, as `scripts/bench/gpu_engine.py --only tune` prints them: a 3B model's
on an H100."""
FEW_ROWS = 8
"""As many as attend with a block of slots ahead."""
ATTEND: dict[bool, dict[str, int]] = {
    True: {"PROGRAMS": 528, "SPLITS": 16, "BLOCK": 64, "num_warps": 4},
    False: {"PROGRAMS": 264, "SPLITS": 4, "BLOCK": 128, "num_warps": 8},
}
"""For few rows or more: into about so many programs the attention of all rows is divided (264 = twice the multiprocessors of an H100), a
row's slots into at most `SPLITS` parts, and its blocks; tuned by the same command."""
CHECKED = (
    "add_norm",
    "rotated",
    "attend_new",
    "swiglu",
    "note",
    "norm_linear",
    "norm_gated",
    "linear_add",
)
"""What has a kernel; `choice.py` holds each against its twin."""
HOPPER = (9, 0)
"""The first whose kernels may start before the one in front of them has ended."""


class FusedOperations(Operations):
    """Triton's kernels.

    Args:
        refused: names of operations that plain torch does here, with the reason.
        starts_early: whether each starts before the one in front of it has ended.
    """

    def __init__(
        self, refused: dict[str, str] | None = None, *, starts_early: bool = False
    ) -> None:
        self.refused = dict(refused or {})
        self._launch: dict[str, bool] = {"EARLY": starts_early}
        if starts_early:  # other devices' compilers do not know the word
            self._launch["launch_pdl"] = True
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
        return self._once and rows <= ONCE_ROWS

    def early(self) -> Operations | None:
        """The same kernels, each starting before the one in front of it has ended."""
        if not kernels.CAN_START_EARLY or torch.version.cuda is None:
            return None
        if not torch.cuda.is_available() or torch.cuda.get_device_capability() < HOPPER:
            return None
        return FusedOperations(self.refused, starts_early=True)

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
            **self._launch,
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
        """See the twin; widths that are no power of two go there."""
        rows, width, shared = len(fused), shape.head_width, shape.shared_by
        if width != _power(width) or width < 32 or shared > 16:
            return super().attend_new(
                fused, tables, positions, at, keys, values, shape, arrivals, used
            )
        ahead = rows <= FEW_ROWS
        blocks = ATTEND[ahead]
        splits = max(1, blocks["PROGRAMS"] // (rows * shape.kv_heads))
        splits = min(blocks["SPLITS"], _power(splits))
        parts = (rows, shape.kv_heads, splits, shared)
        found = torch.empty(*parts, width, dtype=torch.float32, device=fused.device)
        top, total = (
            torch.empty(parts, dtype=torch.float32, device=fused.device) for _ in range(2)
        )
        out = fused.new_empty(rows, shape.heads * width)
        kernels.attend_new_kernel[(rows, shape.kv_heads, splits)](
            fused.contiguous(),
            *tables,
            positions,
            at,
            keys,
            values,
            found,
            top,
            total,
            arrivals,
            out,
            width**-0.5,
            keys.stride(0),
            keys.stride(1),
            shape.kv_heads,
            SPLITS=splits,
            SHARED=shared,
            GROUP=_power(shared),
            QUERIES=16,
            HALF=width // 2,
            BLOCK=blocks["BLOCK"],
            AHEAD=ahead,
            num_warps=blocks["num_warps"],
            num_stages=1 if ahead else 2,
            **self._launch,
        )
        return out

    def swiglu(self, gate_up: Tensor) -> Tensor:
        """See the twin."""
        gate_up = gate_up.contiguous()
        rows, inner = gate_up.shape[0], gate_up.shape[1] // 2
        out = gate_up.new_empty(rows, inner)
        kernels.swiglu_kernel[(rows, -(-inner // 1024))](
            gate_up, out, inner, BLOCK=1024, **self._launch
        )
        return out

    def note(self, rows: Rows, ids: Tensor, end_ids: Tensor, pad_id: int) -> None:
        """See the twin."""
        kernels.note_kernel[(1,)](
            ids.contiguous(),
            rows.current,
            rows.used,
            rows.positions,
            rows.said,
            rows.limits,
            rows.tokens,
            rows.ended,
            end_ids,
            len(ids),
            rows.tokens.stride(0),
            len(end_ids),
            pad_id,
            ROWS=_power(len(ids)),
            num_warps=1,
        )

    def norm_linear(
        self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        """See the twin."""
        return self._product(hidden, weight, len(weight), norm=norm, eps=eps, bias=bias)

    def norm_gated(self, hidden: Tensor, norm: Tensor, eps: float, weight: Tensor) -> Tensor:
        """See the twin."""
        return self._product(hidden, weight, len(weight) // 2, norm=norm, eps=eps, gated=True)

    def linear_add(self, inputs: Tensor, weight: Tensor, hidden: Tensor) -> Tensor:
        """See the twin."""
        return self._product(inputs, weight, len(weight), hidden=hidden)

    def _product(
        self,
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
        out = (weight if hidden is None else hidden).new_empty(rows, outputs)
        settings = dict(TUNED.get((outputs, width), VECTOR))
        settings["BLOCK"] = min(settings["BLOCK"], _power(width))
        kernels.vector_kernel[(rows, -(-outputs // settings["OUTPUTS"]))](
            inputs,
            weight,
            weight if bias is None else bias,
            weight if norm is None else norm,
            inputs if hidden is None else hidden.contiguous(),
            out,
            outputs,
            width,
            eps,
            NORM=norm is not None,
            BIAS=bias is not None,
            ADDS=hidden is not None,
            GATED=gated,
            STEPS=-(-width // settings["BLOCK"]),
            **settings,
            **self._launch,
        )
        return out


def _power(number: int) -> int:
    """The next power of two."""
    return 1 << max(0, number - 1).bit_length()
