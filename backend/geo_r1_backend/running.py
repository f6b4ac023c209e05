"""Whether the service that `server.json` speaks of is there: an authenticated question over real HTTP.

A process id alone proves nothing (they are used again), an open port neither; the answer to the token does.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

from geo_r1_backend.storage.atomic import read_server_file
from geo_r1_backend.wire import WIRE_VERSION, ServerFile

ASK_TIMEOUT_S = 2.0
ASK_EVERY_S = 0.05


def connect(url: str, timeout_s: float) -> http.client.HTTPConnection:
    """A connection to this user's own service on this machine, whose address was read from `server.json`.

    Its certificate is made out to the name that other machines use, so it is not compared: whoever could take the
    port here could also read plain HTTP.
    """
    address = urlsplit(url)
    host = str(address.hostname)
    if address.scheme != "https":
        return http.client.HTTPConnection(host, address.port, timeout=timeout_s)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, address.port, timeout=timeout_s, context=context)


def is_answering(server: ServerFile, timeout_s: float = ASK_TIMEOUT_S) -> bool:
    """Whether this very service answers to its token."""
    address = urlsplit(server.url)
    if address.hostname is None:
        return False
    connection = connect(server.url, timeout_s)
    headers = {"Authorization": f"Bearer {server.token}", "X-Geo-R1-Wire": WIRE_VERSION}
    try:
        connection.request("GET", "/v1/health", headers=headers)
        reply = connection.getresponse()
        health = json.loads(reply.read())
        return bool(reply.status == http.client.OK and health.get("pid") == server.pid)
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        connection.close()


def wait_for_running(data_folder: Path, timeout_s: float) -> ServerFile | None:
    """The service of a data folder once it answers, or None after the time is up."""
    until_s = time.monotonic() + timeout_s
    while True:
        server = read_server_file(data_folder)
        if server is not None and is_answering(server):
            return server
        if time.monotonic() >= until_s:
            return None
        time.sleep(ASK_EVERY_S)
