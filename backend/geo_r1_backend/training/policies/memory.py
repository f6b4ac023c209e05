"""How a policy spends memory: as fast as fits. Pure arithmetic; a test holds the estimates against a GPU's figures."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
MARGIN = 1.15
"""The allocator's gaps, workspaces of matrix products, CUDA graphs."""


@dataclass(frozen=True)
class MemoryPlan:
    """What is kept and what is computed again."""

    merged: bool
    """Keep merged, fused copies of the layers for the rollout: as much memory again as the layers have, half the decode time."""
    checkpointed: bool
    """Compute each layer again in the backward pass: a third more work, a fraction of the memory."""
    logit_rows: int
    """Tokens whose logits exist at the same time."""

    @property
    def is_lean(self) -> bool:
        """Whether every saving is made."""
        return self.checkpointed and not self.merged


FAST = MemoryPlan(merged=True, checkpointed=False, logit_rows=512)
CHECKPOINTED = MemoryPlan(merged=True, checkpointed=True, logit_rows=512)
LEAN = MemoryPlan(merged=False, checkpointed=True, logit_rows=128)
PLANS = (FAST, CHECKPOINTED, LEAN)
"""From the fastest to the smallest."""


@dataclass(frozen=True)
class Sizes:
    """Of a language model and of the largest group that it is trained on."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    value_bytes: int
    """2 for bfloat16, 4 for float32."""
    layer_parameters: int
    """Of all layers together, without embeddings and adapters."""
    trained_parameters: int
    """Of the adapters, or of all that learns."""
    key_value_width: int
    """Of one layer's keys, all heads."""
    tokens: int
    """Of a group: prefix and all completions."""


def needed_bytes(plan: MemoryPlan, sizes: Sizes) -> int:
    """Memory that training needs beside the loaded model, roughly, the margin included."""
    # of a layer's backward pass: twelve tensors as wide as the hidden state, six as wide as the perceptron
    inside = sizes.tokens * sizes.value_bytes * (12 * sizes.hidden + 6 * sizes.intermediate)
    between = sizes.tokens * 4 * sizes.hidden * sizes.layers  # sums are float32
    activations = between + inside if plan.checkpointed else inside * sizes.layers
    # logits, their float32 copy, its gradient and the softmax that makes it
    logits = plan.logit_rows * sizes.vocabulary * (2 * sizes.value_bytes + 3 * 4)
    copies = sizes.layer_parameters * sizes.value_bytes if plan.merged else 0
    # float32 each: the number, its gradient, the optimizer's two moments
    learning = sizes.trained_parameters * 4 * 4
    # every completion has the prefix's keys and values and its own
    caches = 3 * sizes.tokens * sizes.layers * 2 * sizes.key_value_width * sizes.value_bytes
    return int((activations + logits + copies + learning + caches) * MARGIN)


def choose_plan(free_bytes: int, sizes: Sizes) -> MemoryPlan:
    """The fastest plan that fits; the leanest where none does, for the estimate may be wrong and trying costs nothing."""
    for plan in PLANS:
        if needed_bytes(plan, sizes) <= free_bytes:
            return plan
    return LEAN
