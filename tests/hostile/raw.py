"""Bytes on a socket as they are, and what comes back: what no HTTP client would let a test send."""

import contextlib
import json
import socket
from urllib.parse import urlsplit

from tests.backend.conftest import TOKEN


def talk(url, *pieces, timeout_s=10.0, close_early=False):
    """Send pieces, read until the service closes or is silent; returns the answer's bytes."""
    address = urlsplit(url)
    answer = b""
    with socket.create_connection(
        (address.hostname, address.port), timeout=timeout_s
    ) as connection:
        with contextlib.suppress(
            OSError
        ):  # a refusal may come, and the connection go, before all is sent
            for piece in pieces:
                connection.sendall(piece)
        if close_early:
            return b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


def request(*lines, method="GET", target="/v1/health", host="127.0.0.1", token=TOKEN, body=b""):
    """A request that ends the connection, with more header lines."""
    head = [f"{method} {target} HTTP/1.1", "Connection: close", *lines]
    head += [f"Host: {host}"] if host is not None else []
    head += [f"Authorization: Bearer {token}"] if token is not None else []
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def status_and_code(answer):
    """Status of the first answer, and the code of its error body (empty if it is none)."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    try:
        return status, json.loads(body).get("code", "")
    except ValueError:
        return status, "not JSON"
