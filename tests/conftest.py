"""What every tier of tests shares: no network but loopback, a seed that is printed, a data folder of its own.

Qt's sockets do not pass through Python's, so the guard covers Python code only; QGIS tests talk to loopback by design.
"""

from __future__ import annotations

import ipaddress
import os
import random
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

SEED = int(os.environ.get("GEO_R1_TEST_SEED", "20261123"))

LOCAL_NAMES = {"", "localhost", "ip6-localhost", socket.gethostname()}


class NetworkForbiddenError(AssertionError):
    """A test tried to reach something that is not this machine."""


def _is_local(host: object) -> bool:
    if not isinstance(host, str) or host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded(name: str):
    """The method of ``socket.socket`` called ``name``, which refuses addresses of other machines."""
    original = getattr(socket.socket, name)

    def method(self, address, *more):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise NetworkForbiddenError(
                f"a test wanted to reach {address[0]}:{address[1]}; only loopback is allowed"
            )
        return original(self, address, *more)

    return method


_real_getaddrinfo = socket.getaddrinfo


def _local_getaddrinfo(host, *more, **named):
    name = host.decode() if isinstance(host, bytes) else host
    if not _is_local(name):
        raise NetworkForbiddenError(f"a test wanted to look up {name!r}; only loopback is allowed")
    return _real_getaddrinfo(host, *more, **named)


def pytest_configure(config: pytest.Config) -> None:
    """Close the network and move the service's data folder before anything is imported."""
    socket.socket.connect = _guarded("connect")
    socket.socket.connect_ex = _guarded("connect_ex")
    socket.getaddrinfo = _local_getaddrinfo
    folder = tempfile.mkdtemp(prefix="geo-r1-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["GEO_R1_HOME"] = folder
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # spinning threads on a shared machine cost more than they give


def pytest_report_header() -> list[str]:
    """Say what a failure needs to be repeated."""
    data = os.environ.get("GEO_R1_DATA") or "not set; tests on real images are skipped"
    return [f"seed: {SEED} (GEO_R1_TEST_SEED)", f"real images (GEO_R1_DATA): {data}"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random numbers."""
    random.seed(SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(SEED % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(SEED)


@pytest.fixture(scope="session")
def geo_r1_data() -> Path:
    """Folder with real images; a test that asks for it is skipped where the folder is absent."""
    folder = os.environ.get("GEO_R1_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GEO_R1_DATA names no folder: real images are not on this machine")
    return Path(folder)


@pytest.fixture(scope="session")
def project_folder() -> Path:
    """Top folder of the clone."""
    return Path(__file__).resolve().parent.parent
