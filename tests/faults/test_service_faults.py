"""The service while its disk is full or read-only, is killed, or its clock is set back: real processes, real HTTP."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
import zlib
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
NOBODY = 65534


def png(width_px, height_px, noise):
    """A picture whose bytes cannot be packed much smaller."""

    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = width_px.to_bytes(4, "big") + height_px.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    rows = b"".join(b"\0" + noise(3 * width_px) for _ in range(height_px))
    packed = zlib.compress(rows, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


SMALL = png(64, 64, bytes)
LARGE = png(400, 400, os.urandom)


def limit_files(folder, size_bytes):
    """A folder for PYTHONPATH that keeps a process from writing larger files."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes},) * 2)"
    )
    return str(folder)


class Service:
    """One process of the real service."""

    def __init__(self, home, script="serve_fixed.py", user=None, **environment):
        self.home = home
        self.process = subprocess.Popen(
            [str(PYTHON), str(HERE / script)],
            env={**os.environ, "GEO_R1_HOME": str(home), "HOME": str(home), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=user,
            cwd="/",
        )

    def wait_until_ready(self):
        """Until it answers that it is ready."""
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s:
            assert self.process.poll() is None, self.process.stdout.read()
            with contextlib.suppress(OSError, ValueError, KeyError):
                if self.call("GET", "/v1/health")[1]["status"] == "ready":
                    return self
            time.sleep(0.05)
        raise AssertionError("the service did not come up")

    @property
    def server(self):
        """What it said about itself."""
        return json.loads((self.home / "server.json").read_text())

    def call(self, verb, path, body=None):
        """One request: status, and the body as JSON, or as a list of events."""
        address = urlsplit(self.server["url"])
        with contextlib.closing(
            http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        ) as connection:
            headers = {"Authorization": f"Bearer {self.server['token']}"}
            connection.request(verb, path, body=body, headers=headers)
            reply = connection.getresponse()
            text = reply.read()
        if "ndjson" in (reply.getheader("Content-Type") or ""):
            return reply.status, [json.loads(line) for line in text.splitlines()]
        return reply.status, json.loads(text)

    def put(self, image):
        """Send a picture."""
        return self.call("PUT", f"/v1/chips/{hashlib.sha256(image).hexdigest()}", image)

    def ask(self, image):
        """Ask about it; the last event."""
        item = {
            "item": "1",
            "chip": hashlib.sha256(image).hexdigest(),
            "query": "all",
            "task": "ovd",
        }
        return self.call("POST", "/v1/ground", json.dumps({"items": [item]}))[1][-1]

    def end(self):
        """Stop it as a system does; what it had said."""
        self.process.terminate()
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def start():
    """Starts services; what still runs at the end is killed."""
    started = []

    def one(*arguments, **more):
        started.append(Service(*arguments, **more))
        return started[-1]

    yield one
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.process.communicate()


def test_a_full_disk_is_a_refusal_with_a_way_out(start, small_disk):
    """No room for a picture: 507 with the folder and the reason, nothing half written, and later it works again."""
    if not small_disk.is_mounted:
        # a limit on the size of files binds the service as well: the large picture does not fit, the small one does
        site = limit_files(small_disk.folder.parent / "site", len(LARGE) // 2)
        service = start(small_disk.folder, PYTHONPATH=site).wait_until_ready()
    else:
        service = start(small_disk.folder).wait_until_ready()
        small_disk.fill()
    status, error = service.put(LARGE)
    left = [path.name for path in (small_disk.folder / "chips").iterdir()]
    health = service.call("GET", "/v1/health")
    small_disk.empty()
    again, _ = service.put(SMALL)
    answer = service.ask(SMALL)

    assert (status, error["code"]) == (507, "storage-failed")
    assert str(small_disk.folder / "chips") in error["message"]
    assert "room" in error["hint"]
    assert left == []
    assert health[1]["status"] == "ready"
    assert again == 200
    assert answer["outcome"] == "found"
    assert "Traceback" not in service.end()


def test_a_start_on_a_full_disk_is_one_sentence(small_disk):
    """Nothing can be written at all: the start ends with a sentence that names folder and reason, without a traceback."""
    environment = {**os.environ, "GEO_R1_HOME": str(small_disk.folder)}
    environment["PYTHONPATH"] = str(ROOT / "backend")
    reason = "No space left on device"
    if small_disk.is_mounted:
        small_disk.fill()
    else:
        reason = "File too large"
        environment["PYTHONPATH"] += os.pathsep + limit_files(small_disk.folder.parent / "site", 0)
    ended = subprocess.run(
        [str(PYTHON), "-m", "geo_r1_backend", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert str(small_disk.folder) in ended.stderr
    assert reason in ended.stderr
    assert "room" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    assert not (small_disk.folder / "server.json").exists()


def test_a_start_in_a_read_only_folder_is_one_sentence():
    """The data folder belongs to somebody else: a sentence with the folder and the way out."""
    home = Path(tempfile.mkdtemp(prefix="geo-r1-faults-"))
    home.chmod(0o555)
    try:
        ended = subprocess.run(
            [str(PYTHON), "-m", "geo_r1_backend", "serve"],
            env={**os.environ, "GEO_R1_HOME": str(home), "PYTHONPATH": str(ROOT / "backend")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=NOBODY if os.geteuid() == 0 else None,
            cwd="/",
        )
    finally:
        home.chmod(0o755)
        shutil.rmtree(home)

    assert ended.returncode == 1
    assert str(home) in ended.stderr
    assert "--data-dir" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_a_clock_that_is_set_back_disturbs_nothing(start, tmp_path):
    """The wall clock jumps back by a day again and again: chips stay, answers come, the log keeps its order."""
    service = start(tmp_path, script="serve_clock.py").wait_until_ready()
    _, receipt = service.put(SMALL)
    began = time.monotonic()
    outcomes = []
    while time.monotonic() - began < 3:
        outcomes.append(service.ask(SMALL)["outcome"])
    _, later = service.call("GET", f"/v1/chips/{hashlib.sha256(SMALL).hexdigest()}")
    service.end()

    lines = [
        json.loads(line) for line in (tmp_path / "logs" / "serve.log").read_text().splitlines()
    ]
    times = [datetime.fromisoformat(line["time"]) for line in lines]
    jumps = sum((after - before).total_seconds() < -80_000 for before, after in pairwise(times))
    assert set(outcomes) == {"found"}
    assert receipt["expires_s"] == later["expires_s"] == 3600.0
    assert jumps >= 2  # the clock did jump
    assert all(0 <= line["ms"] < 60_000 for line in lines if "ms" in line)
    assert service.process.returncode == 0
    assert not (tmp_path / "server.json").exists()


def test_nothing_but_the_age_of_files_is_measured_by_the_wall_clock():
    """Time limits, expiry and idling count on the monotonic clock: `time.time` is used in one place, for files."""
    users = {
        path.name
        for package in (ROOT / "geo_r1_qgis", ROOT / "backend" / "geo_r1_backend")
        for path in package.rglob("*.py")
        if "time.time(" in path.read_text(encoding="utf-8") and "pretraining" not in path.parts
    }

    assert users == {"creation.py"}
