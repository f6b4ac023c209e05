"""`remote.json`, the rules of health, and the chat format: everything about other servers that needs no socket."""

from __future__ import annotations

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geo_r1_backend.engines.base import EngineItem, GenerationOptions, ModelProfile
from geo_r1_backend.engines.remote_chat import (
    Delta,
    NoChat,
    WholeText,
    dialect_of,
    events,
    read_delta,
    request_body,
    served_names,
)
from geo_r1_backend.engines.remote_health import Health
from geo_r1_backend.engines.remote_views import seen_views
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.models.registry import describe, find_models
from geo_r1_backend.models.remote import RemoteConfig, as_address, read_remote

PLACE = "http://127.0.0.1:8000"


def write(folder, **content):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "remote.json").write_text(json.dumps(content))
    return folder


# ---- remote.json ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("https://gpu.office/v1/", "https://gpu.office/v1"),
        ("https://gpu.office/v1/chat/completions", "https://gpu.office/v1"),
        ("https://gpu.office/team-a", "https://gpu.office/team-a/v1"),  # behind a proxy
    ],
)
def test_an_address_is_understood_as_people_write_it(written, url):
    """With or without /v1, a slash, or the last part that documentation of servers shows."""
    assert as_address(written).url == url
    assert "/v1" not in as_address(written).shown


@pytest.mark.parametrize(
    "written",
    ["", "gpu.office:8000", "ftp://gpu", "http://", "http://h:99999", "http://ann:pw@gpu", "https://gpu?key=pw"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_a_password(written):
    """An address that cannot be one, or that carries a secret, is refused in words."""
    with pytest.raises(ConfigError) as refusal:
        as_address(written)

    assert "pw" not in refusal.value.message


def test_a_folder_with_remote_json_is_a_model(tmp_path):
    """It is listed among the others with its address, and can be named by a request."""
    write(tmp_path / "models" / "big", endpoints=[PLACE], model="Geo-R1-7B", title="Geo-R1 7B")

    (model,) = [m for m in find_models(tmp_path) if m.kind == "remote"]

    assert (model.id, model.title) == ("big", "Geo-R1 7B")
    assert PLACE in model.note


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "no list “endpoints”"),
        ({"endpoints": []}, "No endpoint"),
        ({"endpoints": [7]}, "endpoint 7"),
        ({"endpoints": ["nowhere"]}, "nowhere"),
        ({"endpoints": ["http://gpu.office:8000"]}, "not encrypted"),
        ({"endpoints": [PLACE], "key": "sk-1"}, "“key”"),
        ({"endpoints": [PLACE], "colour": "x"}, "“colour”"),
        ({"endpoints": [PLACE], "model": 7}, "must be text"),
        ({"endpoints": [PLACE], "concurrency": 0}, "between 1 and 256"),
        ({"endpoints": [PLACE], "concurrency": "8"}, "whole number"),
        ({"endpoints": [PLACE], "silence_s": -1}, "more than 0"),
    ],
)
def test_a_file_that_cannot_work_says_why(tmp_path, content, words):
    """A broken file is a broken model in the list, with the reason; a key in it is refused and not repeated."""
    model = describe(write(tmp_path / "big", **content))

    assert model.kind == "broken"
    assert words in model.note
    assert "sk-1" not in model.note


def test_plain_http_to_another_machine_needs_consent(tmp_path):
    """Unencrypted ways are taken only where the file says so; to this machine always."""
    given = {"endpoints": ["http://gpu.office:8000"], "allow_plain_http": True}

    assert read_remote(write(tmp_path, **given)).shown == "http://gpu.office:8000"
    assert RemoteConfig(endpoints=(as_address("http://[::1]:8000"),))


def test_key_comes_from_a_variable_or_a_closed_file(tmp_path, monkeypatch):
    """A file that others can read is refused with the command that closes it; a key never shows in what is printed."""
    key = "k" * 20
    path = tmp_path / "key"
    path.write_text(f"{key}\n")
    path.chmod(0o644)
    config = read_remote(write(tmp_path, endpoints=[PLACE], key_file="key"))
    with pytest.raises(ConfigError, match="mode 644") as refusal:
        config.key()
    assert "chmod 600 key" in refusal.value.hint

    path.chmod(0o600)
    assert config.key() == key
    monkeypatch.setenv("KEY_OF_TEAM", key)
    other = read_remote(write(tmp_path, endpoints=[PLACE], key_env="KEY_OF_TEAM"))
    assert other.key() == key
    assert key not in f"{config} {other} {config.key_place} {other.key_place}"


# ---- health ---------------------------------------------------------------------------------------------------------


def up(concurrency=4, chance=0.5):
    health = Health(concurrency, lambda: chance)
    health.answered()
    return health


def test_waits_double_and_have_an_end():
    """An endpoint that stays away is tried after 0.5, 1, 2 … and at most 30 s, more or less by half."""
    health, waits, now_s = up(), [], 100.0
    for _ in range(10):
        health.went_away("gone", now_s)
        waits.append(health.not_before_s - now_s)
        now_s = health.not_before_s

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert not health.can_take(now_s)
    assert health.should_probe(now_s)


@given(st.floats(0, 1, exclude_max=True))
def test_chance_keeps_clients_apart(chance):
    """The first wait lies between a quarter of a second and three quarters."""
    health = up(chance=chance)
    health.went_away("gone", 0.0)

    assert 0.25 <= health.not_before_s <= 0.75


def test_one_error_is_a_pause_and_three_in_a_row_are_an_end():
    """A single 500 may be the question's fault; an endpoint that only makes errors is left out."""
    health = up()
    health.made_an_error("boom", 0.0)
    health.made_an_error("boom", 1.0)
    assert health.is_up
    health.made_an_error("boom", 2.0)
    assert not health.is_up

    health.answered()
    health.made_an_error("boom", 3.0)
    assert health.is_up


def test_too_many_requests_halve_the_room_and_answers_give_it_back():
    """A full server gets half as many questions, after the wait it asked for; good answers raise the number again."""
    health = up(8)
    health.busy = 8
    health.is_full(7.0, 100.0)
    health.busy = 0

    assert health.room == 4.0
    assert not health.can_take(106.9)
    assert health.can_take(107.0)
    for _ in range(100):
        health.answered()
    assert health.room == 8.0
    health.is_full(10_000.0, 0.0)
    assert health.not_before_s == 120.0


# ---- chat -----------------------------------------------------------------------------------------------------------


def test_image_travels_as_it_is_and_stands_before_the_prompt():
    """The PNG in the request has the very pixels of the item."""
    image = Image.effect_noise((56, 84), 60).convert("RGB")
    item = EngineItem(image, "Find ships.")
    body = json.loads(
        request_body(item, GenerationOptions(max_new_tokens=9), model="m", dialect="openai", seed=3)
    )
    first, second = body["messages"][0]["content"]
    sent = Image.open(io.BytesIO(base64.b64decode(first["image_url"]["url"].partition(",")[2])))

    assert sent.tobytes() == image.tobytes()
    assert second == {"type": "text", "text": "Find ships."}
    assert (body["max_tokens"], body["temperature"], body["seed"], body["stream"]) == (9, 0.0, 3, True)  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data:a\r\n\r\n: ping\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),  # no space, CRLF, a comment
        (b"event: x\nid: 1\ndata: a\n\n", ["a"]),  # other fields
        (b"data: a\ndata: b\n\n", ["a\nb"]),  # one event in two lines
        (b"data: a", ["a"]),  # the last blank line is missing
        (b'{\n"choices": []\n}', ['{\n"choices": []\n}']),  # one document, not a stream
        (b"\n\n", []),
    ],
)
def test_events_of_a_stream(stream, found):
    """Server-sent events as their standard has them, and what servers make of it."""
    assert list(events(line.rstrip(b"\r") for line in stream.split(b"\n"))) == found


def test_deltas_of_the_dialects():
    """Text, reasoning, end and counts are found where each server puts them."""
    assert read_delta('{"choices": [{"delta": {"content": "a"}}]}') == Delta("a")
    assert read_delta('{"choices": [{"delta": {"reasoning": "r"}}]}') == Delta(reasoning="r")
    assert read_delta('{"choices": [{"message": {"content": "a"}, "finish_reason": "length"}]}') == Delta("a", finish="length")  # fmt: skip
    assert read_delta('{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}') == Delta(prompt_tokens=7, completion_tokens=2)  # fmt: skip
    assert read_delta('{"error": {"message": "full"}}').error == "full"
    assert read_delta('{"choices": [{"delta": {"content": null}, "finish_reason": "eos"}]}') == Delta(finish="stop")  # fmt: skip
    for wrong in ("x", "7", '{"a": 1}', '{"choices": [{"delta": 7}]}'):
        with pytest.raises(NoChat):
            read_delta(wrong)


@given(st.lists(st.tuples(st.booleans(), st.text("ab <>", min_size=1, max_size=4)), max_size=8))
def test_reasoning_is_put_back_between_its_tags(parts):
    """Whatever the pieces, tags open and close in turn and no text is lost."""
    whole = WholeText()
    parts.sort(key=lambda part: not part[0])
    text = "".join(whole.add(Delta(reasoning=t) if r else Delta(t)) for r, t in parts)
    reasoning = "".join(t for r, t in parts if r)
    answer = "".join(t for r, t in parts if not r)
    expected = (f"<think>{reasoning}" if reasoning else "") + ("</think>" if reasoning and answer else "") + answer  # fmt: skip

    assert text == expected


def test_servers_are_told_apart_by_what_they_list():
    """`/v1/models` says which server it is and what it serves, adapters included."""
    vllm = {"data": [{"id": "base", "owned_by": "vllm"}, {"id": "team-a", "owned_by": "vllm", "parent": "base"}]}  # fmt: skip

    assert dialect_of(vllm) == "vllm"
    assert served_names(vllm) == ["base", "team-a"]
    assert dialect_of({"data": [{"id": "x", "owned_by": "llamacpp"}]}) == "llama.cpp"
    assert dialect_of({"data": []}) == "openai"


# ---- views ----------------------------------------------------------------------------------------------------------

FREE = ModelProfile("m", "m", ("rec",), "absolute", 28, 56 * 56, 1280 * 28 * 28)


def counting(smallest=0, largest=10**9, around=2):
    """A server that enlarges and shrinks images to its own limits, in cells of 28 px."""

    def count(item):
        if item is None:
            return 20
        cells = item.image.width * item.image.height // 28**2
        return 20 + around + min(max(cells, smallest), largest)

    return count


@given(st.integers(1, 64), st.integers(65, 5000))
def test_views_are_planned_inside_of_what_a_server_leaves_alone(smallest, largest):
    """Whatever a server's limits, the largest and smallest view are then seen as they are sent."""
    seen = seen_views(FREE, counting(smallest, largest))

    assert seen.wrong is None
    assert seen.profile.max_pixels == min(1280, largest) * 28 * 28
    assert seen.profile.min_pixels == max(4, smallest) * 28 * 28


def test_fixed_views_that_are_changed_are_refused_and_shares_are_not():
    """The embedded model's views cannot be made smaller; thousandths of the sides do not care."""
    fixed = ModelProfile(**{**vars(FREE), "view_sizes_px": ((448, 448), (672, 224))})
    shares = ModelProfile(**{**vars(FREE), "convention": "per_mille"})

    assert seen_views(fixed, counting()).wrong is None
    assert seen_views(fixed, counting(largest=200)).wrong == (448, 448, 200, 256)
    assert seen_views(shares, counting(largest=5)).profile == shares
    assert "not checked" in seen_views(FREE, lambda item: 20).note
