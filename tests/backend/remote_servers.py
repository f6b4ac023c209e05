"""Real servers of other projects as child processes: `transformers serve` and llama.cpp's server; not a test itself."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

from geo_r1_backend.config import package_folder

STARTS_WITHIN_S = 180.0


class RunningServer:
    """A process that answers at ``url``."""

    def __init__(self, command, log, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        backend = package_folder().parent
        paths = os.pathsep.join((str(backend.parent), str(backend)))
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
            )

    def wait_ready(self):
        until_s = time.monotonic() + STARTS_WITHIN_S
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < until_s, "it did not come up"
            time.sleep(0.1)

    def _is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def kill(self):
        """As the system does when memory is short: without a word."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def running(*servers):
    """All of them once they answer; ended with the block."""
    try:
        for server in servers:
            server.wait_ready()
        yield servers
    finally:
        for server in servers:
            server.kill()


def transformers_serve(folder, name):
    """Not pinned to a model: it loads the folder that a question names."""
    cache = folder / "hub-cache"  # must be there, or /v1/models answers 500
    cache.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.backend.serve_transformers", "serve", "--device", "cpu"]
    return RunningServer(
        command, folder / f"{name}.log", HF_HUB_OFFLINE="1", HF_HUB_CACHE=str(cache)
    )


def llama_server(program, folder, *more, name="model"):
    """llama.cpp's server over `model.gguf` and `mmproj.gguf` of a folder."""
    files = ["--model", str(folder / "model.gguf"), "--mmproj", str(folder / "mmproj.gguf")]
    # one thread: on a busy machine two that wait for each other are many times slower
    command = [str(program), *files, "--alias", name, "--ctx-size", "8192", "--parallel", "2"]
    return RunningServer([*command, "--threads", "1", "--no-webui", *more], folder / "server.log")
