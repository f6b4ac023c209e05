"""Which work is recorded as a CUDA graph, and what happens where none can be: the bookkeeping, with a recorder that needs no GPU."""

from __future__ import annotations

import pytest
import torch

from geo_r1_backend.models.qwen import graphs
from geo_r1_backend.models.qwen.graphs import TRIES, ByShape, Pool, recorded
from tests.backend.fake_cuda import Cuda


class Recorder:
    """Keeps buffers as a graph does: the results of a replay are overwritten by the next."""

    def __init__(self, refuses=""):
        self.shapes, self.replays, self.refuses = [], [], refuses
        self.asked = 0

    def __call__(self, work, inputs):
        self.asked += 1
        if self.refuses:
            raise RuntimeError(self.refuses)
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


def test_a_device_that_records_nothing_is_given_up():
    """A recording that fails is tried again a few times, then never; all answers are the work's own, and the reason can be read."""
    recorder = Recorder(refuses="operation not permitted when stream is capturing")
    run = ByShape(doubled, record=recorder)

    for size in (3, 3, 3, 4, 4, 5, 5, 5, 5, 5):
        assert run(torch.ones(size))[0].tolist() == [2.0] * size

    assert "not permitted" in run.refused
    assert len(run) == 0
    assert recorder.asked == TRIES


def test_a_device_that_was_busy_records_later():
    """One recording that fails, for want of memory say, costs that shape one answer; the next is recorded and nothing is refused."""
    recorder = Recorder(refuses="out of memory")
    run = ByShape(doubled, record=recorder)
    run(torch.ones(3))
    run(torch.ones(3))
    assert run.refused

    recorder.refuses = ""
    run(torch.ones(3))

    assert (len(run), run.refused) == (1, "")


@pytest.fixture
def cuda(monkeypatch):
    found = Cuda()
    found.put_in(monkeypatch, graphs)
    monkeypatch.setattr(ByShape, "_can_record", lambda *_: True)
    return found


def test_a_pool_outlives_its_graphs(cuda):
    """All graphs go, as the slower ways of a step and shapes of another adapter do; the next one is recorded into the same pool."""
    pool = Pool()
    first = recorded(lambda: doubled(torch.ones(2)), pool=pool)
    handle = pool.handle
    del first

    _, found = recorded(lambda: doubled(torch.ones(2)), pool=pool)

    assert found[0].tolist() == [2.0, 2.0]
    assert pool.handle == handle


def test_a_recording_that_breaks_off_leaves_its_pool(cuda):
    """What was half recorded is ended, for nothing could be recorded behind it, and its pool is left; graphs of the old pool go on."""
    pool = Pool()
    kept, _ = recorded(lambda: doubled(torch.ones(2)), pool=pool)
    cuda.cannot.add(cuda.recordings + 1)
    with pytest.raises(RuntimeError, match="not permitted"):
        recorded(lambda: doubled(torch.ones(2)), pool=pool)

    recorded(lambda: doubled(torch.ones(2)), pool=pool)

    kept.replay()


def test_shapes_are_recorded_after_all_were_forgotten(cuda):
    """An adapter of another rank makes everything be recorded anew: that works, and nothing is refused."""
    run = ByShape(doubled)
    for _ in range(2):
        run(torch.ones(3))
    run.clear()
    for _ in range(2):
        run(torch.ones(3))

    assert (len(run), run.refused) == (1, "")


def test_the_only_shape_may_give_way_to_another(cuda):
    """Where one graph alone is kept and another shape comes, again and again, every one is recorded."""
    run = ByShape(doubled, limit=1)
    for size in (2, 2, 3, 3, 2, 3):
        run(torch.ones(size))

    assert (len(run), run.refused) == (1, "")


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
