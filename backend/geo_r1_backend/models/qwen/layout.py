"""Sizes of the language model that its weights do not tell, and what a layer keeps of each token."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from geo_r1_backend.models.config import TextConfig

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of one layer, ``(kv heads, tokens, width)`` each, keys rotated."""


@dataclass(frozen=True)
class Shape:
    """Sizes that the layers' weights do not tell."""

    heads: int
    kv_heads: int
    head_width: int
    norm_eps: float

    @property
    def shared_by(self) -> int:
        """Query heads that share one head of keys and values."""
        return self.heads // self.kv_heads

    @property
    def widths(self) -> list[int]:
        """Columns of queries, keys and values in their fused projection."""
        keys = self.kv_heads * self.head_width
        return [self.heads * self.head_width, keys, keys]


def shape_of(text: TextConfig) -> Shape:
    """Of a configuration."""
    return Shape(text.heads, text.kv_heads, text.head_dim, text.rms_norm_eps)


def key_value_bytes(text: TextConfig, value_bytes: int) -> int:
    """Memory of one token's keys and values in all layers, in their native head count."""
    return 2 * text.layers * text.kv_heads * text.head_dim * value_bytes
