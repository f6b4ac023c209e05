"""The guard in tests/conftest.py holds."""

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_other_machines_are_out_of_reach(address):
    """A test that reaches for another machine fails at once instead of depending on it."""
    with pytest.raises(AssertionError, match="only loopback"):
        socket.create_connection(address, timeout=1)


def test_loopback_is_open():
    """A server in the test process can be talked to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5),
    ):
        pass
