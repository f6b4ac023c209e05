"""A child process that speaks lines of JSON over its own pipes: torch lives in such ones, never in the service.

Pictures go to it as they are, behind the line that names their lengths: as text inside of it 64 of them cost a second of a batch.

Out of memory, a crash or a hang there is an error here; ending it always works.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from geo_r1_backend.config import package_folder

KEPT_STDERR_LINES = 40

Message = dict[str, Any]


def child_environment() -> dict[str, str]:
    """What a child process of the service finds in its environment: this package, no network, threads that wait quietly."""
    paths = [str(package_folder().parent), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # threads that spin while they wait take the other cores from QGIS (and from themselves, where cores are few)
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
    }


class WorkerProcess:
    """One worker process with its pipes.

    Args:
        module: run with ``python -m``; its first argument is the folder.
        folder: of the model.
        threads: of the CPU; None = the module's choice.
        more: further arguments.
        environment: what it finds beside `child_environment`.
    """

    def __init__(
        self,
        module: str,
        folder: Path,
        threads: int | None,
        more: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        command = [sys.executable, "-m", module, str(folder), *more]
        if threads is not None:
            command += ["--threads", str(threads)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, a folder from the registry
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**child_environment(), **(environment or {})},
        )
        self._messages: queue.Queue[Message] = queue.Queue()
        self._stderr: collections.deque[str] = collections.deque(maxlen=KEPT_STDERR_LINES)
        self._outgoing: queue.Queue[tuple[bytes, ...] | None] = queue.Queue()
        # each pipe has its own thread: a hung worker reads nothing, and writing an image to it would hang us as well
        work = {
            self._write_messages: self._process.stdin,
            self._read_messages: self._process.stdout,
            self._read_stderr: self._process.stderr,
        }
        self._threads = [
            threading.Thread(target=method, args=(pipe,), daemon=True)
            for method, pipe in work.items()
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, message: Message, blobs: Sequence[bytes] = ()) -> None:
        """Say something; a worker that is gone or hung is noticed when it is listened to.

        Args:
            message: one line; with ``blobs``, the lengths of what follows, where something does.
            blobs: bytes behind it.
        """
        more = {"blobs": [len(blob) for blob in blobs]} if blobs else {}
        self._outgoing.put(((json.dumps({**message, **more}) + "\n").encode(), *blobs))

    def receive(self, timeout_s: float) -> Message | None:
        """The next message, or None where none comes within the time."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def obituary(self) -> str:
        """Why a dead worker died, in its own last words."""
        code = self._process.wait()
        self._outgoing.put(None)
        for thread in self._threads:
            thread.join(1.0)
        words = next((line for line in reversed(self._stderr) if line.strip()), "")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the worker process ended ({how}){': ' + words if words else ''}"

    def close(self, grace_s: float) -> None:
        """End the process: by closing its input, then by force."""
        self._outgoing.put(None)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _write_messages(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            while (parts := self._outgoing.get()) is not None:
                for part in parts:
                    pipe.write(part)
                pipe.flush()
        with contextlib.suppress(ValueError, OSError):
            pipe.close()

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in pipe:
                self._messages.put(json.loads(line))

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in pipe:
                self._stderr.append(line.decode("utf-8", "replace").strip()[:500])
