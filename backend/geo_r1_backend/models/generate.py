"""Greedy answers of the float model for many questions at once: the reference that int8 and ONNX are held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from geo_r1_backend.models.nano import Nano, NanoConfig, image_positions
from geo_r1_backend.models.weights import float_state, read_tensors

BEFORE = "<|im_start|>user\n<|vision_start|>"
BEHIND = "<|im_end|>\n<|im_start|>assistant\n"


def load_float_model(folder: Path, float_weights: Path | None = None) -> Nano:
    """The float model on the CPU.

    Args:
        folder: model folder, whose dequantised int8 weights are taken unless ``float_weights`` names others.
        float_weights: ``model.safetensors`` of a pretraining run, never quantised.
    """
    state = read_tensors(float_weights) if float_weights else float_state(folder)
    model = Nano(NanoConfig())
    model.load_state_dict(
        {n: torch.from_numpy(np.array(state[n], np.float32)) for n in model.state_dict()}
    )
    return model.eval()


@torch.inference_mode()
def answer_batch(
    model: Nano,
    tokenizer: Tokenizer,
    images: Sequence[np.ndarray],
    prompts: Sequence[str],
    max_new_tokens: int = 512,
) -> list[str]:
    """Completions of prompts about pictures of one size.

    Args:
        model: in evaluation mode.
        tokenizer: the model's.
        images: ``(height, width, 3)`` uint8, all of one size.
        prompts: the user's turn after the picture, as made by `engines/prompts.py`.
        max_new_tokens: longer completions are cut.
    """
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        visual = model.model.visual(torch.from_numpy(np.stack(images)).to(device))
        rows, columns = images[0].shape[0] // 28, images[0].shape[1] // 28
        (stop,) = tokenizer.encode("<|im_end|>").ids
        before = tokenizer.encode(BEFORE).ids
        tails = [tokenizer.encode("<|vision_end|>" + p + BEHIND).ids for p in prompts]
        said = likeliest(
            model, visual, (rows, columns), before, tails, stop=stop, max_new_tokens=max_new_tokens
        )
    return [tokenizer.decode(row, skip_special_tokens=False) for row in said]


@torch.no_grad()
def likeliest(
    model: Nano,
    visual: Tensor,
    grid: tuple[int, int],
    before: Sequence[int],
    tails: Sequence[Sequence[int]],
    *,
    stop: int,
    max_new_tokens: int,
) -> list[list[int]]:
    """Likeliest tokens after each of some pictures and what stands behind it, without the one that ends an answer.

    Args:
        model: in evaluation mode; its layers may carry adapters.
        visual: visual tokens ``(B, rows * columns, hidden)``.
        grid: rows and columns of visual tokens.
        before: token ids in front of every picture.
        tails: token ids behind each one.
        stop: ends an answer.
        max_new_tokens: longer answers are cut.
    """
    text, device = model.model.language_model, visual.device
    longest = max(map(len, tails))
    batch = len(tails)
    ids = torch.zeros(batch, longest, dtype=torch.long)
    real = torch.zeros(batch, longest, dtype=torch.bool)
    for row, tail in enumerate(tails):  # padded on the left, so that all end together
        ids[row, longest - len(tail) :] = torch.tensor(list(tail))
        real[row, longest - len(tail) :] = True
    head = (
        text.embed_tokens(torch.tensor(list(before), device=device))
        .to(visual.dtype)
        .expand(batch, -1, -1)
    )
    embeds = torch.cat((head, visual, text.embed_tokens(ids.to(device)).to(visual.dtype)), 1)
    pictured, behind = image_positions(len(before), *grid)
    fixed = torch.cat((torch.arange(len(before)).expand(3, -1), pictured), 1)[:, None].expand(
        -1, batch, -1
    )
    own = (real.cumsum(1) - 1).clamp(min=0) + behind
    positions = torch.cat((fixed, own.expand(3, -1, -1)), 2).to(device)
    seen = torch.cat((torch.ones(batch, fixed.shape[2], dtype=torch.bool), real), 1).to(device)
    length = embeds.shape[1]
    mask = torch.ones(length, length, dtype=torch.bool, device=device).tril() & seen[:, None]
    # a padded place sees itself: no empty softmax
    mask |= torch.eye(length, dtype=torch.bool, device=device)
    hidden, kept = text(embeds, positions, mask[:, None])
    return _decode(model, hidden[:, -1], kept, seen, positions[:, :, -1:], stop, max_new_tokens)


def _decode(
    model: Nano,
    last: Tensor,
    kept: list[tuple[Tensor, Tensor]],
    seen: Tensor,
    at: Tensor,
    stop: int,
    max_new_tokens: int,
) -> list[list[int]]:
    """Token by token; a row that has ended leaves the batch."""
    text = model.model.language_model
    said: list[list[int]] = [[] for _ in last]
    alive = list(range(len(last)))
    for _ in range(max_new_tokens):
        token = model.logits(last).argmax(-1)
        going_on = []
        for place, (row, value) in enumerate(zip(alive, token.tolist(), strict=True)):
            if value != stop:
                said[row].append(value)
                going_on.append(place)
        if not going_on:
            break
        if len(going_on) < len(alive):
            alive = [alive[place] for place in going_on]
            left = torch.tensor(going_on, device=last.device)
            token, seen, at, last = token[left], seen[left], at[:, left], last[left]
            kept = [(keys[left], values[left]) for keys, values in kept]
        at = at + 1
        seen = torch.cat((seen, seen.new_ones(len(seen), 1)), 1)
        hidden, kept = text(
            text.embed_tokens(token)[:, None].to(last.dtype), at, seen[:, None, None], kept
        )
        last = hidden[:, -1]
    return said
