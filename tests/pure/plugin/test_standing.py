"""What an answer to the health call says about who is there."""

import json

import pytest

from geo_r1_qgis.core.errors import ProtocolError
from geo_r1_qgis.core.standing import Endpoint, Kind, compare_wire, judge_answer, read_server_file

HERE = Endpoint("http://127.0.0.1:9", "t")
HEALTH = {
    "service": "geo-r1",
    "version": "0.1.0",
    "wire_version": "1.0",
    "status": "ready",
    "pid": 1,
}


def body(**changes):
    """A health answer with changes."""
    return json.dumps({**HEALTH, **changes}).encode()


def error(code, **parameters):
    """An error body."""
    return json.dumps({"code": code, "message": "m", "parameters": parameters}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (200, body(), Kind.READY),
        (200, body(status="busy", queue_length=2), Kind.BUSY),
        (200, body(status="starting"), Kind.STARTING),
        (200, body(status="failed", error={"code": "model-failed", "message": "m"}), Kind.FAILED),
        (200, body(wire_version="1.7", new_field=1), Kind.READY),  # a newer minor is understood
        (200, body(wire_version="2.0"), Kind.TOO_NEW),
        (200, body(wire_version="0.9"), Kind.TOO_OLD),
        (
            200,
            b'{"service":"geo-r1","wire_version":"3.1"}',
            Kind.TOO_NEW,
        ),  # whatever else a later contract changes
        (200, body(service="jupyter"), Kind.NOT_OURS),
        (200, b"<html>It works</html>", Kind.NOT_OURS),
        (200, b"[]", Kind.NOT_OURS),
        (200, b"", Kind.NOT_OURS),
        (200, body(pid="x"), Kind.FAILED),  # ours, and broken
        (401, error("unauthorized"), Kind.REFUSED),
        (426, error("wire-version", given="1.0", expected="2.0"), Kind.TOO_NEW),
        (426, error("wire-version"), Kind.TOO_OLD),
        (503, error("service-stopping"), Kind.ABSENT),
        (500, error("internal"), Kind.FAILED),
        (401, b"Unauthorized", Kind.NOT_OURS),  # somebody else's login
        (404, b"<html>", Kind.NOT_OURS),
        (302, b"", Kind.NOT_OURS),
    ],
)
def test_every_answer_is_judged(status, answer, kind):
    """No answer raises; each is one of the header's states."""
    standing = judge_answer(HERE, status, answer)

    assert kind == standing.kind
    assert standing.can_ask is (kind in (Kind.READY, Kind.BUSY))


def test_a_failed_service_says_why():
    """The error inside of health becomes the standing's error."""
    standing = judge_answer(
        HERE, 200, body(status="failed", error={"code": "model-failed", "message": "no file"})
    )

    assert (standing.error.code, standing.error.message) == ("model-failed", "no file")


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        ("1", None),
        ("1.99", None),
        ("0.1", Kind.TOO_OLD),
        ("10.0", Kind.TOO_NEW),
        ("", None),
        ("x.y", None),
    ],
)
def test_only_the_major_version_matters(theirs, kind):
    """A different major number is refused, everything else passes."""
    assert compare_wire(theirs) is kind


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"url":1}', b"\xff"])
def test_a_damaged_server_file_is_one_error(text):
    """server.json may be half written by another program or edited by hand."""
    with pytest.raises(ProtocolError):
        read_server_file(text)
