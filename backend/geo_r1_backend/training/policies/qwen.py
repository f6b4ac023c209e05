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
from geo_r1_backend.models.config import parse_config
from geo_r1_backend.models.pixels import raster_patches
from geo_r1_backend.models.positions import (
    Integers,
    after_image,
    image_positions,
    text_positions,
    text_rotation,
)
from geo_r1_backend.training.lora import adapters_off, add_lora, lora_parameters
from geo_r1_backend.training.policies.memory import (
    FAST,
    MemoryPlan,
    Sizes,
    choose_plan,
)
from geo_r1_backend.training.policies.qwen_decode import Decoder
from geo_r1_backend.training.policies.qwen_layers import (
    Group,
    KeyValue,
    Shape,
    group_forward,
    padded,
    prefix_forward,
    token_log_probs,
)
from geo_r1_backend.training_wire import Adaptation

IMAGE_TOKEN = "<|image_pad|>"  # noqa: S105 - a token of text, no secret
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


@dataclass(frozen=True)
class QwenPrefix:
    """Prompt and image, run once."""

    keys_values: list[KeyValue]
    last_hidden: Tensor
    """Of the last token, normed, ``(hidden,)``."""
    next_position: int


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
        stored = model.config.to_dict()
        self._config = parse_config(stored)
        text = self._config.text
        rope = stored["text_config"]["rope_parameters"].get("rope_type", "default")
        if rope not in ("default", "mrope") or stored["text_config"].get("use_sliding_window"):
            raise ValueError(
                f"rope_type is {rope!r} or use_sliding_window is on; only Qwen2.5-VL's own positions and full attention are supported"
            )
        self._language = model.model.language_model
        self._shape = Shape(text.heads, text.kv_heads, text.head_dim, text.rms_norm_eps)
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
        self._decoder: Decoder | None = None

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None, **options: Any) -> QwenPolicy:
        """The model of a folder, on the GPU if there is one.

        Args:
            folder: as transformers writes it, with processor and tokenizer.
            device: `cpu`, `cuda`, `cuda:1`; None = the best there is.
            options: of the constructor.
        """
        from transformers import Qwen2_5_VLForConditionalGeneration

        from geo_r1_backend.engines.torch_worker import load_processor

        chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder,
            local_files_only=True,
            dtype=torch.bfloat16 if chosen.startswith("cuda") else torch.float32,
        ).to(chosen)
        tokenizer = load_processor(folder, "qwen2_5_vl").tokenizer
        return cls(model, tokenizer, read_profile(folder), **options)

    # ---- the Protocol ----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def encode(self, image: np.ndarray) -> QwenImage:
        """Visual tokens of ``(height, width, 3)`` uint8 at model size.

        Raises:
            ValueError: if a side is no multiple of a visual token's.
        """
        vision = self._config.vision
        values = torch.from_numpy(raster_patches(vision, image))
        patch_rows, patch_columns = (side // vision.patch_px for side in image.shape[:2])
        grid = torch.tensor([[1, patch_rows, patch_columns]], device=self._device)
        seen = self.model.model.visual(values.to(self._device, self._dtype), grid_thw=grid)
        features = getattr(seen, "pooler_output", seen)  # a bare tensor before transformers 5
        return QwenImage(features, patch_rows // vision.merge, patch_columns // vision.merge)

    @torch.no_grad()
    def prefix(self, image: QwenImage, prompt: str) -> QwenPrefix:
        """Prompt and image run once, for all completions of a group."""
        embeds, positions, following = self._prefix_embeds(image, prompt)
        cos, sin = self._rotary(positions)
        last, keys_values = prefix_forward(self._language, embeds, cos, sin, self._shape)
        return QwenPrefix(keys_values, last, following)

    def sample(
        self,
        prefix: QwenPrefix,
        count: int,
        *,
        max_new_tokens: int,
        temperature: float,
        generator: torch.Generator,
    ) -> list[list[int]]:
        """Completions as token ids, the end token included where the model said it."""
        decoder = self._decoder
        if decoder is None:
            decoder = self._decoder = Decoder(
                self._language,
                self.model.lm_head.weight,
                self._shape,
                end_ids=self.end_ids,
                pad_id=self._config.pad_token_id,
                merged=self.plan.merged,
            )
        seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        return decoder.sample(
            prefix.last_hidden,
            prefix.keys_values,
            lambda tokens: self._rotary(text_positions(prefix.next_position, tokens)),
            count,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
        )

    @property
    def at_once(self) -> int:
        """One by one: each has a prefix of its own."""
        return 1

    def answers(
        self, images: Sequence[QwenImage], prompts: Sequence[str], *, max_new_tokens: int
    ) -> list[str]:
        """Likeliest answers, one question after the other."""
        likeliest = torch.Generator()  # which needs no chance
        said = [
            self.sample(
                self.prefix(image, prompt),
                1,
                max_new_tokens=max_new_tokens,
                temperature=0.0,
                generator=likeliest,
            )
            for image, prompt in zip(images, prompts, strict=True)
        ]
        return [self.decode(ids) for (ids,) in said]

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
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        chat: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        chat = chat.replace(IMAGE_TOKEN, IMAGE_TOKEN * visual_tokens, 1)
        ids: list[int] = self._tokenizer(chat, add_special_tokens=False)["input_ids"]
        return ids

    def _prefix_embeds(self, image: QwenImage, prompt: str) -> tuple[Tensor, Integers, int]:
        """Embeddings ``(P, hidden)``, positions ``(3, P)`` and the position of the token behind."""
        visual = len(image.features)
        ids = self.prompt_ids(prompt, visual)
        first = ids.index(self._config.image_token_id)
        behind = len(ids) - first - visual
        after = after_image(first, image.rows, image.columns)
        positions = np.concatenate(
            [
                text_positions(0, first),
                image_positions(first, image.rows, image.columns),
                text_positions(after, behind),
            ],
            axis=1,
        )
        embeds = self._embedded(torch.tensor(ids, device=self._device))
        features = image.features.to(embeds.dtype)
        embeds = torch.cat((embeds[:first], features, embeds[first + visual :]))
        return embeds, positions, after + behind

    def _embedded(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self._language.embed_tokens.weight)

    def _rotary(self, positions: Integers) -> tuple[Tensor, Tensor]:
        """Tables ``(n, head width)`` in the model's type, as transformers makes them."""
        cos, sin = (
            torch.from_numpy(half).repeat(1, 2).to(self._device, self._dtype)
            for half in text_rotation(self._config.text, positions)
        )
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
