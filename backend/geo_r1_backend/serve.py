"""Life of one service: one per data folder, an address that others can find, an end that leaves nothing behind.

The lock says whether a service lives (the system takes it back however the process dies), so a `server.json` that is
found while the lock is free is stale and is replaced.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from geo_r1_backend.api.app import create_app
from geo_r1_backend.api.service import Service, build_service
from geo_r1_backend.config import ServerConfig, is_loopback, version
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.grounding.host import Loader
from geo_r1_backend.running import wait_for_running
from geo_r1_backend.storage.atomic import (
    make_private_folder,
    read_server_file,
    remove_server_file,
    write_server_file,
)
from geo_r1_backend.storage.lock import FileLock, LockHeld
from geo_r1_backend.storage.logs import log_to_file
from geo_r1_backend.wire import WIRE_VERSION, ServerFile

log = logging.getLogger(__name__)

Say = Callable[[str], None]
TOKEN_BYTES = 32
OTHER_STARTS_WITHIN_S = 10.0
GRACE_S = 3
"""Streams have their final event at once; this is for slow sockets."""
KEEP_ALIVE_S = 75
"""Longer than the plugin's health poll, so that polling uses one connection."""
IDLE_CHECK_TICKS = 10
"""uvicorn ticks ten times a second."""


def serve(config: ServerConfig, say: Say, *, load: Loader | None = None) -> int:
    """Run a service until it is told to stop or nobody is left; the exit code of the command.

    Args:
        config: what to run.
        say: takes lines for the person who started it.
        load: starts engines; replaced in tests that need a certain engine.
    """
    make_private_folder(config.data_folder)
    lock = FileLock(config.data_folder / "serve.lock")
    try:
        lock.acquire()
    except LockHeld:
        return _point_to_other(config, say)
    handler = log_to_file(config.data_folder)
    try:
        service = build_service(
            config,
            token=secrets.token_urlsafe(TOKEN_BYTES),
            load=load or partial(load_engine, threads=config.threads),
        )
        with bind(config.host, config.port) as listening:
            server = GeoR1Server(
                create_app(service), service, _server_file(listening, service), say
            )
            server.run(sockets=[listening])
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        lock.release()
    return 0


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens, so that the address is known (and ours) before anything else is loaded.

    Raises:
        ConfigError: if the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Nothing can listen at {host}, port {port}: {error.strerror or error}.",
            hint="Leave --port out to take any free port.",
            host=host,
            port=port,
        ) from error
    return listening


class GeoR1Server(uvicorn.Server):
    """uvicorn that says where it is, ends streams properly and stops when nobody is left."""

    def __init__(self, app: ASGIApp, service: Service, address: ServerFile, say: Say) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                ws="none",
                http="h11",
                loop="asyncio",
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
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
        if not is_loopback(config.host):
            self._say(
                "Other machines can reach this service. Traffic is not encrypted: put a TLS proxy "
                "in front, or use an SSH tunnel."
            )

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second whether to stop."""
        limit_s = self._service.config.idle_minutes * 60.0
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


def _server_file(listening: socket.socket, service: Service) -> ServerFile:
    host, port = listening.getsockname()[:2]
    # an address to listen on everywhere is not one to connect to
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return ServerFile(
        url=f"http://{reachable}:{port}",
        token=service.token,
        pid=os.getpid(),
        version=version(),
        wire_version=WIRE_VERSION,
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _point_to_other(config: ServerConfig, say: Say) -> int:
    """Another service has the data folder: say where it is."""
    other = wait_for_running(config.data_folder, OTHER_STARTS_WITHIN_S)
    if other is not None:
        say(f"Geo-R1 {other.version} is already running at {other.url} (process {other.pid}).")
        return 0
    stale = read_server_file(config.data_folder)
    process = f"process {stale.pid}" if stale else "another process"
    say(
        f"The data folder {config.data_folder} belongs to {process}, which does not answer.\n"
        "End that process, or choose another folder with --data-dir."
    )
    return 1
