"""Prompts run through the language model at once, several side by side, or one behind what its cache already holds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import sdpa_kernel

from geo_r1_backend.models.qwen.decode import Language, Tables
from geo_r1_backend.models.qwen.layout import Shape
from geo_r1_backend.models.qwen.operations import FUSED

Past = tuple[Tensor, Tensor]
"""Keys and values that come before, ``(layers, kv heads, tokens, width)`` each."""


def rotary_rows(tables: Tables, mrope_section: tuple[int, ...], positions: Tensor) -> Tables:
    """Cos and sin of tokens whose three positions (time, height, width) may differ, looked up on the device.

    Args:
        tables: of all positions, ``(positions, width / 2)``.
        mrope_section: how many frequencies follow each of the three.
        positions: ``(3, tokens)``.

    Returns:
        Two tables ``(tokens, width / 2)``.
    """
    device = positions.device
    axis = torch.repeat_interleave(
        torch.arange(3, device=device), torch.tensor(mrope_section, device=device)
    )
    place = positions[axis].T  # (tokens, width / 2)
    columns = torch.arange(len(axis), device=device)
    cos, sin = (table[place, columns] for table in tables)
    return cos, sin


@torch.no_grad()
def prefill(
    language: Language, embeds: Tensor, tables: Tables, past: Past | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Run prompts.

    Attention is causal, so a shorter prompt is padded behind its end and nothing needs a mask.

    Args:
        language: the model.
        embeds: ``(n, tokens, hidden)``; n is 1 where there is a past.
        tables: cos and sin, ``(n · tokens, width / 2)``.
        past: what comes before.

    Returns:
        Hidden states ``(n, tokens, hidden)`` before the last norm, float32; keys and values ``(layers, n, kv heads, tokens, width)``.
    """
    shape, weights, do = language.shape, language.weights, language.operations
    many, tokens, _ = embeds.shape
    hidden, update = embeds.flatten(0, 1).float(), None
    cos, sin = tables
    turning = shape.heads + shape.kv_heads
    kept: list[tuple[Tensor, Tensor]] = []
    for index, layer in enumerate(language.model.layers):
        norm, after = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
        hidden, normed = do.add_norm(hidden, update, norm, shape.norm_eps)
        heads = weights.query_key_value(index, normed).unflatten(-1, (-1, shape.head_width))
        turned = do.rotated(heads[:, :turning], cos, sin)
        query, key, value = (
            part.unflatten(0, (many, tokens)).transpose(1, 2)  # (n, heads, tokens, width)
            for part in (
                turned[:, : shape.heads],
                turned[:, shape.heads :],
                heads[:, turning:],
            )
        )
        kept.append((key, value))
        before = None if past is None else (past[0][index], past[1][index])
        mixed = _attention(query, key, value, before, shape)
        update = weights.output(index, mixed.transpose(1, 2).flatten(2).flatten(0, 1))
        hidden, normed = do.add_norm(hidden, update, after, shape.norm_eps)
        update = weights.down(index, do.swiglu(weights.gate_up(index, normed)))
    hidden = hidden if update is None else hidden + update
    keys, values = (torch.stack(part) for part in zip(*kept, strict=True))
    return hidden.unflatten(0, (many, tokens)), keys, values


def _attention(
    query: Tensor, key: Tensor, value: Tensor, past: tuple[Tensor, Tensor] | None, shape: Shape
) -> Tensor:
    mask = None
    if past is not None:
        key, value = (
            torch.cat((old[None], new), 2) for old, new in zip(past, (key, value), strict=True)
        )
        tokens, all_tokens = query.shape[2], key.shape[2]
        causal = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).tril()
        mask = F.pad(causal, (all_tokens - tokens, 0), value=True)
    # fused kernels want as many heads of keys as of queries; a prompt is read once, so that is cheap here
    key, value = (t.repeat_interleave(shape.shared_by, 1) for t in (key, value))
    with sdpa_kernel(FUSED):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None
        )
