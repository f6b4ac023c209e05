"""Models of the service as method calls that answer later: plan, fetch, load, unload, delete."""

from __future__ import annotations

from urllib.parse import quote

from ..core import models_wire as mw
from ..core import wire
from ..core.codec import encode
from .client import QUICK_S, Client, Pending
from .transport import Exchange

PLAN_S = 90.0
"""A slow hub is asked up to four times; the service itself gives up after a minute each."""
DELETE_S = 120.0
"""Gigabytes on a slow disk."""
UNLOAD_S = 30.0


class ModelsClient(Client):
    """Typed access to what one service does with models."""

    def plan(self, request: mw.PlanRequest) -> Pending:
        """What a download would bring, as `FetchPlan`."""
        exchange = self._transport.send(
            "POST", "/v1/models/plan", body=encode(request), silence_s=PLAN_S
        )
        return Pending(exchange, mw.FetchPlan)

    def open_fetch(self, request: mw.FetchRequest) -> Exchange:
        """Fetch, or listen to what is being fetched, as a stream of NDJSON lines."""
        return self._transport.send("POST", "/v1/models/fetch", body=encode(request), streamed=True)

    def fetches(self) -> Pending:
        """Downloads that go on or can go on, as `FetchList`."""
        exchange = self._transport.send("GET", "/v1/models/fetches", silence_s=QUICK_S)
        return Pending(exchange, mw.FetchList)

    def stop_fetch(self, fetch: str) -> Pending:
        """End a download; what has come stays. `FetchInfo`."""
        path = f"/v1/models/fetches/{quote(fetch, safe='')}/stop"
        exchange = self._transport.send("POST", path, body=b"", silence_s=UNLOAD_S)
        return Pending(exchange, mw.FetchInfo)

    def forget_fetch(self, fetch: str) -> Pending:
        """Remove what has come. `FetchInfo`."""
        path = f"/v1/models/fetches/{quote(fetch, safe='')}"
        return Pending(self._transport.send("DELETE", path, silence_s=DELETE_S), mw.FetchInfo)

    def unload_model(self, model: str) -> Pending:
        """Free the memory of a model, as `wire.ModelInfo`."""
        path = f"/v1/models/{quote(model, safe='')}/unload"
        exchange = self._transport.send("POST", path, body=b"", silence_s=UNLOAD_S)
        return Pending(exchange, wire.ModelInfo)

    def delete_model(self, model: str) -> Pending:
        """Delete a model from the service's disk; `wire.ModelInfo`, what it was."""
        path = f"/v1/models/{quote(model, safe='')}"
        return Pending(self._transport.send("DELETE", path, silence_s=DELETE_S), wire.ModelInfo)
