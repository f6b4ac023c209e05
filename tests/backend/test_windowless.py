"""`geo-r1-service`: the program that QGIS starts on Windows, where it has no console and no standard streams."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

WITHOUT_STREAMS = """
import sys
sys.stdin = sys.stdout = sys.stderr = None
sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None
from geo_r1_backend.windowless import main
sys.exit(main())
"""


def test_a_command_runs_without_streams():
    """What would be printed goes nowhere, and the exit code is that of `geo-r1`."""
    for arguments, code in ((["--version"], 0), (["models", "list"], 0), (["ask"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_STREAMS, *arguments], check=False, timeout=60
        )
        assert done.returncode == code, arguments


@pytest.mark.slow
def test_the_service_runs_without_streams(tmp_path):
    """It starts, answers, and stops when it is told to."""
    environment = {**os.environ, "GEO_R1_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", WITHOUT_STREAMS, "serve"], env=environment
    ) as process:
        try:
            file = tmp_path / "server.json"
            deadline = time.monotonic() + 60
            while not file.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            server = json.loads(file.read_text())
            reply = httpx.get(
                server["url"] + "/v1/health",
                headers={"Authorization": f"Bearer {server['token']}"},
                timeout=10,
                trust_env=False,
            )
            assert reply.json()["service"] == "geo-r1"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
