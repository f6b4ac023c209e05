"""Writes model folders: the embedded one after training, and the stock one that transformers and other servers load.

Neither needs torch: the weights are arrays.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from geo_r1_backend.models.config import (
    CONFIG_FILE,
    ModelConfig,
    VisionConfig,
    read_config,
    write_config,
)
from geo_r1_backend.models.manifest import check_manifest, write_manifest
from geo_r1_backend.models.pixels import IMAGE_MEAN, IMAGE_STD
from geo_r1_backend.models.tokens import TOKENIZER_FILE
from geo_r1_backend.models.weights import (
    WEIGHTS_FILE,
    Arrays,
    dequantise_state,
    quantise_state,
    read_tensors,
    write_tensors,
)

PROFILE_FILE = "profile.json"
STOCK_WEIGHTS_FILE = "model.safetensors"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' or part.type == 'image_url' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The model knows no system message: one user turn, image first, as `tokens.ChatTokens` writes it."""


def write_model_folder(
    state: Arrays,
    config: ModelConfig,
    *,
    tokenizer_json: str,
    profile: Mapping[str, Any],
    target: Path,
) -> None:
    """Write everything that the engines need into ``target``, and the manifest last.

    Args:
        state: float parameters, see :func:`geo_r1_backend.models.weights.quantise_state`.
        config: the model's shape and token ids.
        tokenizer_json: content of the file of Hugging Face tokenizers.
        profile: fields of `engines.base.ModelProfile`.
        target: created if absent; files of other names that lie there (the model card) enter the manifest.
    """
    # deferred: needs the package onnx, which only this step does
    from geo_r1_backend.models.graphs import write_graphs

    target.mkdir(parents=True, exist_ok=True)
    write_config(config, target)
    write_tensors(quantise_state(state, config), target / WEIGHTS_FILE)
    write_graphs(target)
    (target / TOKENIZER_FILE).write_text(tokenizer_json, encoding="utf-8")
    _write_json(target / PROFILE_FILE, profile)
    write_manifest(target)


def export_stock_folder(
    model_folder: Path, target: Path, dtype: Literal["float32", "bfloat16"] = "float32"
) -> None:
    """Write the model in ``model_folder`` as transformers' `save_pretrained` would.

    float32 has exactly the numbers of the int8 weights; bfloat16 is half as large and rounds them.

    Raises:
        ModelFailed: if the folder is damaged.
    """
    check_manifest(model_folder)
    config = read_config(model_folder)
    profile = json.loads((model_folder / PROFILE_FILE).read_text(encoding="utf-8"))
    tokenizer = json.loads((model_folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
    target.mkdir(parents=True, exist_ok=True)
    state: Arrays = dequantise_state(read_tensors(model_folder / WEIGHTS_FILE))
    if dtype == "bfloat16":
        state = {name: as_bfloat16(array) for name, array in state.items()}
    write_tensors(state, target / STOCK_WEIGHTS_FILE, {"format": "pt"})
    document = json.loads((model_folder / CONFIG_FILE).read_text(encoding="utf-8"))
    _write_json(target / CONFIG_FILE, document | {"dtype": dtype})
    shutil.copyfile(model_folder / TOKENIZER_FILE, target / TOKENIZER_FILE)
    special = [token["content"] for token in tokenizer["added_tokens"] if token["special"]]
    names = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    end, padding = names[config.eos_token_id], names[config.pad_token_id]
    _write_json(
        target / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "processor_class": "Qwen2_5_VLProcessor",
            "eos_token": end,
            "pad_token": padding,
            "extra_special_tokens": [token for token in special if token not in (end, padding)],
            "model_max_length": config.text.max_positions,
            "padding_side": "left",
            "chat_template": CHAT_TEMPLATE,
        },
    )
    # other programs ignore it; our torch engine needs it to show chips in the views that the model was trained on
    _write_json(target / PROFILE_FILE, profile)
    (target / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    _write_json(
        target / "generation_config.json",
        {
            "do_sample": False,
            "eos_token_id": [config.eos_token_id, config.pad_token_id],
            "pad_token_id": config.pad_token_id,
        },
    )
    _write_json(
        target / "preprocessor_config.json",
        image_processor_document(config.vision, profile["min_pixels"], profile["max_pixels"]),
    )


def image_processor_document(
    vision: VisionConfig, min_pixels: int, max_pixels: int
) -> dict[str, Any]:
    """Content of `preprocessor_config.json`."""
    return {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
        "resample": 3,  # bicubic
        "rescale_factor": 1 / 255,
        "image_mean": list(IMAGE_MEAN),
        "image_std": list(IMAGE_STD),
        "size": {"shortest_edge": min_pixels, "longest_edge": max_pixels},
        "min_pixels": min_pixels,  # older readers know only this pair
        "max_pixels": max_pixels,
        "patch_size": vision.patch_px,
        "temporal_patch_size": vision.temporal_patch,
        "merge_size": vision.merge,
    }


def as_bfloat16(array: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Bits of the nearest bfloat16 (ties to even) of finite float32 numbers; numpy has no such type."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded: npt.NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return rounded


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
