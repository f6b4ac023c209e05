"""What pretraining minimises: next tokens of the answers, and a dense auxiliary head on the visual tokens.

Without the auxiliary head the model learns the language and never looks at the picture (probe: every answer the same
box). The head is thrown away after training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geo_r1_backend.pretraining.batches import IGNORED, MERGED_PX, PATCH_PX
from geo_r1_backend.pretraining.catalogue import CLASSES, COLOURS

NEIGHBOURS = (-2, -1, 0, 1, 2)
NEIGHBOUR_WEIGHTS = (0.04, 0.16, 0.6, 0.16, 0.04)
"""Share of the target that the numbers beside the true coordinate get: being a pixel off is nearly right."""
BOX_SCALE_PX = 448.0
KINDS = 1 + len(CLASSES)
SHADES = 1 + len(COLOURS)


class DenseHead(nn.Module):
    """Class, box and colour at every patch, from the visual token that holds it."""

    OUTPUTS = KINDS + 8 + SHADES

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, 2 * hidden),
            nn.GELU(),
            nn.Linear(2 * hidden, 4 * self.OUTPUTS),
        )

    def forward(self, visual: Tensor) -> Tensor:
        """``(B, T, hidden)`` -> ``(B, T, 4, OUTPUTS)``: kind logits, local box, absolute box, colour logits."""
        return self.body(visual).float().unflatten(-1, (4, self.OUTPUTS))


def token_loss(logits: Tensor, labels: Tensor, number_of: Tensor, token_of: Tensor) -> Tensor:
    """Cross-entropy per target, numbers with a soft target.

    Args:
        logits: ``(N, V)`` float32.
        labels: ``(N,)`` token ids.
        number_of: ``(V,)`` the number a token stands for, -1 for other tokens.
        token_of: ``(1000,)`` token of a number.

    Returns:
        ``(N,)`` losses.
    """
    number = number_of[labels]
    steps = torch.tensor(NEIGHBOURS, device=labels.device)
    near = token_of[(number[:, None] + steps).clamp(0, 999)]
    # One gather for all: its backward pass writes the (N, V) gradient once instead of six times.
    log_p = F.log_softmax(logits, -1).gather(1, torch.cat((labels[:, None], near), 1))
    soft = -(log_p[:, 1:] * torch.tensor(NEIGHBOUR_WEIGHTS, device=labels.device)).sum(1)
    plain = -log_p[:, 0]
    return torch.where(number >= 0, soft, plain)


def dense_loss(
    outputs: Tensor, kind: Tensor, box: Tensor, colour: Tensor, background: Tensor, columns: int
) -> tuple[Tensor, Tensor]:
    """Loss of the auxiliary head and its share of right kinds at true objects.

    Args:
        outputs: ``(B, T, 4, OUTPUTS)``.
        kind: ``(B, T, 4)`` truth, see `batches.Row`.
        box: ``(B, T, 4, 4)`` likewise.
        colour: ``(B, T, 4)`` likewise.
        background: ``(B, KINDS)`` what an unlabelled slot may be. A real car that nobody labelled is thus never
            taught to be background: the loss asks only for "background or one of the unlabelled kinds".
        columns: visual tokens per row of the picture.
    """
    log_p = F.log_softmax(outputs[..., :KINDS], -1)
    true = kind > 0
    allowed = torch.zeros_like(background, dtype=log_p.dtype).masked_fill(~background, -1e9)
    empty = -(log_p + allowed[:, None, None]).logsumexp(-1)
    found = -log_p.gather(-1, kind[..., None])[..., 0]
    count = true.sum().clamp(min=1)
    loss = found[true].sum() / count + empty[~true].sum() / (~true).sum() * 4.0
    picked, truth = outputs[true], box[true]
    corner = _slot_corners(kind.shape[1], columns, kind.device).expand(kind.shape[0], -1, -1, -1)[
        true
    ]
    local = (truth - corner.repeat(1, 2)) / MERGED_PX
    predicted = picked[:, KINDS : KINDS + 4]
    # Predicted on a logarithmic scale: a pixel counts more on a small object.
    loss = loss + F.smooth_l1_loss(predicted, _squash(local), beta=0.05, reduction="sum") / count
    absolute = picked[:, KINDS + 4 : KINDS + 8]
    loss = (
        loss
        + 5
        * F.smooth_l1_loss(absolute, truth / BOX_SCALE_PX, beta=0.02, reduction="sum")
        / count
        / 4
    )
    shade_logits = outputs[..., KINDS + 8 :].reshape(-1, SHADES)
    loss = loss + 0.4 * F.cross_entropy(shade_logits, colour.reshape(-1), ignore_index=IGNORED)
    right = (log_p.argmax(-1)[true] == kind[true]).float().mean()
    return loss, right.detach()


def _squash(x: Tensor) -> Tensor:
    return torch.sign(x) * torch.log1p(x.abs())


def _slot_corners(tokens: int, columns: int, device: torch.device) -> Tensor:
    """``(T, 4, 2)`` centre of each slot's patch in pixels (x, y)."""
    index = torch.arange(tokens, device=device)
    slot = torch.arange(4, device=device)
    x = (index % columns)[:, None] * MERGED_PX + (slot % 2) * PATCH_PX + PATCH_PX / 2
    y = (index // columns)[:, None] * MERGED_PX + (slot // 2) * PATCH_PX + PATCH_PX / 2
    return torch.stack((x, y), -1)
