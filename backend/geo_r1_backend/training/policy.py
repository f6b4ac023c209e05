"""What the loop asks of a model that learns: the one seam between the routine and any size of Qwen2.5-VL.

Two implementations: `policies/nano.py` (the embedded model) and `policies/qwen.py` (a folder of transformers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

    from geo_r1_backend.engines.base import ModelProfile


class Policy(Protocol):
    """A model that answers, says how likely an answer was, and can be changed.

    `Any` stands for what only the policy itself reads: its encoded image and its prefix.
    """

    @property
    def profile(self) -> ModelProfile:
        """How it sees a chip (`engines/resize.py`)."""
        ...

    def encode(self, image: np.ndarray) -> Any:
        """Visual tokens of ``(height, width, 3)`` uint8 at model size; the caller keeps them, the vision tower is frozen."""
        ...

    def prefix(self, image: Any, prompt: str) -> Any:
        """Prompt and image run once, for all completions of a group; no gradient."""
        ...

    def sample(
        self,
        prefix: Any,
        count: int,
        *,
        max_new_tokens: int,
        temperature: float,
        generator: torch.Generator,
    ) -> list[list[int]]:
        """Completions as token ids, the end token included where the model said it; temperature 0 = the likeliest token."""
        ...

    @property
    def at_once(self) -> int:
        """How many questions `answers` is best asked together."""
        ...

    def answers(
        self, images: Sequence[Any], prompts: Sequence[str], *, max_new_tokens: int
    ) -> list[str]:
        """The likeliest answer to each of some questions about different pictures, as text; no gradient."""
        ...

    def log_probs(
        self,
        image: Any,
        prompt: str,
        completions: Sequence[Sequence[int]],
        *,
        reference: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities ``(G, L)`` of the completions' tokens at temperature 1, float32, and their mask ``(G, L)``.

        The prefix is computed once for the group and gradients flow through it. ``reference``: adapter off, no gradient.
        """
        ...

    def trainable(self) -> dict[str, nn.Parameter]:
        """What the optimizer changes and a checkpoint keeps, by name."""
        ...

    def tokens(self, text: str) -> list[int]:
        """Ids of an answer as the model would write it, its end token included: what supervised training teaches."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion without its end token."""
        ...
