"""The small half of `gpu_engine.py --self-check`: tiny models answer, are exchanged and learn on a device as they do on the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from engine_ours import WORDS, Ours
from engine_peers import generate, inputs_of
from qwen_size import make_model, make_tokenizer

from geo_r1_backend.models.qwen.batcher import answers
from geo_r1_backend.models.qwen.runtime import Question
from geo_r1_backend.training.policies.nano import NanoPolicy

ROOT = Path(__file__).resolve().parent.parent.parent
NANO = ROOT / "resources" / "models" / "geo-r1-nano"


def small_models(device: str) -> dict[str, str]:
    """Each part by name: that it works, or how it fails."""
    return {
        name: _tried(part, device)
        for name, part in {
            "tiny model, float32: tokens of generate": _tokens,
            "embedded model: rollout, log-probabilities, gradient": _nano_learns,
            "embedded model: answers as on the CPU": _nano_answers,
        }.items()
    }


def _tried(part: Callable[[str], str], device: str) -> str:
    began = time.perf_counter()
    try:
        said = part(device)
    except Exception as error:
        return f"FAILS, {type(error).__name__}: {str(error)[:300]}"
    return f"{said} ({time.perf_counter() - began:.1f} s)"


def _tokens(device: str) -> str:
    """Six questions through two rows; numbers large enough that likely tokens stand out."""
    tokenizer = make_tokenizer()
    model = make_model("tiny", device, tokenizer).float()
    source = torch.Generator(device).manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=source, device=device))
    model.generation_config.eos_token_id = None
    random = np.random.default_rng(2)
    pictures = [random.integers(0, 255, (112, 140, 3), dtype=np.uint8) for _ in range(6)]
    expected = []
    for picture in pictures:
        inputs = inputs_of(model, tokenizer, [picture])
        expected.append(generate(model, inputs, 40)[0, inputs["input_ids"].shape[1] :].tolist())
    ours = Ours(model, tokenizer, side_px=112, max_rows=2)
    found: dict[int, list[int]] = {}
    for said in answers(ours.runtime, [Question(p, WORDS) for p in pictures], max_new_tokens=40):
        found.setdefault(said.index, []).extend(said.ids)
    equal = sum(a == b for i, e in enumerate(expected) for a, b in zip(found[i], e, strict=True))
    word = "works" if equal >= 0.99 * 240 else "FAILS"
    return f"{word}, {equal} of 240 tokens equal; kernels: {ours.runtime.operations.name}; ways: {ours.runtime.decoder.chosen}"


def _picture() -> np.ndarray:
    image = np.full((448, 448, 3), 120, np.uint8)
    image[80:160, 60:180] = (200, 60, 50)
    image[260:330, 300:390] = (230, 230, 235)
    return image


def _nano_learns(device: str) -> str:
    policy = NanoPolicy.load(NANO, device=device)
    image = policy.encode(_picture())
    prompt = "Find all buildings."
    said = policy.sample(
        policy.prefix(image, prompt),
        8,
        max_new_tokens=64,
        temperature=1.0,
        generator=torch.Generator().manual_seed(1),
    )
    found, mask = policy.log_probs(image, prompt, said)
    if policy.last_rollout is None:
        return "FAILS, the rollout kept nothing"
    apart = float((policy.last_rollout.log_probs[mask] - found.detach()[mask]).abs().mean())
    found[mask].mean().backward()
    norms = [float(p.grad.norm()) for p in policy.trainable().values() if p.grad is not None]
    fine = apart < 1e-2 and bool(norms) and bool(np.isfinite(norms).all())
    return f"{'works' if fine else 'FAILS'}, rollout and trainer apart {apart:.1e}, {len(norms)} gradients"


def _nano_answers(device: str) -> str:
    texts: list[Any] = []
    for where in (device, "cpu"):
        policy = NanoPolicy.load(NANO, device=where)
        image = policy.encode(_picture())
        prompts = ["Find all buildings.", "Find the red roof.", "Find all ships."]
        texts.append(policy.answers([image] * 3, prompts, max_new_tokens=120))
        state = policy.merged_state()  # what a run publishes
        if not all(np.isfinite(array).all() for array in state.values()):
            return "FAILS, numbers to publish are not finite"
    equal = sum(a == b for a, b in zip(*texts, strict=True))
    return f"{'works' if equal == 3 else 'LOOK'}, {equal} of 3 answers equal"
