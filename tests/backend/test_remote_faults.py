"""Endpoints that break, cheat, stall and come back: no item is lost, and every error says what to do."""

from __future__ import annotations

import logging
import threading
import time

import pytest
from PIL import Image

from geo_r1_backend.engines import remote_health
from geo_r1_backend.engines.base import EngineItem, GenerationOptions
from geo_r1_backend.engines.remote import RemoteEngine
from geo_r1_backend.errors import (
    ConfigError,
    GeoR1Error,
    RemoteContext,
    RemoteImageRefused,
    RemoteModelUnknown,
    RemoteRefused,
    RemoteUnauthorized,
    RemoteUnreachable,
    RemoteViews,
)
from geo_r1_backend.models.remote import RemoteConfig, as_address
from tests.backend.fake_endpoint import (
    ANSWER,
    FakeEndpoint,
    answers,
    cut,
    fakes,
    keeps_open,
    never_ends,
    raw,
    say,
    silent,
)
from tests.certificates import Authority

PROFILE = {"min_pixels": 56 * 56, "max_pixels": 64 * 28 * 28}
OPTIONS = GenerationOptions(max_new_tokens=200)


def config(*endpoints, **settings):
    given = {"patience_s": 0.6, "silence_s": 5.0, "profile": PROFILE, **settings}
    return RemoteConfig(
        endpoints=tuple(as_address(getattr(e, "url", e)) for e in endpoints), **given
    )


def engine(*endpoints, **settings):
    return RemoteEngine(config(*endpoints, **settings), chance=lambda: 0.0)


def items(count, width_px=112, height_px=56):
    image = Image.new("RGB", (width_px, height_px), "olive")
    return [EngineItem(image, f"question {number}") for number in range(count)]


def texts(pieces):
    """Text of each item, with beginnings anew taken into account."""
    found = {}
    for piece in pieces:
        found[piece.index] = ("" if piece.restart else found.get(piece.index, "")) + piece.text
    return found


def until_error(pieces):
    """Text of each item, and the error at the end."""
    kept = []
    try:
        for piece in pieces:
            kept.append(piece)
    except GeoR1Error as error:
        return texts(kept), error
    return texts(kept), None


def ask(remote, count=1, should_stop=lambda: False, **more):
    return list(remote.generate(items(count, **more), OPTIONS, should_stop))


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    """A tenth of the usual waits; their lengths are those of test_remote_health."""
    monkeypatch.setattr(remote_health, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(remote_health, "USUAL_PAUSE_S", 0.1)


@pytest.fixture
def fake():
    endpoint = FakeEndpoint()
    yield endpoint
    assert not endpoint.complaint
    endpoint.stop()


def test_answer_arrives_piece_by_piece_with_its_tokens(fake):
    """A stream gives text as it comes, one last piece with the reason of the end, and the server's own count of tokens."""
    pieces = ask(engine(fake))

    assert texts(pieces) == {0: ANSWER}
    assert [piece.finish for piece in pieces if piece.finish] == ["stop"]
    assert pieces[-1].finish
    assert sum(piece.tokens for piece in pieces) == len(ANSWER)
    assert fake.asked == [("question 0", (112, 56))]


def test_items_are_spread_with_bounded_concurrency():
    """No endpoint is asked more at a time than allowed, all of them work, and every item is answered once."""
    with fakes(FakeEndpoint(delay_s=0.004), FakeEndpoint(delay_s=0.004)) as (one, two):
        found = texts(ask(engine(one, two, concurrency=3), count=24))

        assert found == dict.fromkeys(range(24), ANSWER)
        assert len(one.asked) + len(two.asked) == 24
        assert min(len(one.asked), len(two.asked)) >= 6
        assert max(one.most, two.most) <= 3
        assert min(one.most, two.most) >= 2


@pytest.mark.parametrize(
    "fault",
    [
        cut(3),  # the connection ends in the middle
        answers(500),  # a fault of the server
        answers(502, "bad gateway"),  # of whatever stands before it
        answers(429, Retry_After="0.1"),  # no room, and when to come again
        answers(429),  # no room
        raw(b"data: {not json}\n\n"),
        raw(b"data: [1, 2]\n\n"),  # JSON, but no object
        raw(b'data: {"answer": 1}\n\n'),  # an object, but no chat
        raw(b'data: {"error": "CUDA out of memory"}\n\n'),  # a fault inside of 200
        raw(b"<html>proxy</html>", "text/html"),
        raw(b""),
        silent,  # comments keep the connection alive, and nothing comes
    ],
)
def test_one_fault_is_tried_again(fake, fault):
    """Whatever goes wrong once is asked again, and the answer is whole."""
    fake.script.append(fault)

    found = texts(ask(engine(fake, silence_s=0.3, patience_s=5.0)))

    assert found == {0: ANSWER}
    assert len(fake.asked) == 2


def test_retry_after_is_obeyed(fake):
    """A server that says when to come again is not asked before."""
    times = []
    fake.script.append(answers(429, Retry_After="0.4"))
    fake.answer = lambda prompt, image: times.append(time.monotonic()) or ANSWER

    ask(engine(fake))

    assert times[1] - times[0] >= 0.4


def test_text_that_was_said_is_not_said_again(fake):
    """An answer that is cut and begins again the same way goes on where it was cut, without a beginning anew."""
    fake.script.append(cut(5))

    pieces = ask(engine(fake))

    assert "".join(piece.text for piece in pieces) == ANSWER
    assert not any(piece.restart for piece in pieces)


def test_second_answer_that_differs_begins_anew(fake):
    """Where the second server says something else, the first beginning does not count, and that is said."""
    said = iter([ANSWER, "<think>Other</think><answer>None</answer>"])
    fake.answer = lambda prompt, image: next(said)
    fake.script.append(cut(5))

    pieces = ask(engine(fake))

    assert texts(pieces) == {0: "<think>Other</think><answer>None</answer>"}
    assert sum(piece.restart for piece in pieces) == 1


def test_dead_endpoint_loses_no_item_and_is_used_again_when_back():
    """One of two dies in the middle of its answers; all items are answered, and it is asked again once it is back."""
    with fakes(FakeEndpoint(delay_s=0.003), FakeEndpoint(delay_s=0.003)) as (dying, other):
        remote = engine(dying, other, concurrency=2)
        dying.script.extend([cut(4)] * 2)
        dying.answer = lambda prompt, image: (len(dying.asked) == 2 and dying.stop()) or ANSWER

        found = texts(ask(remote, count=20))
        assert found == dict.fromkeys(range(20), ANSWER)
        assert len(other.asked) >= 16

        dying.answer = ANSWER
        dying.start_again()
        asked_before, until_s = len(dying.asked), time.monotonic() + 10
        while len(dying.asked) == asked_before:
            ask(remote, count=4)
            assert time.monotonic() < until_s


def test_poisonous_item_ends_with_its_reason_and_the_others_are_answered(fake):
    """An item that fails each time is given up after some tries; what else was asked is answered first."""

    def act(handler, text, **more):
        poison = fake.bodies[-1]["messages"][0]["content"][1]["text"] == "question 1"
        (answers(500, "cannot") if poison else say)(handler, text, **more)

    fake.script.extend([act] * 50)
    remote = engine(fake, concurrency=1, patience_s=20.0)

    found, error = until_error(remote.generate(items(3), OPTIONS, lambda: False))

    assert "after 6 tries" in str(error)
    assert "answers 500: cannot" in str(error)
    assert found == {0: ANSWER, 2: ANSWER}


def test_answer_without_end_is_ended_at_the_limit(fake):
    """A server that never ends an answer is left at the limit of tokens, and hears of it."""
    fake.script.append(never_ends)

    pieces = ask(engine(fake))

    assert pieces[-1].finish == "length"
    assert OPTIONS.max_new_tokens <= len(pieces) <= OPTIONS.max_new_tokens + 3
    assert fake.left.wait(2.0)


def test_end_that_was_said_is_enough(fake):
    """A server that keeps the connection open after its last word holds nobody up."""
    fake.script.append(keeps_open)
    began_s = time.monotonic()

    assert texts(ask(engine(fake))) == {0: ANSWER}
    assert time.monotonic() - began_s < 3.0


@pytest.mark.parametrize("act", [silent, never_ends])
def test_stop_takes_effect_within_a_second(fake, act):
    """Stop ends a call at once, while nothing comes as well as in the middle of a flood, and the server sees it."""
    fake.script.append(act)
    remote = engine(fake)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()

    pieces = list(remote.generate(items(1), GenerationOptions(max_new_tokens=10**6), stop.is_set))
    until_s = time.monotonic() + 1.0

    assert not any(piece.finish for piece in pieces)
    assert stop.is_set()
    assert fake.left.wait(until_s - time.monotonic())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def test_encrypted_way_is_taken_and_stops_at_once(authority):
    """Over TLS with a private authority an answer arrives, and Stop in the middle of one is as quick as without."""
    with fakes(FakeEndpoint(certificate=authority.sign("good", "127.0.0.1"))) as (fake,):
        remote, stop = engine(fake, ca_file=authority.root.chain), threading.Event()
        assert texts(ask(remote)) == {0: ANSWER}

        fake.script.append(never_ends)
        began_s = None
        for _ in remote.generate(items(1), GenerationOptions(max_new_tokens=10**6), stop.is_set):
            began_s = began_s or time.monotonic()
            stop.set()
        assert time.monotonic() - began_s < 1.0
        assert fake.left.wait(1.0)


@pytest.mark.parametrize("names", [("127.0.0.1",), ("gpu.office",)])
def test_certificate_that_is_not_good_gets_nothing(authority, names):
    """Nobody vouches for it, or it is made out to another name: no key, no picture, and the reason is said."""
    own = authority.self_signed(f"own-{names[0]}", *names)
    trusted = None if names == ("127.0.0.1",) else own.chain
    with fakes(FakeEndpoint(certificate=own)) as (fake,):
        with pytest.raises(RemoteUnreachable, match="its certificate is not good"):
            engine(fake, ca_file=trusted)
        assert fake.looks == 0


def test_leaving_the_generator_frees_the_server(fake):
    """Whoever closes the generator without a word frees the endpoint as well."""
    fake.script.append(never_ends)
    answering = engine(fake).generate(items(1), OPTIONS, lambda: False)
    next(answering)

    answering.close()

    assert fake.left.wait(1.0)


def test_all_gone_is_said_with_each_reason_after_a_while(fake):
    """When no endpoint answers any more, the error names them and why; not at once, for servers are restarted."""
    remote = engine(fake)
    fake.stop()
    began_s = time.monotonic()

    with pytest.raises(RemoteUnreachable, match="refuses the connection") as failure:
        ask(remote)
    fake.start_again()

    assert 0.5 < time.monotonic() - began_s < 5.0
    assert fake.url in failure.value.hint


@pytest.mark.parametrize(
    ("make", "settings", "error", "words"),
    [
        ({}, {"model": "other"}, RemoteModelUnknown, "“other”; it serves: tiny"),
        ({"key": "right"}, {}, RemoteUnauthorized, "none is set"),
        (
            {"shrinks_to_cells": 30},
            {"profile": {**PROFILE, "view_sizes_px": [[224, 224]]}},
            RemoteViews,
            "30 visual tokens instead of 64",
        ),
        ({"context": 40}, {}, RemoteContext, "maximum context length is 40"),
    ],
)
def test_wrong_endpoint_is_refused_at_the_start(make, settings, error, words):
    """A wrong name, key, size or context is found before a person asks anything, with the values."""
    with fakes(FakeEndpoint(**make)) as (fake,), pytest.raises(error, match=words):
        engine(fake, **settings)


def test_nobody_there_is_said_at_the_start():
    """An address at which nothing listens is an error with the address and the reason."""
    with pytest.raises(RemoteUnreachable, match=r"127\.0\.0\.1:9: it refuses the connection"):
        engine("http://127.0.0.1:9")


def test_something_else_that_listens_is_no_endpoint(fake):
    """A web server that is no chat server is refused in words."""
    fake.list_models = lambda handler: raw(b"<html>hello</html>")(handler, "")

    with pytest.raises(RemoteRefused, match="hello"):
        engine(fake)


def test_redirect_is_not_followed(fake):
    """An endpoint that sends us elsewhere is refused: key and pixels go to the address in the header alone."""
    fake.list_models = lambda handler: answers(307, Location="http://127.0.0.1:9/")(handler, "")

    with pytest.raises(RemoteRefused, match="not followed"):
        engine(fake)


def test_smaller_limits_of_a_server_become_those_of_the_views():
    """A server that shrinks large images is found out by its count of tokens, and views are planned inside of its limits."""
    with fakes(FakeEndpoint(shrinks_to_cells=30)) as (fake,):
        remote = engine(fake)

        assert remote.profile.max_pixels == 30 * 28 * 28
        assert "30 cells" in next(iter(remote.status().facts.values()))


def test_server_that_does_not_count_is_used_and_that_is_said():
    """Where tokens are not counted the size cannot be checked, and the facts say so."""
    with fakes(FakeEndpoint(counts=False)) as (fake,):
        assert "not checked" in next(iter(engine(fake).status().facts.values()))


def test_prompt_that_leaves_no_room_for_the_limit_is_asked_without_it():
    """A context too small for image, question and limit of tokens together is used as far as it goes."""
    with fakes(FakeEndpoint(context=150)) as (fake,):
        assert texts(ask(engine(fake))) == {0: ANSWER}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (answers(400, "image input is not supported"), RemoteImageRefused),
        (answers(413, "payload too large"), RemoteImageRefused),
        (answers(400, "prompt exceeds the context size"), RemoteContext),
        (answers(422, "something odd"), RemoteRefused),
    ],
)
def test_refused_item_fails_alone(fake, fault, error):
    """What a server refuses about one question is that question's error; the others are answered."""
    fake.script.extend([fault] * (2 if error is RemoteContext else 1))
    remote = engine(fake, concurrency=1)

    found, told = until_error(remote.generate(items(2), OPTIONS, lambda: False))

    assert isinstance(told, error)
    assert found == {1: ANSWER}


def test_key_is_sent_and_never_told(tmp_path, monkeypatch, caplog):
    """The right key opens; the wrong one stands in no error and in no log, even where the server repeats it."""
    caplog.set_level(logging.DEBUG)
    secret = "sk-" + "5e" * 8
    with fakes(FakeEndpoint(key=secret)) as (fake,):
        monkeypatch.setenv("KEY_OF_THE_TEST", secret)
        assert texts(ask(engine(fake, key_env="KEY_OF_THE_TEST"))) == {0: ANSWER}

        monkeypatch.setenv("KEY_OF_THE_TEST", "wrong-" + secret)
        with pytest.raises(RemoteUnauthorized, match="variable KEY_OF_THE_TEST") as failure:
            engine(fake, key_env="KEY_OF_THE_TEST")
        fake.key = ""
        remote = engine(fake, key_env="KEY_OF_THE_TEST")
        fake.script.extend([answers(400, f"bad key wrong-{secret}")] * 2)
        with pytest.raises(GeoR1Error) as second:
            ask(remote)

    told = f"{failure.value} {failure.value.hint} {second.value} {remote.status()} {caplog.text}"
    assert secret not in told


def test_reasoning_that_a_server_takes_out_is_put_back(fake):
    """A server that splits reasoning from the answer gives the same text as one that does not."""

    def split(handler, text, **more):
        from tests.backend.fake_endpoint import begin, piece

        begin(handler)
        for part in ("One ", "[28,56,84,112]."):
            piece(handler, part, name="reasoning_content")
        piece(handler, text.partition("</think>")[2], "stop")

    fake.script.append(split)

    assert texts(ask(engine(fake))) == {0: ANSWER}


def test_answer_that_is_not_streamed_is_taken(fake):
    """A server that answers with one document instead of a stream is understood."""
    document = b'{"choices": [{"message": {"content": "None"}, "finish_reason": "stop"}]}'
    fake.script.append(raw(document, "application/json"))

    assert texts(ask(engine(fake))) == {0: "None"}


@pytest.mark.parametrize(
    ("owner", "field"),
    [
        ("vllm", "repetition_penalty"),
        ("sglang", "repetition_penalty"),
        ("llamacpp", "reasoning_format"),
        ("someone", None),
    ],
)
def test_each_dialect_gets_its_own_fields(owner, field):
    """What a server needs to answer as the local engine does is sent to that server, and to no other."""
    with fakes(FakeEndpoint(owner=owner)) as (fake,):
        ask(engine(fake))

        extra = set(fake.bodies[0]) & {"repetition_penalty", "reasoning_format"}
        assert extra == ({field} if field else set())


def test_missing_key_is_said_before_anything_is_sent(fake):
    """A variable that is not set is named, and the endpoint is not asked."""
    with pytest.raises(ConfigError, match="NO_SUCH_KEY"):
        engine(fake, key_env="NO_SUCH_KEY")
    assert fake.looks == 0
