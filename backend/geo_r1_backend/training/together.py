"""Several processes that train one run: who asks which prompt, and how their gradients become one. Started by torchrun.

What is chosen (prompts, sides, random numbers) is computed by every process alike, so only what a process alone can know is
exchanged: how its groups went, and its share of the gradient. The first process writes; the others have no file open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import nn
from torch.distributed import (
    all_gather_object,
    all_reduce,
    broadcast_object_list,
    destroy_process_group,
    init_process_group,
)

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)
"""While the first process looks at the validation part, the others wait."""


@dataclass(frozen=True)
class Together:
    """This process among those of its run; alone where there is no other."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def mine(self, items: Sequence[T]) -> list[tuple[int, T]]:
        """Items that this process works on, each with its place among all."""
        return [(n, item) for n, item in enumerate(items) if n % self.size == self.rank]

    def gathered(self, mine: Sequence[T]) -> list[T]:
        """What `mine` gave to each, worked on, in the order of all items."""
        if self.size == 1:
            return list(mine)
        every: list[Any] = [None] * self.size
        all_gather_object(every, list(mine))
        longest = max(len(one) for one in every)
        return [one[n] for n in range(longest) for one in every if n < len(one)]

    def agreed(self, value: T) -> T:
        """The first process' value, for all."""
        if self.size == 1:
            return value
        told: list[Any] = [value]
        broadcast_object_list(told, src=0)
        return cast("T", told[0])

    @torch.no_grad()
    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make the gradients of all processes their sum; one that learned nothing from its groups counts as zero."""
        if self.size == 1:
            return
        trained = list(parameters)
        for one in trained:
            if one.grad is None:
                one.grad = torch.zeros_like(one)
        # one message instead of hundreds
        flat = torch.cat([one.grad.flatten() for one in trained if one.grad is not None])
        all_reduce(flat)
        pieces = torch.split(flat, [one.numel() for one in trained])
        for one, piece in zip(trained, pieces, strict=True):
            one.grad = piece.view_as(one).clone()


@contextmanager
def joined() -> Iterator[Together]:
    """Meet the other processes where torchrun has started several: NCCL and gloo on GPUs, gloo on a CPU."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Together()
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Together(int(os.environ["RANK"]), size)
    finally:
        destroy_process_group()
