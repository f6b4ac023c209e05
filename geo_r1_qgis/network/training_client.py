"""Data sets and runs of the service as method calls that answer later."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..core import training_wire as tw
from ..core.codec import encode
from .client import QUICK_S, Client, Pending
from .transport import Exchange

SEND_S = 60.0
"""A data set of two thousand samples is looked through before the answer."""


class TrainingClient(Client):
    """Typed access to what one service knows of fine-tuning."""

    def post_dataset(self, request: tw.DatasetRequest) -> Pending:
        """Make a data set of chips that were sent, as `DatasetInfo`."""
        exchange = self._transport.send(
            "POST", "/v1/datasets", body=encode(request), silence_s=SEND_S
        )
        return Pending(exchange, tw.DatasetInfo)

    def post_run(self, request: tw.RunRequest) -> Pending:
        """Start a run, as `RunInfo`."""
        exchange = self._transport.send("POST", "/v1/runs", body=encode(request), silence_s=SEND_S)
        return Pending(exchange, tw.RunInfo)

    def runs(self) -> Pending:
        """All runs, newest first, as `RunList`."""
        return Pending(self._transport.send("GET", "/v1/runs", silence_s=QUICK_S), tw.RunList)

    def run(self, run: str) -> Pending:
        """One run, as `RunInfo`."""
        return self._of_run("GET", run)

    def stop_run(self, run: str) -> Pending:
        """Ask a run to save and leave."""
        return self._of_run("POST", run, "/stop")

    def resume_run(self, run: str) -> Pending:
        """Go on from the last checkpoint."""
        return self._of_run("POST", run, "/resume")

    def delete_run(self, run: str) -> Exchange:
        """Delete a run with all that it wrote: status 204."""
        return self._transport.send("DELETE", f"/v1/runs/{quote(run, safe='')}", silence_s=SEND_S)

    def open_events(self, run: str, after: int) -> Exchange:
        """The events of a run from any point on, as a stream of NDJSON lines."""
        path = f"/v1/runs/{quote(run, safe='')}/events?after={after}"
        return self._transport.send("GET", path, streamed=True)

    def chip_of(self, dataset: str, sha256: str) -> Exchange:
        """The pixels of a chip of a data set, for a preview."""
        path = f"/v1/datasets/{quote(dataset, safe='')}/chips/{sha256}"
        return self._transport.send("GET", path, silence_s=QUICK_S)

    def _of_run(self, verb: str, run: str, action: str = "") -> Pending:
        path = f"/v1/runs/{quote(run, safe='')}{action}"
        body: Any = b"" if verb == "POST" else None
        return Pending(self._transport.send(verb, path, body=body, silence_s=SEND_S), tw.RunInfo)
