"""The service as a process: how long until it is ready, how much memory it holds after twenty questions."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image

from geo_r1_backend.storage.atomic import read_server_file

READY_LIMIT_S = 60.0


class ServiceProcess:
    """`geo-r1 serve` in a data folder of its own, measured from its start on.

    Args:
        arithmetic: of the embedded model.
        threads: of the same.
        backend: folder `backend/` of another version, to measure that one.
        home: data folder; None = a new one, which goes with the process.
        more: of the command line.
        ready_limit_s: how long it may take until it is ready.
    """

    def __init__(
        self,
        arithmetic: str,
        threads: int,
        backend: Path | None = None,
        *,
        home: Path | None = None,
        more: Sequence[str] = (),
        ready_limit_s: float = READY_LIMIT_S,
    ) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="geo-r1-bench-")
        self._ready_limit_s = ready_limit_s
        home = home or Path(self._home.name)
        command = [sys.executable, "-m", "geo_r1_backend", "serve", "--data-dir", str(home)]
        command += ["--arithmetic", arithmetic, "--threads", str(threads), "--nice", "0", *more]
        self.command = ["geo-r1", *command[3:]]
        began_s = time.perf_counter()
        environment = {**os.environ, **({"PYTHONPATH": str(backend)} if backend else {})}
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        while (server := read_server_file(home)) is None:
            self._check(began_s)
            time.sleep(0.002)
        self.client = httpx.Client(
            base_url=server.url,
            headers={
                "Authorization": f"Bearer {server.token}",
                "X-Geo-R1-Wire": server.wire_version,
            },
            trust_env=False,
            timeout=ready_limit_s,
        )
        while (health := self.client.get("/v1/health").json())["status"] != "ready":
            if health["status"] == "failed":
                self.stop()
                raise RuntimeError(f"the service failed: {health}")
            self._check(began_s)
            time.sleep(0.005)
        self.health = health
        self.ready_s = time.perf_counter() - began_s
        """From the start of the process to a health that says ready."""

    def ask_about(self, picture: Image.Image, query: str, views: int) -> dict[str, float]:
        """Ask about so many views and measure memory; times over HTTP from the question to events, medians in s."""
        seen: dict[str, list[float]] = {"token": [], "detection": [], "result": []}
        for number in range(views):
            stream = io.BytesIO()
            picture.crop((number, number, number + 448, number + 448)).save(stream, "PNG")
            sha256 = hashlib.sha256(stream.getvalue()).hexdigest()
            self.client.put(f"/v1/chips/{sha256}", content=stream.getvalue()).raise_for_status()
            for name, at_s in self._events({"item": "a", "chip": sha256, "query": query}).items():
                if name in seen:
                    seen[name].append(at_s)
        medians = {f"http_{k}_s": sorted(v)[len(v) // 2] for k, v in seen.items() if v}
        return {**medians, **self.memory()}

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Processor time that it has used, s."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        """End the process."""
        self.client.close()
        self._process.terminate()
        self._process.wait(10)
        self._home.cleanup()

    def _events(self, item: dict[str, Any]) -> dict[str, float]:
        """When each kind of event came first."""
        first: dict[str, float] = {}
        began_s = time.perf_counter()
        with self.client.stream("POST", "/v1/ground", json={"items": [item]}) as reply:
            for line in reply.iter_lines():
                first.setdefault(json.loads(line)["event"], time.perf_counter() - began_s)
        return first

    def memory(self) -> dict[str, float]:
        """Resident now and at its peak, MiB; only where there is /proc."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.is_file():
            return {}
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return {
            "resident_mib": int(lines["VmRSS"].split()[0]) / 1024,
            "peak_mib": int(lines["VmHWM"].split()[0]) / 1024,
        }

    def _check(self, began_s: float) -> None:
        late = time.perf_counter() - began_s > self._ready_limit_s
        if self._process.poll() is not None or late:
            self._process.kill()
            raise RuntimeError("the service did not become ready; see its log")


def measure_service(
    arithmetic: str, threads: int, starts: int, picture: Image.Image, query: str, views: int
) -> dict[str, Any]:
    """Start it so many times, ask the last one."""
    ready_s: list[float] = []
    found: dict[str, float] = {}
    for number in range(starts):
        service = ServiceProcess(arithmetic, threads)
        try:
            ready_s.append(service.ready_s)
            if number == starts - 1:
                found = service.ask_about(picture, query, views)
        finally:
            service.stop()
    return {"ready_s": ready_s, **found}
