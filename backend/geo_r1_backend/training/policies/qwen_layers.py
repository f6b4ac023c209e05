"""The language model of Qwen2.5-VL over a group: prompt and image once, every completion behind them.

A group is one row of tokens: the prefix (P), then G completions of L tokens each. Linear layers see the row as it is; in
attention the prefix sees itself, and a completion sees the prefix and itself. So the prefix costs once what naive batching
costs G times, in the forward and in the backward pass, and gradients through it are those of the naive sum (a test holds this
against transformers). The idea: Prefix Grouper, arXiv 2506.05433.

It calls the modules of transformers (or `models/nano.py`, the names are the same) one by one, adapters included, and never their
`forward` of whole layers, so no version of transformers decides about masks, caches or positions here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import sdpa_kernel
from torch.utils.checkpoint import checkpoint

from geo_r1_backend.models.qwen.head import TokenLogProbs, writes_float32
from geo_r1_backend.models.qwen.layout import KeyValue, Shape
from geo_r1_backend.models.qwen.operations import FUSED


@dataclass(frozen=True)
class Group:
    """How one row of tokens is divided."""

    prefix: int
    """P, tokens of prompt and image."""
    completions: int
    """G; 0 for the prefix alone."""
    length: int
    """L, tokens of each completion, padding included."""


def norm(module: nn.Module, hidden: Tensor, shape: Shape) -> Tensor:
    """Root-mean-square norm; ``module`` has its weight, and its type is the result's."""
    weight: Any = module.weight
    wide = weight.to(hidden.dtype)
    found: Tensor = F.rms_norm(hidden, (hidden.shape[-1],), wide, shape.norm_eps).to(weight.dtype)
    return found


def rotated(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: heads ``(tokens, heads, width)``, tables ``(tokens, width)``."""
    half = heads.shape[-1] // 2
    turned = torch.cat((-heads[..., half:], heads[..., :half]), -1)
    return heads * cos[:, None] + turned * sin[:, None]


def group_attention(query: Tensor, key: Tensor, value: Tensor, group: Group) -> Tensor:
    """What each token of the row gathers.

    Args:
        query: ``(P + G L, heads, width)``, rotated.
        key: ``(P + G L, kv heads, width)``, rotated.
        value: like ``key``.
        group: how the row is divided.

    Returns:
        ``(P + G L, heads · width)``.
    """
    prefix, count, length = group.prefix, group.completions, group.length
    repeat = query.shape[1] // key.shape[1]
    # fused kernels want as many heads of keys as of queries
    wide_key, wide_value = (t.repeat_interleave(repeat, 1) for t in (key, value))

    def batched(tokens: Tensor) -> Tensor:
        return tokens[:prefix].transpose(0, 1)[None]  # (1, heads, P, width)

    with sdpa_kernel(FUSED):
        seen = F.scaled_dot_product_attention(
            batched(query), batched(wide_key), batched(wide_value), is_causal=True
        )
    parts = [seen[0].transpose(0, 1).flatten(1)]
    if count and length:

        def own(tokens: Tensor) -> Tensor:
            return (
                tokens[prefix:].unflatten(0, (count, length)).transpose(1, 2)
            )  # (G, heads, L, width)

        def behind(tokens: Tensor) -> Tensor:
            return torch.cat((batched(tokens).expand(count, -1, -1, -1), own(tokens)), 2)

        causal = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()
        mask = F.pad(causal, (prefix, 0), value=True)  # (L, P + L)
        with sdpa_kernel(FUSED):
            found = F.scaled_dot_product_attention(
                own(query), behind(wide_key), behind(wide_value), attn_mask=mask
            )
        parts.append(found.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(parts)


def layer_forward(
    layer: Any, hidden: Tensor, cos: Tensor, sin: Tensor, shape: Shape, group: Group
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer over a row ``(P + G L, hidden)``, float32 as in decoding; its keys and values ``(tokens, kv heads, width)`` as well."""
    attention, mlp = layer.self_attn, layer.mlp
    normed = norm(layer.input_layernorm, hidden, shape)
    query = attention.q_proj(normed).unflatten(-1, (shape.heads, shape.head_width))
    key = attention.k_proj(normed).unflatten(-1, (shape.kv_heads, shape.head_width))
    value = attention.v_proj(normed).unflatten(-1, (shape.kv_heads, shape.head_width))
    query, key = rotated(query, cos, sin), rotated(key, cos, sin)
    hidden = hidden + attention.o_proj(group_attention(query, key, value, group))
    normed = norm(layer.post_attention_layernorm, hidden, shape)
    hidden = hidden + mlp.down_proj(F.silu(mlp.gate_proj(normed)) * mlp.up_proj(normed))
    return hidden, key, value


def prefix_forward(
    language_model: Any, embeds: Tensor, cos: Tensor, sin: Tensor, shape: Shape
) -> tuple[Tensor, list[KeyValue]]:
    """The prefix alone, for decoding behind it.

    Returns:
        Hidden state of its last token ``(hidden,)``, normed, and keys and values of every layer.
    """
    hidden, kept = embeds.float(), []
    for layer in language_model.layers:
        hidden, key, value = layer_forward(layer, hidden, cos, sin, shape, Group(len(embeds), 0, 0))
        kept.append((key.transpose(0, 1), value.transpose(0, 1)))
    return norm(language_model.norm, hidden[-1], shape), kept


def group_forward(
    language_model: Any,
    embeds: Tensor,
    cos: Tensor,
    sin: Tensor,
    shape: Shape,
    group: Group,
    *,
    checkpointed: bool,
) -> Tensor:
    """Hidden states that predict the tokens of every completion.

    Args:
        language_model: with `layers` and `norm`.
        embeds: ``(P + G L, hidden)``; the last token of a completion need not be in it, nothing follows it.
        cos: rotary table, ``(P + G L, width)``.
        sin: like ``cos``.
        shape: sizes.
        group: how the row is divided.
        checkpointed: compute each layer again in the backward pass instead of keeping what is inside it.

    Returns:
        ``(G, L + 1, hidden)``, normed: the first row of each is the prefix's last token, the same for all.
    """
    hidden = embeds.float()
    for layer in language_model.layers:
        if checkpointed and torch.is_grad_enabled():
            hidden = checkpoint(
                _hidden_only, layer, hidden, cos, sin, shape, group, use_reentrant=False
            )
        else:
            hidden = _hidden_only(layer, hidden, cos, sin, shape, group)
    last = hidden[group.prefix - 1].expand(group.completions, 1, -1)
    behind = hidden[group.prefix :].view(group.completions, group.length, hidden.shape[-1])
    return norm(language_model.norm, torch.cat((last, behind), 1), shape)


def _hidden_only(
    layer: Any, hidden: Tensor, cos: Tensor, sin: Tensor, shape: Shape, group: Group
) -> Tensor:
    return layer_forward(layer, hidden, cos, sin, shape, group)[0]


def token_log_probs(hidden: Tensor, head: Tensor, ids: Tensor, rows_at_once: int) -> Tensor:
    """Log-probability of each token, float32, without ever holding the logits of all.

    Logits of some rows are computed, used and, in the backward pass, computed again: 2,048 tokens of a vocabulary of
    151,936 would be 1.2 GB in float32, several times over.

    Args:
        hidden: ``(N, hidden)``.
        head: weight of the output head, ``(vocabulary, hidden)``.
        ids: ``(N,)``.
        rows_at_once: tokens whose logits exist at the same time.
    """
    found = []
    for first in range(0, len(ids), rows_at_once):
        some = slice(first, first + rows_at_once)
        if writes_float32(str(hidden.device), hidden.dtype):
            found.append(TokenLogProbs.apply(hidden[some], head, ids[some]))
        elif torch.is_grad_enabled() and len(ids) > rows_at_once:
            found.append(checkpoint(_log_probs, hidden[some], head, ids[some], use_reentrant=False))
        else:
            found.append(_log_probs(hidden[some], head, ids[some]))
    return torch.cat(found)


def _log_probs(hidden: Tensor, head: Tensor, ids: Tensor) -> Tensor:
    logits = F.linear(hidden, head).float()
    return logits.gather(1, ids[:, None])[:, 0] - logits.logsumexp(1)


def padded(completions: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Completions as one table of ids ``(G, L)`` and its mask ``(G, L)`` bool, on the CPU."""
    longest = max(len(one) for one in completions)
    ids = torch.full((len(completions), longest), pad_id)
    mask = torch.zeros(len(completions), longest, dtype=torch.bool)
    for row, one in enumerate(completions):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = True
    return ids, mask
