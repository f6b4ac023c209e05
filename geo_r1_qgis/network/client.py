"""The service's resources as method calls that answer later. Knows paths and types, not sockets."""

from __future__ import annotations

from typing import Any, Optional, Type
from urllib.parse import quote

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core import wire
from ..core.codec import decode, encode, parse_json
from ..core.errors import GeoR1Error, ProtocolError
from ..core.harmless import harmless_models
from ..core.harmless_models import harmless_fetching
from ..core.harmless_training import harmless_training
from ..core.standing import Endpoint, read_error
from .transport import Exchange, Transport

QUICK_S = 5.0
"""Time limit of questions that the service answers from memory."""

LOAD_S = 300.0
"""Reading several gigabytes of weights from a slow disk."""


class Pending(QObject):
    """An answer that has not come yet: emits either `arrived` or `failed`, once."""

    arrived = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, exchange: Exchange, answer: Type[Any]) -> None:
        super().__init__(exchange.parent())
        self._exchange = exchange
        self._answer = answer
        exchange.ended.connect(self._on_ended)

    def abort(self) -> None:
        """Want it no more; nothing is emitted."""
        self._exchange.abort()
        self.deleteLater()

    def _on_ended(self) -> None:
        try:
            value = decode(self._answer, parse_json(body_of(self._exchange)))
            if isinstance(value, wire.ModelList):
                value = harmless_models(value)
            value = harmless_fetching(harmless_training(value))
        except GeoR1Error as error:
            self.failed.emit(error)
        else:
            self.arrived.emit(value)
        self.deleteLater()


class Client(QObject):
    """Typed access to one service."""

    def __init__(self, endpoint: Endpoint, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.endpoint = endpoint
        self._transport = Transport(endpoint, self)

    def health(self, *, silence_s: float = QUICK_S) -> Exchange:
        """Ask who is there; the answer is judged by `core/standing.py`, whatever it is."""
        return self._transport.send("GET", "/v1/health", silence_s=silence_s)

    def models(self) -> Pending:
        """The models that the service knows, as `wire.ModelList`."""
        return Pending(self._transport.send("GET", "/v1/models", silence_s=QUICK_S), wire.ModelList)

    def load_model(self, model: str) -> Pending:
        """Load a model before the first question, as `wire.ModelInfo`."""
        path = f"/v1/models/{quote(model, safe='')}/load"
        return Pending(
            self._transport.send("POST", path, body=b"", silence_s=LOAD_S), wire.ModelInfo
        )

    def find_chip(self, sha256: str) -> Exchange:
        """Ask whether the service still has these pixels: status 200 or 404."""
        return self._transport.send("GET", f"/v1/chips/{sha256}", silence_s=QUICK_S)

    def put_chip(self, sha256: str, image: bytes) -> Pending:
        """Send pixels, as `wire.ChipReceipt`."""
        exchange = self._transport.send(
            "PUT", f"/v1/chips/{sha256}", body=image, content_type=image_type(image)
        )
        return Pending(exchange, wire.ChipReceipt)

    def open_stream(self, request: wire.GroundRequest) -> Exchange:
        """Ask; the answer is a stream of NDJSON events."""
        return self._transport.send("POST", "/v1/ground", body=encode(request), streamed=True)


def body_of(exchange: Exchange) -> bytes:
    """The body of an exchange that went well.

    Raises:
        GeoR1Error: what went wrong on the way, or what the service said.
    """
    if exchange.error is not None:
        raise exchange.error
    if 200 <= exchange.status < 300:
        return exchange.body
    raise read_error(exchange.status, exchange.body) or ProtocolError(
        "$", f"HTTP status {exchange.status} without an error body of Geo-R1"
    )


def image_type(image: bytes) -> str:
    """Media type by the first bytes."""
    if image.startswith(b"\xff\xd8"):
        return "image/jpeg"
    return "image/webp" if image[8:12] == b"WEBP" else "image/png"
