"""uvicorn around the application: where it listens is written down, streams end properly, an idle service stops."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Iterator

import uvicorn

from geo_r1_backend.api.app import create_app
from geo_r1_backend.api.connection import PatientConnection
from geo_r1_backend.api.service import Say, Service
from geo_r1_backend.config import is_loopback, version
from geo_r1_backend.storage.atomic import remove_server_file, write_server_file
from geo_r1_backend.wire import ServerFile

log = logging.getLogger(__name__)

GRACE_S = 3
"""Streams have their final event at once; this is for slow sockets."""
KEEP_ALIVE_S = 75
"""Longer than the plugin's health poll, so that polling uses one connection."""
IDLE_CHECK_TICKS = 10
"""uvicorn ticks ten times a second."""


class GeoR1Server(uvicorn.Server):
    """uvicorn that says where it is, ends streams properly and stops when nobody is left."""

    def __init__(self, service: Service, address: ServerFile, say: Say) -> None:
        config = service.config
        super().__init__(
            uvicorn.Config(
                create_app(service),
                log_config=None,
                access_log=False,
                lifespan="on",
                ws="none",
                http=PatientConnection,
                loop="asyncio",
                server_header=False,
                proxy_headers=False,  # whoever is in front, who asks is not told by headers
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
                ssl_certfile=config.tls_cert,
                ssl_keyfile=config.tls_key,
            )
        )
        self._service = service
        self._address = address
        self._say = say

    @property
    def address(self) -> ServerFile:
        """How this service is reached."""
        return self._address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then let others find us."""
        await super().startup(sockets)
        if not self.started:
            return
        config = self._service.config
        write_server_file(config.data_folder, self._address)
        log.info("listening at %s", self._address.url)
        idle = f"; stops after {config.idle_minutes:g} idle minutes" if config.idle_minutes else ""
        self._say(f"Geo-R1 {version()} listens at {self._address.url} (Ctrl+C stops it{idle}).")
        if not is_loopback(config.host) and config.tls_cert is None:
            self._say(
                "Other machines can reach this service. Traffic is not encrypted: give it a "
                "certificate (--tls-cert), put a TLS proxy in front, or use an SSH tunnel."
            )

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second whether to stop."""
        limit_s = self._service.config.idle_minutes * 60.0
        if self._service.supervisor.busy or self._service.fetches.is_busy:
            self._service.activity.touch()  # a run is somebody, and so is a download
        if limit_s and counter % IDLE_CHECK_TICKS == 0 and self._service.activity.idle_s > limit_s:
            log.info("idle for %.0f s, stopping", limit_s)
            return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Every stream gets its final event, then the sockets close."""
        remove_server_file(self._service.config.data_folder, token=self._address.token)
        self._service.queue.stop(timeout_s=1.0)
        await super().shutdown(sockets)
        log.info("stopped")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM stop the service; a clean stop is no failure, so they are not raised again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGBREAK"):
            wanted.append(signal.SIGBREAK)
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
