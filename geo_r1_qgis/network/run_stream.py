"""The events of one run, from any number on; where the connection breaks it is opened again after the last event."""

from __future__ import annotations

from ..core import training_wire as tw
from ..core.codec import decode_run_event
from ..core.harmless_training import harmless_run_event
from .event_stream import EventStream
from .training_client import TrainingClient
from .transport import Exchange

FINAL_STATES = ("stopped", "finished", "failed")


class RunStream(EventStream):
    """Emits `event_read` per new event, `ended` at a final state, `failed` when the service is gone for good."""

    def __init__(self, client: TrainingClient, run: str, after: int = 0) -> None:
        super().__init__(client)
        self._client, self._run, self.last_event = client, run, after

    def _open(self) -> Exchange:
        return self._client.open_events(self._run, self.last_event)

    def _read(self, line: bytes) -> bool:
        event = decode_run_event(line)
        if event is None:
            return self._is_final
        event = harmless_run_event(event)
        if isinstance(event, tw.RunHeartbeatEvent) or event.number <= self.last_event:
            return self._is_final
        self.last_event = event.number
        self.event_read.emit(event)
        # there may be a final state in the middle, of a run that was resumed later
        if isinstance(event, tw.RunStateEvent):
            return event.state in FINAL_STATES
        return self._is_final
