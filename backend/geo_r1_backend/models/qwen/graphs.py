"""CUDA graphs: work that is recorded once and then runs in one launch, whatever Python costs.

`recorded` records; `ByShape` keeps graphs of work whose inputs come in few shapes (a picture's size, a prompt's length) and runs all
other work as it is. What cannot be recorded on a device is run as it is, too, and the reason kept.
"""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Work = Callable[..., Tensors]

SHAPES_KEPT = 16
"""Graphs of one `ByShape`: each holds its scratch memory, some tens of MB for a 3B model."""
SHAPES_COUNTED = 256
TRIES = 3
"""Recordings in a row that may fail (another program can hold the memory for a moment) before a device is believed to record nothing."""


class Pool:
    """Scratch memory that graphs share, good for as long as somebody may record into it.

    CUDA's allocator counts the graphs of a pool. When the last one goes the pool is closed for good, and whoever records into it once
    more fails on an assertion deep inside of torch, as does everyone after him. Graphs go all the time here (the slower ways of a step,
    rows of another size, shapes that were not asked for longest), so a pool holds a graph of its own: one tiny kernel, never replayed.
    A recording that breaks off leaves the allocator in the midst of it, where every later recording of the process fails on another
    assertion: `leave` ends it, and the next one begins a pool anew.
    """

    def __init__(self) -> None:
        self._keeper: Any = None
        self._handle: Any = None

    @property
    def handle(self) -> Any:
        """What torch calls the pool; it is opened when it is first asked for."""
        if self._keeper is None:
            handle, keeper = torch.cuda.graph_pool_handle(), torch.cuda.CUDAGraph()
            self._handle = handle
            _capture(keeper, handle, lambda: torch.zeros(1, device="cuda"))
            self._keeper = keeper
        return self._handle

    def leave(self) -> None:
        """Behind a recording that broke off: open another one for the next; graphs of this one stay good."""
        if self._handle is not None:
            # torch does so itself only behind a recording that ended well; where nothing is left to end this is refused
            with contextlib.suppress(RuntimeError):
                torch._C._cuda_endAllocateToPool(torch.cuda.current_device(), self._handle)
        self._keeper = self._handle = None


def recorded(
    work: Callable[[], Any],
    *,
    pool: Pool,
    generator: torch.Generator | None = None,
    after_trial: Callable[[], None] = lambda: None,
    trials: int = 2,
) -> tuple[Any, Any]:
    """A graph of some work, and what the work returned while it was recorded: buffers that every replay fills anew.

    Args:
        work: without a word from the device to the host; its inputs stay where they are.
        pool: of memory; graphs that never overlap and whose results are read before the next replay may share one.
        generator: that the work draws from.
        after_trial: called behind each trial.
        trials: the first compiles kernels, the second finds every workspace.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(trials):
            work()
            after_trial()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    if generator is not None:
        graph.register_generator_state(generator)
    try:
        return graph, _capture(graph, pool.handle, work)
    except BaseException:
        pool.leave()
        raise


def _capture(graph: Any, handle: Any, work: Callable[[], Any]) -> Any:
    current = torch.cuda.current_stream()
    try:
        # other threads may allocate meanwhile
        with torch.cuda.graph(graph, pool=handle, capture_error_mode="thread_local"):
            return work()
    finally:
        torch.cuda.set_stream(current)  # a recording that fails leaves its own behind


def time_ms(graph: Any, after: Callable[[], None] = lambda: None) -> float:
    """Milliseconds of one replay: the best of some."""
    found = []
    for _ in range(4):
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        began.record()
        graph.replay()
        ended.record()
        ended.synchronize()
        after()
        found.append(float(began.elapsed_time(ended)))
    return min(found[1:])


def reason_of(error: Exception) -> str:
    """Why a recording failed, in a line."""
    said = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {said[0][:200]}"


class Replay(Protocol):
    """Recorded work."""

    def __call__(self, inputs: Tensors) -> Tensors:
        """Results of inputs of the recorded shapes; good until the next replay."""


class _Graph:
    """Recorded work with buffers for its inputs."""

    def __init__(self, work: Work, inputs: Tensors, pool: Pool) -> None:
        self._inputs = tuple(one.clone(memory_format=torch.contiguous_format) for one in inputs)
        # it was run before with these shapes, so kernels are there
        self._graph, self._found = recorded(lambda: work(*self._inputs), pool=pool, trials=1)

    def __call__(self, inputs: Tensors) -> Tensors:
        for mine, given in zip(self._inputs, inputs, strict=True):
            mine.copy_(given, non_blocking=True)
        self._graph.replay()
        found: Tensors = self._found
        return found


class ByShape:
    """Runs one piece of work: a shape that comes a second time is recorded, a third time replayed.

    Args:
        work: a function of its tensors, and of weights that stay in their places; returns tensors.
        limit: graphs that are kept, those used last.
        record: makes a `Replay`; None = CUDA's where the inputs lie on a GPU, else nothing is recorded.
    """

    def __init__(
        self,
        work: Work,
        *,
        limit: int = SHAPES_KEPT,
        record: Callable[[Work, Tensors], Replay] | None = None,
    ) -> None:
        self._work, self._limit, self._record = work, limit, record
        self._kept: OrderedDict[Hashable, Replay] = OrderedDict()
        self._seen: Counter[Hashable] = Counter()
        self._pool, self._failures = Pool(), 0
        self.refused = ""
        """Why the last recording failed; empty = it did not."""

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(self, *inputs: Tensor, worth: bool = True, key: Hashable = ()) -> Tensors:
        """Results; they are overwritten by the next call with the same shapes.

        Args:
            inputs: tensors.
            worth: whether recording pays; large work hides Python's share anyway.
            key: what the work depends on beside the shapes.
        """
        if not worth or self._failures >= TRIES or not self._can_record(inputs):
            return self._work(*inputs)
        place = (key, *((one.shape, one.dtype) for one in inputs))
        replay = self._kept.get(place)
        if replay is None:
            self._seen[place] += 1
            if len(self._seen) > SHAPES_COUNTED:
                self._seen.clear()
            if self._seen[place] < 2:
                return self._work(*inputs)
            replay = self._recorded(place, inputs)
            if replay is None:
                return self._work(*inputs)
        self._kept.move_to_end(place)
        return replay(inputs)

    def clear(self) -> None:
        """Forget all graphs: what they point to moves."""
        self._kept.clear()

    def _can_record(self, inputs: Tensors) -> bool:
        return self._record is not None or inputs[0].is_cuda

    def _recorded(self, place: Hashable, inputs: Tensors) -> Replay | None:
        try:
            replay = (self._record or self._on_cuda)(self._work, inputs)
        except (RuntimeError, ValueError) as error:  # border: a driver runs here
            self.refused, self._failures = reason_of(error), self._failures + 1
            return None
        self.refused, self._failures = "", 0
        self._kept[place] = replay
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return replay

    def _on_cuda(self, work: Work, inputs: Tensors) -> Replay:
        return _Graph(work, inputs, self._pool)
