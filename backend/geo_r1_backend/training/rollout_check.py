"""Whether the rollout and the trainer are the same model: every token's log-probability as it was decoded, beside the update's own.

Two different programs compute them (a captured step over a cache, a forward over the whole group). Where they drift apart, stale
weights or a wrong mask look like slow learning and nothing else, so every step of every run is held to a limit.
"""

from __future__ import annotations

from torch import Tensor

MEAN_LIMIT = 0.02
"""Mean difference that is told. bfloat16 alone makes about this much of a 3B model; float32 a thousandth of it."""
WRONG_MODEL = 0.5
"""Mean difference that no rounding makes: the rollout had other weights."""


class RolloutCheck:
    """Differences of a run so far."""

    def __init__(self) -> None:
        self.told = False
        """Whether somebody was told already; once is enough."""
        self._sum, self._tokens = 0.0, 0

    @property
    def mean(self) -> float:
        """Of all tokens since `begin`; 0 where there is nothing to compare."""
        return self._sum / self._tokens if self._tokens else 0.0

    def begin(self) -> None:
        """A new step."""
        self._sum, self._tokens = 0.0, 0

    def look(self, decoded: Tensor | None, trained: Tensor, mask: Tensor) -> None:
        """Compare one group before its update.

        Args:
            decoded: ``(G, L)`` as the rollout saw them; None = it kept none.
            trained: ``(G, L)`` of the update's forward.
            mask: which of them are tokens.
        """
        if decoded is None:
            return
        apart = (decoded.to(trained.device)[:, : mask.shape[1]] - trained.detach()).abs()[mask]
        self._sum += float(apart.sum())
        self._tokens += int(mask.sum())

    def verdict(self) -> str:
        """What to tell of this step; empty = nothing, or it was told before.

        Raises:
            RuntimeError: if the difference is no rounding.
        """
        if self.mean > WRONG_MODEL:
            raise RuntimeError(
                f"answers were drawn from another model than the one that learns: log-probabilities differ by {self.mean:.2f} "
                f"on average (rounding makes up to {MEAN_LIMIT}); please report this with the run's config.json"
            )
        if self.mean <= MEAN_LIMIT or self.told:
            return ""
        self.told = True
        return (
            f"log-probabilities of rollout and trainer differ by {self.mean:.3f} on average (limit {MEAN_LIMIT}): more than "
            "rounding usually makes; answers are drawn a little beside the model that learns"
        )
