"""Logits in float32 from a head and hidden states in bfloat16, without a copy of either.

The product itself is summed in float32; only writing it as bfloat16 would round it, to an eighth where logits are about 20. For the
likeliest token transformers does that as well, so answers keep it; log-probabilities, which rollout and trainer compare, do not.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@cache
def writes_float32(device: str, dtype: torch.dtype) -> bool:
    """Whether a device multiplies matrices of a type and writes float32; tried once."""
    if dtype == torch.float32 or not device.startswith("cuda"):
        return False
    try:
        one = torch.ones(8, 8, dtype=dtype, device=device)
        found: Tensor = torch.mm(one, one, out_dtype=torch.float32)
    except (TypeError, RuntimeError):  # an older torch
        return False
    return found.dtype == torch.float32 and found[0, 0].item() == len(one)


def wide_logits(hidden: Tensor, head: Tensor) -> Tensor:
    """``(n, vocabulary)`` float32 of ``(n, hidden)``; not differentiable where the device writes float32 by itself.

    Args:
        hidden: in the model's type.
        head: ``(vocabulary, hidden)``.
    """
    if writes_float32(str(hidden.device), hidden.dtype):
        with torch.no_grad():
            wide: Tensor = torch.mm(hidden, head.t(), out_dtype=torch.float32)
            return wide
    return F.linear(hidden, head).float()


class TokenLogProbs(torch.autograd.Function):
    """Log-probability of one token in each row; its logits are made again in the backward pass and never kept."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, ids: Tensor) -> Tensor:
        """``(n,)`` float32 of hidden states ``(n, hidden)``, the head and ids ``(n,)``."""
        logits = wide_logits(hidden, head)
        total = logits.logsumexp(1)
        ctx.save_for_backward(hidden, head, ids, total)
        return logits.gather(1, ids[:, None])[:, 0] - total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Of hidden states and head: the token itself less what was likely."""
        hidden, head, ids, total = ctx.saved_tensors
        change = wide_logits(hidden, head).sub_(total[:, None]).exp_().mul_(-grad[:, None])
        change.scatter_add_(1, ids[:, None], grad[:, None])
        narrow = change.to(hidden.dtype)
        return (
            narrow @ head if ctx.needs_input_grad[0] else None,
            narrow.t() @ hidden if ctx.needs_input_grad[1] else None,
            None,
        )
