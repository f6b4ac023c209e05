"""Work shared out over processes of this machine, each with a GPU of its own choosing; the next piece goes to whoever is free."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Piece = TypeVar("Piece")

START_EVERY_S = 0.2
"""Between the starts of two processes: each imports torch, and all at once would wait for the disk."""


def share_out(
    pieces: Sequence[Piece],
    work: Callable[[Piece], None],
    *,
    workers: int,
    gpus: int,
    until_s: float | None = None,
) -> int:
    """Do every piece once, and return how many failed; a failure is printed and the others go on.

    Args:
        pieces: in the order in which they are begun.
        work: runs in a fork of this process, so what was read before is there; torch must not have been used before.
        workers: processes.
        gpus: devices; process i sees the i-th (modulo their number) alone. 0 = none is set.
        until_s: of `time.monotonic()`; no piece is begun later.
    """
    fork: Any = multiprocessing.get_context("fork")
    following, failed = fork.Value("i", 0), fork.Value("i", 0)

    def live(number: int) -> None:
        time.sleep(number * START_EVERY_S)
        if gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = str(number % gpus)
        while until_s is None or time.monotonic() < until_s:
            with following.get_lock():
                place, following.value = following.value, following.value + 1
            if place >= len(pieces):
                return
            try:
                work(pieces[place])
            except Exception:  # border: whatever a piece does, the other pieces are done
                traceback.print_exc()
                with failed.get_lock():
                    failed.value += 1

    processes = [fork.Process(target=live, args=(number,)) for number in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    ended_badly = sum(process.exitcode != 0 for process in processes)
    return int(failed.value) + ended_badly
