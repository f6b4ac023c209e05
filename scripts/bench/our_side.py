"""Our side of `gpu_grpo.py`: one GRPO step over the product's own policy, loss and decode loop."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from qwen_size import PROFILE, make_model, make_tokenizer

from geo_r1_backend.models.config import parse_config
from geo_r1_backend.models.pixels import raster_patches
from geo_r1_backend.models.qwen.head import writes_float32
from geo_r1_backend.training.advantage import advantages
from geo_r1_backend.training.loss import policy_loss
from geo_r1_backend.training.policies.memory import CHECKPOINTED, FAST, LEAN
from geo_r1_backend.training.policies.qwen import QwenPolicy

PROMPT = "Locate the storage tank left of the road. " * 4
PLANS = {"fast": FAST, "checkpointed": CHECKPOINTED, "lean": LEAN, "free": None}


class Ours:
    """Our step: encode, prefix, sample, log-probabilities, loss, optimizer."""

    def __init__(self, given: argparse.Namespace, device: str, seed: int = 0) -> None:
        tokenizer = make_tokenizer()
        self.policy = QwenPolicy(
            make_model(given.geometry, device, tokenizer),
            tokenizer,
            PROFILE,
            rank=given.rank,
            alpha=2 * given.rank,
            plan=PLANS[given.plan],
        )
        self.policy.end_ids = []  # every completion runs to its limit, as TRL's do here
        self.given, self.device = given, device
        self.parameters = list(self.policy.trainable().values())
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-6, fused=device != "cpu")
        self.pictures = np.random.default_rng(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.spent_s: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time of a part of a step."""
        began = time.perf_counter()
        yield
        if self.device != "cpu":
            torch.cuda.synchronize()
        self.spent_s.setdefault(name, []).append(time.perf_counter() - began)

    def picture(self) -> np.ndarray:
        """A new one each time."""
        side = self.given.side_px
        return self.pictures.integers(0, 255, (side, side, 3), dtype=np.uint8)

    def step(self, groups: int = 1, processes: int = 1) -> None:
        """One optimizer step over some groups; with several processes their gradients are summed."""
        given, policy = self.given, self.policy
        sequences = groups * processes * given.completions
        for _ in range(groups):
            with self.phase("encode"):
                image = policy.encode(self.picture())
            with self.phase("prefix"):
                prefix = policy.prefix(image, PROMPT)
            with self.phase("sample"):
                said = policy.sample(
                    prefix,
                    given.completions,
                    max_new_tokens=given.tokens,
                    temperature=1.0,
                    generator=self.generator,
                )
            rewards = torch.rand(len(said), generator=self.generator).tolist()
            with self.phase("reference"):
                reference, _ = policy.log_probs(image, PROMPT, said, reference=True)
            with self.phase("update"):
                new, mask = policy.log_probs(image, PROMPT, said)
                policy_loss(
                    new,
                    new.detach(),
                    reference,
                    mask,
                    torch.tensor(advantages(rewards, "dapo"), device=new.device),
                    method="dapo",
                    clip_low=0.2,
                    clip_high=0.28,
                    kl_weight=given.kl_weight,
                    max_tokens=given.tokens,
                    tokens_in_batch=sequences * given.tokens,
                    sequences_in_batch=sequences,
                ).loss.backward()
        with self.phase("optimizer"):
            if processes > 1:
                flat = torch.cat([p.grad.flatten() for p in self.parameters])
                dist.all_reduce(flat)
                for p, part in zip(
                    self.parameters, flat.split([p.numel() for p in self.parameters]), strict=True
                ):
                    p.grad.copy_(part.view_as(p))
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def checks(self) -> dict[str, float]:
        """Whether the figures are of a step that does its work: our log-probabilities beside transformers' own forward."""
        policy, picture = self.policy, self.picture()
        image = policy.encode(picture)
        prefix = policy.prefix(image, PROMPT)
        said, (greedy,) = (
            policy.sample(
                prefix,
                count,
                max_new_tokens=min(32, self.given.tokens),
                temperature=temperature,
                generator=self.generator,
            )
            for count, temperature in ((2, 1.0), (1, 0.0))
        )
        found, _ = policy.log_probs(image, PROMPT, said)
        rolled = rollout_apart(policy, image, prefix, min(32, self.given.tokens), self.generator)
        naive = torch.stack(
            [
                naive_log_probs(policy, picture, one).gather(
                    1, torch.tensor(one, device=found.device)[:, None]
                )[:, 0]
                for one in said
            ]
        )
        apart = (found - naive).abs()
        likeliest = naive_log_probs(policy, picture, greedy).argmax(-1).tolist()
        return {
            # of random weights in bfloat16 some likeliest tokens are ties
            "greedy_agrees": sum(a == b for a, b in zip(likeliest, greedy, strict=True))
            / len(greedy),
            **rolled,
            "log_prob_apart_mean": round(float(apart.mean()), 5),
            "log_prob_apart_max": round(float(apart.max()), 5),
            "log_prob_mean": round(float(found.mean()), 3),
        }


@torch.no_grad()
def rollout_apart(
    policy: QwenPolicy, image: Any, prefix: Any, tokens: int, generator: torch.Generator
) -> dict[str, float]:
    """The rollout beside the trainer, as every run holds them together."""
    said = policy.sample(prefix, 8, max_new_tokens=tokens, temperature=1.0, generator=generator)
    rolled = policy.last_rollout
    trained, mask = policy.log_probs(image, PROMPT, said)
    if rolled is None:
        return {}
    apart = (rolled.log_probs[:, : mask.shape[1]] - trained).abs()[mask]
    return {
        "rollout_apart_mean": round(float(apart.mean()), 5),
        "rollout_apart_max": round(float(apart.max()), 5),
        # the first token comes from the prefix alone: both sides ran it the same way but for its padding
        "rollout_apart_first": round(
            float((rolled.log_probs[:, 0] - trained[:, 0]).abs().mean()), 5
        ),
        "head_writes_float32": float(
            writes_float32(str(trained.device), policy.model.lm_head.weight.dtype)
        ),
    }


def naive_log_probs(policy: QwenPolicy, picture: np.ndarray, said: list[int]) -> torch.Tensor:
    """Log-probabilities ``(L, vocabulary)`` behind a prompt through transformers' own forward, picture included."""
    model: Any = policy.model
    device = model.lm_head.weight.device
    vision = parse_config(model.config.to_dict()).vision
    rows, columns = (side // vision.patch_px for side in picture.shape[:2])
    prompt = policy.prompt_ids(PROMPT, rows * columns // vision.merge**2)
    ids = torch.tensor([prompt + said], device=device)
    pixels = torch.from_numpy(raster_patches(vision, picture))
    logits = model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        mm_token_type_ids=(ids == model.config.image_token_id).int(),
        pixel_values=pixels.to(device, model.dtype),
        image_grid_thw=torch.tensor([[1, rows, columns]], device=device),
    ).logits[0, len(prompt) - 1 : -1]
    return logits.float().log_softmax(-1)
