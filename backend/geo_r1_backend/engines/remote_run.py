"""Spreads the items of one call over the endpoints that are there, and loses none when one of them dies.

One thread decides: that of whoever takes the pieces. Each question, and each look whether an endpoint is back, has a thread of
its own that only reports. What was said of an item before its endpoint went away is not said again: greedy answers repeat
themselves, so the second one is compared with what was said and goes on from there; where it differs it begins anew.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from geo_r1_backend.engines.base import EngineItem, GenerationOptions, Piece
from geo_r1_backend.engines.remote_chat import Delta, WholeText
from geo_r1_backend.engines.remote_endpoint import PROBE_SILENCE_S, Endpoint
from geo_r1_backend.engines.remote_faults import ServerFault, TooMany, WentAway
from geo_r1_backend.engines.remote_health import LONGEST_PAUSE_S, Health
from geo_r1_backend.engines.remote_http import Exchange
from geo_r1_backend.errors import EngineFailed, GeoR1Error, RemoteContext, RemoteUnreachable

log = logging.getLogger(__name__)

POLL_S = 0.05
MAX_TRIES = 6
"""Of one item; one that ends its server each time must not end them all for ever."""
WRONG_WAIT_S = 60.0
"""Until an endpoint is tried again that is there but wrong (key, model, views)."""


@dataclass
class Server:
    """An endpoint with its health."""

    endpoint: Endpoint
    health: Health
    wrong: GeoR1Error | None = None
    """Why it cannot be used although it is there."""
    is_probed: bool = False
    """Whether a thread looks if it is back."""


@dataclass
class _Item:
    """One item until it is answered."""

    index: int
    tries: int = 0
    limit_tokens: bool = True
    avoid: Server | None = None
    """Where it failed last."""
    text: WholeText = field(default_factory=WholeText)
    again: str = ""
    """What was heard again of a text that was said already."""
    said: str = ""
    tokens: int = 0
    counted: int | None = None
    """Tokens of the whole answer, as the server counts them."""
    finish: Literal["", "stop", "length"] = ""
    failure: GeoR1Error | None = None
    done: bool = False


@dataclass(frozen=True)
class _Report:
    """What a thread has to say."""

    server: Server
    item: _Item | None
    delta: Delta | None = None
    error: Exception | None = None


class Run:
    """One call of `Engine.generate`.

    Args:
        servers: endpoints with their health, which outlives the call.
        items: to be answered.
        options: how to decode.
        look: sees whether an endpoint is there and right; raises as `Endpoint.look`.
        patience_s: how long to try while no endpoint answers.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        items: Sequence[EngineItem],
        options: GenerationOptions,
        look: Callable[[Server, Exchange], None],
        patience_s: float,
    ) -> None:
        self._servers = servers
        self._engine_items = items
        self._options = options
        self._look = look
        self._patience_s = patience_s
        self._items = [_Item(index) for index in range(len(items))]
        self._waiting = deque(self._items)
        self._open: dict[int, tuple[Server, Exchange]] = {}
        self._reports: queue.Queue[_Report] = queue.Queue()
        self._alive_s = time.monotonic()

    def pieces(self, should_stop: Callable[[], bool]) -> Iterator[Piece]:
        """See `base.Engine.generate`.

        Raises:
            GeoR1Error: after all that could be answered was, the first reason why something was not.
        """
        try:
            while not all(item.done for item in self._items):
                if should_stop():
                    return
                self._send_out()
                try:
                    report = self._reports.get(timeout=POLL_S)
                except queue.Empty:
                    self._give_up_in_time()
                    continue
                yield from self._take(report)
        finally:
            self._break_off()
        for item in self._items:
            if item.failure is not None:
                raise item.failure

    def _send_out(self) -> None:
        """Give waiting items to endpoints that have room, and look whether those that are out are back."""
        now_s = time.monotonic()
        for server in self._servers:
            if not server.is_probed and server.health.should_probe(now_s):
                server.is_probed = True
                self._start(self._probe, server)
        while self._waiting:
            free = [server for server in self._servers if server.health.can_take(now_s)]
            if not free:
                return
            item = self._waiting.popleft()
            server = min(free, key=lambda s: (s is item.avoid, s.health.busy / s.health.room))
            item.tries += 1
            item.text, item.again, item.finish, item.counted = WholeText(), "", "", None
            server.health.busy += 1
            exchange = server.endpoint.exchange()
            self._open[item.index] = server, exchange
            self._start(self._ask, server, exchange, item)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True, name="geo-r1-remote").start()

    def _probe(self, server: Server) -> None:
        """Look whether an endpoint is back; what was found holds for later calls, too."""
        try:
            self._look(server, server.endpoint.exchange(PROBE_SILENCE_S))
        except GeoR1Error as error:
            self._leave_out(server, error, time.monotonic())
        except Exception as error:  # border: the end of a thread
            server.health.went_away(str(error), time.monotonic())
        else:
            if server.health.failures:
                log.warning("endpoint %s is back", server.endpoint.shown)
            server.wrong = None
            server.health.answered()
        server.is_probed = False
        self._reports.put(_Report(server, None))

    def _ask(self, server: Server, exchange: Exchange, item: _Item) -> None:
        try:
            for delta in server.endpoint.ask(
                exchange,
                self._engine_items[item.index],
                self._options,
                seed=self._options.seed + item.index,
                limit_tokens=item.limit_tokens,
            ):
                self._reports.put(_Report(server, item, delta=delta))
            self._reports.put(_Report(server, item))
        except Exception as error:  # border: the same
            self._reports.put(_Report(server, item, error=error))

    def _take(self, report: _Report) -> Iterator[Piece]:
        """Do what a report asks for."""
        server, item, now_s = report.server, report.item, time.monotonic()
        if item is None:
            self._alive_s = now_s if server.health.is_up else self._alive_s
            return
        if report.delta is not None:
            self._alive_s = now_s
            yield from self._say(item, report.delta)
            return
        self._open.pop(item.index, None)
        server.health.busy -= 1
        if report.error is None:
            self._alive_s = now_s
            server.health.answered()
            yield self._end(item)
            return
        self._failed(server, item, report.error, now_s)

    def _say(self, item: _Item, delta: Delta) -> Iterator[Piece]:
        """The piece that a delta is, as far as it was not said before; the last one waits for the end."""
        text, restart = item.text.add(delta), False
        item.finish = delta.finish or item.finish
        item.counted = item.counted if delta.completion_tokens is None else delta.completion_tokens
        if len(item.again) < len(item.said):
            # a second answer: silent as long as it says the same
            item.again += text
            if item.said.startswith(item.again) and not item.finish:
                return
            restart = not item.again.startswith(item.said)
            if restart:
                item.said, item.tokens = "", 0
            text = item.again[len(item.said) :]
        if text or restart:
            item.said += text
            item.again = item.said
            item.tokens += 1
            yield Piece(item.index, text, 1, restart=restart)

    def _end(self, item: _Item) -> Piece:
        """The last piece; some servers say several tokens in one event, so their own count corrects ours."""
        item.done = True
        more = 0 if item.counted is None else max(0, item.counted - item.tokens)
        return Piece(item.index, "", more, item.finish or "stop")

    def _failed(self, server: Server, item: _Item, error: Exception, now_s: float) -> None:
        """An item came back without its answer."""
        health, shown = server.health, server.endpoint.shown
        item.avoid = server
        if isinstance(error, TooMany):
            item.tries -= 1
            health.is_full(error.retry_after_s, now_s)
        elif isinstance(error, WentAway):
            if health.is_up:
                log.warning("endpoint %s is out: %s", shown, error)
            health.went_away(str(error), now_s)
        elif isinstance(error, ServerFault):
            log.warning("endpoint %s: %s", shown, error)
            health.made_an_error(str(error), now_s)
        elif isinstance(error, RemoteContext) and item.limit_tokens:
            # limit of tokens and prompt may be too long together: once more with whatever room is left
            item.limit_tokens = False
        elif isinstance(error, GeoR1Error) and error.code in WRONG_CODES:
            self._leave_out(server, error, now_s)
        else:
            failure = error if isinstance(error, GeoR1Error) else _unexpected(error)
            item.failure, item.done = failure, True
            return
        if item.tries >= MAX_TRIES:
            reason = f"after {item.tries} tries, the last at {shown}: {error}"
            item.failure, item.done = EngineFailed(reason, engine="remote"), True
            return
        self._waiting.appendleft(item)

    def _leave_out(self, server: Server, error: GeoR1Error, now_s: float) -> None:
        """It is there and cannot be used until a person has changed something."""
        log.warning("endpoint %s is left out: %s", server.endpoint.shown, error.code)
        server.wrong = error
        server.health.went_away(error.message.rstrip("."), now_s)
        server.health.pause(WRONG_WAIT_S, now_s)

    def _give_up_in_time(self) -> None:
        """Nothing comes: end it where nothing can come.

        Raises:
            GeoR1Error: the reason of an endpoint that is wrong, or that none answered for too long.
        """
        if self._open or any(server.is_probed for server in self._servers):
            return
        if all(server.wrong is not None for server in self._servers):
            raise first_wrong(self._servers)
        is_up = any(server.health.is_up for server in self._servers)
        # one that is there and says when to come again is waited for a little longer than that
        patience_s = self._patience_s + (LONGEST_PAUSE_S if is_up else 0.0)
        if time.monotonic() - self._alive_s > patience_s:
            raise unreachable(self._servers)

    def _break_off(self) -> None:
        """Nobody listens any more, or all is done: leave nothing running."""
        for server, exchange in self._open.values():
            server.health.busy -= 1
            exchange.break_off()
        self._open.clear()


WRONG_CODES = ("remote-unauthorized", "remote-model-unknown", "remote-views")
"""Faults of an endpoint, not of a question."""


def first_wrong(servers: Sequence[Server]) -> GeoR1Error:
    """Why an endpoint that is there cannot be used."""
    for server in servers:
        if server.wrong is not None:
            return server.wrong
    return unreachable(servers)


def unreachable(servers: Sequence[Server]) -> RemoteUnreachable:
    """None is there, with the reason of each."""
    reasons = [f"{s.endpoint.shown}: {s.health.reason}" for s in servers[:3]]
    if len(servers) > 3:
        reasons.append(f"and {len(servers) - 3} more")
    return RemoteUnreachable(
        endpoints=", ".join(dict.fromkeys(s.endpoint.shown for s in servers)),
        reason="; ".join(reasons),
    )


def _unexpected(error: Exception) -> GeoR1Error:
    return EngineFailed(f"{type(error).__name__}: {error}", engine="remote")
