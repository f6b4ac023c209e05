"""Pictures of the next questions are read while others are answered: order, bounds, faults and the end."""

from __future__ import annotations

import threading

import pytest

from geo_r1_backend.grounding.ahead import AHEAD_PX, SMALL_PX, read_ahead

WAIT_S = 20


class Reading:
    """Notes what was read, and on which threads."""

    def __init__(self):
        self.read, self.threads, self.told = [], set(), threading.Condition()

    def __call__(self, one):
        with self.told:
            self.read.append(one)
            self.threads.add(threading.current_thread().name)
            self.told.notify_all()
        if one == "broken":
            raise ValueError("no picture")
        return f"picture {one}"

    def wait_for(self, count):
        with self.told:
            assert self.told.wait_for(lambda: len(self.read) >= count, WAIT_S)


def test_pictures_come_in_order():
    """Whatever was read when, every question has its own picture."""
    asked = list(range(40))
    found = [(one, get()) for one, get in read_ahead(asked, Reading(), lambda _: 100, 8)]

    assert found == [(one, f"picture {one}") for one in asked]


def test_the_next_batch_is_read_while_this_one_is_answered():
    """Behind the first question's turn the window is read without anybody asking, and nothing beyond it."""
    reading = Reading()
    going = read_ahead(list(range(10)), reading, lambda _: 100, 4)
    next(going)
    reading.wait_for(4)
    going.close()

    assert sorted(reading.read) == [0, 1, 2, 3]
    assert all(name.startswith("pictures") for name in reading.threads)


def test_large_and_unknown_pictures_wait_for_their_turn():
    """Only one of any size is in memory: it is read when it is asked for, on the caller's thread."""
    sizes = {"small": 100, "large": SMALL_PX + 1, "unknown": None}
    reading = Reading()
    going = read_ahead(list(sizes), reading, sizes.get, 3)
    next(going)
    reading.wait_for(1)
    (_, large), (_, unknown) = going

    assert reading.read == ["small"]
    assert (large(), unknown()) == ("picture large", "picture unknown")
    assert threading.current_thread().name in reading.threads


def test_what_is_read_ahead_has_a_limit():
    """However many fit into the window, only so many pixels are held."""
    reading = Reading()
    most = AHEAD_PX // SMALL_PX
    going = read_ahead(list(range(100)), reading, lambda _: SMALL_PX, 100)
    next(going)
    reading.wait_for(most)
    going.close()

    assert len(reading.read) == most


def test_a_picture_that_cannot_be_read_is_its_own_questions_fault():
    """The fault comes when that question's turn comes; the others have their pictures."""
    found = []
    for one, get in read_ahead(["a", "broken", "b"], Reading(), lambda _: 100, 3):
        if one == "broken":
            with pytest.raises(ValueError, match="no picture"):
                get()
        else:
            found.append(get())

    assert found == ["picture a", "picture b"]


def test_one_question_needs_no_threads():
    """It is read where it is asked for."""
    reading = Reading()
    ((_, get),) = read_ahead(["a"], reading, lambda _: 100, 8)

    assert get() == "picture a"
    assert reading.threads == {threading.current_thread().name}
