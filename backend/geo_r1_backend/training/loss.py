"""The policy's loss: GRPO, DAPO and Dr. GRPO on per-token log-probabilities; a test holds them against TRL.

Each call is one micro-batch (a group, or several). What it returns are shares of the whole batch: sum them, gradients too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geo_r1_backend.training.advantage import Objective


@dataclass(frozen=True)
class LossParts:
    """Shares of one micro-batch; over all micro-batches of a batch each sums to the batch's figure."""

    loss: Tensor
    """Scalar with a gradient; the KL term is in it."""
    kl: Tensor
    """Scalar, no gradient: mean KL to the reference per token of the batch; 0 without a reference."""
    clipped: Tensor
    """Scalar, no gradient: share of the batch's tokens at the clip."""


def policy_loss(
    new_logp: Tensor,
    old_logp: Tensor,
    ref_logp: Tensor | None,
    mask: Tensor,
    advantages: Tensor,
    *,
    method: Objective,
    clip_low: float,
    clip_high: float,
    kl_weight: float,
    max_tokens: int,
    tokens_in_batch: int,
    sequences_in_batch: int,
    unbiased_kl: bool = True,
) -> LossParts:
    """The loss of one micro-batch as its share of the whole batch's.

    Per token, with ``r = exp(new - old)``: ``l = -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A) + kl_weight · k3``,
    ``k3 = exp(ref - new) - (ref - new) - 1``, times ``r`` where ``unbiased_kl``. Then

    - ``grpo``: mean over each sequence's tokens, mean over sequences;
    - ``dapo``: sum over all tokens / tokens of the whole batch (long answers are not watered down);
    - ``dr_grpo``: sum over all tokens / (sequences · max_tokens), a constant.

    Source: arXiv 2402.03300 eq. 3 and 4 (k3: Schulman 2020); arXiv 2503.14476 eq. 8; arXiv 2503.20783 eq. 2;
    the factor on k3: DeepSeek-V3.2, arXiv 2512.02556.

    Args:
        new_logp: ``(G, L)`` log-probabilities of the sampled tokens under the policy, with gradient.
        old_logp: ``(G, L)`` the same when they were sampled; ``new_logp.detach()`` for the first update.
        ref_logp: ``(G, L)`` under the base, or None.
        mask: ``(G, L)`` 1 for tokens of a completion (its end token included), 0 for padding.
        advantages: ``(G,)``.
        method: which objective.
        clip_low: 0.2.
        clip_high: 0.2; DAPO 0.28.
        kl_weight: of the KL term; 0 = none, and no reference is needed.
        max_tokens: longest possible completion.
        tokens_in_batch: completion tokens of the whole batch, over all micro-batches and processes.
        sequences_in_batch: completions of the whole batch, over all micro-batches and processes.
        unbiased_kl: multiply k3 by the ratio, whose gradient makes the gradient of the term that of the reverse KL, on-policy as
            well (TRL's default since 1.16); without it, the term of the GRPO paper.

    Raises:
        ValueError: for a KL weight without reference log-probabilities.
    """
    if kl_weight and ref_logp is None:
        raise ValueError(f"kl_weight is {kl_weight}, so ref_logp is needed: pass it, or set 0")
    kept = mask.to(new_logp.dtype)
    # padding may hold anything, infinities included: 0 · inf would be nan
    new_logp = new_logp.masked_fill(kept == 0, 0.0)
    ratio = torch.exp(new_logp - old_logp.masked_fill(kept == 0, 0.0))
    bounded = ratio.clamp(1 - clip_low, 1 + clip_high)
    gain = advantages.to(new_logp.dtype)[:, None]
    per_token = -torch.minimum(ratio * gain, bounded * gain)
    kl = torch.zeros_like(per_token)
    if ref_logp is not None:
        above = ref_logp.masked_fill(kept == 0, 0.0) - new_logp
        kl = torch.exp(above) - above - 1
        if kl_weight:
            per_token = per_token + kl_weight * (ratio * kl if unbiased_kl else kl)
    with torch.no_grad():
        at_clip = ((ratio < 1 - clip_low) & (gain < 0)) | ((ratio > 1 + clip_high) & (gain > 0))
        clipped = (at_clip * kept).sum() / max(1, tokens_in_batch)
        mean_kl = (kl.detach() * kept).sum() / max(1, tokens_in_batch)
    if method == "grpo":
        sequences = (per_token * kept).sum(1) / kept.sum(1).clamp(min=1)
        loss = sequences.sum() / max(1, sequences_in_batch)
    elif method == "dapo":
        loss = (per_token * kept).sum() / max(1, tokens_in_batch)
    else:
        loss = (per_token * kept).sum() / (max(1, sequences_in_batch) * max_tokens)
    return LossParts(loss=loss, kl=mean_kl, clipped=clipped)
