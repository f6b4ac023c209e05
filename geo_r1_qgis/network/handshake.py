"""Find out who is at the address: read `server.json`, ask for health with the token, judge the answer.

Starts nothing. The judgement itself is `core/standing.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..core.errors import GeoR1Error, ProtocolError, ServerElsewhere, ServiceUnreachable
from ..core.standing import Endpoint, Kind, Standing, compare_wire, judge_answer, read_server_file
from .client import Client

SERVER_FILE = "server.json"
MAX_FILE_BYTES = 64 * 1024
"""A file that is longer is cut, and then is not JSON."""


def local_endpoint(data_folder: str) -> Optional[Endpoint]:
    """Address of this user's own service; none if no service has said where it is.

    Raises:
        ProtocolError: if `server.json` is there and cannot be understood.
        ServerElsewhere: if it names another machine.
    """
    try:
        with Path(data_folder, SERVER_FILE).open("rb") as file:
            text = file.read(MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProtocolError(SERVER_FILE, str(error)) from error
    server = read_server_file(text)
    return Endpoint(server.url, server.token, is_local=True)


class Handshake(QObject):
    """One look at the service; emits `judged` with a `Standing`, once, never before `start` has returned."""

    judged = pyqtSignal(object)

    def __init__(
        self, *, data_folder: str, remote: Optional[Endpoint] = None, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._data_folder = data_folder
        self._endpoint = remote
        self._client: Optional[Client] = None

    def start(self) -> None:
        """Look now."""
        try:
            self._endpoint = self._endpoint or local_endpoint(self._data_folder)
        except ProtocolError as error:
            self._judge_later(Standing(Kind.ABSENT, error=error))
            return
        except ServerElsewhere as error:
            self._judge_later(Standing(Kind.FAILED, error=error))
            return
        if self._endpoint is None:
            self._judge_later(Standing(Kind.ABSENT))
            return
        self._client = Client(self._endpoint, self)
        self._exchange = self._client.health()
        self._exchange.ended.connect(self._on_ended)

    def cancel(self) -> None:
        """Emit nothing and go."""
        self.blockSignals(True)
        if self._client is not None and self._exchange.is_running:
            self._exchange.abort()
        self.deleteLater()

    def _on_ended(self) -> None:
        exchange = self._exchange
        if exchange.error is not None:
            self._judge(self._judge_silence(exchange.error))
            return
        standing = judge_answer(self._endpoint, exchange.status, exchange.body)
        if standing.kind is Kind.NOT_OURS:
            # a service that is too old to know this route still names its version
            different = compare_wire(exchange.header("X-Geo-R1-Wire"))
            standing = Standing(different or Kind.NOT_OURS, self._endpoint)
        self._judge(standing)

    def _judge_silence(self, error: GeoR1Error) -> Standing:
        if isinstance(error, ServiceUnreachable):
            return Standing(Kind.ABSENT, self._endpoint, error=error)
        if isinstance(error, ProtocolError) or error.code == "connection-lost":
            return Standing(Kind.NOT_OURS, self._endpoint, error=error)
        return Standing(Kind.FAILED, self._endpoint, error=error)

    def _judge_later(self, standing: Standing) -> None:
        timer = QTimer(self)  # a child, so that it dies with a cancelled handshake
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: self._judge(standing))
        timer.start(0)

    def _judge(self, standing: Standing) -> None:
        self.judged.emit(standing)
        self.deleteLater()
