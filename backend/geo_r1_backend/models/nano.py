"""The Qwen2.5-VL architecture in plain torch, for training and float evaluation of the embedded model.

Parameter names are those of transformers' `Qwen2_5_VLForConditionalGeneration`, and a test holds the numbers against
it. Against that code it batches pictures of one size, runs the windows of the vision tower as one batch, and takes
attention masks for packed rows. It knows nothing of tokens' meaning, files or data.

Source: Qwen2.5-VL technical report (arXiv 2502.13923), section 2; transformers' modeling_qwen2_5_vl.py for the details.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)  # preprocessor_config.json of Qwen2.5-VL (CLIP's)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class NanoConfig:
    """Sizes of the embedded model; the defaults are the shipped ones."""

    vocabulary: int = 4096
    hidden: int = 384
    layers: int = 8
    heads: int = 6
    kv_heads: int = 2
    mlp: int = 1152
    rope_theta: float = 10_000.0
    mrope_section: tuple[int, int, int] = (8, 12, 12)
    positions: int = 4096
    vision_hidden: int = 320
    vision_layers: int = 8
    vision_heads: int = 5
    vision_mlp: int = 896
    full_attention_layers: tuple[int, ...] = (1, 3, 5, 7)
    patch_px: int = 14
    merge: int = 2
    window_px: int = 112
    rms_eps: float = 1e-6
    token_ids: dict[str, int] = field(default_factory=dict)


class RmsNorm(nn.Module):
    """Root-mean-square normalisation in float32."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)).to(
            x.dtype
        ) * self.weight


class GatedMlp(nn.Module):
    """SwiGLU."""

    def __init__(self, size: int, inner: int, *, bias: bool) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size, inner, bias=bias)
        self.up_proj = nn.Linear(size, inner, bias=bias)
        self.down_proj = nn.Linear(inner, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding, halves convention; ``x (..., D)``, ``cos, sin`` broadcastable to it."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), -1)
    return (x.float() * cos + turned.float() * sin).to(x.dtype)


class VisionAttention(nn.Module):
    """Self-attention inside windows of ``window`` patches."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.proj = nn.Linear(size, size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, window: int) -> Tensor:
        batch, patches, size = x.shape
        q, k, v = self.qkv(x).view(batch, patches, 3, self.heads, -1).unbind(2)
        q, k = rotate(q, cos[:, None], sin[:, None]), rotate(k, cos[:, None], sin[:, None])
        q, k, v = (
            t.to(v.dtype).reshape(-1, window, self.heads, size // self.heads).transpose(1, 2)
            for t in (q, k, v)
        )
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B * windows, heads, window, D)
        return self.proj(mixed.transpose(1, 2).reshape(batch, patches, size))


class VisionBlock(nn.Module):
    """One layer of the vision tower."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.norm1 = RmsNorm(config.vision_hidden, 1e-6)
        self.norm2 = RmsNorm(config.vision_hidden, 1e-6)
        self.attn = VisionAttention(config.vision_hidden, config.vision_heads)
        self.mlp = GatedMlp(config.vision_hidden, config.vision_mlp, bias=True)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, window: int) -> Tensor:
        x = x + self.attn(self.norm1(x), cos, sin, window)
        return x + self.mlp(self.norm2(x))


class PatchMerger(nn.Module):
    """Four neighbouring patches become one visual token."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.wide = config.vision_hidden * config.merge**2
        self.ln_q = RmsNorm(config.vision_hidden, 1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(self.wide, self.wide), nn.GELU(), nn.Linear(self.wide, config.hidden)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(self.ln_q(x).reshape(x.shape[0], -1, self.wide))


class PatchEmbed(nn.Module):
    """Pixels of a patch to a vector; a still picture is shown as two equal frames."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        side = config.patch_px
        self.proj = nn.Conv3d(
            3, config.vision_hidden, (2, side, side), stride=(2, side, side), bias=False
        )

    def forward(self, patches: Tensor) -> Tensor:
        # Both frames are equal, so their kernels may be added first: half the arithmetic, same result.
        kernel = self.proj.weight.sum(2).flatten(1)
        return F.linear(patches, kernel)


class VisionTower(nn.Module):
    """Pictures of one size to visual tokens."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config.vision_layers))
        self.merger = PatchMerger(config)
        self._tables: dict[
            tuple[int, int, torch.device], tuple[Tensor, Tensor, Tensor, Tensor]
        ] = {}

    def forward(self, images: Tensor) -> Tensor:
        """``(B, H, W, 3)`` uint8, sides multiples of ``window_px`` -> ``(B, H*W/784, hidden)`` in reading order."""
        config = self.config
        batch, height, width, _ = images.shape
        side, merge = config.patch_px, config.merge
        rows, columns = height // side, width // side
        mean, std = (torch.tensor(t, device=images.device) * 255 for t in (IMAGE_MEAN, IMAGE_STD))
        x = (images.float() - mean) / std
        x = x.view(batch, rows // merge, merge, side, columns // merge, merge, side, 3)
        x = x.permute(0, 1, 4, 2, 5, 7, 3, 6).reshape(
            batch, rows * columns // merge**2, merge**2, -1
        )
        order, back, cos, sin = self._geometry(rows, columns, images.device)
        x = self.patch_embed(x[:, order].flatten(1, 2))
        window = (config.window_px // side) ** 2
        for index, block in enumerate(self.blocks):
            x = block(
                x, cos, sin, rows * columns if index in config.full_attention_layers else window
            )
        return self.merger(x)[:, back]

    def _geometry(
        self, rows: int, columns: int, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Window order of merged tokens, its inverse, and rotary tables ``(patches, D)`` in window order."""
        key = (rows, columns, device)
        if key not in self._tables:
            config, merge = self.config, self.config.merge
            span = config.window_px // config.patch_px // merge
            tokens = torch.arange(rows * columns // merge**2).view(
                rows // merge // span, span, columns // merge // span, span
            )
            order = tokens.permute(0, 2, 1, 3).flatten()
            grid = torch.stack(
                torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), -1
            )
            grid = (
                grid.view(rows // merge, merge, columns // merge, merge, 2)
                .transpose(1, 2)
                .reshape(-1, merge**2, 2)
            )
            grid = grid[order].reshape(-1, 2).float()
            half = config.vision_hidden // config.vision_heads // 2
            frequencies = 1.0 / (10_000.0 ** (torch.arange(0, half, 2).float() / half))
            angles = (grid[:, :, None] * frequencies).flatten(1)
            angles = torch.cat((angles, angles), -1)
            self._tables[key] = tuple(
                t.to(device) for t in (order, torch.argsort(order), angles.cos(), angles.sin())
            )  # type: ignore[assignment]
        return self._tables[key]


class TextAttention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads = config.heads, config.kv_heads
        self.head = config.hidden // config.heads
        self.q_proj = nn.Linear(config.hidden, config.hidden)
        self.k_proj = nn.Linear(config.hidden, config.kv_heads * self.head)
        self.v_proj = nn.Linear(config.hidden, config.kv_heads * self.head)
        self.o_proj = nn.Linear(config.hidden, config.hidden, bias=False)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None,
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        batch, length, size = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.head).transpose(1, 2)
        k = self.k_proj(x).view(batch, length, self.kv_heads, self.head).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, self.kv_heads, self.head).transpose(1, 2)
        q, k = rotate(q, cos[:, None], sin[:, None]), rotate(k, cos[:, None], sin[:, None])
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        repeat = self.heads // self.kv_heads
        wide_k, wide_v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        mixed = F.scaled_dot_product_attention(
            q.to(v.dtype), wide_k.to(v.dtype), wide_v, attn_mask=mask
        )
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, size)), (k.to(v.dtype), v)


class TextLayer(nn.Module):
    """One layer of the language model."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.self_attn = TextAttention(config)
        self.mlp = GatedMlp(config.hidden, config.mlp, bias=False)
        self.input_layernorm = RmsNorm(config.hidden, config.rms_eps)
        self.post_attention_layernorm = RmsNorm(config.hidden, config.rms_eps)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None,
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        mixed, kept = self.self_attn(self.input_layernorm(x), cos, sin, mask, past)
        x = x + mixed
        return x + self.mlp(self.post_attention_layernorm(x)), kept


class TextModel(nn.Module):
    """Embeddings, layers, final norm."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocabulary, config.hidden)
        self.layers = nn.ModuleList(TextLayer(config) for _ in range(config.layers))
        self.norm = RmsNorm(config.hidden, config.rms_eps)

    def forward(
        self,
        embeds: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        past: list[tuple[Tensor, Tensor]] | None = None,
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """``embeds (B, S, hidden)``, ``positions (3, B, S)``, additive or boolean ``mask (B, 1, S, P + S)``.

        Returns hidden states ``(B, S, hidden)`` and keys and values of every layer.
        """
        cos, sin = self.rotary(positions)
        kept = []
        for index, layer in enumerate(self.layers):
            embeds, pair = layer(embeds, cos, sin, mask, past[index] if past else None)
            kept.append(pair)
        return self.norm(embeds), kept

    def rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Multimodal rotary tables ``(B, S, D)`` from time, row and column positions ``(3, B, S)``."""
        config = self.config
        half = config.hidden // config.heads // 2
        exponent = torch.arange(half, device=positions.device).float() / half
        angles = positions[..., None].float() / config.rope_theta**exponent  # (3, B, S, D/2)
        chosen = torch.cat(
            [part[i] for i, part in enumerate(angles.split(config.mrope_section, -1))], -1
        )
        chosen = torch.cat((chosen, chosen), -1)
        return chosen.cos(), chosen.sin()


class _Inner(nn.Module):
    """The level that transformers calls ``model``."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.visual = VisionTower(config)
        self.language_model = TextModel(config)


class Nano(nn.Module):
    """The whole model; the output head is the transposed embedding table."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        self.model = _Inner(config)

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states to vocabulary."""
        return F.linear(hidden, self.model.language_model.embed_tokens.weight)


def image_positions(start: int, rows: int, columns: int) -> tuple[Tensor, int]:
    """``(3, rows * columns)`` positions of visual tokens, and the position of the token behind them."""
    r = torch.arange(rows).repeat_interleave(columns)
    c = torch.arange(columns).repeat(rows)
    return torch.stack((torch.zeros_like(r), r, c)) + start, start + max(rows, columns)
