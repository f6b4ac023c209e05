"""The shape of a Qwen2.5-VL model, read from the `config.json` that transformers writes.

It knows sizes and token ids, not weights; nothing about the embedded model is hard-coded here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the language model."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    max_positions: int
    rms_norm_eps: float
    rope_theta: float
    mrope_section: tuple[int, int, int]
    """How many of the ``head_dim / 2`` rotary frequencies follow time, height and width."""

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.heads


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the vision tower."""

    hidden_size: int
    intermediate_size: int
    depth: int
    heads: int
    channels: int
    patch_px: int
    temporal_patch: int
    merge: int
    """Patches merged into one visual token, per side."""
    window_px: int
    full_attention_blocks: tuple[int, ...]
    out_hidden_size: int
    rope_theta: float

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.heads

    @property
    def token_px(self) -> int:
        """Side of the square of the image that one visual token stands for."""
        return self.patch_px * self.merge

    @property
    def patch_values(self) -> int:
        """Numbers in one flattened patch (a still image fills every temporal slice alike)."""
        return self.channels * self.temporal_patch * self.patch_px**2

    @property
    def window_patches(self) -> int:
        """Patches in one full attention window."""
        return (self.window_px // self.patch_px) ** 2


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: both halves and the ids that join them."""

    text: TextConfig
    vision: VisionConfig
    image_token_id: int
    video_token_id: int
    vision_start_token_id: int
    vision_end_token_id: int
    eos_token_id: int
    pad_token_id: int
    tied_embeddings: bool


def read_config(folder: Path) -> ModelConfig:
    """Configuration of the model in ``folder``.

    Raises:
        ValueError: if the file is of another architecture or lacks a field; the message names it.
        FileNotFoundError: if there is no `config.json`.
    """
    path = folder / CONFIG_FILE
    try:
        return parse_config(json.loads(path.read_text(encoding="utf-8")))
    except KeyError as missing:
        message = f"{path} has no field {missing}; was it written by transformers 5?"
        raise ValueError(message) from missing


def parse_config(stored: Mapping[str, Any]) -> ModelConfig:
    """Configuration from the content of `config.json`."""
    if stored.get("model_type") != "qwen2_5_vl":
        message = f"model_type is {stored.get('model_type')!r}, expected 'qwen2_5_vl'"
        raise ValueError(message)
    text, vision = stored["text_config"], stored["vision_config"]
    time, height, width = text["rope_parameters"]["mrope_section"]
    return ModelConfig(
        text=TextConfig(
            vocab_size=text["vocab_size"],
            hidden_size=text["hidden_size"],
            intermediate_size=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            kv_heads=text["num_key_value_heads"],
            max_positions=text["max_position_embeddings"],
            rms_norm_eps=text["rms_norm_eps"],
            rope_theta=text["rope_parameters"]["rope_theta"],
            mrope_section=(time, height, width),
        ),
        vision=VisionConfig(
            hidden_size=vision["hidden_size"],
            intermediate_size=vision["intermediate_size"],
            depth=vision["depth"],
            heads=vision["num_heads"],
            channels=vision["in_channels"],
            patch_px=vision["patch_size"],
            temporal_patch=vision["temporal_patch_size"],
            merge=vision["spatial_merge_size"],
            window_px=vision["window_size"],
            full_attention_blocks=tuple(vision["fullatt_block_indexes"]),
            out_hidden_size=vision["out_hidden_size"],
            rope_theta=vision.get("rope_parameters", {}).get("rope_theta", 10000.0),
        ),
        image_token_id=stored["image_token_id"],
        video_token_id=stored["video_token_id"],
        vision_start_token_id=stored["vision_start_token_id"],
        vision_end_token_id=stored["vision_end_token_id"],
        eos_token_id=text["eos_token_id"],
        pad_token_id=text["pad_token_id"],
        tied_embeddings=stored["tie_word_embeddings"],
    )


def config_document(config: ModelConfig) -> dict[str, Any]:
    """Content of the `config.json` from which transformers builds a model of this shape."""
    text, vision = config.text, config.vision
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "dtype": "float32",
        "image_token_id": config.image_token_id,
        "video_token_id": config.video_token_id,
        "vision_start_token_id": config.vision_start_token_id,
        "vision_end_token_id": config.vision_end_token_id,
        "tie_word_embeddings": config.tied_embeddings,
        "text_config": {
            "model_type": "qwen2_5_vl_text",
            "vocab_size": text.vocab_size,
            "hidden_size": text.hidden_size,
            "intermediate_size": text.intermediate_size,
            "num_hidden_layers": text.layers,
            "num_attention_heads": text.heads,
            "num_key_value_heads": text.kv_heads,
            "max_position_embeddings": text.max_positions,
            "rms_norm_eps": text.rms_norm_eps,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": text.rope_theta,
                "mrope_section": list(text.mrope_section),
            },
            "hidden_act": "silu",
            "bos_token_id": config.pad_token_id,
            "eos_token_id": config.eos_token_id,
            "pad_token_id": config.pad_token_id,
        },
        "vision_config": {
            "model_type": "qwen2_5_vl_vision",
            "depth": vision.depth,
            "hidden_size": vision.hidden_size,
            "intermediate_size": vision.intermediate_size,
            "num_heads": vision.heads,
            "in_channels": vision.channels,
            "patch_size": vision.patch_px,
            "temporal_patch_size": vision.temporal_patch,
            "spatial_merge_size": vision.merge,
            "window_size": vision.window_px,
            "fullatt_block_indexes": list(vision.full_attention_blocks),
            "out_hidden_size": vision.out_hidden_size,
            "hidden_act": "silu",
            "rope_parameters": {"rope_type": "axial", "rope_theta": vision.rope_theta},
        },
    }


def write_config(config: ModelConfig, target: Path) -> None:
    """Write ``target/config.json``."""
    text = json.dumps(config_document(config), indent=2) + "\n"
    (target / CONFIG_FILE).write_text(text, encoding="utf-8")
