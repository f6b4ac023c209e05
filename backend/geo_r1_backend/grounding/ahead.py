"""Pictures of a request's next questions, read while those before them are answered.

Decoding is done in C without Python's lock, so some threads read a batch in the time of a few, and the next one costs no time at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

THREADS = 8
SMALL_PX = 4_000_000
"""A larger picture waits for its turn, so that only one of any size is in memory."""
AHEAD_PX = 32_000_000
"""Of all pictures that are read ahead: some 100 MB."""

Asked = TypeVar("Asked")
Read = TypeVar("Read")


def read_ahead(
    asked: Sequence[Asked],
    read: Callable[[Asked], Read],
    pixels: Callable[[Asked], int | None],
    window: int,
) -> Generator[tuple[Asked, Callable[[], Read]]]:
    """Each question in order with what gives its picture, or raises why there is none.

    Args:
        asked: the questions.
        read: does the reading; on threads of its own for small pictures.
        pixels: of a question's picture, where that is known; others wait for their turn.
        window: so many questions from the next one on are read.
    """
    if len(asked) < 2:
        for one in asked:
            yield one, partial(read, one)
        return
    begun: dict[int, tuple[Future[Read], int]] = {}
    following = held_px = 0
    pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1), thread_name_prefix="pictures")
    try:
        for number, one in enumerate(asked):
            following = max(following, number)
            while following < min(len(asked), number + window):
                size_px = pixels(asked[following])
                if size_px is not None and size_px <= SMALL_PX:
                    if held_px + size_px > AHEAD_PX:
                        break
                    begun[following] = pool.submit(read, asked[following]), size_px
                    held_px += size_px
                following += 1
            if number in begun:
                future, size_px = begun.pop(number)
                held_px -= size_px
                yield one, future.result
            else:
                yield one, partial(read, one)
    finally:
        pool.shutdown(cancel_futures=True)
