"""The peer of `gpu_grpo.py`: steps of TRL's GRPOTrainer with transformers' generate, on the same model and batch."""

from __future__ import annotations

import contextlib
import inspect
import random
import sys
import tempfile
import time
from typing import Any

import numpy as np
import torch
from PIL import Image
from qwen_size import make_processor

LAYERS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def trl_steps(model: Any, tokenizer: Any, given: Any, prompt: str) -> list[float]:
    """Seconds of each optimizer step, from its start to its end, the device waited for.

    Args:
        model: fresh; it gets an adapter of peft.
        tokenizer: of the model.
        given: the bench's options.
        prompt: the question.
    """
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    on_gpu = given.device.startswith("cuda")
    numbers = np.random.default_rng(0)
    side = given.side_px
    rows = [
        {
            "prompt": [{"role": "user", "content": prompt}],
            "image": Image.fromarray(numbers.integers(0, 255, (side, side, 3), dtype=np.uint8)),
        }
        for _ in range(given.steps + given.warm_up + 2)
    ]
    chance = random.Random(0)
    taken: list[float] = []

    class Clock(TrainerCallback):
        began = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            _wait(on_gpu)
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            _wait(on_gpu)
            taken.append(time.perf_counter() - self.began)

    known = inspect.signature(GRPOConfig).parameters
    # transformers 5.2x renamed it
    name = (
        "activation_checkpointing"
        if "activation_checkpointing" in known
        else "gradient_checkpointing"
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            processing_class=make_processor(tokenizer),
            reward_funcs=[lambda completions, **_: [chance.random() for _ in completions]],
            train_dataset=Dataset.from_list(rows),
            callbacks=[Clock()],
            peft_config=LoraConfig(
                r=given.rank,
                lora_alpha=2 * given.rank,
                target_modules=LAYERS,
                task_type="CAUSAL_LM",
            ),
            args=GRPOConfig(
                output_dir=folder,
                per_device_train_batch_size=given.completions,
                num_generations=given.completions,
                max_completion_length=given.tokens,
                generation_kwargs={"min_new_tokens": given.tokens},
                max_steps=given.steps + given.warm_up,
                beta=given.kl_weight,
                temperature=1.0,
                num_iterations=1,
                loss_type="dapo",
                learning_rate=1e-6,
                bf16=on_gpu,
                use_cpu=not on_gpu,
                remove_unused_columns=False,
                dataloader_pin_memory=on_gpu,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                **{name: given.checkpointed},
            ),
        )
        with contextlib.redirect_stdout(sys.stderr):  # it prints its last figures
            trainer.train()
    return taken


def _wait(on_gpu: bool) -> None:
    if on_gpu:
        torch.cuda.synchronize()
