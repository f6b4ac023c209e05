"""Wrong tokens are answered slowly, the right one never is: guessing costs time, and nobody can lock the owner out.

A token has 256 random bits, so that no pace is needed to make guessing hopeless. The pace keeps a program that tries
anyway from using the processor and the log of the machine, and says in the log that somebody tries.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

log = logging.getLogger(__name__)

WINDOW_S = 60.0
EACH_S = 0.02
"""Added to the wait by each wrong token of the last minute."""
LONGEST_S = 2.0
KEPT = 100
"""Wrong tokens that are remembered: enough for the longest wait."""
MAX_WAITING = 64
"""Refusals that wait at one time; more are sent at once, or waiting would cost more than answering."""
REMARKABLE = 20
"""Wrong tokens in a minute that are worth a line in the log; a plugin with the token of an earlier start has a few."""


class Pace:
    """Remembers when wrong tokens came."""

    def __init__(self) -> None:
        self._wrong: deque[float] = deque(maxlen=KEPT)
        self._waiting = 0
        self._said_s = -WINDOW_S

    async def wait(self) -> None:
        """Note a wrong token, and wait before it is refused."""
        now_s = time.monotonic()
        while self._wrong and now_s - self._wrong[0] > WINDOW_S:
            self._wrong.popleft()
        self._wrong.append(now_s)
        if len(self._wrong) >= REMARKABLE and now_s - self._said_s >= WINDOW_S:
            self._said_s = now_s
            log.warning("%d requests with a wrong token within a minute", len(self._wrong))
        if self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.sleep(min(LONGEST_S, EACH_S * len(self._wrong)))
        finally:
            self._waiting -= 1
