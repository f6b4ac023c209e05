"""When an endpoint may be asked, and how many questions at a time. Pure: time and chance are handed in.

A connection that breaks takes an endpoint out at once; it is tried again after a wait that doubles each time, with chance in
it, so that many clients do not come back together. A server that says "too many" is asked fewer at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LONGEST_PAUSE_S = 120.0
"""What a server may ask for with Retry-After."""
USUAL_PAUSE_S = 1.0
"""Where it does not say how long."""
ERRORS_IN_A_ROW = 3
"""Answers of 5xx, after which an endpoint counts as broken; one may be the question's fault."""


@dataclass
class Health:
    """Of one endpoint.

    Args:
        concurrency: most questions at a time.
        chance: a number in [0, 1) each time.
    """

    concurrency: int
    chance: Callable[[], float]
    is_up: bool = False
    reason: str = "not asked yet"
    """Why it is out or waited for; empty = it is not."""
    busy: int = 0
    failures: int = 0
    """Tries in a row that failed while it is out."""
    not_before_s: float = 0.0
    """Monotonic time of the next try."""
    room: float = field(default=0.0)
    """Questions at a time that it takes at the moment."""
    errors: int = 0

    def __post_init__(self) -> None:
        self.room = float(self.concurrency)

    def can_take(self, now_s: float) -> bool:
        """Whether one more question may go there."""
        return self.is_up and now_s >= self.not_before_s and self.busy < max(1, int(self.room))

    def should_probe(self, now_s: float) -> bool:
        """Whether it is time to see if it is back."""
        return not self.is_up and now_s >= self.not_before_s

    def answered(self) -> None:
        """A question was answered, or it is there (again)."""
        self.is_up, self.reason, self.failures, self.errors = True, "", 0, 0
        self.room = min(float(self.concurrency), self.room + 1.0 / max(1.0, self.room))

    def went_away(self, reason: str, now_s: float) -> None:
        """It cannot be reached, or broke off an answer."""
        self.is_up, self.reason, self.errors = False, reason, 0
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**self.failures)
        self.not_before_s = now_s + wait_s * (0.5 + self.chance())
        self.failures = min(self.failures + 1, 16)

    def made_an_error(self, reason: str, now_s: float) -> None:
        """It answered with a fault of its own."""
        self.errors += 1
        if self.errors >= ERRORS_IN_A_ROW:
            self.went_away(reason, now_s)
        else:
            self.pause(USUAL_PAUSE_S * 2.0 ** (self.errors - 1) * (0.5 + self.chance()), now_s)

    def is_full(self, retry_after_s: float | None, now_s: float) -> None:
        """It has too many questions: half as many from now on, and none for a while."""
        self.room = max(1.0, min(self.room, float(self.busy or 1)) / 2.0)
        self.reason = "it has too many requests"
        usual_s = USUAL_PAUSE_S * (0.5 + self.chance())
        self.pause(usual_s if retry_after_s is None else retry_after_s, now_s)

    def pause(self, seconds: float, now_s: float) -> None:
        """Ask nothing for a while, at most two minutes."""
        self.not_before_s = max(self.not_before_s, now_s + min(seconds, LONGEST_PAUSE_S))
