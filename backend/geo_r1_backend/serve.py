"""Life of one service: one per data folder, an address that others can find, an end that leaves nothing behind.

The lock says whether a service lives (the system takes it back however the process dies), so a `server.json` that is
found while the lock is free is stale and is replaced.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import partial

from geo_r1_backend.api.service import Say, Service, build_service
from geo_r1_backend.config import ServerConfig, version
from geo_r1_backend.engines.select import load_engine
from geo_r1_backend.errors import ConfigError, storage_faults
from geo_r1_backend.grounding.host import Loader
from geo_r1_backend.running import wait_for_running
from geo_r1_backend.storage.atomic import (
    make_private_folder,
    read_server_file,
    sweep_parts,
)
from geo_r1_backend.storage.lock import FileLock, LockHeld
from geo_r1_backend.storage.logs import log_to_file
from geo_r1_backend.storage.token_file import read_or_make_token
from geo_r1_backend.wire import WIRE_VERSION, ServerFile

TOKEN_BYTES = 32
OTHER_STARTS_WITHIN_S = 10.0
LOADING_ENDS_WITHIN_S = 20.0


def serve(
    config: ServerConfig,
    say: Say,
    *,
    load: Loader | None = None,
    runner: Sequence[str] | None = None,
) -> int:
    """Run a service until it is told to stop or nobody is left; the exit code of the command.

    Args:
        config: what to run.
        say: takes lines for the person who started it.
        load: starts engines; replaced in tests that need a certain engine.
        runner: command that trains; the same.

    Raises:
        StorageFailed: if the data folder cannot be written.
        ConfigError: if it cannot listen, or has no usable certificate.
    """
    with storage_faults(config.data_folder):
        return _serve(config, say, load, runner)


def _serve(
    config: ServerConfig, say: Say, load: Loader | None, runner: Sequence[str] | None
) -> int:
    make_private_folder(config.data_folder)
    check_certificate(config)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    if config.token_file is not None:
        token = read_or_make_token(config.token_file, token, say)
    lock = FileLock(config.data_folder / "serve.lock")
    try:
        lock.acquire()
    except LockHeld:
        return _point_to_other(config, say)
    sweep_parts(config.data_folder)
    handler = log_to_file(config.data_folder)
    try:
        service = build_service(
            config,
            token=token,
            load=load
            or partial(
                load_engine,
                threads=config.threads,
                arithmetic=config.arithmetic,
                device=config.device,
                kept=config.data_folder / "engines",
            ),
            runner=runner,
        )
        with bind(config.host, config.port) as listening:
            # the model loads (half a second outside of Python) while FastAPI is imported (half a second inside)
            service.begin_loading()
            from geo_r1_backend.api.server import GeoR1Server

            server = GeoR1Server(service, server_file(listening, service), say)
            try:
                server.run(sockets=[listening])
            finally:
                service.finish_loading(LOADING_ENDS_WITHIN_S)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        lock.release()
    return 0


def check_certificate(config: ServerConfig) -> None:
    """Refuse a certificate that cannot serve before anything else is loaded.

    Raises:
        ConfigError: if a file is missing, is no PEM, wants a password, or certificate and key do not belong together.
    """
    if config.tls_cert is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The certificate {config.tls_cert} cannot be used: {error.strerror or error}.",
            hint="--tls-cert wants the PEM chain of this server, --tls-key its key without a password.",
        ) from error


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens, so that the address is known (and ours) before anything else is loaded.

    Raises:
        ConfigError: if the address is taken or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with its protocol named: asyncio sends small answers at once (TCP_NODELAY) only on sockets that name it
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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


def server_file(listening: socket.socket, service: Service) -> ServerFile:
    """How a service that listens there is reached."""
    host, port = listening.getsockname()[:2]
    # an address to listen on everywhere is not one to connect to
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return ServerFile(
        url=f"{'https' if service.config.tls_cert else 'http'}://{reachable}:{port}",
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
