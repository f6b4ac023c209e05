"""A service under steady work for SOAK_MINUTES, watched for anything that grows. `make soak`; exit code 1 if it does.

A real `geo-r1 serve` with the embedded model in its own data folder; four clients send pictures and questions, some
leave in the middle, some send nonsense. Memory, file descriptors, threads and files are sampled; a line is fitted
through each after the warm-up, and what it would gain in an hour is the verdict.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil
from PIL import Image

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
CLIENTS = 4
SAMPLES = 60
WARM_UP = 0.4
"""Share of the time that is not judged: caches, arenas of the allocator and log files fill in it."""
LIMITS = {"rss_mb": (60.0, 25.0), "fds": (40.0, 6.0), "threads": (10.0, 3.0), "files": (40.0, 6.0)}
"""What may be gained: by the fitted line in an hour, and from the first to the last third whatever the time."""
CHIP_BUDGET = 40
"""Different pictures that are sent; a chip that is sent again is the same file."""


def picture(number: int) -> bytes:
    """A small picture that no other number has."""
    dice = random.Random(number)  # noqa: S311 - for tests
    image = Image.new("RGB", (160, 120), tuple(dice.randrange(256) for _ in range(3)))
    for _ in range(4):
        x, y = dice.randrange(120), dice.randrange(80)
        image.paste(tuple(dice.randrange(256) for _ in range(3)), (x, y, x + 30, y + 30))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def expect(is_so: bool, found: str) -> None:
    """Raise what the client counts as a fault."""
    if not is_so:
        raise ValueError(found[:300])


class Load:
    """Clients that ask until they are told to stop."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.headers = url, {"Authorization": f"Bearer {token}"}
        self.over = threading.Event()
        self.counts = {"answered": 0, "left": 0, "refused": 0}
        self.faults: list[str] = []

    def ask_about_all(self) -> None:
        """Every picture once, so that what the service keeps of pictures is not taken for growth on a slow machine."""
        with httpx.Client(
            base_url=self.url, headers=self.headers, timeout=120, trust_env=False
        ) as client:
            for image in map(picture, range(CHIP_BUDGET)):
                name = hashlib.sha256(image).hexdigest()
                client.put(f"/v1/chips/{name}", content=image).raise_for_status()
                body = {
                    "items": [{"item": "1", "chip": name, "query": "the tank"}],
                    "max_new_tokens": 1,
                }
                client.post("/v1/ground", json=body).raise_for_status()

    def run(self, seed: int) -> None:
        """One client."""
        dice = random.Random(seed)  # noqa: S311 - for tests
        with httpx.Client(
            base_url=self.url, headers=self.headers, timeout=120, trust_env=False
        ) as client:
            while not self.over.is_set():
                try:
                    self._step(client, dice)
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    self.faults.append(f"{type(error).__name__}: {error}")
                    self.over.wait(0.5)

    def _step(self, client: httpx.Client, dice: random.Random) -> None:
        image = picture(dice.randrange(CHIP_BUDGET))
        name = hashlib.sha256(image).hexdigest()
        kind = dice.randrange(10)
        if kind == 0:  # nonsense
            reply = client.put(f"/v1/chips/{name}", content=image[: dice.randrange(1, len(image))])
            expect(reply.status_code == 422, reply.text)
            self.counts["refused"] += 1
            return
        reply = client.put(f"/v1/chips/{name}", content=image)
        expect(reply.status_code == 200, reply.text)
        body = {
            "items": [{"item": "1", "chip": name, "query": "the largest tank"}],
            "max_new_tokens": 40,
        }
        with client.stream("POST", "/v1/ground", json=body) as reply:
            expect(reply.status_code == 200, f"status {reply.status_code}")
            lines = reply.iter_lines()
            if kind == 1:  # leaves in the middle
                next(lines)
                self.counts["left"] += 1
                return
            last = [json.loads(line) for line in lines][-1]
        expect(last["event"] == "result", str(last))
        self.counts["answered"] += 1


def sample(process: psutil.Process, folder: Path) -> dict[str, float]:
    """What the service has at this moment."""
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    return {
        "rss_mb": process.memory_info().rss / 1e6,
        "fds": float(process.num_fds()),
        "threads": float(process.num_threads()),
        "files": float(files),
    }


def slope_per_hour(times_s: list[float], values: list[float]) -> float:
    """Gain of the least-squares line in an hour."""
    middle_s, mean = sum(times_s) / len(times_s), sum(values) / len(values)
    spread = sum((t - middle_s) ** 2 for t in times_s)
    return (
        3600.0
        * sum((t - middle_s) * (v - mean) for t, v in zip(times_s, values, strict=True))
        / spread
    )


def verdict(times_s: list[float], samples: list[dict[str, float]]) -> bool:
    """Print a line per quantity; whether none of them grew."""
    first = int(len(samples) * WARM_UP)
    judged_s, judged, sound = times_s[first:], samples[first:], True
    third = max(1, len(judged) // 3)
    for name, (per_hour, in_all) in LIMITS.items():
        values = [each[name] for each in judged]
        gained = sum(values[-third:]) / third - sum(values[:third]) / third
        slope = slope_per_hour(judged_s, values)
        # over a short time a line through noise says nothing about an hour: both have to be over their limits
        grows = slope > per_hour and gained > (
            in_all if MINUTES < 10 else min(in_all, per_hour / 6)
        )
        sound = sound and not grows
        print(
            f"{name:8} {values[0]:8.1f} -> {values[-1]:8.1f}  highest {max(values):8.1f}  gained {gained:+6.1f}  "
            f"slope {slope:+8.1f} per hour  {'GROWS' if grows else 'steady'}"
        )
    return sound


def main() -> int:
    """Start, load, watch, judge."""
    with tempfile.TemporaryDirectory(prefix="geo-r1-soak-") as name:
        folder = Path(name)
        environment = {**os.environ, "GEO_R1_HOME": name, "TMPDIR": name}
        with (folder / "out.txt").open("w") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "geo_r1_backend", "serve"],
                env=environment,
                stdout=out,
                stderr=out,
            )
        try:
            return watch(server, folder)
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(15)
            if server.poll() is None:
                server.kill()
                server.wait(5)


def watch(server: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Load the service and judge what was sampled."""
    until_s = time.monotonic() + 60
    while not (folder / "server.json").exists():
        if server.poll() is not None or time.monotonic() > until_s:
            print((folder / "out.txt").read_text())
            return 1
        time.sleep(0.1)
    found = json.loads((folder / "server.json").read_text())
    load = Load(found["url"], found["token"])
    load.ask_about_all()
    clients = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    process, began_s = psutil.Process(server.pid), time.monotonic()
    times_s: list[float] = []
    samples: list[dict[str, float]] = []
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, began_s + MINUTES * 60 * number / SAMPLES - time.monotonic()))
        times_s.append(time.monotonic() - began_s)
        samples.append(sample(process, folder))
    load.over.set()
    for client in clients:
        client.join(120)
    print(
        f"{MINUTES:g} minutes, {CLIENTS} clients: {load.counts}, {len(load.faults)} faults {load.faults[:3]}"
    )
    sound = verdict(times_s, samples)
    return 0 if sound and not load.faults and load.counts["answered"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
