"""From the weights of a pretraining run to the model folder that ships: int8, graphs, tokenizer, profile, manifest.

`python -m geo_r1_backend.pretraining.package RUN_FOLDER TARGET`; a README.md (model card) already in TARGET enters the
manifest. It needs the package onnx, and no GPU.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from PIL import Image
from tokenizers import Tokenizer

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.models.config import ModelConfig, TextConfig, VisionConfig
from geo_r1_backend.models.export import write_model_folder
from geo_r1_backend.models.nano import NanoConfig
from geo_r1_backend.models.weights import read_tensors
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.examiner import Examiner
from geo_r1_backend.pretraining.scenes import VIEWS_PX, SceneRecipe, draw_scene

PROFILE = ModelProfile(
    id="geo-r1-nano",
    title="Geo-R1 Nano",
    tasks=("rec", "ovd"),
    convention="absolute",
    grid_px=28,
    min_pixels=min(width * height for width, height in VIEWS_PX),
    max_pixels=max(width * height for width, height in VIEWS_PX),
    view_sizes_px=VIEWS_PX,
    licence="GPL-2.0-or-later",
)


def package(weights: Path, tokenizer: Path, target: Path, nano: NanoConfig | None = None) -> None:
    """Write the model folder of a run.

    Args:
        weights: `model.safetensors` of the run, bfloat16 or float32, named as in ``Nano.state_dict()``.
        tokenizer: `tokenizer.json` of the run.
        target: the model folder.
        nano: sizes; the shipped ones when left out.
    """
    text = tokenizer.read_text(encoding="utf-8")
    write_doctor_image(target)
    config = model_config(nano or NanoConfig(), Tokenizer.from_str(text))
    write_model_folder(
        read_tensors(weights), config, tokenizer_json=text, profile=asdict(PROFILE), target=target
    )


def write_doctor_image(target: Path, seed: int = 90_000) -> None:
    """``doctor.png`` and ``doctor.json``: a generated scene whose largest tank is known, for `geo-r1 doctor`."""
    recipe = SceneRecipe(
        group_sizes=((5, 1.0),),
        further_groups=((1, 1.0),),
        small_share=0.0,
        first_kinds=("storage tank",),
    )
    while True:
        seed += 1
        scene = draw_scene(seed, recipe, None, (448, 448))
        asked = Examiner(scene, Dice(seed)).ask("size", "storage tank") if scene.objects else None
        clear = asked and "Largest:" in asked.reasoning and len(asked.candidates) >= 4
        if asked and clear and asked.answers[0].longest_px >= 50:
            break
    target.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.image).save(target / "doctor.png", optimize=True)
    truth = {
        "query": "the largest storage tank",
        "task": "rec",
        "box_px": list(asked.answers[0].box_px),
        "seed": seed,
    }
    (target / "doctor.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def model_config(nano: NanoConfig, tokenizer: Tokenizer) -> ModelConfig:
    """The shape as transformers describes it.

    Raises:
        ValueError: if the tokenizer lacks a control token.
    """

    def token_id(token: str) -> int:
        found = tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no token {token!r}")
        return found

    return ModelConfig(
        text=TextConfig(
            vocab_size=nano.vocabulary,
            hidden_size=nano.hidden,
            intermediate_size=nano.mlp,
            layers=nano.layers,
            heads=nano.heads,
            kv_heads=nano.kv_heads,
            max_positions=nano.positions,
            rms_norm_eps=nano.rms_eps,
            rope_theta=nano.rope_theta,
            mrope_section=nano.mrope_section,
        ),
        vision=VisionConfig(
            hidden_size=nano.vision_hidden,
            intermediate_size=nano.vision_mlp,
            depth=nano.vision_layers,
            heads=nano.vision_heads,
            channels=3,
            patch_px=nano.patch_px,
            temporal_patch=2,  # fixed in the Qwen2.5-VL processor: a still image is two equal frames
            merge=nano.merge,
            window_px=nano.window_px,
            full_attention_blocks=nano.full_attention_layers,
            out_hidden_size=nano.hidden,
            rope_theta=10_000.0,  # transformers' default for the vision tower, as in `nano.VisionTower`
        ),
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
        eos_token_id=token_id("<|im_end|>"),
        pad_token_id=token_id("<|endoftext|>"),
        tied_embeddings=True,
    )


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("run", type=Path, help="folder with model.safetensors and tokenizer.json")
    command.add_argument("target", type=Path, help="model folder to write")
    given = command.parse_args()
    package(given.run / "model.safetensors", given.run / "tokenizer.json", given.target)
