"""The embedded model, or one merged from it, as a policy in float32; its vision tower is frozen unless a run says otherwise.

What runs over tokens is that of any Qwen2.5-VL (`qwen_layers.py`, `qwen_decode.py`), for `models/nano.py` has transformers' names.
This file puts picture and prompt together as the embedded model's engine does (`models/tokens.py`), and keeps the base for the KL term.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geo_r1_backend.engines.base import ModelProfile
from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.models.config import ModelConfig, read_config
from geo_r1_backend.models.generate import likeliest
from geo_r1_backend.models.nano import Nano, NanoConfig
from geo_r1_backend.models.positions import (
    Integers,
    after_image,
    image_positions,
    text_positions,
    text_rotation,
)
from geo_r1_backend.models.qwen.language import rotary_tables
from geo_r1_backend.models.qwen.layout import shape_of
from geo_r1_backend.models.tokens import TOKENIZER_FILE, ChatTokens
from geo_r1_backend.models.weights import float_state
from geo_r1_backend.training.lora import adapters_off, add_lora, lora_parameters
from geo_r1_backend.training.policies.qwen_decode import Completions, Prefix, Rollout
from geo_r1_backend.training.policies.qwen_layers import (
    Group,
    group_forward,
    padded,
    prefix_forward,
    token_log_probs,
)
from geo_r1_backend.training_wire import Adaptation

END = "<|im_end|>"
LOGIT_ROWS = 1 << 20
"""All at once: 2,048 tokens of a vocabulary of 4,096 are 34 MB."""
SEEN_AT_ONCE = 8
"""Pictures that a tower which learns looks at together when many are asked: memory grows with them."""


@dataclass(frozen=True)
class NanoImage:
    """One picture as the language model sees it, or as the vision tower does while that learns."""

    seen: Tensor
    """Features ``(rows · columns, hidden)``, row by row; of a tower that learns, pixels ``(height, width, 3)`` uint8, for features would be stale."""
    rows: int
    columns: int


class NanoPolicy:
    """Implements `training/policy.py`'s Protocol.

    Args:
        model: in float32.
        config: its shape and token ids.
        tokens: its tokenizer.
        profile: how it sees a chip.
        adaptation: `full`: the whole language model; `full_vision`: the vision tower too; `lora`: adapters around the former's linear layers.
        rank: of the adapters.
        alpha: their scale is ``alpha / rank``.
        seed: of the adapters' first numbers.
        keep_base: keep a copy of the base beside a full fine-tune, for the KL term.
    """

    def __init__(
        self,
        model: Nano,
        config: ModelConfig,
        tokens: ChatTokens,
        profile: ModelProfile,
        *,
        adaptation: Adaptation = "full",
        rank: int = 16,
        alpha: float = 32.0,
        seed: int = 0,
        keep_base: bool = False,
    ) -> None:
        self.model, self.config, self.profile = model.eval(), config, profile
        self._tokens = tokens
        self._shape = shape_of(config.text)
        self._language: Any = model.model.language_model
        self._tower_learns = adaptation == "full_vision"
        self._base: Any = None
        model.requires_grad_(requires_grad=False)
        if adaptation == "lora":
            self._adapters = add_lora(model, rank=rank, alpha=alpha, seed=seed)
            self._trainable = lora_parameters(self._adapters)
        else:
            self._adapters = {}
            if keep_base:
                self._base = copy.deepcopy(model.model)
            self._language.requires_grad_(requires_grad=True)
            model.model.visual.requires_grad_(requires_grad=self._tower_learns)
            self._trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._end_id = tokens.control_id(END)
        self._before = tokens.image_prefix_ids()
        self._rollout: Rollout | None = None
        self.last_rollout: Completions | None = None
        """What `sample` said last, with log-probabilities as decoding saw them."""

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", **options: Any) -> NanoPolicy:
        """The model of a folder in the embedded model's format; its stored int8 weights, as float32.

        Args:
            folder: with `weights.safetensors`, `config.json` and the tokenizer.
            device: `cpu` or `cuda`.
            options: of the constructor.
        """
        config = read_config(folder)
        model = Nano(_sizes(config))
        state = float_state(folder)
        model.load_state_dict(
            {n: torch.from_numpy(np.array(state[n], np.float32)) for n in model.state_dict()}
        )
        tokens = ChatTokens(folder / TOKENIZER_FILE)
        return cls(model.to(device), config, tokens, read_profile(folder), **options)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        found: torch.device = self._language.embed_tokens.weight.device
        return found

    # ---- the Protocol ----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def encode(self, image: np.ndarray) -> NanoImage:
        """A picture ``(height, width, 3)`` uint8 at model size, seen once while the tower is frozen."""
        side = self.config.vision.token_px
        pixels = torch.from_numpy(np.array(image)).to(self.device)
        seen = pixels if self._tower_learns else self.model.model.visual(pixels[None])[0]
        return NanoImage(seen, image.shape[0] // side, image.shape[1] // side)

    @torch.no_grad()
    def prefix(self, image: NanoImage, prompt: str) -> Prefix:
        """Picture and prompt run once, for all completions of a group."""
        embeds, positions, following = self._prefix_embeds(self.model.model, image, prompt)
        last, kept = prefix_forward(self._language, embeds, *self._rotary(positions), self._shape)
        return Prefix(kept, last, following)

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
        if self._rollout is None:
            head = self._language.embed_tokens.weight
            self._rollout = Rollout(
                self._language,
                head,
                self._shape,
                rotary_tables(self.config, head),
                end_ids=[self._end_id],
                pad_id=self.config.pad_token_id,
                merged=True,
            )
        self.last_rollout = self._rollout.sample(
            prefix,
            count,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=int(torch.randint(2**62, (1,), generator=generator)),
        )
        return self.last_rollout.ids

    @property
    def at_once(self) -> int:
        """A CPU is fed by eight rows, a GPU by sixty-four."""
        return 8 if self.device.type == "cpu" else 64

    def answers(
        self, images: Sequence[NanoImage], prompts: Sequence[str], *, max_new_tokens: int
    ) -> list[str]:
        """Likeliest answers; pictures of one shape are asked in one batch."""
        texts = [""] * len(prompts)
        shapes = sorted({(one.rows, one.columns) for one in images})
        for shape in shapes:
            places = [i for i, one in enumerate(images) if (one.rows, one.columns) == shape]
            found = likeliest(
                self.model,
                self._features(self.model.model, [images[i] for i in places]),
                shape,
                self._before,
                [self._tokens.prompt_ids(prompts[i]) for i in places],
                stop=self._end_id,
                max_new_tokens=max_new_tokens,
            )
            for place, ids in zip(places, found, strict=True):
                texts[place] = self.decode(ids)
        return texts

    def log_probs(
        self,
        image: NanoImage,
        prompt: str,
        completions: Sequence[Sequence[int]],
        *,
        reference: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities ``(G, L)`` at temperature 1, and their mask.

        Raises:
            ValueError: for a reference where no base was kept.
        """
        ids, mask = (t.to(self.device) for t in padded(completions, self.config.pad_token_id))
        if not reference:
            return self._group_log_probs(self.model.model, image, prompt, ids), mask
        if self._base is None and not self._adapters:
            raise ValueError("a full fine-tune without keep_base=True has no reference")
        with torch.no_grad(), adapters_off(self._adapters):
            base = self._base if self._base is not None else self.model.model
            return self._group_log_probs(base, image, prompt, ids), mask

    def trainable(self) -> dict[str, nn.Parameter]:
        """All parameters of the language model (and of the tower), or the adapters' matrices under peft's names."""
        return self._trainable

    def tokens(self, text: str) -> list[int]:
        """Ids of an answer of the model's own, its end token included: what supervised training teaches."""
        return [*self._tokens.answer_ids(text), self._end_id]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion without its end token."""
        return self._tokens.text(ids)

    # ---- pieces ----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def merged_state(self) -> dict[str, np.ndarray]:
        """Float32 arrays of the whole model by the names of a plain one, adapters merged into their layers."""
        state = {
            name.replace(".base.", "."): tensor.detach().cpu().numpy().copy()
            for name, tensor in self.model.state_dict().items()
            if not name.endswith((".down", ".up"))
        }
        for name, adapter in self._adapters.items():
            state[f"{name}.weight"] = adapter.merged().cpu().numpy()
        return state

    def _group_log_probs(self, model: Any, image: NanoImage, prompt: str, ids: Tensor) -> Tensor:
        language = model.language_model
        embeds, positions, following = self._prefix_embeds(model, image, prompt)
        # nothing follows a completion's last token, so it need not be run
        group = Group(len(embeds), len(ids), ids.shape[1] - 1)
        behind = text_positions(following, group.length)
        tables = self._rotary(np.concatenate([positions, *[behind] * group.completions], 1))
        said = F.embedding(ids[:, :-1].flatten(), language.embed_tokens.weight)
        hidden = group_forward(
            language, torch.cat((embeds, said)), *tables, self._shape, group, checkpointed=False
        )
        head = language.embed_tokens.weight
        found = token_log_probs(hidden.flatten(0, 1), head, ids.flatten(), LOGIT_ROWS)
        return found.view(ids.shape)

    def _features(self, model: Any, images: Sequence[NanoImage]) -> Tensor:
        """``(n, rows · columns, hidden)`` of pictures of one shape, with a gradient where the tower learns."""
        seen = torch.stack([one.seen for one in images])
        if not self._tower_learns:
            return seen
        return torch.cat([model.visual(some) for some in seen.split(SEEN_AT_ONCE)])

    def _prefix_embeds(
        self, model: Any, image: NanoImage, prompt: str
    ) -> tuple[Tensor, Integers, int]:
        """Embeddings ``(P, hidden)``, positions ``(3, P)`` and the position of the token behind."""
        behind = self._tokens.prompt_ids(prompt)
        first = len(self._before)
        after = after_image(first, image.rows, image.columns)
        positions = np.concatenate(
            [
                text_positions(0, first),
                image_positions(first, image.rows, image.columns),
                text_positions(after, len(behind)),
            ],
            axis=1,
        )
        ids = torch.tensor([*self._before, *behind], device=self.device)
        said = F.embedding(ids, model.language_model.embed_tokens.weight)
        embeds = torch.cat((said[:first], self._features(model, [image])[0], said[first:]))
        return embeds, positions, after + len(behind)

    def _rotary(self, positions: Integers) -> tuple[Tensor, Tensor]:
        """Tables ``(n, head width)``."""
        cos, sin = (
            torch.from_numpy(half).repeat(1, 2).to(self.device)
            for half in text_rotation(self.config.text, positions)
        )
        return cos, sin


def _sizes(config: ModelConfig) -> NanoConfig:
    """The plain model's sizes from a folder's `config.json`."""
    text, vision = config.text, config.vision
    return NanoConfig(
        vocabulary=text.vocab_size,
        hidden=text.hidden_size,
        layers=text.layers,
        heads=text.heads,
        kv_heads=text.kv_heads,
        mlp=text.intermediate_size,
        rope_theta=text.rope_theta,
        mrope_section=text.mrope_section,
        positions=text.max_positions,
        vision_hidden=vision.hidden_size,
        vision_layers=vision.depth,
        vision_heads=vision.heads,
        vision_mlp=vision.intermediate_size,
        full_attention_layers=vision.full_attention_blocks,
        patch_px=vision.patch_px,
        merge=vision.merge,
        window_px=vision.window_px,
        rms_eps=text.rms_norm_eps,
    )
