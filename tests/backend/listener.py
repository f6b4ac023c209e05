"""A client on a thread of its own, for tests in which several ask at once."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import httpx
import pytest


class Listener:
    """A client on its own thread that keeps what it hears."""

    def __init__(self, running, chip, item="a", *, items=None, query="tank", **more):
        self.events = []
        self._heard = threading.Condition()
        self._leave = False
        given = {"chip": chip, "query": query, "task": "ovd"}
        body = {"items": [{"item": name, **given} for name in items or [item]], **more}
        self._client = running.new_client()
        self._thread = threading.Thread(target=self._listen, args=(body,))
        self._thread.start()

    def _listen(self, body):
        with (
            contextlib.suppress(httpx.HTTPError),
            self._client,
            self._client.stream("POST", "/v1/ground", json=body) as reply,
        ):
            for line in reply.iter_lines():
                with self._heard:
                    self.events.append(json.loads(line))
                    self._heard.notify_all()
                if self._leave:
                    return

    def wait_for(self, what, timeout_s=5.0):
        matches = what if callable(what) else (lambda event: event["event"] == what)
        with self._heard:
            if not self._heard.wait_for(lambda: any(map(matches, self.events)), timeout_s):
                pytest.fail(f"no {what} within {timeout_s} s: {self.events}")

    def leave(self):
        """Close the connection from outside, as a cancelled request does."""
        pool = self._client._transport._pool
        for connection in pool.connections:
            raw = connection._connection._network_stream.get_extra_info("socket")
            raw.shutdown(socket.SHUT_RDWR)

    def join(self):
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def finals(self):
        """Items by the kind of their last event, in the order in which they ended."""
        ends = [event for event in self.events if event["event"] in ("result", "error")]
        return [(event["item"], event["event"]) for event in ends]
