"""How far a download is. Asking again after a cut, with the same consent, listens on; it never begins a second one."""

from __future__ import annotations

from ..core import models_wire as mw
from ..core.codec import decode_fetch_event
from ..core.harmless_models import harmless_fetch_event
from .event_stream import EventStream
from .models_client import ModelsClient
from .transport import Exchange

FINAL = (mw.FetchResultEvent, mw.FetchStoppedEvent, mw.FetchErrorEvent)


class FetchStream(EventStream):
    """Emits `event_read` with each `FetchEvent`, the last one included; then `ended`."""

    def __init__(self, client: ModelsClient, request: mw.FetchRequest) -> None:
        super().__init__(client)
        self._client = client
        self.request = request

    def _open(self) -> Exchange:
        return self._client.open_fetch(self.request)

    def _read(self, line: bytes) -> bool:
        event = decode_fetch_event(line)
        if event is None or isinstance(event, mw.FetchHeartbeatEvent):
            return self._is_final
        event = harmless_fetch_event(event)
        self.event_read.emit(event)
        return isinstance(event, FINAL)
