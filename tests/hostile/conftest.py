"""The service of `tests/backend`, for tests that wish it ill. Everything goes to loopback, bounded in count and time."""

import os
import signal
import subprocess
import sys

import pytest

from tests.backend.conftest import model_folder, service, start_service

__all__ = ["model_folder", "service", "soak", "start_service"]


@pytest.fixture(scope="session", autouse=True)
def soak(request, project_folder):
    """The short soak as a process, if it is wanted: it has a service of its own and runs beside the first tests of this folder."""
    if not any(
        item.name == "test_a_short_soak_finds_nothing_that_grows" for item in request.session.items
    ):
        yield None
        return
    process = subprocess.Popen(
        [sys.executable, "scripts/soak.py"],
        cwd=project_folder, env={**os.environ, "SOAK_MINUTES": "0.65"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process:
        yield process
        process.send_signal(signal.SIGINT)  # it ends its service then; nothing if it is over
