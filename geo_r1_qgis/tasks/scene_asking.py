"""Asks the service about one batch of looks, and does not give up when the connection does."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Protocol, Sequence, Tuple, Union

from ..core import wire
from ..core.errors import ConnectionLost, GeoR1Error, ServiceSilent, ServiceUnreachable
from ..core.scene_records import SceneOptions
from ..network.blocking import Left

WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Before a broken request is tried again; any answer begins the list anew."""
PASSES = ("queue-full", "device-busy", "service-stopping")
"""Refusals that end by themselves."""
POLL_S = 0.1

Place = Tuple[int, int]
"""Index of the chip in the batch, and of the question."""
Final = Union[wire.ResultEvent, wire.ErrorEvent]


class Answering(Protocol):
    """What a run needs of a service; `network.blocking.BlockingService` is one."""

    def ground_many(
        self,
        request: wire.GroundRequest,
        images: Dict[str, bytes],
        take: Callable[[wire.Event], object],
    ) -> None:
        """Hand each event to `take` as it comes, until every item has its final one."""

    def reconnect(self) -> None:
        """Look for the service anew with the next call."""


class Asker:
    """One service and one set of options."""

    def __init__(
        self,
        service: Answering,
        options: SceneOptions,
        questions: Sequence[Tuple[str, wire.Task]],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._service = service
        self._options = options
        self._questions = questions
        self._is_cancelled = is_cancelled

    def ask(
        self,
        chips: Sequence[Tuple[str, bytes]],
        wanted: Sequence[Place],
        take: Callable[[Place, Final], None],
    ) -> None:
        """Ask about chips; each wanted place is taken once, in any order.

        Args:
            chips: SHA-256 and bytes.
            wanted: which questions about which chip.
            take: told each final event as it comes.

        Raises:
            Left: if somebody wants to stop; what was taken until then stays taken.
            GeoR1Error: if the service is gone for good, or refuses all of it.
        """
        left: List[Place] = list(wanted)
        tries = 0
        while left:
            names = {f"{chip}.{question}": (chip, question) for chip, question in left}

            def take_final(event: wire.Event, names: Dict[str, Place] = names) -> None:
                if isinstance(event, (wire.ResultEvent, wire.ErrorEvent)):
                    place = names[event.item]
                    left.remove(place)
                    take(place, event)

            before = len(left)
            try:
                self._service.ground_many(self._request(chips, names), dict(chips), take_final)
            except GeoR1Error as error:
                if len(left) < before:
                    tries = 0
                if not _passes(error) or tries >= len(WAITS_S):
                    raise
                self._wait(WAITS_S[tries])
                tries += 1
                self._service.reconnect()

    def _request(
        self, chips: Sequence[Tuple[str, bytes]], names: Dict[str, Place]
    ) -> wire.GroundRequest:
        items = [
            wire.GroundItem(
                item=name,
                chip=chips[chip][0],
                query=self._questions[question][0],
                task=self._questions[question][1],
                detail="view",
            )
            for name, (chip, question) in names.items()
        ]
        options = self._options
        return wire.GroundRequest(
            items,
            model=options.model,
            think=options.think,
            max_new_tokens=options.max_new_tokens,
            seed=options.seed,
        )

    def _wait(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if self._is_cancelled():
                raise Left
            time.sleep(POLL_S)


def _passes(error: GeoR1Error) -> bool:
    return (
        isinstance(error, (ConnectionLost, ServiceSilent, ServiceUnreachable))
        or error.code in PASSES
    )
