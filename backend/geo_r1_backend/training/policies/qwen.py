"""Any Qwen2.5-VL folder of transformers as a policy: bfloat16 on a GPU, float32 on a CPU, adapters, a frozen vision tower.

The paper's checkpoints and the 3B and 7B bases are trained with this; the embedded model has `nano.py`. What runs over tokens is
`qwen_layers.py` (training) and `qwen_decode.py` (rollout); this file puts prompt and image together and keeps the pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.models.positions import Integers, text_positions
from geo_r1_backend.models.qwen.choice import choose_operations
from geo_r1_backend.models.qwen.language import checked_config, rotary_tables
from geo_r1_backend.models.qwen.layout import shape_of
from geo_r1_backend.models.qwen.prefill import rotary_rows
from geo_r1_backend.models.qwen.prompts import make_prompt, prompt_ids
from geo_r1_backend.models.qwen.vision import VisionTower
from geo_r1_backend.training.lora import adapters_off, add_lora, lora_parameters
from geo_r1_backend.training.policies.memory import (
    FAST,
    MemoryPlan,
    Sizes,
    choose_plan,
)
from geo_r1_backend.training.policies.qwen_decode import Completions, Prefix, Rollout
from geo_r1_backend.training.policies.qwen_layers import (
    Group,
    group_forward,
    padded,
    prefix_forward,
    token_log_probs,
)
from geo_r1_backend.training_wire import Adaptation

COMPLETION_TOKENS = 8 * 512
"""Of a group: what memory is planned for where the caller does not say."""
PROMPT_TOKENS = 256
"""Words of a prompt, generously."""


@dataclass(frozen=True)
class QwenImage:
    """One image as the language model sees it."""

    features: Tensor
    """``(rows · columns, hidden)``, row by row."""
    rows: int
    columns: int


class QwenPolicy:
    """Implements `training/policy.py`'s Protocol.

    Args:
        model: `Qwen2_5_VLForConditionalGeneration` on its device, in its type.
        tokenizer: of transformers, with the chat template.
        profile: how the model sees a chip.
        adaptation: `lora`, or `full`: the whole language model, without a reference.
        rank: of the adapters.
        alpha: their scale is ``alpha / rank``.
        seed: of the adapters' first numbers.
        plan: how memory is spent; None = by what is free now.
        completion_tokens: of the largest group, all completions together: what memory is planned for, beside the largest picture.

    Raises:
        ValueError: for a model with positions or attention that is not Qwen2.5-VL's.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        profile: ModelProfile,
        *,
        adaptation: Adaptation = "lora",
        rank: int = 16,
        alpha: float = 32.0,
        seed: int = 0,
        plan: MemoryPlan | None = None,
        completion_tokens: int = COMPLETION_TOKENS,
    ) -> None:
        self.model, self._tokenizer, self.profile = model.eval(), tokenizer, profile
        self._config = checked_config(model)
        self._language = model.model.language_model
        self._shape = shape_of(self._config.text)
        self._tables = rotary_tables(self._config, model.lm_head.weight)
        self._operations = choose_operations(self._device.type, self._dtype)
        self._vision = VisionTower(model.model.visual, self._config.vision, self._operations)
        layer_parameters = sum(p.numel() for p in self._language.layers.parameters())
        if adaptation == "lora":
            self._adapters = add_lora(model, rank=rank, alpha=alpha, seed=seed)
            self._trainable = lora_parameters(self._adapters)
        else:
            self._adapters = {}
            model.requires_grad_(requires_grad=False)
            self._language.requires_grad_(requires_grad=True)
            model.lm_head.requires_grad_(requires_grad=True)
            self._trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.plan = plan or self._planned(completion_tokens, layer_parameters)
        ends = model.generation_config.eos_token_id
        self.end_ids = (
            [ends] if isinstance(ends, int) else list(ends or [self._config.eos_token_id])
        )
        self._rollout: Rollout | None = None
        self.last_rollout: Completions | None = None
        """What `sample` said last, with log-probabilities as decoding saw them."""

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None, **options: Any) -> QwenPolicy:
        """The model of a folder, on the GPU if there is one.

        Args:
            folder: as transformers writes it, with processor and tokenizer.
            device: `cpu`, `cuda`, `cuda:1`; None = the best there is.
            options: of the constructor.
        """
        from transformers import Qwen2_5_VLForConditionalGeneration

        from geo_r1_backend.engines.torch_loading import load_tokenizer

        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.bfloat16 if chosen.startswith("cuda") else torch.float32,
        ).to(chosen)
        tokenizer, _ = load_tokenizer(folder)
        return cls(model, tokenizer, read_profile(folder), **options)

    # ---- the Protocol ----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def encode(self, image: np.ndarray) -> QwenImage:
        """Visual tokens of ``(height, width, 3)`` uint8 at model size.

        Raises:
            ValueError: if a side is no multiple of a visual token's.
        """
        token_px = self._config.vision.token_px
        height_px, width_px = image.shape[:2]
        if height_px % token_px or width_px % token_px:
            raise ValueError(
                f"an image of {width_px} x {height_px} px is not a whole number of tokens of {token_px} px"
            )
        pixels = torch.from_numpy(np.array(image)).to(self._device)
        features = self._vision.encode(pixels[None])[0]
        return QwenImage(features, height_px // token_px, width_px // token_px)

    @torch.no_grad()
    def prefix(self, image: QwenImage, prompt: str) -> Prefix:
        """Prompt and image run once, for all completions of a group."""
        embeds, positions, following = self._prefix_embeds(image, prompt)
        cos, sin = self._rotary(positions)
        last, keys_values = prefix_forward(self._language, embeds, cos, sin, self._shape)
        return Prefix(keys_values, last, following)

    def sample(
        self,
        prefix: Prefix,
        count: int,
        *,
        max_new_tokens: int,
        temperature: float,
        generator: torch.Generator,
    ) -> list[list[int]]:
        """Completions as token ids, the end token included where the model said it."""
        self.last_rollout = self._rolling.sample(
            prefix,
            count,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=int(torch.randint(2**62, (1,), generator=generator, device=generator.device)),
        )
        return self.last_rollout.ids

    @property
    def at_once(self) -> int:
        """A CPU is fed by a few rows, a GPU by more; prompts of a large model take memory."""
        return 4 if self._device.type == "cpu" else 16

    def answers(
        self, images: Sequence[QwenImage], prompts: Sequence[str], *, max_new_tokens: int
    ) -> list[str]:
        """Likeliest answers, decoded together."""
        prefixes = [
            self.prefix(image, prompt) for image, prompt in zip(images, prompts, strict=True)
        ]
        said = self._rolling.likeliest(prefixes, max_new_tokens=max_new_tokens)
        return [self.decode(ids) for ids in said]

    @property
    def _rolling(self) -> Rollout:
        if self._rollout is None:
            self._rollout = Rollout(
                self._language,
                self.model.lm_head.weight,
                self._shape,
                self._tables,
                end_ids=self.end_ids,
                pad_id=self._config.pad_token_id,
                merged=self.plan.merged,
                operations=self._operations,
            )
        return self._rollout

    def log_probs(
        self,
        image: QwenImage,
        prompt: str,
        completions: Sequence[Sequence[int]],
        *,
        reference: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities ``(G, L)`` at temperature 1, float32, and their mask.

        Raises:
            ValueError: for a reference of a full fine-tune; there is no adapter to switch off.
        """
        if reference and not self._adapters:
            raise ValueError(
                "a full fine-tune has no reference: set kl_weight to 0, or adaptation to lora"
            )
        ids, mask = (t.to(self._device) for t in padded(completions, self._config.pad_token_id))
        with (
            torch.no_grad() if reference else nullcontext(),
            adapters_off(self._adapters) if reference else nullcontext(),
        ):
            return self._group_log_probs(image, prompt, ids), mask

    def trainable(self) -> dict[str, nn.Parameter]:
        """The adapters' matrices under peft's names, or all parameters of the language model."""
        return self._trainable

    def tokens(self, text: str) -> list[int]:
        """Ids of an answer, its end token included."""
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*ids, self.end_ids[0]]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion without its end token."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    # ---- pieces ----------------------------------------------------------------------------------------------------

    def _group_log_probs(self, image: QwenImage, prompt: str, ids: Tensor) -> Tensor:
        embeds, positions, following = self._prefix_embeds(image, prompt)
        # nothing follows a completion's last token, so it need not be run
        group = Group(len(embeds), len(ids), ids.shape[1] - 1)
        behind = text_positions(following, group.length)
        tables = self._rotary(np.concatenate([positions, *[behind] * group.completions], 1))
        said = self._embedded(ids[:, :-1].flatten())
        hidden = group_forward(
            self._language,
            torch.cat((embeds, said)),
            *tables,
            self._shape,
            group,
            checkpointed=self.plan.checkpointed,
        )
        found = token_log_probs(
            hidden.flatten(0, 1), self.model.lm_head.weight, ids.flatten(), self.plan.logit_rows
        )
        return found.view(ids.shape)

    def prompt_ids(self, prompt: str, visual_tokens: int) -> list[int]:
        """The user's turn as token ids: chat template, image tokens in their place."""
        return prompt_ids(self._tokenizer, prompt, visual_tokens)

    def _prefix_embeds(self, image: QwenImage, prompt: str) -> tuple[Tensor, Integers, int]:
        """Embeddings ``(P, hidden)``, positions ``(3, P)`` and the position of the token behind."""
        made = make_prompt(self._config, self._tokenizer, prompt, image.rows, image.columns)
        embeds = self._embedded(torch.tensor(made.ids, device=self._device))
        features = image.features.to(embeds.dtype)
        embeds = torch.cat((embeds[: made.image_first], features, embeds[made.image_end :]))
        return embeds, made.positions, made.next_position

    def _embedded(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self._language.embed_tokens.weight)

    def _rotary(self, positions: Integers) -> tuple[Tensor, Tensor]:
        """Tables ``(n, head width)`` in the model's type, as transformers makes them."""
        places = torch.from_numpy(np.ascontiguousarray(positions)).to(self._device)
        halves = rotary_rows(self._tables, self._config.text.mrope_section, places)
        cos, sin = (half.repeat(1, 2) for half in halves)
        return cos, sin

    def _planned(self, completion_tokens: int, layer_parameters: int) -> MemoryPlan:
        """By the memory that is free beside the loaded model."""
        if self._device.type != "cuda":
            return FAST
        text = self._config.text
        sizes = Sizes(
            layers=text.layers,
            hidden=text.hidden_size,
            intermediate=text.intermediate_size,
            vocabulary=text.vocab_size,
            value_bytes=self._dtype.itemsize,
            layer_parameters=layer_parameters,
            trained_parameters=sum(p.numel() for p in self._trainable.values()),
            key_value_width=text.kv_heads * text.head_dim,
            tokens=completion_tokens
            + PROMPT_TOKENS
            + self.profile.max_pixels // self.profile.grid_px**2,
        )
        return choose_plan(torch.cuda.mem_get_info(self._device)[0], sizes)

    @property
    def _device(self) -> torch.device:
        device: torch.device = self._language.embed_tokens.weight.device
        return device

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = self._language.embed_tokens.weight.dtype
        return dtype
