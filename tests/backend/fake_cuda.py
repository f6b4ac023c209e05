"""Enough of `torch.cuda` for recordings on a processor, with the rules of its pools of memory; not a test itself.

A graph runs its work when it is recorded and again at each replay. A pool counts its graphs as CUDA's allocator does: once the last one
is gone it is closed, and recording into it fails. A recording that breaks off leaves the allocator in its midst, and every other one fails
until it is ended.
"""

from __future__ import annotations

import gc
import itertools
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import torch


class Cuda:
    """What is put in the place of `torch.cuda`'s names.

    Args:
        cannot: recordings, counted from 1, that break off.
    """

    def __init__(self, cannot=()):
        self.recordings, self._pools, self._half_open = 0, {}, set()
        self.cannot = set(cannot)
        cuda = self

        class CUDAGraph:
            pool = None

            def register_generator_state(self, generator):
                pass

            def replay(self):
                self.work()

            def __del__(self):
                if self.pool is not None:
                    cuda._pools[self.pool] -= 1

        class Event:
            def __init__(self, **_):
                pass

            def record(self):
                pass

            def synchronize(self):
                pass

            def elapsed_time(self, _):
                return 1.0

        stream = SimpleNamespace(wait_stream=lambda _: None)
        self.names = {
            "CUDAGraph": CUDAGraph,
            "Event": Event,
            "Stream": lambda: stream,
            "current_stream": lambda: stream,
            "set_stream": lambda _: None,
            "stream": lambda _: nullcontext(),
            "graph_pool_handle": itertools.count(1000).__next__,
            "graph": self._graph,
            "current_device": lambda: 0,
        }

    @contextmanager
    def _graph(self, graph, pool, capture_error_mode):
        gc.collect()
        if self._half_open:
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")
        if self._pools.get(pool, 1) == 0:
            raise RuntimeError("it->second->use_count > 0 INTERNAL ASSERT FAILED")
        self.recordings += 1
        if self.recordings in self.cannot:
            self._half_open.add(pool)
            raise RuntimeError("operation not permitted when stream is capturing")
        self._pools[pool] = self._pools.get(pool, 0) + 1
        graph.pool = pool
        yield

    def _end(self, _, pool):
        if pool not in self._half_open:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self._half_open.remove(pool)

    def put_in(self, monkeypatch, *modules):
        """In the place of `torch.cuda` for the test; work is noted by `modules`' own `_capture`."""
        for name, value in self.names.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self._end, raising=False)
        zeros = torch.zeros

        def zeros_here(*size, **more):
            return zeros(*size, **more | {"device": "cpu"})

        monkeypatch.setattr(torch, "zeros", zeros_here)
        for module in modules:
            captured = module._capture

            def noted(graph, handle, work, captured=captured):
                graph.work = work
                return captured(graph, handle, work)

            monkeypatch.setattr(module, "_capture", noted)
