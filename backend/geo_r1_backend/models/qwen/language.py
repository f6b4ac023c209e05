"""The language half of a model of transformers, as the loop needs it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from geo_r1_backend.models.config import ModelConfig, parse_config
from geo_r1_backend.models.positions import text_positions, text_rotation
from geo_r1_backend.models.qwen.decode import Language, Tables
from geo_r1_backend.models.qwen.layout import shape_of
from geo_r1_backend.models.qwen.operations import Operations
from geo_r1_backend.models.qwen.weights import Way, Weights

TABLE_POSITIONS = 32_768
"""Positions of text that rotary tables are made for; a picture is as long as its longer side in tokens, so that is far."""


def rotary_tables(config: ModelConfig, like: Tensor) -> Tables:
    """Cos and sin of the positions of text, in the type of ``like``, as transformers rounds them."""
    count = min(config.text.max_positions, TABLE_POSITIONS)
    cos, sin = (
        # numpy hands them out column by column; the kernels read rows
        torch.from_numpy(half).to(like.device, like.dtype).contiguous()
        for half in text_rotation(config.text, text_positions(0, count))
    )
    return cos, sin


def make_language(model: Any, config: ModelConfig, operations: Operations, way: Way) -> Language:
    """The language half of a model of transformers."""
    language_model, head = model.model.language_model, model.lm_head.weight
    return Language(
        language_model,
        head.detach(),
        shape_of(config.text),
        Weights(language_model, way),
        rotary_tables(config, head),
        operations,
    )


def checked_config(model: Any) -> ModelConfig:
    """Sizes of a model of transformers.

    Raises:
        ValueError: for positions or attention that are not Qwen2.5-VL's own.
    """
    stored = model.config.to_dict()
    text = stored["text_config"]
    rope = text["rope_parameters"].get("rope_type", "default")
    if rope not in ("default", "mrope") or text.get("use_sliding_window"):
        raise ValueError(
            f"rope_type is {rope!r} or use_sliding_window is on; only Qwen2.5-VL's own positions and full attention are supported"
        )
    return parse_config(stored)


def linear_rows(config: ModelConfig) -> list[dict[str, int]]:
    """Outputs of each linear layer of each layer, by its name: what an adapter must fit."""
    text = config.text
    wide, narrow = text.heads * text.head_dim, text.kv_heads * text.head_dim
    one = {
        "q_proj": wide,
        "k_proj": narrow,
        "v_proj": narrow,
        "o_proj": text.hidden_size,
        "gate_proj": text.intermediate_size,
        "up_proj": text.intermediate_size,
        "down_proj": text.hidden_size,
    }
    return [dict(one) for _ in range(text.layers)]
