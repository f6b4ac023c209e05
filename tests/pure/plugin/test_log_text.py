"""The service's log is shown as lines, not as JSON."""

import pytest

from geo_r1_qgis.core.log_text import readable

REQUEST = (
    '{"time": "2026-01-02T08:12:06.104+00:00", "level": "info", "logger": "r", "message": "request", "id": "a0",'
    ' "method": "PUT", "route": "/v1/chips/{sha256}", "status": 200, "ms": 3.8}'
)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (REQUEST, "08:12:06  info  PUT /v1/chips/{sha256} 200  3.8 ms"),
        ('{"time": "2026-01-02T08:12:06Z", "level": "error", "message": "no", "code": "x"}', "08:12:06  error  no  code=x"),
        ('ms": 3.8}', 'ms": 3.8}'),  # the tail begins in the middle of a line
        ("{broken", "{broken"),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
        ("", ""),
    ],
)  # fmt: skip
def test_lines_are_readable(line, shown):
    """JSON lines are worded; whatever else stands in a log is left alone."""
    assert shown == readable(line)
