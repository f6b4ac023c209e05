"""A byte stream becomes lines, however it is cut."""

import time

import pytest

from geo_r1_qgis.core.errors import ProtocolError
from geo_r1_qgis.core.ndjson import LineSplitter

TEXT = '{"a":"größer ☃"}\n\n{"b":2}\r\n{"c":3}\n'.encode()
LINES = ['{"a":"größer ☃"}'.encode(), b'{"b":2}', b'{"c":3}']


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_lines_do_not_depend_on_the_cuts(size):
    """Pieces of any size give the same lines, also when they cut a character in two."""
    splitter = LineSplitter()
    lines = []
    for start in range(0, len(TEXT), size):
        lines += splitter.feed(TEXT[start : start + size])

    assert lines + splitter.finish() == LINES


def test_the_last_line_needs_no_end():
    """A stream that ends without a line end still gives its last line, once."""
    splitter = LineSplitter()

    assert splitter.feed(b"one\ntwo") == [b"one"]
    assert splitter.finish() == [b"two"]
    assert splitter.finish() == []


@pytest.mark.parametrize("stream", [b"x" * 11, b"x" * 11 + b"\n", b"x" * 11 + b"\nok\n"])
def test_a_line_without_end_does_not_fill_the_memory(stream):
    """A line over the limit is refused, and nothing of it is kept."""
    splitter = LineSplitter(max_line_bytes=10)

    with pytest.raises(ProtocolError, match="the limit is 10"):
        splitter.feed(stream)
    assert splitter.finish() == []


@pytest.mark.parametrize("after", ["feed", "finish"])
def test_good_lines_before_a_bad_one_are_not_lost(after):
    """Lines that were whole before the one that is too long are returned first; the fault is told by the next call."""
    splitter = LineSplitter(max_line_bytes=10)

    assert splitter.feed(b"one\ntwo\n" + b"x" * 11 + b"\nthree\n") == [b"one", b"two"]
    with pytest.raises(ProtocolError, match="the limit is 10"):
        splitter.feed(b"four\n") if after == "feed" else splitter.finish()


def test_a_long_line_is_looked_at_once():
    """The work for a line grows with its length, not with its square: a service that sends single bytes stops nobody."""
    line = b"x" * 1_000_000

    def seconds(size):
        splitter, began = LineSplitter(), time.perf_counter()
        for start in range(0, len(line), size):
            splitter.feed(line[start : start + size])
        return time.perf_counter() - began

    assert min(seconds(100) for _ in range(3)) < 0.5
