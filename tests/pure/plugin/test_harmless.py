"""What a hostile service may say, and what becomes of it before anything is done with it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_qgis.core import harmless, wire
from geo_r1_qgis.core.ask_state import AskState, Stage
from geo_r1_qgis.core.codec import decode, decode_event, parse_json
from geo_r1_qgis.core.errors import ProtocolError, ServerElsewhere
from geo_r1_qgis.core.harmless import harmless_error, harmless_event, harmless_health
from geo_r1_qgis.core.plain_text import clipped, one_line, several_lines, visible
from geo_r1_qgis.core.standing import compare_wire, own_address, read_server_file

DETECTION = {"rank": 0, "label": "tank", "box_px": [1, 2, 3, 4]}
RESULT = {
    "event": "result", "item": "1", "outcome": "found", "detections": [DETECTION], "reasoning": "", "raw_answer": "",
    "model": "m", "engine": "e", "prompt": "p",
}  # fmt: skip
SERVER = {
    "url": "http://127.0.0.1:8765", "token": "t-1", "pid": 1, "version": "0", "wire_version": "1.0", "started": "",
}  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,  # nesting
        b'{"a":' * 100_000,
        b'{"event":"token","event":"result"}',  # a name twice
        b'{"event":"queued","item":"1","position":' + b"9" * 1_000_000 + b"}",  # a number bomb
        b'{"event":"queued","item":"1","position":99999999999999999999}',  # beyond 64 bits
        b'{"event":"heartbeat","item":"","elapsed_s":1e999}',  # infinity in disguise
        b'{"event":"heartbeat","item":"","elapsed_s":-1e999}',
        b'{"event":"heartbeat","item":"","elapsed_s":NaN}',
        b'{"event":"heartbeat","item":"","elapsed_s":Infinity}',
        b'{"event":"heartbeat","item":"","elapsed_s":"1"}',  # wrong types
        b'{"event":"token","item":"1","text":7,"section":"think"}',
        b'{"event":"token","item":"1","text":"x","section":[[]]}',
        b'{"event":"token","item":"1","text":"x","section":{"think":1}}',
        b'{"event":["token"]}',
        b"null",
        b'"token"',
        b"\xff\xfe{",  # not UTF-8
        b"",
    ],
)
def test_a_hostile_line_is_one_error_at_once(line):
    """Nesting, doubled names, numbers without end and wrong types are a protocol error within a moment."""
    began = time.perf_counter()
    with pytest.raises(ProtocolError) as caught:
        decode_event(line)

    assert time.perf_counter() - began < 1.0
    assert len(str(caught.value)) < 1000


@given(json_values, st.sampled_from(sorted(wire.EVENTS)), st.dictionaries(st.sampled_from(
    ["item", "text", "section", "detection", "detections", "error", "position", "elapsed_s", "box_px", "polygons_px"]
), json_values, max_size=6))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_json_is_an_event_or_an_error(value, kind, fields):
    """Whatever JSON comes as an event, it is an event, nothing at all, or a protocol error; never another exception."""
    for candidate in (value, {"event": kind, "item": "1", **fields}, {**RESULT, **fields}):
        try:
            line = json.dumps(candidate)
            event = decode_event(line)
            if event is not None:
                harmless_event(event)
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    "changes",
    [
        {"box_px": []},
        {"box_px": [1, 2, 3]},
        {"box_px": [1, 2, 3, 4, 5]},
        {"box_px": [3, 2, 1, 4]},  # no area
        {"box_px": [1, 2, 1e300, 4]},
        {"box_px": [-1e9, 2, 3, 4]},
        {"polygons_px": [[[[1, 2]]]]},  # a ring of one point
        {"polygons_px": [[[[1, 2], [3], [5, 6]]]]},
        {"polygons_px": [[[[1, 2], [3, 1e300], [5, 6]]]]},
        {"polygons_px": [[[[1, 2]] * 100_001]]},
        {"polygons_px": [[]]},  # a polygon without a ring
        {"polygons_px": [[[[1, 2], [3, 4], [5, 6]]], []]},
        {"points_px": [[1, 2, 3]]},
        {"points_px": [[1, 1e300]]},
        {"points_px": [[1, 2]] * 100_001},
    ],
)
def test_half_a_place_is_none(changes):
    """A box or an outline that no image can have is refused, with the path of the field."""
    event = {"event": "detection", "item": "1", "detection": {**DETECTION, **changes}}
    with pytest.raises(ProtocolError, match=r"\$\.detection\.(box|polygons|points)_px"):
        harmless_event(decode_event(json.dumps(event)))


def test_billions_of_detections_are_refused():
    """A result with more detections than a model can say is refused; the limit is named."""
    many = {**RESULT, "detections": [DETECTION] * (harmless.MAX_DETECTIONS + 1)}
    with pytest.raises(ProtocolError, match="the limit is 1,000"):
        harmless_event(decode_event(json.dumps(many)))


def test_long_and_strange_values_are_made_small():
    """A label stays one line of 200 characters, texts have their limits, counts fit into a file."""
    loud = {"rank": 10**17, "label": "a\nb\x00\u202e" + "x" * 1_000_000, "box_px": [1, 2, 3, 4]}
    more = {
        "detections": [loud], "reasoning": "r\x00" * 500_000, "model": "m" * 1_000_000,
        "dropped": [{"text": "t" * 9999, "reason": "r" * 9999}] * 999, "timings": {"tokens": -5, "total_ms": 1e300},
    }  # fmt: skip
    result = harmless_event(decode_event(json.dumps({**RESULT, **more})))
    (found,) = result.detections

    assert found.label.startswith("a b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}xx")
    assert len(found.label) == harmless.MAX_LABEL
    assert 0 <= found.rank < 2**31
    assert len(result.reasoning) == harmless.MAX_ANSWER
    assert "\x00" not in result.reasoning
    assert len(result.model) == harmless.MAX_NAME
    assert len(result.dropped) == harmless.MAX_DROPPED
    assert result.timings.tokens == 0
    assert result.timings.total_ms < 2**31


def test_an_error_of_a_stranger_is_tame():
    """Code, request id and parameter names keep their alphabet; texts their length; nothing else gets through."""
    error = harmless_error(
        wire.ErrorBody(
            code="<img src=file:///etc/passwd>",
            message="m" * 99_999,
            hint="h\x1b[31m\u202e",
            parameters={"limit": "p" * 99_999, "a b": 1, "self.__class__": 2, "x" * 999: 3, "n": 4},
            request_id="../../x",
        )
    )

    assert (error.code, error.request_id) == ("service-error", "")
    assert len(error.message) <= 1100
    assert "\x1b" not in error.hint
    assert "\u202e" not in error.hint
    assert sorted(error.parameters) == ["limit", "n"]
    assert len(str(error.parameters["limit"])) <= 1100


def test_health_and_models_of_a_stranger_are_small():
    """A hundred models at most, of ids that can be sent back; names of one line."""
    info = {
        "id": "m",
        "title": "t\n" * 9999,
        "engine": "",
        "tasks": ["rec"] * 999,
        "state": "loaded",
    }
    ids = ["../../../etc/passwd\x00", "a b", "", "x" * 201, "<b>", "good/one:1.0"]
    listed = {"models": [{**info, "id": each} for each in ids] + [info] * 500}
    models = harmless.harmless_models(decode(wire.ModelList, listed)).models
    health = harmless_health(
        wire.Health("geo-r1", "v" * 999, "1.0", "ready", 1, model_title="<b>\n" * 999, queue_length=-3,
                    refused={"k" * 999: "v" * 9999}, ready_after_s=-1.0)
    )  # fmt: skip

    assert (models[0].id, len(models), len(models[0].tasks)) == ("good/one:1.0", 100, 50)
    assert "\n" not in models[0].title + health.model_title
    assert len(models[0].title) <= 120
    assert (len(health.version), health.queue_length, health.ready_after_s) == (120, 0, 0.0)


@pytest.mark.parametrize(
    "order",
    [
        ["started", "queued", "token"],
        ["queued", "queued", "started", "started"],
        ["token", "queued", "started"],
        ["detection", "queued"],
    ],
)
def test_events_in_a_strange_order_break_nothing(order):
    """A service that goes back to the queue in the middle of an answer is followed as far as it makes sense."""
    lines = {
        "started": {"model": "m", "engine": "e", "device": "d", "model_width_px": 1, "model_height_px": 1},
        "queued": {"position": 3},
        "token": {"text": "t", "section": "think"},
        "detection": {"detection": DETECTION},
    }  # fmt: skip
    state = AskState()
    state.begin("q")
    for stage in (Stage.CAPTURING, Stage.UPLOADING):
        state.move(stage)
    for kind in order:
        state.take(decode_event(json.dumps({"event": kind, "item": "1", **lines[kind]})))

    assert state.is_running


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org:8765",
        "http://192.168.1.5:8765",
        "http://127.0.0.1.example.org:80",
        "http://127.0.0.1@example.org:80",
        "http://user:pass@127.0.0.1:80",
        "http://example.org:80#@127.0.0.1:80",
        "http://example.org:80\\@127.0.0.1:80",
        "http://localhost.:80",
        "http://localhost.example.org:80",
        "http://0x7f.1:80",
        "http://2130706433:80",
        "http://0.0.0.0:80",
        "http://[fe80::1]:80",
        "http://127.0.0.1:80/elsewhere",
        "http://127.0.0.1:80/?to=example.org",
        "http://127.0.0.1",  # the service always has a port
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "ftp://127.0.0.1:80",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://[::1:80",
        "",
    ],
)
def test_a_token_stays_on_this_machine(url):
    """An address in `server.json` that is not plainly this machine's own is refused, and named."""
    with pytest.raises(ServerElsewhere) as caught:
        read_server_file(json.dumps({**SERVER, "url": url}).encode())

    assert url[:40] in str(caught.value)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.0.0.1:8765/", "http://127.0.0.1:8765"),
        ("HTTP://LOCALHOST:8765", "http://localhost:8765"),
        ("http://127.8.9.1:1", "http://127.8.9.1:1"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("http://[0:0:0:0:0:0:0:1]:8765", "http://[::1]:8765"),
    ],
)
def test_own_addresses_are_written_plainly(url, plain):
    """Every loopback address is taken, in its plainest form."""
    assert own_address(url) == plain


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "\u00e4", "t" * 501])
def test_a_token_cannot_be_a_header(token):
    """A token with anything but visible ASCII in it is refused: it would become a part of a request."""
    with pytest.raises(ProtocolError):
        read_server_file(json.dumps({**SERVER, "token": token}).encode())


@pytest.mark.parametrize("theirs", ["9" * 10_000, "\u0663.0", "", "-1", "1e5", "<b>"])
def test_a_strange_version_is_no_version(theirs):
    """A version without a plain major number says nothing; it never raises."""
    assert compare_wire(theirs) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egnp.exe", "\N{REPLACEMENT CHARACTER}gnp.exe"),  # bidi override
        ("a\u200bb\u2060c\ufeffd", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}d"),
        ("\x1b[2Jx\x07\x00", "\N{REPLACEMENT CHARACTER}[2Jx" + "\N{REPLACEMENT CHARACTER}" * 2),  # a terminal's
        ("\U000e0041", "\N{REPLACEMENT CHARACTER}"),  # a tag nobody sees
        ("a" + "\u0301" * 1000, "a" + "\u0301" * 4),  # a pile over the lines above
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("क्‍ष می‌خواهم é 👩‍👧\tx\ny", "क्‍ष می‌خواهم é 👩‍👧\tx\ny"),  # joiners that scripts need stay
    ],
)  # fmt: skip
def test_what_is_not_seen_is_shown(text, shown):
    """Marks that hide, reorder or pile up are replaced; the words of every script stay."""
    assert visible(text) == shown


def test_texts_have_a_length():
    """A cut is seen; a word of a megabyte cannot make a window as wide as itself."""
    assert clipped("x" * 100, 10) == "x" * 9 + "…"
    assert one_line(" a\n\tb  c ", 20) == "a b c"
    assert len(one_line("x" * 1_000_000, 50)) == 50
    assert max(len(word) for word in several_lines("x" * 1_000_000, 5000).split()) <= 200


def test_parse_json_keeps_good_json():
    """The strictness takes nothing from what a service of ours writes."""
    text = '{"a": [1, -2.5, 1e3, "\\ud83d\\ude00", null, true, {"b": {}}]}'

    assert parse_json(text) == {"a": [1, -2.5, 1000.0, "😀", None, True, {"b": {}}]}
