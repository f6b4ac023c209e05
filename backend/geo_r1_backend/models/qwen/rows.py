"""Buffers of sequences that are decoded together: one row each, of a fixed size, which never move.

Keys and values lie in their native head count. What a row has said stays on the device until the host fetches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from geo_r1_backend.models.qwen.layout import Shape


@dataclass(frozen=True)
class Snapshot:
    """What the host knows of the rows at one moment; on a GPU it arrives later than it was asked for."""

    said: Tensor
    """Tokens of each row, ``(rows,)``."""
    ended: Tensor
    """``(rows,)`` bool."""
    tokens: Tensor
    """``(rows, slots + 1)``."""
    arrived: Any = None
    """An event of the device; None = it is there."""

    def wait(self) -> None:
        """Until it is there."""
        if self.arrived is not None:
            self.arrived.synchronize()


class Rows:
    """State of some sequences.

    Args:
        count: rows.
        slots: tokens of each, prompt and answer.
        layers: of the model.
        shape: of a layer.
        like: a tensor of the model's type and device.
        vocabulary: to note which tokens a row has seen, for a repetition penalty; 0 = not needed.
        log_probs: whether to keep how likely each token was.
    """

    def __init__(
        self,
        count: int,
        slots: int,
        *,
        layers: int,
        shape: Shape,
        like: Tensor,
        vocabulary: int = 0,
        log_probs: bool = False,
    ) -> None:
        self.count, self.slots = count, slots
        kept = (layers, count, shape.kv_heads, slots, shape.head_width)
        self.keys, self.values = like.new_zeros(kept), like.new_zeros(kept)
        number: Any = {"dtype": torch.long, "device": like.device}
        self.arrivals = torch.zeros(count * shape.kv_heads, dtype=torch.int32, device=like.device)
        """Parts of a row's attention that have been found; zero between two kernels."""
        self.used = torch.zeros(count, **number)
        """Slots that hold a token."""
        self.positions = torch.zeros(count, **number)
        """Rotary position of the token that runs next."""
        self.current = torch.zeros(count, **number)
        """The token that runs next."""
        self.said = torch.zeros(count, **number)
        self.limits = torch.zeros(count, **number)
        self.tokens = torch.zeros(count, slots + 1, **number)
        self.ended = torch.ones(count, dtype=torch.bool, device=like.device)
        self.heat = torch.zeros(count, device=like.device)
        """Temperature of each row; 0 = the likeliest token."""
        self.seen = (
            torch.zeros(count, vocabulary, dtype=torch.bool, device=like.device)
            if vocabulary
            else None
        )
        self.log_probs = torch.zeros(count, slots + 1, device=like.device) if log_probs else None
        self.graphs: dict[tuple[int, bool, int], Any] = {}
        """Captured steps over the first rows: by their count, whether they draw, and the rank of the adapter."""
        self._pinned: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def small(self) -> list[Tensor]:
        """All but keys and values: what a step changes beside them."""
        mine = [self.used, self.positions, self.current, self.said, self.tokens, self.ended]
        return [*mine, *(t for t in (self.seen, self.log_probs) if t is not None)]

    def put(self, rows: Tensor, keys: Tensor, values: Tensor, used: Tensor) -> None:
        """Fill slots from the front.

        Args:
            rows: which, ``(n,)`` on the device.
            keys: ``(layers, n or 1, kv heads, tokens, width)``.
            values: like ``keys``.
            used: how many of the tokens count, ``(n,)`` on the device; the rest is padding.
        """
        tokens = keys.shape[3]
        self.keys[:, rows, :, :tokens] = keys
        self.values[:, rows, :, :tokens] = values
        self.used[rows] = used

    def begin(self, rows: Tensor, positions: Tensor, limits: Tensor, temperature: float) -> None:
        """Rows that have their prompt start to answer; their first token is `Decoder.first`'s."""
        self.positions[rows] = positions
        self.limits[rows] = limits
        self.said[rows] = 0
        self.ended[rows] = False
        self.heat[rows] = temperature

    def move(self, source: int, target: int) -> None:
        """Copy a row to another place."""
        for tensor in (self.keys, self.values):
            tensor[:, target].copy_(tensor[:, source])
        for tensor in (*self.small, self.limits, self.heat):
            tensor[target].copy_(tensor[source])
        self.ended[source] = True

    def snapshot(self) -> Snapshot:
        """What was said so far; on a GPU the copy is under way when this returns."""
        if not self.keys.is_cuda:
            return Snapshot(self.said.clone(), self.ended.clone(), self.tokens.clone())
        if not self._pinned:  # two at a time are under way, never more
            self._pinned = [
                (
                    torch.empty(self.count, dtype=torch.long, pin_memory=True),
                    torch.empty(self.count, dtype=torch.bool, pin_memory=True),
                    torch.empty(self.count, self.slots + 1, dtype=torch.long, pin_memory=True),
                )
                for _ in range(3)
            ]
        said, ended, tokens = target = self._pinned.pop(0)
        self._pinned.append(target)
        said.copy_(self.said, non_blocking=True)
        ended.copy_(self.ended, non_blocking=True)
        tokens.copy_(self.tokens, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        return Snapshot(said, ended, tokens, event)
