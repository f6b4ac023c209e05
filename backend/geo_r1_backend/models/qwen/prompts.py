"""From a question to token ids and rotary positions: the chat template of the model's own tokenizer, the picture in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_r1_backend.models.config import ModelConfig
from geo_r1_backend.models.positions import (
    Integers,
    after_image,
    image_positions,
    text_positions,
)

IMAGE_TOKEN = "<|image_pad|>"  # noqa: S105 - a token of text, no secret


@dataclass(frozen=True)
class Prompt:
    """A user's turn that the model can read."""

    ids: list[int]
    positions: Integers
    """``(3, tokens)``."""
    next_position: int
    """Of the first token of the answer."""
    image_first: int
    """Place of the first visual token."""
    visual: int
    """How many there are."""

    @property
    def image_end(self) -> int:
        """Place behind the last visual token."""
        return self.image_first + self.visual


def prompt_ids(tokenizer: Any, prompt: str, visual_tokens: int) -> list[int]:
    """The user's turn as token ids: chat template, visual tokens in their place."""
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    chat: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    chat = chat.replace(IMAGE_TOKEN, IMAGE_TOKEN * visual_tokens, 1)
    ids: list[int] = tokenizer(chat, add_special_tokens=False)["input_ids"]
    return ids


def make_prompt(config: ModelConfig, tokenizer: Any, text: str, rows: int, columns: int) -> Prompt:
    """The prompt about a picture of ``rows`` x ``columns`` visual tokens.

    Raises:
        ValueError: if the chat template has no place for a picture.
    """
    visual = rows * columns
    ids = prompt_ids(tokenizer, text, visual)
    if config.image_token_id not in ids:
        raise ValueError(
            "the chat template has no place for a picture; copy chat_template.jinja of the base model"
        )
    first = ids.index(config.image_token_id)
    behind = len(ids) - first - visual
    after = after_image(first, rows, columns)
    positions = np.concatenate(
        [
            text_positions(0, first),
            image_positions(first, rows, columns),
            text_positions(after, behind),
        ],
        axis=1,
    )
    return Prompt(ids, positions, after + behind, first, visual)
