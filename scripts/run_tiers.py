#!/usr/bin/env python3
"""Runs tiers of tests, two at once, and prints their output one after the other.

    scripts/run_tiers.py --lanes 2 --logs build/test-results backend qgis faults --alone e2e

A tier is `make tier-NAME`. Tiers begin in the order given, so the longest goes first. The output of the first that has not
ended is shown as it comes; what the others write meanwhile waits in LOGS/NAME.log. When all have ended, those that measure time run one by one.
Ends with 1 if a tier failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOOK_S = 0.2
"""How often new output is looked for."""


class Tier:
    """One tier: its output and, once it has ended, its time."""

    def __init__(self, name: str, logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.log.touch()
        self.ended = threading.Event()
        self.returncode = 1
        self.wall_s = self.processor_s = 0.0

    def run(self) -> None:
        """Run it to its end; it fails if it cannot be started."""
        began = time.monotonic()
        try:
            with self.log.open("wb") as log:
                command = ["make", f"tier-{self.name}"]
                process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
                _, status, used = os.wait4(process.pid, 0)  # with all that it waited for
            self.returncode = process.returncode = os.waitstatus_to_exitcode(status)
            self.processor_s = used.ru_utime + used.ru_stime
        finally:
            self.wall_s = time.monotonic() - began
            self.ended.set()

    def show(self) -> None:
        """Print its output until it has ended."""
        with self.log.open("rb") as log:
            has_ended = False
            while True:
                sys.stdout.buffer.write(log.read())
                sys.stdout.flush()
                if has_ended:
                    break
                has_ended = self.ended.wait(LOOK_S)
        print(
            f"tier {self.name}: {self.wall_s:.0f} s, {self.processor_s:.0f} s of processor time",
            flush=True,
        )


def main() -> int:
    """Run them; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tiers", nargs="*")
    parser.add_argument("--lanes", type=int, default=2, help="how many run at once")
    parser.add_argument("--alone", nargs="*", default=[], help="tiers beside which nothing may run")
    parser.add_argument("--logs", type=Path, required=True, help="folder for their output")
    arguments = parser.parse_args()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    tiers = [Tier(name, arguments.logs) for name in arguments.tiers]
    alone = [Tier(name, arguments.logs) for name in arguments.alone]
    try:
        run(tiers, arguments.lanes)
        run(alone, 1)
    except KeyboardInterrupt:  # the tiers that run were told as well
        return 130
    return int(any(tier.returncode for tier in [*tiers, *alone]))


def run(tiers: list[Tier], lanes: int) -> None:
    """Run some of them, `lanes` at once."""
    with ThreadPoolExecutor(lanes) as pool:
        futures = [pool.submit(tier.run) for tier in tiers]
        try:
            for tier in tiers:
                tier.show()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    for future in futures:
        future.result()


if __name__ == "__main__":
    sys.exit(main())
