"""JSON of the wire contract becomes dataclasses, or one error that names the field."""

import json
from dataclasses import replace

import pytest

from geo_r1_qgis.core import wire
from geo_r1_qgis.core.codec import decode, decode_event, encode, parse_json
from geo_r1_qgis.core.errors import ProtocolError

CHIP = "a" * 64
REQUEST = {"items": [{"item": "1", "chip": CHIP, "query": "the tank"}]}
DETECTION = {"rank": 0, "label": "tank", "box_px": [1, 2, 3, 4]}


def test_a_request_survives_the_way_there_and_back():
    """What is encoded decodes to an equal object."""
    request = wire.GroundRequest(
        [wire.GroundItem("1", CHIP, "größter Tank ☃", "ovd")], model="m", seed=7
    )

    assert request == decode(wire.GroundRequest, parse_json(encode(request)), strict=True)


def test_what_came_after_1_0_is_said_only_where_it_matters():
    """A service of wire 1.0 refuses fields that it does not know: `detail` travels only if it is not the default."""
    item = wire.GroundItem("1", CHIP, "ships", "ovd")
    usual = parse_json(encode(wire.GroundRequest([item])))
    chosen = parse_json(encode(wire.GroundRequest([replace(item, detail="view")])))

    assert set(usual["items"][0]) == {"item", "chip", "query", "task"}
    assert chosen["items"][0]["detail"] == "view"
    assert set(usual) == {"items", "model", "think", "max_new_tokens", "seed"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"items": []}, "$.items"),  # min_length
        ({"items": None}, "$.items"),  # not a list
        ({"items": [{"item": "1", "chip": "zz", "query": "q"}]}, "$.items[0].chip"),  # pattern
        ({"items": [{"item": "1", "chip": CHIP}]}, "$.items[0].query"),  # missing
        ({"items": [{"item": "1", "chip": CHIP, "query": ""}]}, "$.items[0].query"),  # empty
        (
            {"items": [{"item": "1", "chip": CHIP, "query": "q" * 1001}]},
            "$.items[0].query",
        ),  # too long
        (
            {"items": [{"item": "1", "chip": CHIP, "query": "q", "task": "fly"}]},
            "$.items[0].task",
        ),  # not a task
        (
            {"items": [{"item": "1", "chip": CHIP, "query": "q", "x": 1}]},
            "$.items[0].x",
        ),  # unknown field
        ({"max_new_tokens": 0}, "$.max_new_tokens"),  # ge
        ({"max_new_tokens": 5000}, "$.max_new_tokens"),  # le
        ({"seed": 1.5}, "$.seed"),  # not whole
        ({"seed": True}, "$.seed"),  # a bool is not a number
        ({"think": 1}, "$.think"),  # a number is not a bool
        ({"model": 3}, "$.model"),  # neither text nor null
        ({"colour": "red"}, "$.colour"),  # unknown field at the top
    ],
)
def test_a_bad_request_names_the_field(change, path):
    """Requests are strict, and the message begins with the path of the field that is wrong."""
    with pytest.raises(ProtocolError) as caught:
        decode(wire.GroundRequest, {**REQUEST, **change}, strict=True)

    assert path == caught.value.parameters["path"]


def test_a_misfit_deep_inside_is_found():
    """The place is said from the outermost field to the innermost, also within lists of lists and dictionaries."""
    mask = {**DETECTION, "kind": "mask", "polygons_px": [[[[0.0, 0.0], [9.0, "nine"]]]]}
    result = {
        "item": "1",
        "outcome": "found",
        "reasoning": "",
        "raw_answer": "",
        "model": "",
        "engine": "",
        "prompt": "",
    }
    with pytest.raises(ProtocolError) as caught:
        decode(wire.ResultEvent, {**result, "detections": [DETECTION, mask]})
    assert caught.value.parameters["path"] == "$.detections[1].polygons_px[0][0][1][1]"
    assert "a number" in caught.value.parameters["reason"]

    error = {
        "code": "x",
        "message": "",
        "hint": "",
        "parameters": {"side_px": [1]},
        "request_id": "",
    }
    with pytest.raises(ProtocolError) as caught:
        decode(wire.ErrorEvent, {"item": "1", "error": error})
    assert caught.value.parameters["path"] == "$.error.parameters.side_px"


@pytest.mark.parametrize(
    ("line", "cls"),
    [
        ('{"event":"queued","item":"1","position":2}', wire.QueuedEvent),
        ('{"event":"token","item":"1","text":"Find","section":"think"}', wire.TokenEvent),
        ('{"event":"heartbeat","item":"","elapsed_s":3}', wire.HeartbeatEvent),
        ('{"event":"progress","item":"1","done":1,"total":2,"new_field":[1]}', wire.ProgressEvent),
        (
            json.dumps({"event": "detection", "item": "1", "detection": DETECTION}),
            wire.DetectionEvent,
        ),
        ('{"event":"error","item":"1","error":{"code":"internal","message":"m"}}', wire.ErrorEvent),
    ],
)
def test_each_event_has_its_class(line, cls):
    """An event line becomes the dataclass of its kind, and unknown fields are ignored."""
    assert isinstance(decode_event(line), cls)


def test_an_event_of_a_newer_service_is_passed_over():
    """A kind of event that this plugin does not know is none, not an error."""
    assert decode_event('{"event":"poem","item":"1"}') is None


def test_parameters_of_an_error_keep_their_types():
    """Numbers, words, truth and null stay what they are."""
    values = {"given_px": 5, "share": 0.5, "name": "x", "ok": True, "none": None}
    body = {"code": "c", "message": "m", "parameters": values}

    assert values == decode(wire.ErrorBody, body).parameters


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe",  # not UTF-8
        '{"event": NaN}',  # not JSON
        "[" * 100_000,  # a nesting bomb
        "[]",  # not an object
        '{"item":"1"}',  # no kind
        '{"event":["token"],"item":"1"}',  # the kind is not text
        '{"event":"token","item":"1","text":5,"section":"think"}',  # wrong type
        '{"event":"token","item":"1","text":"x","section":"poem"}',  # not a section
        '{"event":"detection","item":"1","detection":{"rank":0,"label":"a","box_px":[1,"2",3,4]}}',
    ],
)
def test_a_bad_line_is_one_kind_of_error(text):
    """Whatever is wrong with a line, the reader needs to catch ProtocolError alone."""
    with pytest.raises(ProtocolError):
        decode_event(text)
