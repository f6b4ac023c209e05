"""The peers of `gpu_engine.py`: transformers' `generate` as it is, in batches, and with a static cache and compilation."""

from __future__ import annotations

import time
from typing import Any

import torch
from engine_ours import WORDS, clock, wait

from geo_r1_backend.models.config import parse_config
from geo_r1_backend.models.pixels import raster_patches
from geo_r1_backend.models.qwen.prompts import prompt_ids


def inputs_of(
    model: Any, tokenizer: Any, pictures: list[Any], words: str = WORDS
) -> dict[str, Any]:
    """What `generate` takes, for pictures of one size and one question."""
    vision = parse_config(model.config.to_dict()).vision
    device = model.lm_head.weight.device
    rows, columns = (side // vision.patch_px for side in pictures[0].shape[:2])
    ids = prompt_ids(tokenizer, words, rows * columns // vision.merge**2)
    batch = torch.tensor([ids] * len(pictures), device=device)
    pixels = torch.cat([torch.from_numpy(raster_patches(vision, one)) for one in pictures])
    return {
        "input_ids": batch,
        "attention_mask": torch.ones_like(batch),
        "mm_token_type_ids": (batch == model.config.image_token_id).int(),
        "pixel_values": pixels.to(device, model.dtype),
        "image_grid_thw": torch.tensor([[1, rows, columns]] * len(pictures), device=device),
    }


def generate(model: Any, inputs: dict[str, Any], tokens: int, **more: Any) -> torch.Tensor:
    """Exactly so many of the likeliest tokens."""
    with torch.inference_mode():
        found: torch.Tensor = model.generate(
            **inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, **more
        )
    return found


def generate_rows(model: Any, tokenizer: Any, pictures: list[Any], tokens: int) -> dict[str, float]:
    """Milliseconds to the first token and for each further one, with a batch of pictures."""
    inputs = inputs_of(model, tokenizer, pictures)
    first = clock(lambda: generate(model, inputs, 1), times=2, warm=1)
    whole = clock(lambda: generate(model, inputs, 1 + tokens), times=1, warm=0)
    return {
        "first_token_ms": round(first * 1e3, 1),
        "ms_per_token": round((whole - first) / tokens * 1e3, 2),
    }


def vision_prefill_ms(model: Any, tokenizer: Any, picture: Any) -> dict[str, float]:
    """Milliseconds of the tower and of the language model over one prompt."""
    inputs = inputs_of(model, tokenizer, [picture])
    length, hidden = inputs["input_ids"].shape[1], model.config.text_config.hidden_size
    embeds = torch.randn(1, length, hidden, device=inputs["input_ids"].device, dtype=model.dtype)
    with torch.inference_mode():
        seen = clock(
            lambda: model.model.visual(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"])
        )
        read = clock(lambda: model.model.language_model(inputs_embeds=embeds, use_cache=True))
    return {"vision_ms": round(seen * 1e3, 2), "prefill_ms": round(read * 1e3, 2)}


def compiled_rows(model: Any, tokenizer: Any, pictures: list[Any], tokens: int) -> dict[str, float]:
    """The same with a static cache, which `generate` compiles; the first call's seconds apart."""
    inputs = inputs_of(model, tokenizer, pictures)
    static = {"cache_implementation": "static"}
    wait()
    began = time.perf_counter()
    generate(model, inputs, 2 + tokens, **static)
    wait()
    compile_s = time.perf_counter() - began
    first = clock(lambda: generate(model, inputs, 2, **static), times=2, warm=1)
    whole = clock(lambda: generate(model, inputs, 2 + tokens, **static), times=2, warm=1)
    return {
        "compile_s": round(compile_s, 1),
        "ms_per_token": round((whole - first) / tokens * 1e3, 2),
        "query_200_s": round(first + (whole - first) / tokens * 198, 3),
    }
