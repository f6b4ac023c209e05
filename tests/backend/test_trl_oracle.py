"""Our losses and gradients against TRL's GRPOTrainer: same tiny model, adapter, completions and rewards.

TRL is a library of others, of 3,000 lines, that many people train with; it knows nothing of shared prefixes. It runs here for two
optimizer steps over the same two groups: the first on-policy, the second after a step so large that ratios reach the clip.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration, TrainerCallback

from geo_r1_backend.engines.torch_loading import load_processor
from geo_r1_backend.models.export import export_stock_folder
from geo_r1_backend.training.advantage import advantages
from geo_r1_backend.training.loss import policy_loss
from geo_r1_backend.training.policies.qwen import QwenPolicy
from tests.backend.tiny_model import picture, write_tiny_model

pytest.importorskip("trl", reason="the extra “test” is not installed whole")

PROMPT = "Find ships."
IMAGES = [picture(112, 112, 1), picture(140, 84, 2)]
MAX_TOKENS = 12
KL_WEIGHT = 0.1
END_ID = 258
MODULES = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"

pytestmark = [
    # peft 0.21 and TRL 1.16 still use names that transformers 5 has renamed (2026-11)
    pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*experimental.*:UserWarning"),
]


@dataclass
class Seen:
    """What TRL did: completions with their rewards, and of each optimizer step loss, weights before it and gradients."""

    completions: list = field(default_factory=list)
    losses: list = field(default_factory=list)
    weights: list = field(default_factory=list)
    gradients: list = field(default_factory=list)


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A random model as transformers writes it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("oracle")
    ours = write_tiny_model(folder / "tiny", max_positions=2048)
    export_stock_folder(ours, folder / "stock")
    return folder / "stock"


def our_name(theirs):
    return theirs.replace(".default.", ".")


def train_with_trl(stock, folder, method, unbiased_kl) -> Seen:
    """Two optimizer steps of GRPOTrainer over two prompts with four completions each, in two micro-batches."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    seen = Seen()

    def reward(completion_ids, number, **_):
        worths = [(sum(ids) * 7 + len(ids)) % 11 / 10 for ids in completion_ids]
        seen.completions += zip(number, completion_ids, worths, strict=True)
        return worths

    class Watched(GRPOTrainer):
        def _compute_loss(self, model, inputs):
            loss = super()._compute_loss(model, inputs)
            seen.losses.append(loss.item())
            return loss

    class Watch(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **_):
            trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
            seen.weights.append({our_name(n): p.detach().clone() for n, p in trained.items()})
            seen.gradients.append({our_name(n): p.grad.clone() for n, p in trained.items()})

    rows = [
        {"prompt": [{"role": "user", "content": PROMPT}], "image": image, "number": number}
        for number, image in enumerate(IMAGES)
    ]
    trainer = Watched(
        model=Qwen2_5_VLForConditionalGeneration.from_pretrained(stock, dtype=torch.float32),
        processing_class=load_processor(stock, "qwen2_5_vl"),
        reward_funcs=[reward],
        train_dataset=Dataset.from_list(rows),
        callbacks=[Watch()],
        peft_config=LoraConfig(
            r=4, lora_alpha=8, lora_dropout=0.0, target_modules=MODULES, task_type="CAUSAL_LM"
        ),
        args=GRPOConfig(
            output_dir=str(folder),
            loss_type=method,
            scale_rewards="none" if method == "dr_grpo" else "group",
            beta=KL_WEIGHT,
            use_bias_correction_kl=unbiased_kl,
            epsilon=0.2,
            epsilon_high=0.28,
            num_generations=4,
            num_iterations=2,
            per_device_train_batch_size=4,
            gradient_accumulation_steps=2,
            max_steps=2,
            max_completion_length=MAX_TOKENS,
            # completions of different lengths: the end token comes more often than a random model says it
            generation_kwargs={"sequence_bias": [[[END_ID], 3.0]]},
            optim="sgd",
            learning_rate=0.5,
            lr_scheduler_type="constant",
            max_grad_norm=0.0,
            seed=5,
            bf16=False,
            use_cpu=True,
            dataloader_pin_memory=False,
            activation_checkpointing=False,
            remove_unused_columns=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
    )
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():  # an adapter that does something, so that the KL term does
        for name, parameter in trainer.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=source))
    trainer.train()
    return seen


def set_weights(policy, weights):
    with torch.no_grad():
        for name, parameter in policy.trainable().items():
            parameter.copy_(weights[name])
            parameter.grad = None


def our_step(policy, seen, method, unbiased_kl, step):
    """Loss, gradients and clipped share of the same batch, group after group."""
    groups = [[row for row in seen.completions if row[0] == number] for number in range(2)]
    tokens = sum(len(ids) for _, ids, _ in seen.completions)
    images = [policy.encode(np.asarray(image)) for image in IMAGES]
    loss, clipped, kl = 0.0, 0.0, 0.0
    said = [[ids for _, ids, _ in group] for group in groups]
    set_weights(policy, seen.weights[0])
    with torch.no_grad():
        old = [policy.log_probs(i, PROMPT, s)[0] for i, s in zip(images, said, strict=True)]
    set_weights(policy, seen.weights[step])
    for group, image, ids, sampled in zip(groups, images, said, old, strict=True):
        new, mask = policy.log_probs(image, PROMPT, ids)
        reference, _ = policy.log_probs(image, PROMPT, ids, reference=True)
        parts = policy_loss(
            new,
            sampled,
            reference,
            mask,
            torch.tensor(advantages([worth for *_, worth in group], method)),
            method=method,
            clip_low=0.2,
            clip_high=0.28,
            kl_weight=KL_WEIGHT,
            max_tokens=MAX_TOKENS,
            tokens_in_batch=tokens,
            sequences_in_batch=8,
            unbiased_kl=unbiased_kl,
        )
        parts.loss.backward()
        loss, clipped, kl = (
            loss + parts.loss.item(),
            clipped + float(parts.clipped),
            kl + float(parts.kl),
        )
    gradients = {name: p.grad for name, p in policy.trainable().items()}
    return SimpleNamespace(loss=loss, gradients=gradients, clipped=clipped, kl=kl)


@pytest.mark.parametrize(
    ("method", "unbiased_kl"), [("grpo", True), ("grpo", False), ("dapo", True), ("dr_grpo", True)]
)
def test_loss_and_gradient_are_trls(stock, tmp_path, method, unbiased_kl):
    """Loss within 1e-4, every gradient within 1e-4 of its largest entry, on-policy and at the clip, with KL to the base."""
    seen = train_with_trl(stock, tmp_path, method, unbiased_kl)
    policy = QwenPolicy.load(stock, device="cpu", rank=4, alpha=8)

    assert len(seen.completions) == 8
    assert len({len(ids) for _, ids, _ in seen.completions}) > 2  # or lengths would not matter
    assert len(seen.losses) == 4  # two micro-batches a step
    for step in (0, 1):
        ours = our_step(policy, seen, method, unbiased_kl, step)

        assert ours.loss == pytest.approx(sum(seen.losses[2 * step : 2 * step + 2]), abs=1e-4)
        assert set(ours.gradients) == set(seen.gradients[step])
        for name, theirs in seen.gradients[step].items():
            scale = float(theirs.abs().max())
            torch.testing.assert_close(ours.gradients[name], theirs, rtol=1e-4, atol=1e-4 * scale)
            assert scale > 0, name
        assert ours.kl > 0
        assert (ours.clipped > 0) is (step == 1)
