"""Send a data set: each chip that the service lacks, then the samples. On the GUI thread, never waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Optional

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..core import training_wire as tw
from ..core.errors import GeoR1Error
from .client import Pending, body_of
from .training_client import TrainingClient
from .transport import Exchange


class DatasetCall(QObject):
    """Emits `progress` (sent, of), then either `arrived` with a `DatasetInfo` or `failed`, once."""

    progress = pyqtSignal(int, int)
    arrived = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self,
        client: TrainingClient,
        request: tw.DatasetRequest,
        path_of: Callable[[str], Path],
    ) -> None:
        super().__init__(client)
        self._client, self._request, self._path_of = client, request, path_of
        self._missing: List[str] = sorted({sample.chip for sample in request.samples})
        self._count = len(self._missing)
        self._exchange: Optional[Exchange] = None
        self._pending: Optional[Pending] = None
        self._is_over = False

    def start(self) -> None:
        """Begin; nothing is emitted before this returns."""
        self._next()

    def abort(self) -> None:
        """Leave; nothing more is emitted."""
        self._is_over = True
        for call in (self._exchange, self._pending):
            if call is not None:
                call.abort()
        self._exchange = self._pending = None

    def _next(self) -> None:
        if not self._missing:
            self._pending = self._client.post_dataset(self._request)
            self._pending.arrived.connect(self._on_made)
            self._pending.failed.connect(self._fail)
            return
        self._exchange = self._client.find_chip(self._missing[-1])
        self._exchange.ended.connect(self._on_looked_for)

    def _on_looked_for(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or self._is_over:
            return
        try:
            if exchange.error is None and exchange.status == 404:
                sha256 = self._missing[-1]
                image = self._path_of(sha256).read_bytes()
                self._pending = self._client.put_chip(sha256, image)
                self._pending.arrived.connect(self._on_sent)
                self._pending.failed.connect(self._fail)
                return
            body_of(exchange)
        except GeoR1Error as error:
            self._fail(error)
            return
        except OSError as error:
            self._fail(GeoR1Error(str(error), code="chips-gone", reason=str(error)))
            return
        self._on_sent()

    def _on_sent(self, _receipt: object = None) -> None:
        self._pending = None
        self._missing.pop()
        self.progress.emit(self._count - len(self._missing), self._count)
        self._next()

    def _on_made(self, dataset: tw.DatasetInfo) -> None:
        self._pending = None
        self._is_over = True
        self.arrived.emit(dataset)

    def _fail(self, error: GeoR1Error) -> None:
        if not self._is_over:
            self.abort()
            self.failed.emit(error)
