"""A small random model of the embedded one's architecture, as a model folder and in transformers; not a test itself."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.models.config import ModelConfig, TextConfig, VisionConfig
from geo_r1_backend.models.export import write_model_folder
from geo_r1_backend.models.weights import float_state, stock_names

os.environ["HF_HUB_OFFLINE"] = "1"

CONTROL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
VIEWS_PX = ((448, 448), (560, 336), (336, 560), (672, 224), (224, 672))
PROFILE = ModelProfile(
    id="tiny",
    title="Tiny random model",
    tasks=("rec", "ovd"),
    convention="absolute",
    grid_px=28,
    min_pixels=112 * 112,
    max_pixels=448 * 448,
    view_sizes_px=VIEWS_PX,
)


def tokenizer() -> Tokenizer:
    """Every byte is a token; numbers are not; the answer's tags are."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in CONTROL])
    made.add_tokens(
        [
            AddedToken(tag, normalized=False)
            for tag in ("Put tags <think> here.", "<think>", "</think>")
        ]
    )
    return made


def config(max_positions: int = 512) -> ModelConfig:
    """Sizes none of which equals another where a mix-up would otherwise go unseen."""
    ids = {name: tokenizer().token_to_id(name) for name in CONTROL}
    return ModelConfig(
        text=TextConfig(
            vocab_size=288,
            hidden_size=128,
            intermediate_size=192,
            layers=3,
            heads=4,
            kv_heads=2,
            max_positions=max_positions,
            rms_norm_eps=1e-6,
            rope_theta=10_000.0,
            mrope_section=(4, 6, 6),
        ),
        vision=VisionConfig(
            hidden_size=96,
            intermediate_size=160,
            depth=4,
            heads=3,
            channels=3,
            patch_px=14,
            temporal_patch=2,
            merge=2,
            window_px=112,
            full_attention_blocks=(1, 3),
            out_hidden_size=128,
            rope_theta=10_000.0,
        ),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
        tied_embeddings=True,
    )


def parameter_shape(name: str, shape: ModelConfig) -> tuple[int, ...]:
    """Shape of a parameter by its name on disk."""
    text, vision = shape.text, shape.vision
    if name.startswith("visual.merger"):
        wide = vision.hidden_size * vision.merge**2
        out = wide if ".mlp.0." in name else vision.out_hidden_size
        return (
            (vision.hidden_size,)
            if "ln_q" in name
            else (out, wide)[: 2 if name.endswith("weight") else 1]
        )
    if "patch_embed" in name:
        return (
            vision.hidden_size,
            vision.channels,
            vision.temporal_patch,
            vision.patch_px,
            vision.patch_px,
        )
    if "embed_tokens" in name or name == "lm_head.weight":
        return (text.vocab_size, text.hidden_size)
    half = vision if name.startswith("visual.") else text
    hidden, kv_wide = half.hidden_size, text.kv_heads * text.head_dim
    if "norm" in name:
        return (hidden,)
    part = name.split(".")[-2]
    sizes = {
        "qkv": (3 * hidden, hidden),
        "proj": (hidden, hidden),
        "q_proj": (hidden, hidden),
        "k_proj": (kv_wide, hidden),
        "v_proj": (kv_wide, hidden),
        "o_proj": (hidden, hidden),
        "gate_proj": (half.intermediate_size, hidden),
        "up_proj": (half.intermediate_size, hidden),
        "down_proj": (hidden, half.intermediate_size),
    }
    return sizes[part][: 2 if name.endswith("weight") else 1]


def random_state(shape: ModelConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """Float parameters by names on disk, large enough that every part of the model matters."""
    random = np.random.default_rng(seed)
    state = {}
    for name in stock_names(shape):
        size = parameter_shape(name, shape)
        if "norm" in name or "ln_q" in name:
            state[name] = (1 + 0.2 * random.standard_normal(size)).astype(np.float32)
        elif len(size) == 1:
            state[name] = (0.1 * random.standard_normal(size)).astype(np.float32)
        else:
            state[name] = (random.standard_normal(size) / np.sqrt(np.prod(size[1:]))).astype(
                np.float32
            )
    return state


def write_tiny_model(folder: Path, max_positions: int = 512) -> Path:
    """Write the model folder; the same numbers each time."""
    shape = config(max_positions)
    write_model_folder(
        random_state(shape),
        shape,
        tokenizer_json=tokenizer().to_str(),
        profile=asdict(PROFILE),
        target=folder,
    )
    return folder


@cache
def tiny_folder() -> Path:
    """The model folder, written once per process; read it only."""
    return write_tiny_model(Path(mkdtemp(prefix="geo-r1-tiny-")) / "tiny")


@cache
def in_transformers():
    """The same dequantised numbers in transformers, in float32."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    folder = tiny_folder()
    model = Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig.from_dict(json.loads((folder / "config.json").read_text()))
    )
    model.load_state_dict(
        {name: torch.from_numpy(array) for name, array in float_state(folder).items()}
    )
    return model.eval()


def picture(width_px: int, height_px: int, seed: int = 1) -> Image.Image:
    """Smooth random colours with a hard edge."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (9, 11, 3), dtype=np.uint8))
    image = small.resize((width_px, height_px), Image.Resampling.BICUBIC)
    image.paste((255, 0, 40), (width_px // 3, height_px // 4, width_px // 2, height_px // 2))
    return image
