"""One endpoint: what it is, whether it is there, and one question to it. It keeps no threads and decides nothing."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from geo_r1_backend.engines import remote_http
from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.remote_chat import (
    DONE,
    Delta,
    Dialect,
    NoChat,
    dialect_of,
    events,
    read_delta,
    request_body,
    served_names,
)
from geo_r1_backend.engines.remote_faults import ServerFault, WentAway, Who, fault
from geo_r1_backend.engines.remote_http import Exchange, why
from geo_r1_backend.errors import RemoteModelUnknown, RemoteRefused
from geo_r1_backend.models.remote import RemoteAddress, RemoteConfig

OK = 200
PROBE_SILENCE_S = 10.0
EVENTS_PER_TOKEN, EVENTS = 4, 100
"""More events than this without an end are an answer that never ends."""


@dataclass
class Endpoint:
    """An address with what is known of it."""

    address: RemoteAddress
    config: RemoteConfig
    key: str
    context: ssl.SSLContext | None
    dialect: Dialect = "openai"
    model: str = ""
    """What it calls the model; empty = it serves one, and is not told which."""

    @property
    def shown(self) -> str:
        """Its address for a person."""
        return self.address.shown

    def exchange(self, silence_s: float | None = None) -> Exchange:
        """A connection that is not open yet."""
        return Exchange(
            self.address.url,
            key=self.key,
            connect_s=self.config.connect_s,
            silence_s=silence_s or self.config.silence_s,
            context=self.context,
        )

    def look(self, exchange: Exchange) -> None:
        """See whether it is there and serves the model; learns its dialect and the model's name.

        Raises:
            WentAway, ServerFault, TooMany: if it may be there later.
            GeoR1Error: if it does not take the key, or does not serve the model.
        """
        wanted = self.address.model or self.config.model
        try:
            reply = exchange.send("GET", "/models")
            content = exchange.body()
        except remote_http.ENDS as error:
            raise WentAway(why(error)) from error
        finally:
            exchange.close()
        if reply.status != OK:
            raise fault(reply, content, self._who())
        try:
            listed = json.loads(content)
            served = served_names(listed)
        except (ValueError, AttributeError) as error:
            said = f"/v1/models is “{content[:80].decode('utf-8', 'replace')}”"
            raise RemoteRefused(endpoint=self.shown, status=OK, said=said) from error
        # `transformers serve` lists nothing while it is pinned to one model
        if served and wanted and wanted not in served:
            raise RemoteModelUnknown(endpoint=self.shown, model=wanted, served=served)
        if not wanted and len(served) > 1:
            raise RemoteModelUnknown(endpoint=self.shown, model="", served=served)
        self.dialect = dialect_of(listed)
        self.model = wanted or (served[0] if served else "")

    def ask(
        self,
        exchange: Exchange,
        item: EngineItem | None,
        options: GenerationOptions,
        *,
        prompt: str = "",
        seed: int = 0,
        limit_tokens: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> Iterator[Delta]:
        """The answer to one question, as it comes; its last delta has ``finish``.

        Raises:
            WentAway, ServerFault, TooMany: if it may be asked again, here or elsewhere.
            GeoR1Error: if the question is refused.
        """
        body = request_body(
            item,
            options,
            model=self.model,
            dialect=self.dialect,
            prompt=prompt,
            limit_tokens=limit_tokens,
            seed=seed,
        )
        try:
            reply = exchange.send("POST", "/chat/completions", body)
            if reply.status != OK:
                raise fault(reply, exchange.body(), self._who(), item)
            yield from self._deltas(exchange, options.max_new_tokens, clock)
        except remote_http.ENDS as error:
            if exchange.is_hurried:
                return  # the end was said; only the connection's own was still to come
            if isinstance(error, NoChat):
                raise ServerFault(f"its answer is not that of a chat: {error}") from error
            raise WentAway(why(error)) from error
        finally:
            exchange.close()

    def _deltas(
        self, exchange: Exchange, max_tokens: int, clock: Callable[[], float]
    ) -> Iterator[Delta]:
        """Deltas until the end is said; what has no end is ended here.

        Raises:
            WentAway: if the connection ends before the answer does, or nothing but comments comes.
        """
        said, finish = 0, False
        exchange.heard_s = clock()
        for heard, event in enumerate(events(self._lines(exchange, clock)), 1):
            exchange.heard_s = clock()
            if event == DONE:
                break
            delta = read_delta(event)
            if delta.error:
                raise ServerFault(self._who().hushed(delta.error))
            said += bool(delta.text or delta.reasoning)
            finish = finish or bool(delta.finish)
            yield delta
            # a server that took the limit has said so by now
            if not finish and (said > max_tokens or heard > EVENTS_PER_TOKEN * max_tokens + EVENTS):
                yield Delta(finish="length")
                return
            if finish:
                exchange.hurry()
        if not finish:
            raise WentAway("it broke off in the middle of an answer")

    def _lines(self, exchange: Exchange, clock: Callable[[], float]) -> Iterator[bytes]:
        for line in exchange.lines():
            if exchange.is_hurried and line.startswith(b":"):
                return
            if clock() - exchange.heard_s > self.config.silence_s:
                raise WentAway(f"nothing but comments came for {self.config.silence_s:g} s")
            yield line

    def _who(self) -> Who:
        return Who(self.shown, self.model, self.key, self.config.key_place)
