"""Which work is recorded as a CUDA graph, and what happens where none can be: the bookkeeping, with a recorder that needs no GPU."""

from __future__ import annotations

import pytest
import torch

from geo_r1_backend.models.qwen.graphs import ByShape


class Recorder:
    """Keeps buffers as a graph does: the results of a replay are overwritten by the next."""

    def __init__(self, refuses=""):
        self.shapes, self.replays, self._refuses = [], [], refuses

    def __call__(self, work, inputs):
        if self._refuses:
            raise RuntimeError(self._refuses)
        shape = tuple(inputs[0].shape)
        self.shapes.append(shape)
        buffers = tuple(one.clone() for one in inputs)
        found = work(*buffers)

        def replay(given):
            for mine, new in zip(buffers, given, strict=True):
                mine.copy_(new)
            for mine, new in zip(found, work(*buffers), strict=True):
                mine.copy_(new)
            self.replays.append(shape)
            return found

        return replay


def doubled(one):
    return (2 * one,)


def test_a_shape_is_recorded_when_it_comes_again():
    """The first time a shape runs as it is (which compiles kernels), from the second on it is a replay with the new numbers."""
    recorder = Recorder()
    run = ByShape(doubled, record=recorder)

    found = [run(torch.full((3,), float(n)))[0].tolist() for n in range(4)]

    assert found == [[2.0 * n] * 3 for n in range(4)]
    assert recorder.shapes == [(3,)]
    assert recorder.replays == [(3,)] * 3


def test_other_types_shapes_and_keys_are_other_graphs():
    """What the work depends on decides: shape, type and the caller's key, not the numbers."""
    recorder = Recorder()
    run = ByShape(doubled, record=recorder)
    for _ in range(2):
        run(torch.zeros(3))
        run(torch.zeros(4))
        run(torch.zeros(3, dtype=torch.float64))
        run(torch.zeros(3), key=16)

    assert len(run) == 4


def test_graphs_used_last_are_kept():
    """Only so many graphs hold memory; whoever was not asked for longest goes, and is recorded anew when it comes back."""
    recorder = Recorder()
    run = ByShape(doubled, limit=2, record=recorder)
    for size in (1, 1, 2, 2, 1, 3, 3, 1, 2):
        run(torch.zeros(size))

    assert recorder.shapes == [(1,), (2,), (3,), (2,)]
    assert len(run) == 2


def test_a_device_that_records_nothing_is_asked_once():
    """A recording that fails costs one try; all answers are the work's own, and the reason can be read."""
    recorder = Recorder(refuses="operation not permitted when stream is capturing")
    run = ByShape(doubled, record=recorder)

    for size in (3, 3, 3, 4, 4):
        assert run(torch.ones(size))[0].tolist() == [2.0] * size

    assert "not permitted" in run.refused
    assert len(run) == 0


def test_large_work_is_not_recorded():
    """Where the caller says it does not pay, nothing is kept."""
    recorder = Recorder()
    run = ByShape(doubled, record=recorder)
    for _ in range(3):
        run(torch.zeros(3), worth=False)

    assert not recorder.shapes


def test_what_moves_is_recorded_anew():
    """After `clear` the next use of a known shape is recorded at once: its kernels are there."""
    recorder = Recorder()
    run = ByShape(doubled, record=recorder)
    run(torch.zeros(3))
    run(torch.zeros(3))
    run.clear()
    run(torch.zeros(3))

    assert recorder.shapes == [(3,), (3,)]


def test_nothing_is_recorded_on_a_processor():
    """Without a GPU and without a recorder of the test's the work simply runs."""
    run = ByShape(doubled)
    for _ in range(3):
        assert run(torch.ones(2))[0].tolist() == [2.0, 2.0]

    assert len(run) == 0
    assert run.refused == ""


@pytest.mark.parametrize("size", [1, 7])
def test_results_are_good_until_the_next_call(size):
    """Two calls with one shape share their results' memory, as a graph's do: callers copy what they keep."""
    run = ByShape(doubled, record=Recorder())
    run(torch.zeros(size))
    first = run(torch.ones(size))[0]
    run(torch.full((size,), 5.0))

    assert first.tolist() == [10.0] * size
