"""Qwen2.5-VL of a published size with random weights, with a tokenizer and a processor, made without any network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from geo_r1_backend.engines.base import ModelProfile

CONTROL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PROFILE = ModelProfile(
    id="bench",
    title="Random weights",
    tasks=("rec",),
    convention="absolute",
    grid_px=28,
    min_pixels=56 * 56,
    max_pixels=1280 * 28 * 28,
    view_sizes_px=(),
)


@dataclass(frozen=True)
class Geometry:
    """Sizes of both halves."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    mrope: tuple[int, int, int]
    vocabulary: int
    vision_depth: int
    vision_hidden: int
    vision_heads: int
    vision_intermediate: int
    full_blocks: tuple[int, ...]


GEOMETRIES = {
    # Qwen/Qwen2.5-VL-3B-Instruct, config.json
    "3b": Geometry(
        2048, 11008, 36, 16, 2, (16, 24, 24), 151_936, 32, 1280, 16, 3420, (7, 15, 23, 31)
    ),
    # for a test of this program on a CPU
    "tiny": Geometry(128, 192, 3, 4, 2, (4, 6, 6), 512, 4, 96, 3, 160, (1, 3)),
}


def make_tokenizer(tokens: int = 0) -> Any:
    """Every byte is a token: about as many tokens as letters. Only the control tokens matter here.

    Args:
        tokens: of the model; so many have a text then, so that whatever random weights say can be read. 0 = the bytes alone.
    """
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    for i in range(len(letters), tokens - len(CONTROL)):
        vocabulary[f"\u0120w{i}"] = i  # that letter is a space
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in CONTROL])
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(CONTROL[3:]),
        padding_side="left",
        chat_template=CHAT,
    )


def make_processor(tokenizer: Any) -> Any:
    """Text and images, without the video half (it needs torchvision)."""
    from geo_r1_backend.engines.torch_loading import image_only_class

    try:
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
            Qwen2VLImageProcessorPil as ImageProcessor,
        )
    except ImportError:
        from transformers import Qwen2VLImageProcessor as ImageProcessor
    return image_only_class()(
        image_processor=ImageProcessor(), tokenizer=tokenizer, chat_template=CHAT
    )


def make_model(name: str, device: str, tokenizer: Any) -> Any:
    """The model with random weights, bfloat16 on a GPU and float32 on a CPU."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    of = GEOMETRIES[name]
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in CONTROL}
    text = {
        "hidden_size": of.hidden,
        "intermediate_size": of.intermediate,
        "num_hidden_layers": of.layers,
        "num_attention_heads": of.heads,
        "num_key_value_heads": of.kv_heads,
        "vocab_size": of.vocabulary,
        "max_position_embeddings": 128_000,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": list(of.mrope),
            "rope_theta": 1e6,
        },
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision = {
        "depth": of.vision_depth,
        "hidden_size": of.vision_hidden,
        "num_heads": of.vision_heads,
        "intermediate_size": of.vision_intermediate,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": list(of.full_blocks),
        "out_hidden_size": of.hidden,
        "in_channels": 3,
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    # numbers are drawn where they will lie: 3.75 billion of them take a minute on a CPU
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16 if device.startswith("cuda") else torch.float32)
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa")
        torch.set_default_dtype(torch.float32)
    model = model.to(device)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.name_or_path = model.config._name_or_path = "random"
    return model
