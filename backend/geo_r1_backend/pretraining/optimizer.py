"""Muon for the matrices of the layers, AdamW for everything else.

Muon (K. Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/) orthogonalises the momentum of each matrix by
Newton-Schulz steps. `torch.optim.Muon` walks matrix by matrix: 130 small matrices are launch-bound, so equal shapes are
batched here; a test compares the update with torch's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

ADAM_SHARE = 0.6
"""Learning rate of AdamW's parameters over that of Muon's."""
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of the reference implementation


def orthogonalise(update: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices of ``(N, rows, columns)``, approximately, in bfloat16."""
    a, b, c = NEWTON_SCHULZ
    x = update.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; the step is scaled to the root mean square that AdamW would take."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One update."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                buffers = [
                    self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters
                ]
                gradients = [p.grad for p in parameters if p.grad is not None]
                torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
                ahead = torch._foreach_lerp(gradients, buffers, group["momentum"])  # Nesterov
                turned = orthogonalise(torch.stack(ahead))
                # AdamW's typical update has RMS 0.2 (arXiv 2502.16982, section 2.2)
                size = 0.2 * max(shape) ** 0.5
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(
                    parameters,
                    list(turned.to(parameters[0].dtype).unbind()),
                    alpha=-group["lr"] * size,
                )


def make_optimizers(
    model: nn.Module, head: nn.Module, *, lr: float, muon: bool
) -> list[torch.optim.Optimizer]:
    """Optimizers over all parameters; every group remembers its own base rate as ``initial_lr``."""
    layers: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        (layers if muon and parameter.ndim == 2 and "embed" not in name else rest).append(parameter)
    rest += list(head.parameters())
    # Embeddings, norms and the head take smaller steps than the orthogonalised matrices.
    small = lr * ADAM_SHARE if muon else lr
    adam = torch.optim.AdamW(
        rest, lr=small, betas=(0.9, 0.95), weight_decay=0.05, fused=rest[0].is_cuda
    )
    optimizers: list[torch.optim.Optimizer] = [Muon(layers, lr=lr), adam] if layers else [adam]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return optimizers
